package agent

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/claim/hub"
)

// An outdatedError is the cause with which a run ends whose pull request has moved on.
type outdatedError struct {
	pull int
	why  string
}

func (e *outdatedError) Error() string { return fmt.Sprintf("#%d %s", e.pull, e.why) }

// A cancelledError is the cause with which a run ends that a person asked to stop.
type cancelledError struct{ by string }

func (e *cancelledError) Error() string { return "Cancelled by @" + e.by }

// watch stops the runs on a repository that have become useless. The snapshot raises the suspicion; a second reading of
// another kind confirms it.
func (a *Agent) watch(ctx context.Context, repo hub.Repo, snapshot hub.Snapshot) {
	pulls := make(map[int]hub.Pull, len(snapshot.Pulls))
	for _, p := range snapshot.Pulls {
		pulls[p.Number] = p
	}
	for _, r := range a.runsOn(repo) {
		if r.entry.Pull == 0 || r.delivering.Load() {
			continue
		}
		p, open := pulls[r.entry.Pull]
		switch {
		case p.Stale:
		case !open || p.HeadSHA != r.entry.SHA:
			a.confirm(ctx, repo, r)
		default:
			a.hear(ctx, r, p.Contexts)
		}
	}
}

func (a *Agent) runsOn(repo hub.Repo) []*run {
	a.mu.Lock()
	defer a.mu.Unlock()
	var list []*run
	for _, r := range a.running {
		if strings.EqualFold(r.entry.Repo, repo.String()) {
			list = append(list, r)
		}
	}
	return list
}

// confirm asks about the pull request itself and stops the run if it is closed or has another head.
func (a *Agent) confirm(ctx context.Context, repo hub.Repo, r *run) {
	p, err := a.c.Hub.Pull(ctx, repo, r.entry.Pull)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		a.c.Log.Warn("cannot confirm that a run is outdated", "pull", r.entry.Pull, "error", err)
	case p.State != "open":
		r.cancel(&outdatedError{r.entry.Pull, "is closed"})
	case p.HeadSHA != r.entry.SHA:
		r.cancel(&outdatedError{r.entry.Pull, "has the new head " + short(p.HeadSHA)})
	}
}

// hear looks at the newest words of a commit's contexts: one may say that the job was asked for again.
func (a *Agent) hear(ctx context.Context, r *run, contexts []hub.Status) {
	a.mu.Lock()
	claimed := r.claim != nil
	a.mu.Unlock()
	if !claimed {
		return
	}
	for _, s := range contexts {
		if !strings.EqualFold(s.Context, r.entry.Context) {
			continue
		}
		switch m := claim.ParseStatusText(strings.ToLower(s.State), s.Description); m.Kind {
		case claim.KindReset:
			a.recheck(ctx, r) // it stands over the claim, or the look is older than that
		case claim.KindNote, claim.KindClaim, claim.KindBeat, claim.KindRelease:
			a.repaint(ctx, r, m.Nonce)
		case claim.KindOther, claim.KindResult, claim.KindHold:
		}
	}
}

// recheck asks the claim itself, over the whole log: somebody seems to have asked for the job again.
func (a *Agent) recheck(ctx context.Context, r *run) {
	a.mu.Lock()
	held := r.claim
	a.mu.Unlock()
	if held == nil {
		return
	}
	if err := held.Check(ctx); errors.Is(err, claim.ErrLost) {
		r.cancel(err)
	}
}

// repaint says once more that the job is being done, where a word hides it that came late: the note of a peer which had
// read before the claim was there, or the claim of one which lost. People see the newest status alone, and so do the
// scans of peers. It never comes after the result.
func (a *Agent) repaint(ctx context.Context, r *run, newest string) {
	a.mu.Lock()
	held := r.claim
	a.mu.Unlock()
	if held == nil || held.Nonce == newest {
		return
	}
	r.words <- struct{}{}
	defer func() { <-r.words }()
	if r.over {
		return
	}
	marks, now, err := a.c.Board.Marks(ctx, held.Subject)
	if err != nil {
		return // the next look tries again
	}
	v := claim.Decide(marks, now, a.c.Policy)
	if !v.Mine(held.Nonce) || v.Newest.Nonce == held.Nonce {
		return
	}
	beat := claim.Mark{Kind: claim.KindBeat, State: "pending", Name: a.c.Name, Nonce: held.Nonce, URL: held.Log,
		Lease: v.Owner.Lease, Beat: max(now.Sub(v.Owner.At), 0).Truncate(time.Second)}
	if _, err := a.c.Board.Post(ctx, held.Subject, beat); err != nil && ctx.Err() == nil {
		a.c.Log.Warn("cannot say that a job is being done", "job", r.entry.Line().String(), "error", err)
	}
}
