package agent

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/claim/hub"
)

// Code of somebody without write access is run when somebody who has it says "/ok-to-test" in a comment, and only the commit
// that the word was said about. Which one that is, cannot be told from times alone: pushes have none that GitHub vouches for,
// and a commit may have been seen in another pull request before. So the bots say it first, in one comment that they edit:
// "/ok-to-test now is about the commit C". A word counts for the head if, when it was said, that comment named the head
// already, and has not been changed since; what is pushed later, forth or back, changes it, and needs a new word. Who wants
// no doubt names the commit: "/ok-to-test 1a2b3c4d".
//
// The words are read anew, and who said them is asked of GitHub anew, just before a job is claimed.

// needsOK is what people read of a job that waits for the word.
const needsOK = "needs /ok-to-test from someone with write access"

// gate is the kind of the comment that names the commit; see sticky.
const gate = "gate"

// An approval is what has been said about running an outsider's pull request.
type approval struct {
	By    string // who said that the head may be tested; empty if nobody
	Named string // the commit that the bots' comment is about; empty if there is none

	head    string // that this is about
	updated time.Time
	asked   time.Time
}

// approvedFor is how long an answer is used for an unchanged pull request when nothing depends on it but the queue.
const approvedFor = 10 * time.Minute

// approvals gives, for pull requests of outsiders, who said that their head may be tested. What cannot be read is no approval.
func (a *Agent) approvals(ctx context.Context, v *view) map[int]string {
	list := map[int]string{}
	for _, p := range v.Snapshot.Pulls {
		if p.Stale || v.outsider(p) == "" {
			continue
		}
		key := pullKey(v.Repo, p.Number)
		known, ok := a.approved[key]
		settled := known.asked.Sub(p.UpdatedAt) > trustFor && time.Since(known.asked) < approvedFor // a second can hold two changes
		if !ok || known.head != p.HeadSHA || !known.updated.Equal(p.UpdatedAt) || !settled {
			found, err := a.approval(ctx, v.Repo, p)
			if err != nil {
				if ctx.Err() == nil {
					a.c.Log.Warn("cannot read who approves", "pull", p.Number, "error", err)
				}
				delete(a.approved, key)
				continue
			}
			known = found
			a.approved[key] = known
		}
		if known.By != "" {
			list[p.Number] = known.By
		}
	}
	return list
}

func pullKey(repo hub.Repo, n int) string {
	return fmt.Sprintf("%s#%d", strings.ToLower(repo.String()), n)
}

// approval reads what has been said about the head of a pull request. It may be called from any goroutine.
func (a *Agent) approval(ctx context.Context, repo hub.Repo, p hub.Pull) (approval, error) {
	found := approval{head: p.HeadSHA, updated: p.UpdatedAt, asked: a.c.Hub.Now()}
	note, _, err := a.sticky(ctx, repo, p.Number, gate)
	if err != nil {
		return found, err
	}
	found.Named = namedIn(note.Body)
	comments, err := a.c.Hub.Comments(ctx, repo, p.Number, time.Time{})
	if err != nil {
		return found, err
	}
	me, err := a.me(ctx)
	if err != nil {
		return found, err
	}
	for _, c := range slices.Backward(comments) {
		if !approves(c, p.HeadSHA, found.Named, note.UpdatedAt) || strings.EqualFold(c.Author, me) && strings.Contains(strings.TrimSpace(c.Body), "\n") {
			continue // a person may use the bots' account, but bots say more than one line, and some of it is of strangers
		}
		writer, err := a.mayWrite(ctx, repo, c.Author)
		if err != nil {
			return found, err
		}
		if writer {
			found.By = c.Author
			return found, nil
		}
	}
	return found, nil
}

