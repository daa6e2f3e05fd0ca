package swarm

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/cyborg-bots/cyborg/selftest/fakehub"
)

// fates lets happen to the bots and to the hub what was drawn for them. It returns when all is over.
func (w *world) fates(ctx context.Context) error {
	r := w.die.of("fates").rand()
	var plan schedule
	for _, b := range w.bots {
		w.planBot(&plan, r, b)
	}
	f := &w.game.Faults
	for range f.Outages {
		long := between(r, time.Second, 5*time.Minute)
		plan.add(between(r, 0, w.game.Span), func(context.Context) error {
			w.ledger.tell("hub", subject{}, "is down for %s", long.Round(time.Second))
			return w.change(func(f *fakehub.Faults) { f.OutageFor = fakehub.Duration(long) })
		})
	}
	for range f.Revoked {
		token := w.bots[r.IntN(len(w.bots))].token
		at := between(r, 0, w.game.Span)
		plan.add(at, func(context.Context) error {
			w.ledger.tell("hub", subject{}, "does not take %s any more", token)
			return w.change(func(f *fakehub.Faults) { f.RevokedTokens = append(f.RevokedTokens, token) })
		})
		plan.add(at+between(r, time.Minute, 30*time.Minute), func(context.Context) error {
			w.ledger.tell("hub", subject{}, "takes all tokens again")
			return w.change(func(f *fakehub.Faults) { f.RevokedTokens = nil })
		})
	}
	return plan.run(ctx)
}

// change changes the hub's faults while it runs.
func (w *world) change(how func(*fakehub.Faults)) error {
	f := w.hub.Faults()
	how(&f)
	return w.hub.SetFaults(f)
}

// planBot draws what happens to one bot.
func (w *world) planBot(plan *schedule, r *rand.Rand, b *bot) {
	f, lease := &w.game.Faults, w.game.Lease
	often := func(rate float64, most time.Duration, do func(long time.Duration, die die)) {
		if rate <= 0 {
			return
		}
		for at := time.Duration(0); ; {
			at += time.Duration(r.ExpFloat64() / rate * float64(time.Hour))
			long := between(r, 0, most)
			if r.IntN(2) == 0 { // half of the times are short
				long /= 10
			}
			d := die(r.Uint64())
			if at > w.game.Span {
				return
			}
			plan.add(at, func(context.Context) error { do(long, d); return nil })
		}
	}
	often(f.Suspends, 3*lease, func(long time.Duration, _ die) { b.suspend(long) })
	often(f.Cuts, 2*lease, func(long time.Duration, _ die) { b.sever(long) })
	often(f.Crashes, lease, func(long time.Duration, d die) { b.crash(long, d.yes(0.7)) })
	often(f.Stops, lease, func(long time.Duration, _ die) { b.halt(long) })
}

// suspend freezes the process for a while.
func (b *bot) suspend(d time.Duration) {
	if l := b.now(); l != nil {
		b.world.ledger.tell(l.name, subject{}, "is frozen for %s", d.Round(time.Second))
		l.freeze(time.Now().Add(d))
	}
}

// sever cuts the process off from the hub for a while.
func (b *bot) sever(d time.Duration) {
	if l := b.now(); l != nil {
		b.world.ledger.tell(l.name, subject{}, "is cut off for %s", d.Round(time.Second))
		l.cutOff(time.Now().Add(d))
	}
}

// The parts of the rates at which a bot is frozen, or killed, in an hour that come as probabilities of each write: the
// moments around a write are short, and much can go wrong in them.
const atWrites = 0.02

// strike lets a write be the last thing that the process does, or did, for a while or for ever.
func (b *bot) strike(d die) {
	f, lease := &b.world.game.Faults, b.world.game.Lease
	switch {
	case b.world.calm.Load():
	case d.of("crash").yes(f.Crashes * atWrites):
		b.crash(d.of("rest").below(lease), d.of("journal").yes(0.7))
	case d.of("freeze").yes(f.Suspends * atWrites):
		b.suspend(d.of("long").below(3 * lease))
	}
}
