package publish_test

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/publish"
	"github.com/cyborg-bots/cyborg/publish/dir"
)

// A fast job and a store that hangs: the log waits on disk, not in memory.
func TestMemoryIsBounded(t *testing.T) {
	s, i := openDir(t), info(t)
	i.Limits.Log = 32e6
	release := make(chan struct{})
	a := begin(t, &weather{Store: s, storm: func(ctx context.Context, _ string) error {
		select {
		case <-ctx.Done():
		case <-release:
		}
		return ctx.Err()
	}}, i)
	line := []byte(strings.Repeat("0123456789abcde\n", 4096))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range 2000 { // 131 MB
		if _, err := a.Write(line); err != nil {
			t.Fatal(err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 8e6 {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
	close(release)
	finish(t, a, publish.StateSuccess, "")
}

// clock is a store that notes how long after its printing a line can be read.
type clock struct {
	publish.Store
	mu      sync.Mutex
	printed map[string][]mark // by prefix
	lags    []time.Duration
	sent    int64
}

// mark says that the log had so many bytes at that time.
type mark struct {
	size int64
	at   time.Time
}

func (c *clock) Put(ctx context.Context, name string, body io.ReadSeeker, meta publish.Meta) error {
	size, err := body.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := c.Store.Put(ctx, name, body, meta); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if strings.HasSuffix(name, ".txt") {
		c.sent += size
	}
	prefix, base, _ := strings.Cut(name, "/log.")
	var from, to int64
	if n, _ := fmt.Sscanf(base, "%d-%d.txt", &from, &to); n == 2 {
		list := c.printed[prefix]
		for len(list) > 0 && list[0].size <= to {
			c.lags = append(c.lags, time.Since(list[0].at))
			list = list[1:]
		}
		c.printed[prefix] = list
	}
	return nil
}

// BenchmarkEightJobs is one bot with eight jobs that print 1 MB a second each
// for twelve seconds. It reports the lag from print to store (95th percentile),
// bytes sent for each byte printed, and the heap.
func BenchmarkEightJobs(b *testing.B) {
	const jobs, seconds, lines = 8, 12, 100
	for b.Loop() {
		d, err := dir.Open(b.TempDir(), dir.Options{})
		if err != nil {
			b.Fatal(err)
		}
		c := &clock{Store: d, printed: map[string][]mark{}}
		var wg sync.WaitGroup
		for range jobs {
			wg.Go(func() { printFor(b, c, seconds, lines) })
		}
		peak := uint64(0)
		for range 4 * seconds {
			<-time.After(time.Second / 4)
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapInuse)
		}
		wg.Wait()
		if err := d.Close(); err != nil {
			b.Fatal(err)
		}
		slices.Sort(c.lags)
		b.ReportMetric(c.lags[len(c.lags)*95/100].Seconds(), "s-lag-p95")
		b.ReportMetric(float64(c.sent)/(jobs*seconds*1e6), "sent/printed")
		b.ReportMetric(float64(peak)/1e6, "MB-heap")
	}
}

// printFor prints 1 MB a second.
func printFor(b *testing.B, c *clock, seconds, lines int) {
	a, err := publish.Begin(b.Context(), c, publish.Info{Repo: "acme/widget", Task: "verify", Pull: 7})
	if err != nil {
		b.Error(err)
		return
	}
	size := int64(0)
	part := []byte(strings.Repeat(strings.Repeat("x", 99)+"\n", 1e4/lines))
	tick := time.NewTicker(time.Second / 100)
	defer tick.Stop()
	for range 100 * seconds {
		<-tick.C
		size += int64(len(part))
		c.mu.Lock()
		c.printed[a.Prefix()] = append(c.printed[a.Prefix()], mark{size, time.Now()})
		c.mu.Unlock()
		if _, err := a.Write(part); err != nil {
			b.Error(err)
		}
	}
	if err := a.Finish(b.Context(), publish.Outcome{State: publish.StateSuccess}); err != nil {
		b.Error(err)
	}
}
