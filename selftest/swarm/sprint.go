package swarm

import (
	"context"
	"errors"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
)

// sprint is a life that does nothing but claim and work, in a game of claims alone. What a scan would have found is told
// by the world, and nothing is published but the result. So many more claims fit into the time that a machine has.
func (b *bot) sprint(ctx context.Context, l *life, board claim.Board, p claim.Policy) error {
	d := l.die.of("sprint")
	for n := int64(0); ctx.Err() == nil; n++ {
		of, ok := b.world.offer(d.of("offer").at(n))
		rest := b.world.game.Poll/2 + d.of("poll").at(n).below(b.world.game.Poll)
		if ok {
			b.running.Store(true)
			rest = b.try(ctx, l, board, of, p)
			b.running.Store(false)
		}
		if pause(ctx, rest) != nil {
			break
		}
	}
	return nil
}

// try claims a job and does it, and says how long to rest then.
func (b *bot) try(ctx context.Context, l *life, board claim.Board, of subject, p claim.Policy) time.Duration {
	s := claim.Subject{Repo: repoName, SHA: of.sha, Context: of.context}
	owner := claim.Owner{Name: l.name, Log: func(nonce string) string { return "https://logs.example/" + nonce }}
	c, err := claim.Acquire(ctx, board, s, owner, p)
	if taken, ok := errors.AsType[*claim.TakenError](err); ok {
		if taken.Verdict.State == claim.Done && ctx.Err() == nil && board.Show(ctx, s, taken.Verdict) == nil {
			b.world.looked(of, taken.Verdict.Result.Nonce)
		}
		settle := max(p.Settle, time.Second)
		return settle + time.Duration(l.chance()*float64(2*settle))
	}
	if err != nil {
		return b.world.game.Poll
	}
	working, release := c.Keep(ctx)
	worker := performer{world: b.world, life: l}
	state := worker.do(working, c.Nonce, of)
	text := map[string]string{"success": "Tests passed", "failure": "3 tests failed"}[state]
	if err := release(claim.Result{State: state, Text: text}); err != nil || state == "" {
		return b.world.game.Poll
	}
	if b.assure(ctx, l, board, s, p) {
		b.world.looked(of, c.Nonce)
	}
	return 0
}

// assure looks after a result as an agent does: it may have come too late, or after a wish. It tells whether it did look.
func (b *bot) assure(ctx context.Context, l *life, board claim.Board, s claim.Subject, p claim.Policy) bool {
	const tries = 5
	wait := p.Settle
	for range tries {
		if pause(ctx, wait+time.Duration(l.chance()*float64(wait))) != nil || l.gone() {
			return false
		}
		wait = b.world.game.Poll
		marks, now, err := board.Marks(ctx, s)
		if err == nil && board.Show(ctx, s, claim.Decide(marks, now, p)) == nil {
			return true
		}
	}
	return false
}

// scan looks for all bots of a game of claims alone, until ctx ends.
func (w *world) scan(ctx context.Context) {
	for pause(ctx, w.game.Poll/2) == nil {
		w.mu.Lock()
		w.free = w.free[:0]
		for _, p := range w.pulls {
			if p.open {
				w.free = w.freeOf(w.free, p.heads[len(p.heads)-1].sha)
			}
		}
		w.mu.Unlock()
	}
}

// offer gives a job that was free at the last scan. Half of the bots take the first one, and so they often meet.
func (w *world) offer(d die) (subject, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case len(w.free) == 0:
		return subject{}, false
	case d.of("first").yes(0.5):
		return w.free[0], true
	}
	return w.free[d.below(time.Duration(len(w.free)))], true
}

// freeOf adds the subjects of a commit that look free to a scan, which sees the newest status of each context and no more;
// and those with a result at whose log nobody has looked since it came, as bots do for each other.
func (w *world) freeOf(list []subject, sha string) []subject {
	logs := w.records(sha)
	for _, of := range w.subjects(sha) {
		var newest record
		if log := logs[of.context]; len(log) > 0 {
			newest = log[len(log)-1]
		}
		switch m := newest.mark; {
		case m.Kind == claim.KindResult && (w.heard[of] == m.Nonce || time.Since(newest.Received) < w.game.Settle):
		case (m.Kind == claim.KindClaim || m.Kind == claim.KindBeat) && time.Now().Before(m.At.Add(m.Lease+claim.Epsilon(m.Lease))):
		default:
			list = append(list, of)
		}
	}
	return list
}

// looked notes that a bot has looked at a job's log, and people see the result of this claim, or what is true instead.
func (w *world) looked(of subject, nonce string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.heard[of] = nonce
}

// judged is the policy by which the truth is read.
func (w *world) judged() claim.Policy { return claim.Policy{Racers: true} }
