package publish_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cyborg-bots/cyborg/publish"
)

// liveLog reads a log as a reader's page does, and checks that all that the
// index names is there. It starts over when the index has changed meanwhile.
func liveLog(t *testing.T, s publish.Store, prefix string) string {
	t.Helper()
	for range 5 {
		if _, err := s.Get(t.Context(), prefix+"/log.json"); errors.Is(err, fs.ErrNotExist) {
			return ""
		}
		index := readJSON[publish.Index](t, s, prefix+"/log.json")
		if index.Log != "" {
			return read(t, s, prefix+"/"+index.Log)
		}
		var b strings.Builder
		gone := false
		for _, c := range index.Chunks {
			r, err := s.Get(t.Context(), prefix+"/"+c.Name())
			if err != nil {
				gone = true
				break
			}
			if _, err := io.Copy(&b, r); err != nil {
				t.Fatal(err)
			}
			r.Close()
		}
		if !gone {
			return b.String()
		}
	}
	t.Fatal("the index names what is not there, five times")
	return ""
}

// say prints lines with pauses and returns all that was printed.
func say(t *testing.T, a *publish.Attempt, rnd *rand.Rand, lines int, each func(printed string)) string {
	t.Helper()
	var all strings.Builder
	all.WriteString("cyborg verify --pull 7 fedora-42\n")
	for n := range lines {
		line := fmt.Sprintf("line %d %s\n", n, strings.Repeat("x", rnd.IntN(200)))
		start := time.Now()
		if _, err := a.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(start); waited > 0 {
			t.Fatalf("the job waited %v for its log", waited)
		}
		all.WriteString(line)
		if err := pause(t.Context(), time.Duration(rnd.IntN(1500))*time.Millisecond); err != nil {
			t.Fatal(err)
		}
		each(all.String())
	}
	return all.String()
}

// One request in ten fails, all take a while: readers see a beginning of the
// log at any time, never with a hole, and in the end all of it.
func TestBadWeatherLosesNothing(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	s := openDir(t)
	i := info(t)
	synctest.Test(t, func(t *testing.T) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		var mu sync.Mutex
		line := rand.New(rand.NewPCG(seed, 2))
		w := &weather{Store: s, storm: func(ctx context.Context, _ string) error {
			mu.Lock()
			delay, fails := time.Duration(line.IntN(400))*time.Millisecond, line.IntN(10) == 0
			mu.Unlock()
			if err := pause(ctx, delay); err != nil || fails {
				return errors.Join(err, errWeather)
			}
			return nil
		}}
		var warnings bytes.Buffer
		i.Started, i.Log = time.Now(), slog.New(slog.NewTextHandler(&warnings, nil))
		a := begin(t, w, i)
		seen := 0
		want := say(t, a, rnd, 300, func(printed string) {
			got := liveLog(t, s, a.Prefix())
			if !strings.HasPrefix(printed, got) || len(got) < seen {
				t.Fatalf("a reader has %d bytes that are no beginning of the %d printed, or fewer than %d before", len(got), len(printed), seen)
			}
			seen = len(got)
		})
		finish(t, a, publish.StateSuccess, "Tests passed")
		if got := read(t, s, a.Prefix()+"/log.txt"); got != want {
			t.Errorf("the log has %d bytes, want %d", len(got), len(want))
		}
		if diff := objects(t, s, a); !slices.Equal(diff, []string{"junit.xml", "log.html", "log.json", "log.txt", "results.json"}) {
			t.Errorf("objects left: %q", diff)
		}
		if strings.Contains(warnings.String(), "while readers need it") {
			t.Error(warnings.String())
		}
		t.Logf("%.2f bytes were sent for each byte of log", float64(w.bytes())/float64(len(want)))
	})
}

// From a line printed to a line that can be read, with a store that takes
// 100 ms for a request: never over three seconds, and soon after silence.
func TestLag(t *testing.T) {
	s, i := openDir(t), info(t)
	synctest.Test(t, func(t *testing.T) {
		var prefix atomic.Value
		var lags []time.Duration
		var marks []time.Time // when line n was printed
		var mu sync.Mutex
		w := &weather{Store: s, storm: func(ctx context.Context, name string) error {
			if strings.HasSuffix(name, "/log.json") && prefix.Load() != nil {
				defer func() {
					mu.Lock()
					defer mu.Unlock()
					// The chunks are there, and the index will be in a moment.
					for n := strings.Count(allChunks(t, s, prefix.Load().(string)), "\n") - 1; len(lags) < n; {
						lags = append(lags, time.Since(marks[len(lags)]))
					}
				}()
			}
			return pause(ctx, 100*time.Millisecond)
		}}
		i.Started = time.Now()
		a := begin(t, w, i)
		prefix.Store(a.Prefix())
		for n := range 200 {
			mu.Lock()
			marks = append(marks, time.Now())
			mu.Unlock()
			fmt.Fprintf(a, "line %d\n", n)
			if err := pause(t.Context(), 300*time.Millisecond); err != nil {
				t.Fatal(err)
			}
		}
		if err := pause(t.Context(), 10*time.Second); err != nil { // silence
			t.Fatal(err)
		}
		mu.Lock()
		marks = append(marks, time.Now())
		mu.Unlock()
		fmt.Fprintln(a, "after silence")
		if err := pause(t.Context(), 3*time.Second); err != nil {
			t.Fatal(err)
		}
		finish(t, a, publish.StateSuccess, "")
		if len(lags) != 201 {
			t.Fatalf("%d lines were seen before the end, want 201", len(lags))
		}
		if last := lags[200]; last > time.Second {
			t.Errorf("after silence a line takes %v", last)
		}
		slices.Sort(lags)
		t.Logf("lag: median %v, worst %v", lags[100], lags[200])
		if lags[200] > 3*time.Second {
			t.Errorf("the worst lag is %v", lags[200])
		}
	})
}

