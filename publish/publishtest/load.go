package publishtest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/publish"
)

// What a bot with eight jobs that print 1 MB a second each promises.
const (
	loadJobs    = 8
	loadSeconds = 12
	mostLag     = 3 * time.Second // from a line printed to a line that a reader's page finds, 95th percentile
	mostMemory  = 100e6           // of the whole process
)

// Load measures one bot with eight jobs on a store, and fails if a promise is
// broken: the lag, the process' memory, and the bytes sent for each byte
// printed, of which at most 1 + log2(flushes)/2 are promised. The store is
// called straight, so what its server needs of this machine counts too.
func Load(b *testing.B, store publish.Store) {
	for b.Loop() {
		c := &clock{Store: store, printed: map[string][]moment{}, flushes: map[string]int{}}
		over := make(chan struct{})
		var memory int64
		var watch, jobs sync.WaitGroup
		watch.Go(func() { memory = peak(over) })
		for range loadJobs {
			jobs.Go(func() { c.job(b) })
		}
		jobs.Wait()
		close(over)
		watch.Wait()
		c.report(b, memory)
	}
}

// clock is a store that notes how long after its printing a line can be found:
// log.json has to name the chunk that it is in.
type clock struct {
	publish.Store
	mu      sync.Mutex
	printed map[string][]moment // by prefix: what is not yet found
	flushes map[string]int      // by prefix
	lags    []time.Duration
	sent    int64
}

// moment says that a log had so many bytes at that time.
type moment struct {
	size int64
	at   time.Time
}

// Put counts, and looks into log.json.
func (c *clock) Put(ctx context.Context, name string, body io.ReadSeeker, meta publish.Meta) error {
	size, err := body.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = body.Seek(0, io.SeekStart)
	}
	if err == nil {
		err = c.Store.Put(ctx, name, body, meta)
	}
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	prefix, base, ok := strings.Cut(name, "/log.")
	switch {
	case !ok:
	case strings.HasSuffix(base, "txt"):
		c.sent += size
		if base != "txt" {
			c.flushes[prefix]++
		}
	case base == "json":
		var index publish.Index
		if _, err := body.Seek(0, io.SeekStart); err != nil {
			return err
		}
		if err := json.NewDecoder(body).Decode(&index); err != nil {
			return err
		}
		list := c.printed[prefix]
		for len(list) > 0 && list[0].size <= index.Size {
			c.lags = append(c.lags, time.Since(list[0].at))
			list = list[1:]
		}
		c.printed[prefix] = list
	}
	return nil
}

// job prints 1 MB a second, in lines of a hundred bytes.
func (c *clock) job(b *testing.B) {
	a, err := publish.Begin(b.Context(), c, publish.Info{Repo: "acme/widget", Task: "verify", Pull: 7})
	if err != nil {
		b.Error(err)
		return
	}
	size := int64(0)
	part := []byte(strings.Repeat(strings.Repeat("x", 99)+"\n", 100))
	tick := time.NewTicker(time.Second / 100)
	defer tick.Stop()
	for range 100 * loadSeconds {
		<-tick.C
		size += int64(len(part))
		c.mu.Lock()
		c.printed[a.Prefix()] = append(c.printed[a.Prefix()], moment{size, time.Now()})
		c.mu.Unlock()
		if _, err := a.Write(part); err != nil {
			b.Error(err)
		}
	}
	if err := a.Finish(b.Context(), publish.Outcome{State: publish.StateSuccess}); err != nil {
		b.Error(err)
	}
}

func (c *clock) report(b *testing.B, memory int64) {
	if len(c.lags) == 0 {
		b.Fatal("nothing was found")
	}
	slices.Sort(c.lags)
	lag := c.lags[len(c.lags)*95/100]
	factor, bound := float64(c.sent)/(loadJobs*loadSeconds*1e6), 0.0
	for _, n := range c.flushes {
		bound += (1 + math.Log2(float64(n))/2) / float64(len(c.flushes))
	}
	b.ReportMetric(lag.Seconds(), "s-lag-p95")
	b.ReportMetric(float64(memory)/1e6, "MB-memory")
	b.ReportMetric(factor, "sent/printed")
	b.ReportMetric(bound, "sent/printed-bound")
	if lag > mostLag || memory > mostMemory || factor > bound {
		b.Errorf("a promise is broken: lag %v (at most %v), memory %d (%.0f), sent/printed %.2f (%.2f)", lag, mostLag, memory, float64(mostMemory), factor, bound)
	}
}

// peak is the most memory that the process has until over is closed, in bytes.
func peak(over chan struct{}) (most int64) {
	tick := time.NewTicker(time.Second / 4)
	defer tick.Stop()
	for {
		if text, err := os.ReadFile("/proc/self/status"); err == nil {
			if _, rest, ok := strings.Cut(string(text), "VmRSS:"); ok {
				var kB int64
				if _, err := fmt.Sscan(rest, &kB); err == nil {
					most = max(most, kB*1024)
				}
			}
		}
		select {
		case <-over:
			return most
		case <-tick.C:
		}
	}
}
