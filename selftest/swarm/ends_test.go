package swarm

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
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
