package agent

import (
	"context"
	"errors"

	"github.com/cyborg-bots/cyborg/claim/hub"
)

// watchErrands stops the work on issues that people have taken back. Each is read by itself; the claim, which is read as well,
// ends by itself when the title is no longer ours.
func (a *Agent) watchErrands(ctx context.Context, repo hub.Repo) {
	for _, r := range a.runsOn(repo) {
		a.mu.Lock()
		held := r.claim
		a.mu.Unlock()
		j := a.errand(r, r.entry, held)
		if j == nil || held == nil || r.delivering.Load() {
			continue
		}
		err := j.wanted(ctx)
		if withdrawn, ok := errors.AsType[*withdrawnError](err); ok {
			r.cancel(withdrawn)
		} else if err != nil && ctx.Err() == nil {
			a.c.Log.Warn("cannot see whether an issue still asks for its job", "issue", r.entry.Issue, "error", err)
		}
	}
}
