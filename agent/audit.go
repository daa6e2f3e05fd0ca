package agent

import (
	"context"
	"errors"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/claim/hub"
)

// What people see of a job is its newest status, and so do scans: a result that does not count, in front of one that does
// or of a wish, would stand for ever. Two looks find it. The bot that wrote a result looks at the log once more, when
// GitHub's replicas have caught up: only then is it sure that nobody asked for the job again a moment before. And bots
// notice a result where another claim's word was at the last look: then one that came late has been written by a bot that
// was stopped for long, and is maybe gone.

// A word is what is remembered of a job's newest status.
type word struct {
	nonce string // of the claim that it, or the one before it, was about
	reset bool   // somebody has asked for the job again since
}

// auditors is how many bots look at a result that is odd: the first may be gone.
const auditors = 2

// audit looks at the results that have taken another's place since the last round.
func (a *Agent) audit(work context.Context, queue []Entry, peers []string) {
	now := make(map[string]word, len(queue))
	for _, e := range queue {
		key := subjectOf(e.Job).Key()
		before := a.words[key]
		odd := e.Standing == Done && before.nonce != "" && (before.reset || before.nonce != e.Nonce)
		switch {
		case e.Nonce != "":
			now[key] = word{nonce: e.Nonce}
		case before.nonce != "":
			now[key] = word{nonce: before.nonce, reset: e.State == "pending"}
		}
		if odd && claim.Rank(key, peers, a.c.Name) < auditors {
			a.group.Go(func() { a.assure(work, e) })
		}
	}
	a.words = now
}

// assure makes people see what counts. It waits until a look at the log has all that was written before the result, and
// looks again when there was something to mend.
func (a *Agent) assure(ctx context.Context, e Entry) {
	const tries = 5
	subject := subjectOf(e.Job)
	wait := a.c.Policy.Settle + a.random(a.c.Policy.Settle/4)
	for range tries {
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		wait = a.jitter(a.c.Poll)
		marks, now, err := a.c.Board.Marks(ctx, subject)
		if limited, ok := errors.AsType[*hub.LimitedError](err); ok {
			wait += max(time.Until(limited.Until), 0)
		}
		if err != nil {
			continue
		}
		v := claim.Decide(marks, now, a.c.Policy)
		if !v.NeedsRepair() {
			return
		}
		a.mend(ctx, e, v)
	}
}
