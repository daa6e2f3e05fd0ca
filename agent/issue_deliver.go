package agent

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/cyborg-bots/cyborg/agent/checkout"
	"github.com/cyborg-bots/cyborg/claim/hub"
)

// An Outlet is where the commits of bots go.
type Outlet interface {
	// Push makes a new branch with what a job has changed, of which the name is as good as taken: it carries the claim's nonce.
	Push(ctx context.Context, repo hub.Repo, h checkout.Harvest, branch string) (Branch, error)
	// Onto puts it onto a pull request, whose head it builds on. checkout.ErrMoved: the head is another; checkout.ErrRefused: we may not.
	Onto(ctx context.Context, repo hub.Repo, h checkout.Harvest, p hub.Pull) error
}

// A Branch is where an Outlet has put commits.
type Branch struct {
	Head string // as a pull request wants it: "branch" or "owner:branch"
	URL  string // of the list of its commits, for people
}

// An undeliverableError says why what a task has changed cannot be had: people must mend something.
type undeliverableError struct{ why string }

func (e *undeliverableError) Error() string { return e.why }

// deliver makes what a job has changed a pull request, or part of one, and says so. It gives the words for the log.
func (j *errand) deliver(ctx context.Context, o Outcome) (string, error) {
	h := o.Change
	if len(h.Files) == 0 {
		j.say(ctx, j.entry.Item+" done: nothing has changed.\nLog: "+j.address())
		return "Done, nothing has changed", nil
	}
	fmt.Fprintf(j.log, "cyborg: %s in %s\n", count(len(h.Files), "changed file"), count(h.Commits, "commit"))
	if j.entry.Pull != 0 {
		return j.contribute(ctx, h)
	}
	branch, err := j.push(ctx, h)
	if err != nil {
		return "", err
	}
	if err := j.confirm(ctx); err != nil {
		return "", err
	}
	if err := j.convert(ctx, branch); err != nil {
		return "", err
	}
	j.describe(ctx, o.message)
	j.say(ctx, j.entry.Item+" done: "+branch.URL)
	return "Done: " + branch.URL, nil
}

// insist is how often a step to the outside is tried that can be done only once, however often it is tried.
const insist = 4

// again waits before such a step is tried again, as long as GitHub wants to be left alone, and looks whether it is still wanted.
// What was claimed and worked for is not thrown away for an answer that got lost.
func (j *errand) again(ctx context.Context, try int, err error) error {
	wait := j.agent.jitter(j.agent.c.Poll)
	if limited, ok := errors.AsType[*hub.LimitedError](err); ok {
		wait += max(time.Until(limited.Until), 0)
	}
	if try >= insist || fatal(err) || ctx.Err() != nil {
		return err
	}
	fmt.Fprintf(j.log, "cyborg: tried again in a moment: %v\n", err)
	if e := pause(ctx, wait); e != nil {
		return errors.Join(err, e)
	}
	return j.confirm(ctx)
}

// push makes the branch.
func (j *errand) push(ctx context.Context, h checkout.Harvest) (Branch, error) {
	name := branchName(j.entry.Item, j.claim.Nonce)
	for try := 1; ; try++ {
		branch, err := j.agent.c.Errands.Outlet.Push(ctx, j.repo, h, name)
		switch {
		case errors.Is(err, checkout.ErrRefused):
			return Branch{}, &undeliverableError{"The branch " + name + " is refused: " + err.Error()}
		case err == nil:
			fmt.Fprintf(j.log, "cyborg: pushed %s\n", branch.URL)
			return branch, nil
		case errors.Is(err, checkout.ErrMoved):
			return Branch{}, err
		}
		if err := j.again(ctx, try, err); err != nil {
			return Branch{}, err
		}
	}
}

// convert turns the issue into the pull request of a branch. GitHub does it once only, so that of two bots which both believe
// that they have the issue one gets past here, and one that had no answer may ask for it again.
func (j *errand) convert(ctx context.Context, b Branch) error {
	in := hub.NewPull{Head: b.Head, Base: j.entry.BaseRef, Maintain: true}
	for try := 1; ; try++ {
		_, err := j.agent.c.Errands.Desk.ConvertIssue(ctx, j.repo, j.entry.Issue, in)
		if in.Maintain && forbidsEdits(err) {
			in.Maintain = false
			continue
		}
		done, err := j.converted(ctx, b, err)
		if done || err == nil {
			return err
		}
		if err := j.again(ctx, try, err); err != nil {
			return err
		}
	}
}

