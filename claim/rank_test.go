//go:build !race

// One goroutine ranks: the race detector has nothing to find there. make unit runs these beside the others, without it.

package claim

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestRank(t *testing.T) {
	names := []string{"a", "b", "c", "d", "e"}
	firsts := map[string]int{}
	for i := range 1000 {
		key := fmt.Sprintf("acme/widget@%d:verify", i)
		var places []int
		for _, me := range names {
			places = append(places, Rank(key, names, me))
			if places[len(places)-1] == 0 {
				firsts[me]++
			}
		}
		if again := Rank(key, append([]string{"c", "c"}, names[:2]...), "e"); again > 3 {
			t.Fatalf("%s: place %d of 4", key, again)
		}
		slices.Sort(places)
		if !slices.Equal(places, []int{0, 1, 2, 3, 4}) {
			t.Fatalf("%s: places %v", key, places)
		}
	}
	for name, n := range firsts {
		if n < 150 || n > 250 {
			t.Errorf("%s is first for %d of 1000 subjects", name, n)
		}
	}
}

// TestRankIsStable: when a bot goes, the others keep their order.
func TestRankIsStable(t *testing.T) {
	names := []string{"a", "b", "c", "d", "e"}
	for i := range 200 {
		key := fmt.Sprint(i)
		gone := Rank(key, names, "c")
		for _, me := range []string{"a", "b", "d", "e"} {
			before, after := Rank(key, names, me), Rank(key, []string{"a", "b", "d", "e"}, me)
			if want := before; before > gone && after != want-1 || before < gone && after != want {
				t.Fatalf("%s: %s was %d, is %d, and %d is gone", key, me, before, after, gone)
			}
		}
	}
}

func TestPlaces(t *testing.T) {
	subjects := func(n int) (list []string) {
		for i := range n {
			list = append(list, fmt.Sprintf("acme/widget@%d:verify", i))
		}
		return list
	}
	names := func(n int) (list []string) {
		for i := range n {
			list = append(list, fmt.Sprintf("bot-%d", i))
		}
		return list
	}
	for _, n := range []struct{ bots, subjects int }{{1, 1}, {5, 5}, {3, 8}, {8, 3}, {1, 20}, {20, 1}, {30, 70}} {
		bots, keys := names(n.bots), subjects(n.subjects)
		firsts := map[int]string{}
		for _, me := range bots {
			places := Places(keys, bots, me)
			seen := map[int]bool{}
			for s, p := range places {
				if seen[p] {
					t.Fatalf("%v: %s has place %d twice", n, me, p)
				}
				seen[p] = true
				if p == 0 && firsts[s] != "" {
					t.Fatalf("%v: %s and %s are both first for %s", n, me, firsts[s], keys[s])
				}
				if p == 0 {
					firsts[s] = me
				}
			}
			if again := Places(keys, reversed(bots), me); !slices.Equal(places, again) {
				t.Fatalf("%v: the order of names matters", n)
			}
		}
		if len(firsts) != min(n.bots, n.subjects) {
			t.Errorf("%v: %d subjects have somebody at place 0", n, len(firsts))
		}
		// When a bot has taken its subject, everybody else's place 0 stays.
		for s, who := range firsts {
			rest := slices.DeleteFunc(slices.Clone(bots), func(b string) bool { return b == who })
			left := slices.Delete(slices.Clone(keys), s, s+1)
			for s2, me := range firsts {
				if me == who {
					continue
				}
				at := slices.Index(left, keys[s2])
				if p := Places(left, rest, me)[at]; p != 0 {
					t.Fatalf("%v: %s took %s, and %s is at place %d for %s", n, who, keys[s], me, p, keys[s2])
				}
			}
		}
	}
	if p := Places(subjects(1000), names(1000), "stranger"); len(p) != 1000 || slices.Min(p) < 0 {
		t.Errorf("%d places", len(p))
	}
	if p := Places(nil, nil, "me"); len(p) != 0 {
		t.Errorf("places %v of nothing", p)
	}
}

// A fleet simulates how often idle bots claim the same task: n bots look at the queue every period (half of it more or less), and see
// a claim when it is visible for long. All m tasks are there from the beginning; whoever gets one is busy for the rest.
type fleet struct {
	bots, tasks     int
	period, visible time.Duration
	choose          func(f *fleet, me int, now time.Duration) (task int, ok bool)
	unknown         int // bots which are new, so that nobody else knows their names
	ghosts          int // names of bots that are gone, which all take for idle
	rand            *rand.Rand
	names           []string
	claims          [][]claimed // by task
}

type claimed struct {
	bot int
	at  time.Duration
}

// free gives the tasks that look free, and the names of the bots that look idle to me.
func (f *fleet) free(me int, now time.Duration) (free []int, idle []string) {
	busy := map[int]bool{}
	for task, claims := range f.claims {
		if len(claims) > 0 && claims[0].at+f.visible <= now {
			busy[claims[0].bot] = true
		} else {
			free = append(free, task)
		}
	}
	for bot, name := range f.names {
		if !busy[bot] && (bot == me || bot >= f.unknown) {
			idle = append(idle, name)
		}
	}
	for i := range f.ghosts {
		idle = append(idle, fmt.Sprintf("ghost-%s-%d", f.names[0], i))
	}
	return free, idle
}

