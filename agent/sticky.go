package agent

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/claim/hub"
)

// A sticky comment is the one comment of its kind on an issue or pull request: bots edit it in place, which notifies
// nobody. Its first line, which people do not see, says what it is, and who made it: "<!-- cyborg: answers k7m2q9xa -->".

// stickyLine is the first line of a sticky comment.
func stickyLine(kind, nonce string) string { return "<!-- cyborg: " + kind + " " + nonce + " -->" }

// sticky finds the bots' comment of a kind, the oldest if there are several; ID 0 if there is none. Somebody without
// write access may write the line too, but it is no bot's.
func (a *Agent) sticky(ctx context.Context, repo hub.Repo, n int, kind string) (found hub.Comment, more []hub.Comment, err error) {
	list, err := a.c.Hub.Comments(ctx, repo, n, time.Time{})
	if err != nil {
		return found, nil, err
	}
	slices.SortFunc(list, func(x, y hub.Comment) int { return cmp.Compare(x.ID, y.ID) })
	for _, c := range list {
		if !strings.HasPrefix(c.Body, "<!-- cyborg: "+kind+" ") {
			continue
		}
		ours, err := a.ours(ctx, repo, c.Author)
		if err != nil {
			return found, nil, err
		}
		switch {
		case !ours:
		case found.ID == 0:
			found = c
		default:
			more = append(more, c)
		}
	}
	return found, more, nil
}

// stick makes the comment of a kind say what change makes of what it says; an empty text is none. Two bots may make one at
// the same time: each looks again when it must be there for all to see, and takes its own away if it is not the first.
// One that is left all the same, by a bot that died or could not take it away, goes with the next change.
func (a *Agent) stick(ctx context.Context, repo hub.Repo, n int, kind string, change func(text string) string) error {
	const patience = 2 * time.Minute
	found, more, err := a.sticky(ctx, repo, n, kind)
	for _, c := range more {
		if err == nil && a.c.Hub.Now().Sub(c.CreatedAt) > patience {
			err = a.unstick(ctx, repo, c)
		}
	}
	if err != nil {
		return err
	}
	line, text, _ := strings.Cut(found.Body, "\n")
	after := change(text)
	switch {
	case strings.TrimSpace(after) == strings.TrimSpace(text) || after == "" && found.ID == 0:
		return nil
	case found.ID != 0:
		_, err = a.c.Hub.EditComment(ctx, repo, found.ID, line+"\n"+after)
		return err
	}
	line = stickyLine(kind, claim.NewNonce())
	_, lost := a.c.Hub.Comment(ctx, repo, n, line+"\n"+after)
	if _, unknown := errors.AsType[*hub.AmbiguousError](lost); lost != nil && !unknown {
		return lost
	}
	if err := pause(ctx, a.c.Policy.Settle); err != nil {
		return err
	}
	found, more, err = a.sticky(ctx, repo, n, kind)
	if err != nil || found.ID == 0 {
		return errors.Join(err, lost)
	}
	for _, c := range more {
		if strings.HasPrefix(c.Body, line) {
			if err := a.unstick(ctx, repo, c); err != nil {
				return err
			}
			return a.stick(ctx, repo, n, kind, change)
		}
	}
	return nil
}

// unstick takes a comment away; that it is gone already is fine.
func (a *Agent) unstick(ctx context.Context, repo hub.Repo, c hub.Comment) error {
	const tries = 3
	for try := 1; ; try++ {
		err := a.c.Hub.DeleteComment(ctx, repo, c.ID)
		if err == nil || errors.Is(err, hub.ErrGone) {
			return nil
		}
		if try == tries || pause(ctx, a.c.Policy.Settle) != nil {
			return err
		}
	}
}

// answers is the kind of comment with which bots explain what they did not understand.
const answers = "answers"

// mostAnswers is how many explanations are kept; older ones go.
const mostAnswers = 10

// explainTo says what was wrong with commands: in one comment for each issue, which is edited when there is more, and
// says nothing twice. Two bots may edit it at the same time, and the later one not know of the other's words: so each looks, when
// all can see what there is, whether its own are still there.
func (a *Agent) explainTo(ctx context.Context, o *order, problems []string) error {
	const most = 4
	for range most {
		there := false
		err := a.stick(ctx, o.Repo, o.Comment.Number, answers, func(text string) string {
			after := explained(text, problems)
			there = strings.TrimSpace(after) == strings.TrimSpace(text)
			return after
		})
		if there || err != nil {
			return err
		}
		if err := pause(ctx, a.c.Policy.Settle); err != nil {
			return err
		}
	}
	return nil
}

// explained adds problems to what an explanation says.
func explained(text string, problems []string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimRight(line, "\r\n"); strings.HasPrefix(line, " * ") {
			lines = append(lines, line)
		}
	}
	for _, p := range problems {
		if line := " * " + p; !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	lines = lines[max(0, len(lines)-mostAnswers):]
	return strings.Join(lines, "\n") + "\n\nWhat bots know, each at the start of a line, from people with write access:\n- " + strings.Join(usages(), "\n- ") + "\n"
}
