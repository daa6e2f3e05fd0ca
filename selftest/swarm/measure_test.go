//go:build !race

// These measure whole fleets and look for no races; `make simulate` runs them.

package swarm

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/selftest/fakehub"
	"github.com/cyborg-bots/cyborg/tasks"
)

// acquaint lets each bot have a job, so that all know each other, and takes the jobs away.
func (w *world) acquaint(ctx context.Context) error {
	pulls, err := w.openAll(ctx, "first", w.game.Bots/w.game.Contexts)
	if err != nil {
		return err
	}
	if err := w.claimed(ctx, pulls); err != nil {
		return err
	}
	for _, p := range pulls {
		if err := w.edit(ctx, p, map[string]any{"state": "closed"}, false); err != nil {
			return err
		}
	}
	return pause(ctx, 3*w.game.Poll+w.game.Settle)
}

// TestWaste: how many claims are in vain when 20 idle bots meet 20 jobs, with whole agents: which know each other by their
// claims, or have all been started in the same second and never claimed anything. Of the claims of the bots of 2017 35 in
// 100 were in vain with 15 s until a claim is seen, and 9 with 2 s.
func TestWaste(t *testing.T) {
	for _, row := range []struct {
		name  string
		lag   time.Duration
		cold  bool
		games uint64
		most  float64
	}{
		{"bots that know each other", 2 * time.Second, false, 10, 0.025},
		{"bots that know each other", 15 * time.Second, false, 10, 0.025},
		{"bots of a cold start", 2 * time.Second, true, 5, 0.01},
		{"bots of a cold start", 15 * time.Second, true, 5, 0.01},
	} {
		all := new(Sum)
		for seed := range row.games {
			g := Game{
				Seed: seed, Bots: 20, Jobs: 20, Contexts: 2, Mean: time.Hour, Poll: time.Minute, Lease: 30 * time.Minute, Settle: 2 * row.lag,
				Faults: Faults{Hub: fakehub.Faults{Latency: ms(200), Lag: fakehub.EvenLag(fakehub.Duration(row.lag))}},
			}.Draw(nil)
			st := stage{brief: true, early: row.cold, story: func(w *world) func(context.Context) error {
				return func(ctx context.Context) error {
					if !row.cold {
						if err := w.acquaint(ctx); err != nil {
							return err
						}
					}
					w.since = time.Now()
					pulls, err := w.openAll(ctx, "second", g.Jobs/g.Contexts)
					if err != nil {
						return err
					}
					return w.claimed(ctx, pulls)
				}
			}}
			sum, err := st.play(t.Context(), g, nil)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			all.Add(sum)
		}
		share := float64(all.Wasted) / float64(all.Claims)
		t.Logf("20 %s, 20 jobs, period 1m, %s until a claim is seen: %d of %d claims in vain, %.1f %%; pick-up p50 %s p95 %s",
			row.name, row.lag, all.Wasted, all.Claims, 100*share, round(percentile(all.Pickup, 0.5)), round(percentile(all.Pickup, 0.95)))
		if share > row.most || all.Bad() > 0 || all.Claims < all.Games*20 {
			t.Errorf("want at most %.1f %%; %v", 100*row.most, all.Stories)
		}
	}
}