// allChunks is the text of the chunks that are there, in order and each once.
func allChunks(t *testing.T, s publish.Store, prefix string) string {
	t.Helper()
	var b strings.Builder
	end := int64(0)
	type chunk struct{ from, to int64 }
	var list []chunk
	for e, err := range s.List(t.Context(), prefix+"/log.") {
		if err != nil {
			t.Error(err)
			return ""
		}
		var c chunk
		if n, _ := fmt.Sscanf(filepath.Base(e.Name), "log.%d-%d.txt", &c.from, &c.to); n == 2 {
			list = append(list, c)
		}
	}
	slices.SortFunc(list, func(a, b chunk) int { return int(a.from-b.from)*1_000_000 - int(a.to-b.to) })
	for _, c := range list {
		if c.from == end {
			b.WriteString(read(t, s, fmt.Sprintf("%s/log.%d-%d.txt", prefix, c.from, c.to)))
			end = c.to
		}
	}
	return b.String()
}

// The store is away for a minute when the job ends, with and without an
// artifact that waits for it as well.
func TestStoreAwayForAMinute(t *testing.T) {
	for _, files := range []int{0, 1} {
		s, i := openDir(t), info(t)
		synctest.Test(t, func(t *testing.T) {
			var back atomic.Int64
			w := &weather{Store: s, storm: func(ctx context.Context, _ string) error {
				if time.Now().UnixNano() < back.Load() {
					return errWeather
				}
				return nil
			}}
			a := begin(t, w, i)
			picturePath := filepath.Join(t.TempDir(), "shot.png")
			picture(t, picturePath)
			fmt.Fprintln(a, "before")
			if err := pause(t.Context(), 5*time.Second); err != nil {
				t.Fatal(err)
			}
			back.Store(time.Now().Add(time.Minute).UnixNano())
			fmt.Fprintln(a, "during")
			for range files {
				if err := a.Artifact(t.Context(), "shot.png", picturePath); err != nil {
					t.Error(err)
				}
			}
			finish(t, a, publish.StateSuccess, "Tests passed")
			if got := read(t, s, a.Prefix()+"/log.txt"); !strings.HasSuffix(got, "before\nduring\n") {
				t.Errorf("log %q", got)
			}
			if r := readJSON[publish.Results](t, s, a.Prefix()+"/results.json"); len(r.Artifacts) != files || files == 1 && r.Artifacts[0].File != "files/shot.png" {
				t.Errorf("artifacts %+v", r.Artifacts)
			}
		})
	}
}

// While the store is away the log gets too long, so that a part which was never
// sent is given up: the chunks behind the gap still know their lines.
func TestStoreAwayWhileTheLogOverflows(t *testing.T) {
	s, i := openDir(t), info(t)
	i.Limits.Log = 400_000
	synctest.Test(t, func(t *testing.T) {
		var away atomic.Bool
		w := &weather{Store: s, storm: func(context.Context, string) error {
			if away.Load() {
				return errWeather
			}
			return nil
		}}
		a := begin(t, w, i)
		for n := range 20_000 {
			if n == 100 || n == 15_000 {
				if err := pause(t.Context(), 30*time.Second); err != nil {
					t.Fatal(err)
				}
				away.Store(n == 100)
			}
			fmt.Fprintf(a, "line %06d %s\n", n, strings.Repeat("x", 88))
		}
		if err := pause(t.Context(), 30*time.Second); err != nil {
			t.Fatal(err)
		}
		checkChunksOfACutLog(t, s, a)
		if got := liveLog(t, s, a.Prefix()); !strings.Contains(got, "\nline 000050 ") || !strings.Contains(got, "\nline 019999 ") {
			t.Error("the live log has not both ends")
		}
		finish(t, a, publish.StateSuccess, "")
	})
}