// converted judges the answer to a conversion, and tells whether there is no more to do about it. Without an answer, or after one
// that says that there is a pull request already, it looks whose that is.
func (j *errand) converted(ctx context.Context, b Branch, err error) (done bool, _ error) {
	_, unknown := errors.AsType[*hub.AmbiguousError](err)
	_, refused := errors.AsType[*hub.RefusedError](err)
	if !unknown && !refused {
		return err == nil, err
	}
	wait := j.agent.c.Policy.Settle // until all replicas know what there is
	if unknown {
		wait += j.agent.doubt()
	}
	if e := pause(ctx, wait); e != nil {
		return true, errors.Join(err, e)
	}
	p, e := j.agent.c.Errands.Desk.Pull(ctx, j.repo, j.entry.Issue)
	switch _, name, other := strings.Cut(b.Head, ":"); {
	case e == nil && p.HeadSHA != "" && (p.HeadRef == name || !other && p.HeadRef == b.Head):
		return true, nil
	case e == nil && p.HeadSHA != "":
		return true, &withdrawnError{"this is a pull request already"}
	case refused && errors.Is(e, hub.ErrGone):
		if withdrawn, ok := errors.AsType[*withdrawnError](j.wanted(ctx)); ok {
			return true, withdrawn // GitHub says no to what is closed
		}
		return true, &undeliverableError{"The pull request of " + b.URL + " is refused: " + err.Error()}
	}
	return false, err
}

// longestBody is how long the text of a pull request may be made; GitHub refuses more than 65536 characters.
const longestBody = 60_000

// describe adds what a task says of its change, below the line that names it, to the text of the pull request: people decide
// there. The commit has it too, so trouble costs nothing.
func (j *errand) describe(ctx context.Context, message string) {
	_, text, _ := strings.Cut(strings.TrimSpace(message), "\n")
	scribe := j.agent.c.Errands.Scribe
	if text = strings.TrimSpace(text); text == "" || scribe == nil {
		return
	}
	i, err := j.agent.c.Errands.Desk.Issue(ctx, j.repo, j.entry.Issue)
	body := strings.TrimRight(i.Body, "\r\n ") + "\n\n" + text + "\n"
	if err == nil && len(body) <= longestBody && !strings.Contains(i.Body, text) {
		_, err = scribe.EditIssue(ctx, j.repo, j.entry.Issue, hub.IssueEdit{Body: &body})
	}
	if err != nil {
		j.agent.c.Log.Warn("cannot describe a change", "job", j.entry.Line().String(), "error", err)
	}
}

// forbidsEdits tells whether a pull request was refused since the account may not let maintainers push to its branch.
func forbidsEdits(err error) bool {
	refused, ok := errors.AsType[*hub.RefusedError](err)
	if !ok {
		return false
	}
	for _, f := range refused.Fields {
		if f.Field == "fork_collab" {
			return true
		}
	}
	return false
}

// contribute puts what a job of a pull request has changed onto that, if its task asks for it and it may be; else onto a branch
// from which people pick.
func (j *errand) contribute(ctx context.Context, h checkout.Harvest) (string, error) {
	outlet, why := j.agent.c.Errands.Outlet, ""
	if j.entry.Taught.Push == "head" {
		p, err := j.agent.c.Errands.Desk.Pull(ctx, j.repo, j.entry.Pull)
		if err != nil {
			return "", err
		}
		if p.HeadSHA != j.entry.SHA {
			return "", &withdrawnError{"the pull request has another head, " + short(p.HeadSHA)}
		}
		if err := j.confirm(ctx); err != nil {
			return "", err
		}
		j.run.delivering.Store(true) // the head moves now, and that is we
		err = outlet.Onto(ctx, j.repo, h, p)
		switch {
		case err == nil:
			j.say(ctx, j.entry.Item+" done: "+count(h.Commits, "commit")+" on this pull request, up to "+h.Commit+".")
			return "Done: " + short(h.Commit) + " is on the pull request", nil
		case errors.Is(err, checkout.ErrMoved):
			return "", &withdrawnError{"the pull request has another head by now"}
		case !errors.Is(err, checkout.ErrRefused):
			return "", err
		}
		fmt.Fprintf(j.log, "cyborg: %v\n", err)
		why = "\nThis pull request does not let me push to it."
	}
	branch, err := j.push(ctx, h)
	if err != nil {
		return "", err
	}
	if err := j.confirm(ctx); err != nil {
		return "", err
	}
	j.say(ctx, j.entry.Item+" done: "+branch.URL+why)
	return "Done: " + branch.URL, nil
}

// Read only: what a branch's name of ours is made of.
var notInBranch = regexp.MustCompile(`[^a-z0-9]+`)

// branchName makes the name of a branch of the words of an item, which may be anything, and of the claim's nonce.
func branchName(item, nonce string) string {
	const most = 60
	name := notInBranch.ReplaceAllString(strings.ToLower(item), "-")
	return strings.TrimLeft(strings.Trim(name[:min(len(name), most)], "-")+"-"+nonce, "-")
}

func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
