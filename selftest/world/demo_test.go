package world

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/selftest/fakehub"
)

// limit is how long a story may take on a slow machine.
const limit = 4 * time.Minute

// place makes a world for a test; what its bots say is shown if the test fails.
func place(t *testing.T, seed uint64) *World {
	t.Helper()
	w, err := New(t.Context(), Options{Dir: t.TempDir(), Seed: seed, Log: logTo(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// TestDemo plays the story as `cyborg demo` does.
func TestDemo(t *testing.T) {
	w := place(t, 1)
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	var told bytes.Buffer
	story := &Demo{World: w, Out: &told, Bots: 3}
	if err := story.Play(ctx); err != nil {
		t.Fatalf("%v\n%s", err, told.String())
	}
	for _, line := range []string{
		"grace opens #4: Welcome the world",
		"#1 verify  ✓ Tests passed [bot-",
		"#2 verify  ✗ 1 test failed [bot-",
		"grace pushes #3 anew while it is tested",
		"#4 verify  ✗ Merge with main failed: conflict in README.md [bot-",
		"all as it must be: 8 jobs, each with one result",
	} {
		if !strings.Contains(told.String(), line) {
			t.Errorf("nobody told %q in\n%s", line, told.String())
		}
	}
	nothingLeft(t, w)
}

// TestDemoInBadWeather plays the story on a GitHub whose reads lag, whose answers get lost, and which fails now and then,
// before and after it has done what it was asked for. It must end the same.
func TestDemoInBadWeather(t *testing.T) {
	for _, seed := range []uint64{1, 2} {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			w := place(t, seed)
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			var told bytes.Buffer
			if err := stormy(ctx, &Demo{World: w, Out: &told, Bots: 3, began: time.Now()}); err != nil {
				t.Fatalf("%v\n%s", err, told.String())
			}
			faults := map[string]int{}
			for _, e := range w.Hub.Journal() {
				if e.Fault != "" {
					faults[e.Fault]++
				}
			}
			t.Logf("what went wrong: %v", faults)
			if len(faults) < 2 {
				t.Errorf("too little went wrong to show anything: %v", faults)
			}
			nothingLeft(t, w)
		})
	}
}

// stormy is Play in bad weather, which begins when the bots do. People have it good: they are not what is tested.
func stormy(ctx context.Context, d *Demo) error {
	w := d.World
	weather := fakehub.Faults{
		Lag: fakehub.EvenLag(fakehub.Duration(300 * time.Millisecond)), LostAcks: 0.1, FailBefore: 0.05, FailAfter: 0.05,
		LateIDs: 0.1, LateBy: fakehub.Duration(300 * time.Millisecond),
	}
	calm := fakehub.Faults{Lag: weather.Lag}
	if err := w.AddRepo(ctx, Widget); err != nil {
		return err
	}
	owner, err := d.firstCommit(ctx)
	if err != nil {
		return err
	}
	if err := d.openPulls(ctx, owner); err != nil {
		return err
	}
	bots, stop := context.WithCancel(ctx)
	defer w.bots.Wait()
	defer stop()
	// The settle wait is well above what the lag can be: that is what it is for.
	pace := Pace{Poll: 500 * time.Millisecond, Settle: 2 * time.Second, Lease: 30 * time.Second, Drain: time.Second}
	for i := range d.Bots {
		if err := w.StartBot(bots, fmt.Sprintf("bot-%c", 'a'+i), Widget, pace); err != nil {
			return err
		}
	}
	f := &follower{demo: d, shown: map[string]string{}}
	if err := w.Hub.SetFaults(calm); err != nil {
		return err
	}
	if err := f.untilRunning(ctx, 3, "verify"); err != nil {
		return err
	}
	if err := d.pushAnew(ctx); err != nil {
		return err
	}
	if err := w.Hub.SetFaults(weather); err != nil {
		return err
	}
	for {
		err := f.untilDone(ctx)
		if err == nil {
			break
		}
		if ctx.Err() != nil { // the visitor's own reads fail now and then too
			return err
		}
	}
	if err := w.Hub.SetFaults(fakehub.Faults{}); err != nil {
		return err
	}
	return f.check(ctx)
}

// nothingLeft looks for directories of jobs after the bots have stopped.
func nothingLeft(t *testing.T, w *World) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(w.o.Dir, "bots", "*", "jobs", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range left {
		if filepath.Base(name) == "gate" {
			continue
		}
		if info, err := os.Stat(name); err == nil && info.IsDir() {
			t.Errorf("a job has left %s", name)
		}
	}
}
