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
			p := PaceOf(row.b, Use{}, DefaultPoll, at)
			if d := p.Slow / row.slow; d < 0.99 || d > 1.01 || p.Lease != row.lease || p.Save != row.save {
				t.Errorf("got %+v, want slow %v, lease %v, save %v", p, row.slow, row.lease, row.save)
			}
			if (p.Why == "") != (p.Slow == 1 && !p.Save) {
				t.Errorf("slowed by %v and says %q", p.Slow, p.Why)
			}
		})
	}
}

// What all together use in a round counts at once, long before the hour's part that is over says anything.
func TestPaceOfACrowd(t *testing.T) {
	fresh := func(remaining int, left time.Duration) hub.Budget {
		return hub.Budget{GraphQL: hub.Rate{Limit: 5000, Remaining: remaining, Reset: at.Add(left)}}
	}
	for _, row := range []struct {
		name    string
		b       hub.Budget
		round   float64 // points
		between time.Duration
		full    bool
	}{
		{"alone", fresh(4999, window), 1, 30 * time.Second, false},
		{"thirty-seven bots, who may", fresh(4963, window), 37, 30 * time.Second, false},
		{"three hundred", fresh(4700, window), 300, 257 * time.Second, true},
		{"a thousand", fresh(4500, window), 1000, 15 * time.Minute, true},
		{"a thousand, half an hour in and well", fresh(4400, 30*time.Minute), 1000, 462 * time.Second, true},
		{"a hundred, and the hour is nearly over", fresh(2000, time.Minute), 100, 30 * time.Second, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := PaceOf(row.b, Use{GraphQL: row.round}, DefaultPoll, at)
			if got := p.stretch(DefaultPoll).Round(time.Second); got != row.between || (stretched(DefaultPoll, p.Crowd) >= crowded) != row.full || p.Save {
				t.Errorf("a look each %s, want %s; %+v", got, row.between, p)
			}
		})
	}
	dry := PaceOf(fresh(100, time.Minute), Use{GraphQL: 1000}, DefaultPoll, at)
	if got := dry.stretch(DefaultPoll).Round(time.Second); !dry.Save || got != time.Minute+800*time.Second {
		t.Errorf("dry: the next look in %s, %+v; want it spread over the next window", got, dry)
	}
}

// A meter needs no names to find out how many share the account.
func TestMeter(t *testing.T) {
	left := func(n int, reset time.Duration) hub.Budget {
		return hub.Budget{Core: hub.Rate{Limit: 5000, Remaining: n, Reset: at.Add(reset)}}
	}
	var m meter
	for _, row := range []struct {
		name  string
		b     hub.Budget
		after time.Duration
		want  float64
	}{
		{"the first look, right after others began", left(4950, window-10*time.Second), 10 * time.Second, 50},
		{"a look out of turn tells nothing", left(4900, window-10*time.Second), 20 * time.Second, 50},
		{"a round later", left(4890, window-10*time.Second), 40 * time.Second, 60},
		{"two rounds later", left(4790, window-10*time.Second), 100 * time.Second, 50},
		{"a new window", left(4999, 2*window), 130 * time.Second, 50},
		{"a round of it", left(4929, 2*window), 160 * time.Second, 70},
	} {
		if got := m.look(row.b, 30*time.Second, at.Add(row.after)).Core; got != row.want {
			t.Errorf("%s: %v in a round, want %v", row.name, got, row.want)
		}
	}
	if got := new(meter).look(left(2000, 30*time.Minute), 30*time.Second, at).Core; got != 50 {
		t.Errorf("a bot that begins in the middle of the hour sees %v used in a round, want 50", got)
	}
}

// A fleet that would use five times its budget settles to it, and never runs dry.
func TestPaceKeepsTheBudget(t *testing.T) {
	const bots, cost = 100, 4 // requests for each look
	poll := 30 * time.Second
	remaining, reset := 5000, at.Add(window)
	lowest := remaining
	next, meters, slow := make([]time.Time, bots), make([]meter, bots), make([]float64, bots)
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
			b := hub.Budget{Core: hub.Rate{Limit: 5000, Remaining: remaining, Reset: reset}}
			p := PaceOf(b, meters[i].look(b, stretched(poll, max(slow[i], 1)), now), poll, now)
			slow[i] = p.Slow
			next[i] = now.Add(p.stretch(poll))
		}
	}
	if lowest < 500 {
		t.Errorf("the fleet does not keep the reserve: %d left at the lowest", lowest)
	}
	t.Logf("%d bots, a look every %s for %d requests: %d of 5000 left at the lowest", bots, poll, cost, lowest)
}
