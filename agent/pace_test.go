package agent

import (
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/claim/hub"
)

func TestPaceOf(t *testing.T) {
	rate := func(remaining int, left time.Duration) hub.Rate {
		return hub.Rate{Limit: 5000, Remaining: remaining, Reset: at.Add(left)}
	}
	for _, row := range []struct {
		name  string
		b     hub.Budget
		slow  float64
		lease time.Duration
		save  bool
	}{
		{"GitHub has said nothing", hub.Budget{}, 1, ShortLease, false},
		{"a fresh hour", hub.Budget{Core: rate(5000, time.Hour)}, 1, ShortLease, false},
		{"half an hour in, a third is used", hub.Budget{Core: rate(3333, 30*time.Minute)}, 1, ShortLease, false},
		{"half an hour in, nearly nothing is used", hub.Budget{Core: rate(5000, 30*time.Minute)}, 1, ShortLease, false},
		{"half as quick again as even", hub.Budget{Core: rate(2000, 30*time.Minute)}, 2.25, 20 * time.Minute, false},
		{"twice as quick as even", hub.Budget{Core: rate(1625, 30*time.Minute)}, 4, LongLease, false},
		{"the scarcer one counts", hub.Budget{Core: rate(5000, 30*time.Minute), GraphQL: rate(1625, 30*time.Minute)}, 4, LongLease, false},
		{"nearly dry", hub.Budget{Core: rate(200, 30*time.Minute)}, 2250 * 2250, LongLease, true},
		{"nearly dry, but the window ends now", hub.Budget{Core: rate(200, 0)}, 1, ShortLease, false},
		{"dry", hub.Budget{GraphQL: rate(0, time.Minute)}, 75 * 75, LongLease, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := PaceOf(row.b, at)
			if d := p.Slow / row.slow; d < 0.99 || d > 1.01 || p.Lease != row.lease || p.Save != row.save {
				t.Errorf("got %+v, want slow %v, lease %v, save %v", p, row.slow, row.lease, row.save)
			}
			if (p.Why == "") != (p.Slow == 1 && !p.Save) {
				t.Errorf("slowed by %v and says %q", p.Slow, p.Why)
			}
		})
	}
}

// A fleet that would use five times its budget settles to it, and never runs dry.
func TestPaceKeepsTheBudget(t *testing.T) {
	const bots, cost = 100, 4 // requests for each look
	poll := 30 * time.Second
	remaining, reset := 5000, at.Add(window)
	lowest := remaining
	next := make([]time.Time, bots)
	for i := range next {
		next[i] = at.Add(time.Duration(i) * poll / bots)
	}
	for now := at; now.Before(at.Add(3 * window)); now = now.Add(time.Second) {
		if !now.Before(reset) {
			remaining, reset = 5000, reset.Add(window)
		}
		for i := range next {
			if now.Before(next[i]) {
				continue
			}
			remaining -= cost
			lowest = min(lowest, remaining)
			p := PaceOf(hub.Budget{Core: hub.Rate{Limit: 5000, Remaining: remaining, Reset: reset}}, now)
			next[i] = now.Add(p.stretch(poll))
		}
	}
	if lowest <= 0 {
		t.Errorf("the fleet ran dry: %d left at the lowest", lowest)
	}
	t.Logf("%d bots, a look every %s for %d requests: %d of 5000 left at the lowest", bots, poll, cost, lowest)
}