// approves tells whether a comment would approve a head, if its author may do so; the bots' comment names a commit since a
// time. Bots quote what strangers have written, so that their words count for nothing.
func approves(c hub.Comment, head, named string, since time.Time) bool {
	if strings.HasSuffix(c.Author, "[bot]") || strings.Contains(c.Body, "<!-- cyborg") {
		return false
	}
	for _, cmd := range parseCommands(c.Body) {
		switch {
		case cmd.Name != "ok-to-test" || cmd.Err != nil:
		case len(cmd.Args) == 1:
			if len(cmd.Args[0]) >= 7 && strings.HasPrefix(head, strings.ToLower(cmd.Args[0])) {
				return true
			}
		case len(cmd.Args) == 0:
			if named == head && c.CreatedAt.After(since) {
				return true
			}
		}
	}
	return false
}

// commitName is a whole commit id.
var commitName = regexp.MustCompile("`([0-9a-f]{40}|[0-9a-f]{64})`")

// namedIn is the commit that the bots' comment is about; empty if there is none.
func namedIn(body string) string {
	if found := commitName.FindStringSubmatch(body); found != nil {
		return found[1]
	}
	return ""
}

// errUnapproved is why a job of an outsider is not claimed though the look at the queue had seen an approval.
var errUnapproved = errors.New("nobody with write access approves of this commit any more")

// cleared asks GitHub, before a job is claimed, whether its commit is still the head and may still be run. Who made it without
// write access is in the entry; for others there is nothing to ask.
func (a *Agent) cleared(ctx context.Context, e Entry) error {
	if e.Outsider == "" {
		return nil
	}
	repo, err := hub.ParseRepo(e.Repo)
	if err != nil {
		return err
	}
	p, err := a.c.Hub.Pull(ctx, repo, e.Pull)
	if err != nil {
		return err
	}
	if p.State != "open" || p.HeadSHA != e.SHA {
		return &outdatedError{e.Pull, "has moved on"}
	}
	found, err := a.approval(ctx, repo, p)
	if err == nil && found.By == "" {
		err = errUnapproved
	}
	return err
}

// askAtMost bounds how many pull requests a bot speaks to in one round: each word costs people's attention.
const askAtMost = 3

// beg tells people, once for each pull request of an outsider, that it waits for their word, and keeps the name of the commit
// in that comment up to date, which notifies nobody. One bot speaks, see tell.
func (a *Agent) beg(ctx context.Context, queue []Entry, known []string) {
	if a.ails() {
		return
	}
	said := map[string]bool{}
	rules := a.chooser()
	for _, e := range queue {
		if e.Standing != Waiting || e.Waits != needsOK || len(said) >= askAtMost || ctx.Err() != nil {
			continue
		}
		repo, err := hub.ParseRepo(e.Repo)
		if err != nil {
			continue
		}
		key := pullKey(repo, e.Pull)
		if heard, ok := a.approved[key]; !ok || said[key] || heard.head != e.SHA || heard.Named == e.SHA ||
			rules.Age(e) < a.c.Policy.Settle+a.turn(key, known) && !a.c.Rehearse {
			continue
		}
		said[key] = true
		delete(a.approved, key) // the next look reads what is there then
		if err := a.stick(ctx, repo, e.Pull, gate, func(string) string { return request(e) }); err != nil && ctx.Err() == nil {
			a.c.Log.Warn("cannot ask for approval", "pull", e.Pull, "error", err)
			return
		}
		a.c.Log.Info("asked for approval", "pull", e.Pull, "sha", short(e.SHA))
	}
}

// request is what maintainers read. No line of it may begin with a command.
func request(e Entry) string {
	return fmt.Sprintf("%s has no write access to this repository, so its bots do not run this code unasked.\n\n"+
		"Whoever has write access: look at the changes, then say `/ok-to-test` in a line of its own. From now on that is about the commit `%s`; "+
		"what is pushed later waits for a new word. The code runs without network and without secrets, in a container or a virtual machine.\n", e.Outsider, e.SHA)
}

// unapproved is how long a bot leaves a job alone whose approval has gone.
func (a *Agent) unapproved(e Entry, err error) time.Duration {
	a.c.Log.Info("not claimed", "job", e.Line().String(), "why", err)
	return max(a.c.Poll, claim.DefaultPolicy().Settle)
}
