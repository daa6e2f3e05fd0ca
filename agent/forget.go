package agent

import (
	"context"
	"errors"

	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/claim/hub"
)

// A forgetter is a Board that keeps something beside the marks which people see, and can drop it for a subject that
// nobody will claim again: refs in a repository of locks (claim.RefBoard).
type forgetter interface {
	Forget(ctx context.Context, s claim.Subject) error
}

// forgetAtMost bounds how much a bot tidies up in one round: it is never urgent, and costs writes.
const forgetAtMost = 5

// forget drops what the board keeps for jobs that were in the queue and are no longer: their pull request was closed, or
// has another head. Every bot that saw the job does it, as those ranked before it may be dead; it does no harm to do it
// twice. It asks about the pull request before, since one look may be stale. What a bot does not see go (it was not there) stays until somebody tidies up the locks by hand;
// it costs a ref and does no harm.
func (a *Agent) forget(ctx context.Context, repo hub.Repo, queue []Entry) {
	board, ok := a.c.Board.(forgetter)
	if !ok {
		return
	}
	here := make(map[string]Entry, len(queue))
	for _, e := range queue {
		if e.Repo == repo.String() && e.Issue == 0 { // claims of issues are in titles alone
			here[subjectOf(e.Job).Key()] = e
		}
	}
	dropped := 0
	for key, e := range a.known {
		if _, still := here[key]; still || e.Repo != repo.String() {
			continue
		}
		if dropped >= forgetAtMost {
			here[key] = e // next time
			continue
		}
		dropped++
		if a.over(ctx, repo, e) {
			if err := board.Forget(ctx, subjectOf(e.Job)); err != nil && ctx.Err() == nil {
				a.c.Log.Warn("cannot tidy up the locks", "job", e.Line().String(), "error", err)
			}
		}
	}
	for key, e := range a.known {
		if e.Repo != repo.String() {
			here[key] = e
		}
	}
	a.known = here
}

// over asks whether a job's commit is no longer the head of an open pull request, or the tip of its branch.
func (a *Agent) over(ctx context.Context, repo hub.Repo, e Entry) bool {
	if e.Pull == 0 {
		tip, err := a.c.Hub.Ref(ctx, repo, "refs/heads/"+e.HeadRef)
		return errors.Is(err, hub.ErrGone) || err == nil && tip != e.SHA
	}
	p, err := a.c.Hub.Pull(ctx, repo, e.Pull)
	return err == nil && (p.State != "open" || p.HeadSHA != e.SHA)
}