// run gives the share of wasted claims, and the median time until a task was taken.
func (f *fleet) run(seed uint64) (made, wasted int, waits []time.Duration) {
	f.rand = rand.New(rand.NewPCG(seed, 3))
	f.names, f.claims = nil, make([][]claimed, f.tasks)
	next := make([]time.Duration, f.bots)
	for i := range f.bots {
		f.names = append(f.names, fmt.Sprintf("bot-%d-%d", seed, i))
		next[i] = time.Duration(f.rand.Int64N(int64(f.period)))
	}
	for now := time.Duration(0); now < 200*f.period; {
		me := 0
		for i := range next {
			if next[i] < next[me] {
				me = i
			}
		}
		now = next[me]
		task, ok := f.choose(f, me, now)
		next[me] = now + f.period/2 + time.Duration(f.rand.Int64N(int64(f.period)))
		if !ok {
			continue
		}
		made++
		if len(f.claims[task]) == 0 {
			next[me] = 1 << 62
			waits = append(waits, now)
		} else {
			wasted++
			next[me] = now + 5*time.Second + time.Duration(f.rand.Int64N(int64(10*time.Second)))
		}
		f.claims[task] = append(f.claims[task], claimed{me, now})
		if len(waits) == min(f.bots, f.tasks) {
			break
		}
	}
	return made, wasted, waits
}

func takeFirst(f *fleet, me int, now time.Duration) (int, bool) {
	free, _ := f.free(me, now)
	if len(free) == 0 {
		return 0, false
	}
	return free[0], true
}

func takeRandom(top int) func(*fleet, int, time.Duration) (int, bool) {
	return func(f *fleet, me int, now time.Duration) (int, bool) {
		free, _ := f.free(me, now)
		if len(free) == 0 {
			return 0, false
		}
		return free[f.rand.IntN(min(len(free), top))], true
	}
}

// takeRanked takes the task for which the bot is ranked best among the idle, once that rank's delay is over.
func takeRanked(f *fleet, me int, now time.Duration) (int, bool) {
	free, idle := f.free(me, now)
	type option struct{ task, rank int }
	var options []option
	var keys []string
	for _, task := range free {
		keys = append(keys, fmt.Sprintf("task-%d", task))
	}
	for i, rank := range Places(keys, idle, f.names[me]) {
		task := free[i]
		if now >= RankDelay(rank, f.visible) {
			options = append(options, option{task, rank})
		}
	}
	if len(options) == 0 {
		return 0, false
	}
	return slices.MinFunc(options, func(a, b option) int { return cmp.Compare(a.rank, b.rank) }).task, true
}

// TestCollisions: how many claims are in vain, by the way of choosing, in the situations of the design.
func TestCollisions(t *testing.T) {
	ways := []struct {
		name   string
		choose func(*fleet, int, time.Duration) (int, bool)
	}{{"first", takeFirst}, {"random of 10 (2017)", takeRandom(10)}, {"random", takeRandom(1000)}, {"ranked", takeRanked}}
	rows := []struct {
		bots, tasks     int
		period, visible time.Duration
		strange         int     // so many bots that nobody else knows, and so many that all take for idle and are gone
		most            float64 // in vain, of ranked
	}{
		{20, 20, 60 * time.Second, 2 * time.Second, 0, 0.025}, {20, 20, 60 * time.Second, 15 * time.Second, 0, 0.05},
		{20, 20, 60 * time.Second, 2 * time.Second, 2, 0.06}, {20, 20, 60 * time.Second, 15 * time.Second, 2, 0.2},
		{50, 50, 60 * time.Second, 2 * time.Second, 0, 0.025}, {50, 50, 60 * time.Second, 15 * time.Second, 0, 0.05},
		{50, 10, 60 * time.Second, 2 * time.Second, 0, 0.14}, {20, 40, 330 * time.Second, 30 * time.Second, 0, 0.05},
	}
	for _, row := range rows {
		for _, way := range ways {
			made, wasted := 0, 0
			var waits []time.Duration
			for seed := range uint64(40) {
				f := &fleet{bots: row.bots, tasks: row.tasks, period: row.period, visible: row.visible, choose: way.choose, unknown: row.strange, ghosts: row.strange}
				m, w, ws := f.run(seed)
				made, wasted, waits = made+m, wasted+w, append(waits, ws...)
			}
			slices.Sort(waits)
			share := float64(wasted) / float64(made)
			t.Logf("%d bots (%d unknown, %d gone), %d tasks, %s, %s: %-20s %5.1f %% in vain, wait p50 %s p95 %s", row.bots, row.strange, row.strange, row.tasks, row.period, row.visible, way.name,
				100*share, waits[len(waits)/2].Round(time.Second), waits[len(waits)*95/100].Round(time.Second))
			if way.name == "ranked" && share > row.most {
				t.Errorf("%.1f %% of the claims are in vain, want at most %.1f %%", 100*share, 100*row.most)
			}
		}
	}
}

func reversed(list []string) []string {
	list = slices.Clone(list)
	slices.Reverse(list)
	return list
}
