package swarm

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/selftest/fakehub"
)

// fewer games under the race detector, which makes each several times as dear and looks for something else.
func fewer(n int) int { return max(n/dear, 1) }

// games plays a number of seeds and fails for all that went wrong in them.
func games(t *testing.T, s Series) {
	t.Helper()
	s.Parallel = 2
	sum, err := s.Play(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, story := range sum.Stories[:min(len(sum.Stories), 3)] {
		t.Log(story)
	}
	if sum.Bad() > 0 {
		t.Errorf("%d things went wrong: %d double runs, %d replaced results, %d flips, %d lost, %d wrong at rest, %d phantoms",
			sum.Bad(), sum.Doubles, sum.Effects, sum.Flips, sum.Lost, sum.Wrong, sum.Phantoms)
	}
	if sum.Games != s.Games || sum.Jobs < sum.Games || sum.Claims < sum.Jobs {
		t.Errorf("%d games, %d jobs, %d claims", sum.Games, sum.Jobs, sum.Claims)
	}
	var table strings.Builder
	if err := sum.Table(&table); err != nil {
		t.Error(err)
	}
	t.Logf("seeds from %d\n%s", s.First, table.String())
}

// TestGames plays whole agents. Seeds that once went wrong are among them.
func TestGames(t *testing.T) {
	for _, row := range []struct {
		name  string
		level func(*rand.Rand, time.Duration) Faults
		games int
	}{{"none", NoFaults, 6}, {"some", SomeFaults, 16}, {"all", AllFaults, 32}} {
		t.Run(row.name, func(t *testing.T) {
			games(t, Series{Level: row.level, First: 1, Games: fewer(row.games)})
		})
	}
}

// TestClaims plays claims alone, many more of them.
func TestClaims(t *testing.T) {
	games(t, Series{Game: Game{Claims: true}, Level: AllFaults, First: 1, Games: fewer(150)})
}

// TestBeyondTheAssumptions: what is promised only within them breaks outside of them, or the games would prove nothing.
// What is promised always holds: of each attempt one result counts, and it is one that somebody produced.
func TestBeyondTheAssumptions(t *testing.T) {
	late := func(d time.Duration) fakehub.Faults {
		return fakehub.Faults{Latency: ms(100), LateIDs: 0.5, LateBy: fakehub.Duration(d)}
	}
	for _, row := range []beyond{
		{"A2: no settle wait", -1, Faults{Hub: late(4 * time.Second)}, 0, false, false, 8},
		{"A2: ids that become visible after the settle wait", 5 * time.Second, Faults{Hub: late(time.Minute)}, 0, false, false, 1},
		{"A2: ids that become visible after the job", -1, Faults{Hub: late(2 * time.Minute)}, 10 * time.Second, true, false, 3},
		{"A3: times of GitHub's that are wrong by a lease", 5 * time.Second, Faults{
			Hub: fakehub.Faults{Latency: ms(100), SkewCreated: fakehub.Duration(12 * time.Minute)},
		}, 0, false, true, 2},
		{"A4: clocks that are wrong by half", 5 * time.Second, Faults{Skew: 0.5, Cuts: 3}, 0, false, false, 11},
	} {
		t.Run(row.name, row.test)
	}
}

// A beyond is an assumption that does not hold.
type beyond struct {
	name   string
	settle time.Duration
	faults Faults
	mean   time.Duration
	flips  bool   // results are there before the claims below them can be seen, and nobody looks again so late
	stuck  bool   // beats that do not count let jobs begin again and again
	first  uint64 // seed: with the next ones it soon shows what breaks
}

// test plays until what can break has broken, and a few games more.
func (row beyond) test(t *testing.T) {
	const most = 100 // games; a few are enough in general
	sum, more := new(Sum), fewer(8)
	for seed := row.first; seed < row.first+most && more > 0; seed++ {
		g := Game{
			Seed: seed, Claims: true, Bots: 6, Jobs: 18, Contexts: 3, Settle: row.settle, Lease: 10 * time.Minute, Mean: row.mean, Faults: row.faults,
		}.Draw(nil)
		got, err := stage{brief: row.stuck}.play(t.Context(), g, nil)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		sum.Add(got)
		if sum.Doubles > 0 && (sum.Flips > 0 || !row.flips) {
			more--
		}
	}
	t.Logf("%d games, %d jobs, %d double runs, %d replaced results, %d flips, %d lost, %d wrong at rest, %d phantoms",
		sum.Games, sum.Jobs, sum.Doubles, sum.Effects, sum.Flips, sum.Lost, sum.Wrong, sum.Phantoms)
	if sum.Doubles == 0 {
		t.Error("no double run: the games see nothing")
	}
	if (sum.Flips > 0) != row.flips {
		t.Errorf("%d flips", sum.Flips)
	}
	if sum.Effects > 0 || sum.Phantoms > 0 || sum.Wrong > 0 && !row.flips || sum.Lost > 0 {
		t.Errorf("more broke than may; the first: %s", sum.Stories[0])
	}
}

// random is the part of a log's address that comes from elsewhere than the seed.
var random = regexp.MustCompile(`-[a-z2-7]{26}/log`)

// TestSeedsAreRepeatable: a seed that went wrong can be played again. One in twenty games of whole agents takes another
// turn, where two goroutines of a bot do something at the same instant; of claims alone hardly any does.
func TestSeedsAreRepeatable(t *testing.T) {
	played := func(g Game) (lines []string) {
		_, err := stage{after: func(w *world) {
			for _, e := range w.hub.Journal() {
				lines = append(lines, random.ReplaceAllString(fmt.Sprint(e.Time, e.Method, e.Path, e.Status, e.Body), "/log"))
			}
		}}.play(t.Context(), g, nil)
		if err != nil {
			t.Fatal(err)
		}
		return lines
	}
	const seeds = 3
	for claims, want := range map[bool]int{true: seeds - 1, false: 1} {
		same := 0
		for seed := range uint64(seeds) {
			g := Game{Seed: seed, Claims: claims, Bots: 2, Jobs: 4}.Draw(AllFaults)
			if slices.Equal(played(g), played(g)) {
				same++
			}
		}
		t.Logf("claims alone %v: %d of %d games went the same way", claims, same, seeds)
		if same < want {
			t.Errorf("want at least %d", want)
		}
	}
}
