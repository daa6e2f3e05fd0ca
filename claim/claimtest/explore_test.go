//go:build !race

// One goroutine explores: the race detector has nothing to find there and makes each state five times as dear. make unit
// runs these beside the others, without it.

package claimtest

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
)

type modelRow struct {
	name  string
	model Model
	meets string // what must have been met, so that the row is not about nothing
}

// Each row is explored to the end. Together they take some seconds.
var models = []modelRow{
	{"pauses and beats", Model{Bots: 2, Ticks: 6, Settle: 1, Beats: 1}, "work race takeover result late-result rest"},
	{"many beats", Model{Bots: 2, Ticks: 4, Settle: 1, Beats: 3}, "work race result rest"},
	{"lost answers", Model{Bots: 2, Ticks: 5, Settle: 1, LostAcks: 2}, "work race takeover result rest"},
	{"lost writes", Model{Bots: 2, Ticks: 5, Settle: 1, Drops: 1, LostAcks: 1}, "work race takeover result rest"},
	{"writes under way", Model{Bots: 2, Ticks: 5, Settle: 1, Ghosts: 1}, "work race takeover result rest"},
	{"a crash", Model{Bots: 2, Ticks: 4, Settle: 1, Crashes: 1}, "work race takeover result rest"},
	{"given back", Model{Bots: 2, Ticks: 5, Settle: 1, Releases: 1, Cancels: 1}, "work race takeover result rest"},
	{"a person asks again", Model{Bots: 2, Ticks: 4, Settle: 1, Resets: 1}, "work race result rest"},
	{"three bots", Model{Bots: 3, Ticks: 3, Settle: 1}, "work race result rest"},
	{"beyond: leases end at any moment", Model{Bots: 2, Ticks: 3, Settle: 1, Leaps: 2}, "work race takeover result late-result rest"},
	{"beyond: reads miss anything", Model{Bots: 2, Ticks: 3, Settle: 1, Stale: 3}, "work race result rest"},
	{"beyond: no settle wait", Model{Bots: 2, Ticks: 2, Settle: 0, Leaps: 1}, "work race takeover result late-result rest"},
}

// The deep rows are for "CYBORG_EXPLORE=deep go test -run Deep -timeout 1h": 18 million states, some minutes and gigabytes.
var deepModels = []modelRow{
	{"pauses and beats", Model{Bots: 2, Ticks: 9, Settle: 1, Beats: 3}, "work race takeover result late-result rest"},
	{"everything lost", Model{Bots: 2, Ticks: 6, Settle: 1, Beats: 1, LostAcks: 1, Drops: 1, Ghosts: 1}, "work race takeover result rest"},
	{"crashes", Model{Bots: 2, Ticks: 5, Settle: 1, Beats: 1, Crashes: 2}, "work race takeover result rest"},
	{"a crash and a lost answer", Model{Bots: 2, Ticks: 5, Settle: 1, LostAcks: 1, Crashes: 1}, "work race takeover result rest"},
	{"three bots", Model{Bots: 3, Ticks: 5, Settle: 1}, "work race takeover result rest"},
	{"three bots, lost answers", Model{Bots: 3, Ticks: 4, Settle: 1, LostAcks: 1}, "work race result rest"},
	{"three bots, a crash", Model{Bots: 3, Ticks: 3, Settle: 1, Crashes: 1}, "work race result rest"},
	{"beyond: three bots", Model{Bots: 3, Ticks: 3, Settle: 1, Leaps: 1}, "work race takeover result late-result rest"},
	{"beyond: no settle wait", Model{Bots: 2, Ticks: 4, Settle: 0, Leaps: 1, Stale: 1}, "work race takeover result late-result rest"},
	{"beyond: everything", Model{Bots: 2, Ticks: 3, Settle: 1, LostAcks: 1, Leaps: 1, Stale: 2, Resets: 1}, "work race takeover result late-result rest"},
}

func TestExplore(t *testing.T) { explore(t, models) }

// TestExploreDeep explores more if CYBORG_EXPLORE is "deep", and else one row more.
func TestExploreDeep(t *testing.T) {
	rows := []modelRow{{"everything once", Model{Bots: 2, Ticks: 4, Settle: 1, LostAcks: 1, Ghosts: 1, Releases: 1}, "work race result rest"}}
	if os.Getenv("CYBORG_EXPLORE") == "deep" {
		rows = deepModels
	}
	explore(t, rows)
}

func explore(t *testing.T, rows []modelRow) {
	for _, tt := range rows {
		t.Run(tt.name, func(t *testing.T) {
			begin := time.Now()
			r := Explore(t.Context(), tt.model)
			t.Logf("%d states in %s: %v", r.States, time.Since(begin).Round(time.Millisecond), r.Met)
			if r.Broken != "" {
				t.Fatalf("%s\n%s", r.Broken, r.Story)
			}
			if !r.Complete {
				t.Error("not explored to the end")
			}
			for want := range strings.FieldsSeq(tt.meets) {
				if r.Met[strings.ReplaceAll(want, "-", " ")] == 0 {
					t.Errorf("there was no %s", want)
				}
			}
		})
	}
}

// TestExploreFinds: where an assumption or a safeguard is taken away, the exploration finds two bots at work, and tells how.
func TestExploreFinds(t *testing.T) {
	tests := []struct {
		name  string
		model Model
	}{
		{"no settle wait", Model{Bots: 2, Ticks: 2}},
		{"replicas that lag more than the settle wait", Model{Bots: 2, Ticks: 2, Settle: 1, Stale: 2, Alone: true}},
		{"GitHub's times are wrong by more than a lease", Model{Bots: 2, Ticks: 4, Settle: 1, Leaps: 1, Alone: true}},
		{"a bot's clock stands still", Model{Bots: 2, Ticks: 6, Settle: 1, Slow: true}},
		{"#2017 looks at the newest claim only", Model{Bots: 2, Ticks: 3, Settle: 1, Distort: newestClaim}},
		{"sees its own claim only", Model{Bots: 2, Ticks: 3, Settle: 1, Distort: ownClaim}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := Explore(t.Context(), tt.model)
			t.Logf("%d states\n%s", r.States, r.Story)
			if !strings.HasPrefix(r.Broken, "I2") {
				t.Fatalf("found %q in %d states", r.Broken, r.States)
			}
			if strings.Count(r.Story, "WORKS") < 2 || strings.Count(r.Story, "writes record") < 2 {
				t.Errorf("a story that does not tell it:\n%s", r.Story)
			}
		})
	}
}

// newestClaim is what the bots of 2017 went by: the newest status.
func newestClaim(marks []claim.Mark, _ claim.Life) []claim.Mark {
	if len(marks) == 0 {
		return nil
	}
	return marks[len(marks)-1:]
}

func ownClaim(marks []claim.Mark, l claim.Life) []claim.Mark {
	var own []claim.Mark
	for _, m := range marks {
		if m.Nonce == l.Nonce {
			own = append(own, m)
		}
	}
	return own
}

// TestExploreStopsWithContext and with the limit.
func TestExploreStops(t *testing.T) {
	if r := Explore(t.Context(), Model{Bots: 2, Ticks: 9, Settle: 1, Beats: 3, Limit: 1000}); r.Complete || r.States < 1000 || r.States > 1100 {
		t.Errorf("%d states, complete %v", r.States, r.Complete)
	}
}
