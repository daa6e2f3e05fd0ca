package agent

import (
	"context"
	"errors"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/claim/hub"
)

// What people see of a job is its newest status, and so do scans: a result that does not count, in front of one that does
// or of a wish, would stand for ever. Three looks find it. The bot that wrote a result looks at the log once more, when
// GitHub's replicas have caught up: only then is it sure that nobody asked for the job again a moment before. As that bot
// may be gone by then, two of the others look as well. And bots notice a result where another claim's word was at the last
// look: then one that came late has been written by a bot that was stopped for long.

// A word is what is remembered of a job's newest status.
type word struct {
	nonce string // of the claim that it, or the one before it, was about
	reset bool   // somebody has asked for the job again since
	heard bool   // it is a result that nobody needs to look at any more
}

// auditors is how many bots look at a result of another: the first may be gone.
const auditors = 2

// auditAtMost bounds how many results a bot begins to look at in one round, as it may find many when it starts.
const auditAtMost = 20

// newsFor is how long a result is worth a look after it came. All bots that are alive have seen it by then.
const newsFor = LongestPoll + 5*time.Minute

// audit looks at the results that are new since the last round, at a time on GitHub's clock.
func (a *Agent) audit(work context.Context, queue []Entry, peers []string, now time.Time) {
	words := make(map[string]word, len(queue))
	begun := 0
	for _, e := range queue {
		key := subjectOf(e.Job).Key()
		before := a.words[key]
		w := word{nonce: e.Nonce}
		if e.Nonce == "" {
			w.nonce, w.reset = before.nonce, e.State == "pending"
		}
		if e.Standing == Done && e.Nonce != "" {
			w.heard = !a.suspect(e, before, now) || claim.Rank(key, without(peers, []string{e.By}), a.c.Name) >= auditors
			if !w.heard && begun < auditAtMost {
				begun++
				w.heard = true
				a.group.Go(func() { a.assure(work, e) })
			}
			if !w.heard {
				w = before // next time
			}
		}
		if w.nonce != "" {
			words[key] = w
		}
	}
	a.words = words
}

// suspect tells whether somebody should look at what stands before a result.
func (a *Agent) suspect(e Entry, before word, now time.Time) bool {
	switch {
	case before.heard && before.nonce == e.Nonce:
		return false
	case before.nonce != "" && (before.reset || before.nonce != e.Nonce):
		return true
	}
	return e.By != a.c.Name && now.Sub(e.Since) < newsFor
}

// assure makes people see what counts. It waits until a look at the log has all that was written before the result, and
// looks again when there was something to mend.
func (a *Agent) assure(ctx context.Context, e Entry) {
	const tries = 5
	subject := subjectOf(e.Job)
	wait := a.c.Policy.Settle + a.random(a.c.Policy.Settle/4)
	for range tries {
		if pause(ctx, wait) != nil {
			return
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
