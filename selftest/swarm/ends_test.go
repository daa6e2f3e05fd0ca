package swarm

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/selftest/fakehub"
)

// An ending is one way for a bot to end in the middle of a job, and how a peer has it then.
type ending struct {
	first, second record // their claims
	at            time.Time
	log           []record // all that was written, until more has passed after the second claim
	works         []*work
	sum           *Sum
}

func ended(t *testing.T, seed uint64, more time.Duration, end func(*bot)) ending {
	t.Helper()
	var e ending
	g := Game{Seed: seed, Bots: 3, Jobs: 1, Contexts: 1, Mean: 5 * time.Hour, Span: time.Hour, Poll: 30 * time.Second, Lease: 30 * time.Minute, Settle: 5 * time.Second}.Draw(NoFaults)
	var claims []record
	st := stage{after: func(w *world) { e.log, e.works = w.log1(w.pulls[0]), w.ledger.works }, brief: true, story: func(w *world) func(context.Context) error {
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
					e.at = time.Now()
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
					return pause(ctx, more)
				}
			}
			return fmt.Errorf("seed %d: nobody takes the job", seed)
		}
	}}
	sum, err := st.play(t.Context(), g, nil)
	if err != nil {
		t.Fatal(err)
	}
	e.first, e.second, e.sum = claims[0], claims[1], sum
	return e
}

// log1 is the log of a pull request's only context.
func (w *world) log1(p *pull) []record {
	for _, log := range w.records(p.heads[0].sha) {
		return log
	}
	return nil // nobody has said anything
}

// claims lists the claims of a pull request's only context.
func (w *world) claims(p *pull) (list []record) {
	for _, r := range w.log1(p) {
		if r.mark.Kind == claim.KindClaim {
			list = append(list, r)
		}
	}
	return list
}

// TestKilled: a bot that is killed, and whose journal is lost, is followed by a peer when its lease is over, and never
// before; soon after that.
func TestKilled(t *testing.T) {
	for seed := range uint64(5) {
		e := ended(t, seed, 0, func(b *bot) { b.crash(24*time.Hour, false) })
		lease := e.first.mark.Lease
		beat := e.first.Received.Add(10 * time.Minute) // the last one, a minute before
		after := e.second.Received.Sub(beat)
		t.Logf("seed %d: %s killed at %s, %s takes over %s after the last beat", seed, e.first.mark.Name, clock(e.at), e.second.mark.Name, after)
		if after < lease || after > lease+claim.Epsilon(lease)+2*time.Minute || e.sum.Bad() > 0 {
			t.Errorf("seed %d: want it right after %s; %v", seed, lease, e.sum.Stories)
		}
	}
}

// TestStopped: a bot that is asked to stop gives the job some seconds to end, and has given it back within five; a peer has it
// at its next look.
func TestStopped(t *testing.T) {
	for seed := range uint64(5) {
		e := ended(t, seed, 0, func(b *bot) { b.halt(24 * time.Hour) })
		back := e.of(e.first, claim.KindRelease)
		if len(back) != 1 {
			t.Fatalf("seed %d: %d releases", seed, len(back))
		}
		given, after := back[0].Received.Sub(e.at), e.second.Received.Sub(e.at)
		t.Logf("seed %d: %s asked to stop at %s gives the job back %s later, %s has it %s later", seed, e.first.mark.Name, clock(e.at), given, e.second.mark.Name, after)
		if given > 5*time.Second || after > time.Minute || e.second.mark.Name == e.first.mark.Name || e.sum.Bad() > 0 {
			t.Errorf("seed %d: want it in 5 s, and a peer in a minute, the time of a look; %v", seed, e.sum.Stories)
		}
	}
}

// TestFrozen: a bot is stopped for two leases and goes on in the middle of its job, which a peer has meanwhile. Its work
// ends at once, and it writes nothing any more.
func TestFrozen(t *testing.T) {
	for seed := range uint64(2) {
		e := ended(t, seed, time.Hour, func(b *bot) { b.suspend(time.Hour) })
		thaw := e.at.Add(time.Hour)
		for _, k := range e.works {
			if k.nonce == e.first.mark.Nonce && (k.state != "" || k.end.After(thaw.Add(15*time.Second))) {
				t.Errorf("seed %d: %s goes on at %s, and worked until %s, with the result %q", seed, k.bot, clock(thaw), clock(k.end), k.state)
			}
		}
		for _, kind := range []claim.Kind{claim.KindBeat, claim.KindRelease, claim.KindResult} {
			for _, r := range e.of(e.first, kind) {
				if r.Received.After(e.second.Received) {
					t.Errorf("seed %d: at %s, after %s has it: %s", seed, clock(r.Received), e.second.mark.Name, r.Description)
				}
			}
		}
		if e.second.mark.Name == e.first.mark.Name || !e.second.Received.Before(thaw) || e.sum.Bad() > 0 {
			t.Errorf("seed %d: %s has it at %s; %v", seed, e.second.mark.Name, clock(e.second.Received), e.sum.Stories)
		}
	}
}

// of lists the records of one kind that belong to a claim.
func (e ending) of(c record, kind claim.Kind) (list []record) {
	for _, r := range e.log {
		if r.mark.Kind == kind && r.mark.Nonce == c.mark.Nonce {
			list = append(list, r)
		}
	}
	return list
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
