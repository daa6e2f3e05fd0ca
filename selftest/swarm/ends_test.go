package swarm

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/selftest/fakehub"
)

// One way for a bot to end in the middle of a job, and when a peer has it then.
func ended(t *testing.T, seed uint64, end func(*bot)) (first, second record, at time.Time, sum *Sum) {
	t.Helper()
	g := Game{Seed: seed, Bots: 3, Jobs: 1, Contexts: 1, Mean: 5 * time.Hour, Span: time.Hour, Poll: 30 * time.Second, Lease: 30 * time.Minute, Settle: 5 * time.Second}.Draw(NoFaults)
	var claims []record
	st := stage{brief: true, story: func(w *world) func(context.Context) error {
		return func(ctx context.Context) error {
			pulls, err := w.openAll(ctx, "only", 1)
			if err == nil {
				err = w.claimed(ctx, pulls)
			}
			if err == nil {
				err = pause(ctx, 11*time.Minute)
			}
			if err != nil {
				return err
			}
			w.mu.Lock()
			claims = w.claims(pulls[0])
			w.mu.Unlock()
			for _, b := range w.bots {
				if b.now().name == claims[0].mark.Name {
					at = time.Now()
					end(b)
				}
			}
			for range 200 {
				if err := pause(ctx, 30*time.Second); err != nil {
					return err
				}
				w.mu.Lock()
				claims = w.claims(pulls[0])
				w.mu.Unlock()
				if len(claims) > 1 {
					return nil
				}
			}
			return fmt.Errorf("seed %d: nobody takes the job", seed)
		}
	}}
	sum, err := st.play(t.Context(), g, nil)
	if err != nil {
		t.Fatal(err)
	}
	return claims[0], claims[1], at, sum
}

// claims lists the claims of a pull request's only context.
func (w *world) claims(p *pull) (list []record) {
	for _, log := range w.records(p.heads[0].sha) {
		for _, r := range log {
			if r.mark.Kind == claim.KindClaim {
				list = append(list, r)
			}
		}
	}
	return list
}

// TestKilled: a bot that is killed, and whose journal is lost, is followed by a peer when its lease is over, and never
// before; soon after that.
func TestKilled(t *testing.T) {
	for seed := range uint64(5) {
		first, second, at, sum := ended(t, seed, func(b *bot) { b.crash(24*time.Hour, false) })
		lease := first.mark.Lease
		beat := first.Received.Add(10 * time.Minute) // the last one, a minute before
		after := second.Received.Sub(beat)
		t.Logf("seed %d: %s killed at %s, %s takes over %s after the last beat", seed, first.mark.Name, clock(at), second.mark.Name, after)
		if after < lease || after > lease+claim.Epsilon(lease)+2*time.Minute || sum.Bad() > 0 {
			t.Errorf("seed %d: want it right after %s; %v", seed, lease, sum.Stories)
		}
	}
}

// TestStopped: a bot that is asked to stop gives the job back within seconds.
func TestStopped(t *testing.T) {
	for seed := range uint64(5) {
		first, second, at, sum := ended(t, seed, func(b *bot) { b.halt(24 * time.Hour) })
		after := second.Received.Sub(at)
		t.Logf("seed %d: %s asked to stop at %s, %s takes over %s later", seed, first.mark.Name, clock(at), second.mark.Name, after)
		if after > time.Minute || second.mark.Name == first.mark.Name || sum.Bad() > 0 {
			t.Errorf("seed %d: want it within a minute, the time of a look; %v", seed, sum.Stories)
		}
	}
}

// TestUnseenWish: a person asks for a job again a moment before its result, and the bot dies right after it, before it can
// see the wish. People see a result, and yet the job is done again.
func TestUnseenWish(t *testing.T) {
	for _, row := range []struct {
		name string
		bots int
		rest time.Duration // until the bot starts again
		keep bool          // its journal
	}{{"a peer lives", 3, 24 * time.Hour, false}, {"the bot comes back", 1, time.Minute, false}} {
		t.Run(row.name, func(t *testing.T) {
			g := Game{
				Seed: 1, Bots: row.bots, Jobs: 1, Contexts: 1, Mean: time.Hour, Span: time.Hour, Poll: 30 * time.Second, Lease: 30 * time.Minute, Settle: 5 * time.Second,
				Faults: Faults{Hub: fakehub.Faults{Lag: fakehub.EvenLag(fakehub.Duration(4 * time.Second))}},
			}.Draw(nil)
			st := stage{story: func(w *world) func(context.Context) error {
				return func(ctx context.Context) error { return w.unseenWish(ctx, row.rest, row.keep) }
			}}
			sum, err := st.play(t.Context(), g, nil)
			if err != nil {
				t.Fatal(err)
			}
			if sum.Bad() > 0 || sum.Jobs != 1 {
				t.Errorf("%d results counted; %s", sum.Jobs, sum.Stories)
			}
		})
	}
}

// unseenWish lets a person ask in the last seconds of a job, and its bot die with the result.
func (w *world) unseenWish(ctx context.Context, rest time.Duration, keep bool) error {
	pulls, err := w.openAll(ctx, "only", 1)
	if err == nil {
		err = w.claimed(ctx, pulls)
	}
	if err != nil {
		return err
	}
	w.ledger.mu.Lock()
	work := w.ledger.works[0]
	w.ledger.mu.Unlock()
	if err := pause(ctx, time.Until(work.begin.Add(w.length(work.subject)-time.Second))); err != nil {
		return err
	}
	if err := w.trigger(ctx, pulls[0], 0); err != nil {
		return err
	}
	for {
		w.mu.Lock()
		log := w.records(work.subject.sha)[work.subject.context]
		w.mu.Unlock()
		if newest := log[len(log)-1].mark; newest.Kind == claim.KindResult {
			for _, b := range w.bots {
				if b.now().name == newest.Name {
					b.crash(rest, keep)
				}
			}
			return nil
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}