// The store goes away for good, or hangs: the job is not held up, its end not
// for long, the error says what is not there, and what was there stays.
func TestStoreAwayForGood(t *testing.T) {
	for name, storm := range map[string]func(ctx context.Context) error{
		"fails": func(context.Context) error { return errWeather },
		"hangs": func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	} {
		s, i := openDir(t), info(t)
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var away atomic.Bool
				w := &weather{Store: s, storm: func(ctx context.Context, _ string) error {
					if away.Load() {
						return storm(ctx)
					}
					return nil
				}}
				a := begin(t, w, i)
				fmt.Fprintln(a, "last words that were sent")
				if err := pause(t.Context(), 5*time.Second); err != nil {
					t.Fatal(err)
				}
				away.Store(true)
				start := time.Now()
				for range 10_000 {
					fmt.Fprintln(a, strings.Repeat("x", 500))
				}
				if waited := time.Since(start); waited > 0 {
					t.Errorf("the job waited %v", waited)
				}
				picturePath := filepath.Join(t.TempDir(), "shot.png")
				picture(t, picturePath)
				if err := a.Artifact(t.Context(), "shot.png", picturePath); err != nil {
					t.Error(err)
				}
				err := a.Finish(t.Context(), publish.Outcome{State: publish.StateFailure})
				if !errors.Is(err, publish.ErrNoLog) || !strings.Contains(err.Error(), "publish log: ") || !strings.Contains(err.Error(), "publish artifact shot.png: ") {
					t.Errorf("finish says: %v", err)
				}
				if took := time.Since(start); took > 6*time.Minute {
					t.Errorf("the end took %v", took)
				}
				if got := liveLog(t, s, a.Prefix()); !strings.HasSuffix(got, "last words that were sent\n") {
					t.Errorf("what can be read is %q", got)
				}
			})
		})
	}
}

// A drained bot gives little time; Finish keeps to it.
func TestFinishEndsWithItsContext(t *testing.T) {
	s, i := openDir(t), info(t)
	synctest.Test(t, func(t *testing.T) {
		a := begin(t, &weather{Store: s, storm: func(context.Context, string) error { return errWeather }}, i)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start := time.Now()
		if err := a.Finish(ctx, publish.Outcome{State: publish.StateCancelled}); err == nil {
			t.Error("no error")
		}
		if took := time.Since(start); took > 3*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

// A job that says nothing for long: log.json tells that its bot lives.
func TestSignOfLife(t *testing.T) {
	s, i := openDir(t), info(t)
	synctest.Test(t, func(t *testing.T) {
		a := begin(t, s, i)
		for range 20 {
			if err := pause(t.Context(), 30*time.Second); err != nil {
				t.Fatal(err)
			}
			index := readJSON[publish.Index](t, s, a.Prefix()+"/log.json")
			if age := time.Since(index.Updated); age > 31*time.Second || index.State != publish.StateRunning {
				t.Errorf("the index is %v old and says %s", age, index.State)
			}
		}
		finish(t, a, publish.StateSuccess, "")
	})
}

// A job that prints without end: the store holds a bounded part of it at any
// time, and the finished log is cut in the middle.
func TestEndlessLog(t *testing.T) {
	s, i := openDir(t), info(t)
	i.Limits.Log, i.Limits.Chunk = 400_000, 20_000
	synctest.Test(t, func(t *testing.T) {
		a := begin(t, s, i)
		for n := range 150 {
			for m := range 100 {
				fmt.Fprintf(a, "line %06d %s\n", n*100+m, strings.Repeat("x", 88))
			}
			if err := pause(t.Context(), time.Second); err != nil {
				t.Fatal(err)
			}
			size, count := int64(0), 0
			for e, err := range s.List(t.Context(), a.Prefix()+"/log.") {
				if err != nil {
					t.Fatal(err)
				}
				size += e.Size
				count++
			}
			if size > 1_000_000 || count > 60 {
				t.Fatalf("after %d lines the store holds %d bytes in %d objects", n*100, size, count)
			}
		}
		checkChunksOfACutLog(t, s, a)
		finish(t, a, publish.StateFailure, "too much")
		log := read(t, s, a.Prefix()+"/log.txt")
		index := readJSON[publish.Index](t, s, a.Prefix()+"/log.json")
		lines := strings.Split(strings.TrimSuffix(log, "\n"), "\n")
		if index.Cut == nil || len(log) > 450_000 || len(lines)+index.Cut.Lines-1 != 15_001 || !strings.HasPrefix(lines[len(lines)-1], "line 014999 ") {
			t.Errorf("%d bytes, %d lines, cut %+v, last %q", len(log), len(lines), index.Cut, lines[len(lines)-1])
		}
	})
}

// checkChunksOfACutLog checks what the page counts on: a chunk knows how many
// lines there are before it.
func checkChunksOfACutLog(t *testing.T, s publish.Store, a *publish.Attempt) {
	t.Helper()
	gaps, end := 0, int64(0)
	for _, c := range readJSON[publish.Index](t, s, a.Prefix()+"/log.json").Chunks {
		if c.From != end {
			gaps++
		}
		end = c.To
		text := read(t, s, a.Prefix()+"/"+c.Name())
		_, line, _ := strings.Cut(text, "\nline ")
		var n int
		if _, err := fmt.Sscanf(line, "%d", &n); err != nil {
			t.Fatalf("chunk %+v: %v", c, err)
		}
		if before := c.Line + strings.Count(text[:strings.Index(text, "\nline ")+1], "\n"); before != n+1 { // the line that repeats the run
			t.Errorf("chunk %+v: %d lines before line %d", c, before, n)
		}
	}
	if gaps != 1 {
		t.Errorf("%d gaps, want 1", gaps)
	}
}