// TestNotes: 20 bots meet a new head with 57 contexts in the same second, under lag. The bots of 2017 said "Not yet tested"
// twice for each of 57; here nobody says anything twice, whether the bots know each other or have all just been started.
func TestNotes(t *testing.T) {
	for _, known := range []bool{true, false} {
		g := Game{
			Seed: 1, Bots: 20, Jobs: 57, Contexts: 57, Mean: 2 * time.Hour, Poll: 30 * time.Second, Lease: 30 * time.Minute, Settle: 5 * time.Second,
			Faults: Faults{Hub: fakehub.Faults{Latency: ms(300), Lag: fakehub.EvenLag(fakehub.Duration(4 * time.Second))}},
		}.Draw(nil)
		st := stage{brief: true, story: func(w *world) func(context.Context) error {
			return func(ctx context.Context) error {
				if known {
					pulls, err := w.openAll(ctx, "first", 1)
					if err == nil {
						err = pause(ctx, 2*time.Minute)
					}
					if err == nil {
						err = w.edit(ctx, pulls[0], map[string]any{"state": "closed"}, false)
					}
					if err != nil {
						return err
					}
				}
				_, err := w.openAll(ctx, "second", 1)
				if err != nil {
					return err
				}
				return pause(ctx, 5*time.Minute)
			}
		}}
		var notes, twice int
		st.after = func(w *world) { notes, twice = w.notes(w.pulls[len(w.pulls)-1].heads[0].sha) }
		sum, err := st.play(t.Context(), g, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("57 contexts, 20 bots, known to each other: %v: %d notes, %d contexts with more than one; %d of %d claims in vain",
			known, notes, twice, sum.Wasted, sum.Claims)
		if twice > 0 || notes < 57-20 || sum.Bad() > 0 {
			t.Errorf("want one each for those that nobody has, and none twice; %v", sum.Stories)
		}
	}
}

// TestNotesOfStrangers: 20 bots that have all just been started, none of which can do what a head asks for, so that no
// claim ever shows who is there. They know each other by their roll, and nothing is said twice. Without a store together
// they elect who says it: in one election of eight two stand at the same moment, and one thing is said twice.
func TestNotesOfStrangers(t *testing.T) {
	const games, facts = 6, 10
	for _, row := range []struct {
		apart bool
		twice int // at most
	}{{false, 0}, {true, games / 2}} {
		notes, twice := 0, 0
		for seed := range uint64(games) {
			n, more := strangers(t, seed, facts, row.apart)
			notes, twice = notes+n, twice+more
		}
		t.Logf("%d games of 20 strangers (without a store together: %v) and %d facts: %d notes, %d facts with more than one", games, row.apart, facts, notes, twice)
		if twice > row.twice || notes != games*facts+twice {
			t.Errorf("want %d notes, and %d more at most", games*facts, row.twice)
		}
	}
}

// strangers plays a cold start of bots that can do nothing, and gives what they say.
func strangers(t *testing.T, seed uint64, facts int, apart bool) (notes, twice int) {
	t.Helper()
	g := Game{
		Seed: seed, Bots: 20, Jobs: facts, Contexts: facts, Mean: time.Hour, Poll: 30 * time.Second, Lease: 30 * time.Minute, Settle: 5 * time.Second,
		Faults: Faults{Hub: fakehub.Faults{Latency: ms(300), Lag: fakehub.EvenLag(fakehub.Duration(4 * time.Second))}},
	}.Draw(nil)
	st := stage{brief: true, early: true, story: func(w *world) func(context.Context) error {
		w.apart = apart
		hard := tasks.File{Path: "bots/guest", Mode: 0o755, Data: []byte("#!/bin/sh\n# guest: wait\n# on: pull request\n# needs: kvm\n# image: a b c d e f g h i j\n")}
		var err error
		if w.taught, err = tasks.Load(slices.Values([]tasks.File{hard})); err != nil {
			t.Fatal(err)
		}
		for _, b := range w.bots {
			b.able = false
		}
		return func(ctx context.Context) error {
			if _, err := w.openAll(ctx, "only", 1); err != nil {
				return err
			}
			return pause(ctx, 10*time.Minute)
		}
	}}
	st.after = func(w *world) { notes, twice = w.notes(w.pulls[0].heads[0].sha) }
	if _, err := st.play(t.Context(), g, nil); err != nil {
		t.Fatal(err)
	}
	return notes, twice
}

// TestBudget: a hundred bots with a thousand jobs a day of 10 to 60 minutes live on one account: they look more seldom,
// and GitHub refuses nothing. `cyborg simulate --bots 1000 --limits` is the same with ten times as many.
func TestBudget(t *testing.T) {
	g := Game{
		Seed: 1, Bots: 100, Jobs: 42, Contexts: 3, Mean: 35 * time.Minute, Even: true, Merge: true, Span: time.Hour, Accounts: 1,
		Limits: fakehub.GitHubLimits(), Poll: 30 * time.Second, Settle: 5 * time.Second, Lease: 30 * time.Minute,
	}.Draw(NoFaults)
	sum, err := Play(t.Context(), g, nil)
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	if err := sum.Table(&table); err != nil {
		t.Error(err)
	}
	t.Logf("%s\n%s", g, table.String())
	if sum.Bad() > 0 || sum.Usage.Refused > 0 || sum.Jobs < 42 || !strings.Contains(sum.fits(), "1 are enough") {
		t.Errorf("%d requests refused; %s; %s", sum.Usage.Refused, sum.fits(), sum.Stories)
	}
}

// TestAccounts: with a tenth of everything, a fleet of a thousand bots with ten thousand jobs a day. One account is too
// little (it may write fifty times an hour), though bots find what is to be done soon; the table says how many it takes,
// and with so many nothing is refused and no job waits for a budget.
func TestAccounts(t *testing.T) {
	l := fakehub.GitHubLimits()
	for _, n := range []*int{&l.Primary, &l.GraphQL, &l.Points, &l.GraphQLPoints, &l.Content, &l.ContentHour, &l.Concurrent} {
		*n /= 10
	}
	for seed := range uint64(2) {
		play := func(accounts int) *Sum {
			g := Game{
				Seed: seed, Bots: 100, Jobs: 21, Contexts: 3, Mean: 35 * time.Minute, Even: true, Merge: true, Span: time.Hour / 2, Accounts: accounts,
				Limits: l, Poll: 30 * time.Second, Settle: 5 * time.Second, Lease: 30 * time.Minute,
			}.Draw(NoFaults)
			st := stage{after: func(w *world) {
				if n := w.refused(10 * time.Minute); n > 0 {
					t.Errorf("%d requests were refused while the bots began", n)
				}
			}}
			sum, err := st.play(t.Context(), g, nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("seed %d: %d accounts: pick-up p50 %s, p95 %s; makespan %.2f times that of a perfect queue; %s", seed, accounts,
				round(percentile(sum.Pickup, 0.5)), round(percentile(sum.Pickup, 0.95)), float64(sum.Makespan)/float64(sum.Ideal), sum.fits())
			if sum.Bad() > 0 || sum.Jobs < 21 {
				t.Errorf("%d jobs; %s", sum.Jobs, sum.Stories)
			}
			return sum
		}
		one := play(1)
		if p50 := percentile(one.Pickup, 0.5); p50 > 5*time.Minute || !strings.Contains(one.fits(), "1 are too few") {
			t.Errorf("one account: pick-up p50 %s, %s", p50, one.fits())
		}
		all := play(one.Need.Accounts)
		if p95 := percentile(all.Pickup, 0.95); p95 > 5*time.Minute || all.Makespan > all.Ideal+all.Ideal/20 || !strings.Contains(all.fits(), "are enough") {
			t.Errorf("%d accounts: pick-up p95 %s, makespan %s of %s, %s", one.Need.Accounts, p95, all.Makespan, all.Ideal, all.fits())
		}
	}
}

// refused counts the requests that GitHub refused in the first part of a game.
func (w *world) refused(within time.Duration) int {
	n := 0
	var began time.Time
	for i, e := range w.hub.Journal() {
		if i == 0 {
			began = e.Time
		}
		if (e.Status == http.StatusForbidden || e.Status == http.StatusTooManyRequests) && e.Time.Sub(began) < within {
			n++
		}
	}
	return n
}

// notes counts the notes on a commit, and the contexts that have more than one.
func (w *world) notes(sha string) (notes, twice int) {
	for _, log := range w.records(sha) {
		n := 0
		for _, r := range log {
			if r.mark.Kind == claim.KindNote {
				n++
			}
		}
		if n > 1 {
			twice++
		}
		notes += n
	}
	return notes, twice
}
