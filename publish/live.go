package publish

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v4"
)

const (
	gather    = 200 * time.Millisecond // after silence: time for a burst of lines to come together
	heartbeat = 30 * time.Second       // log.json is written at least this often while the bot lives
	smallPut  = 30 * time.Second       // time for one request, and
	slowest   = 256 << 10              // bytes a second for what is in it
)

// Index is log.json: where the log is, and how far.
type Index struct {
	Version int       `json:"version"` // 1
	State   State     `json:"state"`
	Size    int64     `json:"size"`             // bytes: of log.txt, or all that the job printed so far and is in the store
	Chunks  []Chunk   `json:"chunks,omitempty"` // while it runs; a gap between two is cut out
	Log     string    `json:"log,omitempty"`    // once it is over: the object with the whole log
	Cut     *Cut      `json:"cut,omitempty"`    // what is missing in it
	Results int       `json:"results"`          // grows when results.json has changed
	Updated time.Time `json:"updated"`          // by the bot's clock; at least every 30 s while it lives
}

// live is what the store has of a log that still grows. It belongs to the one
// goroutine that streams, and after it to Finish.
type live struct {
	page    bool            // log.html is there
	chunks  []Chunk         // all of the log that was sent
	there   map[string]bool // objects of chunks that may be in the store
	named   map[string]bool // those that log.json names
	line    int             // line breaks sent
	results int             // version of results.json that is there
	next    time.Time       // when results.json may be written again
	flushed time.Time
	told    time.Time // when the indexes were last tried to be told of the attempt
	listed  bool      // they know it
}

// stream sends what is new until ctx ends. It repeats what fails, for ever,
// less and less often: nothing is lost, the spool has it.
func (a *Attempt) stream(ctx context.Context) {
	pause := patience()
	for ctx.Err() == nil {
		if err := a.round(ctx); err != nil {
			if ctx.Err() == nil {
				a.info.Log.Warn("log not sent", "prefix", a.prefix, "error", err)
			}
			wait(ctx, pause.NextBackOff())
			continue
		}
		pause.Reset()
		a.due(ctx)
	}
}

// patience is how we wait for a store that is away.
func patience() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval, b.MaxElapsedTime = 500*time.Millisecond, 15*time.Second, 0
	return b
}

// wait waits for d or the end of ctx.
func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// due waits until something should be sent: when something is new and the last
// time is long enough ago, when a lot is new, or as a sign of life.
func (a *Attempt) due(ctx context.Context) {
	beat := time.NewTimer(heartbeat)
	defer beat.Stop()
	select {
	case <-ctx.Done():
		return
	case <-beat.C:
		return
	case <-a.dirty:
	}
	flush := time.NewTimer(max(gather, time.Until(a.live.flushed.Add(a.info.Limits.Flush))))
	defer flush.Stop()
	select {
	case <-ctx.Done():
	case <-flush.C:
	case <-a.full:
	}
}

// round sends all that is new, in an order in which a reader never misses what
// an index names: chunks, results, index; then what the index names no longer.
func (a *Attempt) round(ctx context.Context) error {
	a.live.flushed = time.Now()
	if !a.live.page {
		results, _ := a.results()
		page, err := livePage(results)
		if err == nil {
			err = a.put(ctx, "log.html", page, Meta{Cache: CacheNever})
		}
		if err != nil {
			return err
		}
		a.live.page = true
	}
	if err := a.sendLog(ctx); err != nil {
		return err
	}
	if err := a.sendResults(ctx); err != nil {
		return err
	}
	index := Index{State: StateRunning, Size: a.sent.Load(), Chunks: a.live.chunks, Results: a.live.results}
	if err := a.sendIndex(ctx, index); err != nil {
		return err
	}
	a.list(ctx)
	return a.tidy(ctx)
}

// list puts the attempt into the indexes, now and then until it is done. Trouble
// with that is no reason to send no log.
func (a *Attempt) list(ctx context.Context) {
	if a.live.listed || time.Since(a.live.told) < heartbeat {
		return
	}
	a.live.told = time.Now()
	results, _ := a.results()
	if err := a.announce(ctx, results); err != nil {
		a.info.Log.Warn("attempt not listed", "prefix", a.prefix, "error", err)
		return
	}
	a.live.listed = true
}

// tidy removes the chunks that neither this index names nor the one before it:
// their readers had time to notice.
func (a *Attempt) tidy(ctx context.Context) error {
	now := map[string]bool{}
	for _, c := range a.live.chunks {
		now[c.Name()] = true
	}
	before := a.live.named
	a.live.named = now
	return a.remove(ctx, func(name string) bool { return !now[name] && !before[name] })
}

// sendLog sends the log as far as it is there.
func (a *Attempt) sendLog(ctx context.Context) error {
	size := a.spool.Size()
	for a.sent.Load() < size {
		from, to, lines := a.spool.Gap()
		next := Chunk{From: a.sent.Load(), To: size, Line: a.live.line}
		switch {
		case from == to: // nothing was given up
		case next.From < from:
			next.To = min(size, from)
		case next.From < to:
			next.From, next.Line = to, lines
		}
		fresh, err := countBreaks(io.NewSectionReader(a.spool, next.From, next.size()))
		if err != nil {
			return fmt.Errorf("read log: %w", err)
		}
		line := next.Line + fresh
		keep := slices.DeleteFunc(slices.Clone(a.live.chunks), func(c Chunk) bool { return from < to && c.From >= from && c.To <= to })
		list := extend(keep, next, a.info.Limits.Log/8, func(c Chunk) bool { return c.To <= from || c.From >= to })
		c := list[len(list)-1]
		a.live.there[c.Name()] = true
		if err := a.put(ctx, c.Name(), io.NewSectionReader(a.spool, c.From, c.size()), Meta{Cache: CacheForever}); err != nil {
			return err
		}
		a.live.chunks, a.live.line = list, line
		a.sent.Store(c.To)
	}
	return nil
}

// sendResults sends results.json if it has changed; big ones less often, so
// that a job with many tests does not send more of it than of its log.
func (a *Attempt) sendResults(ctx context.Context) error {
	a.mu.Lock()
	version := a.reported
	a.mu.Unlock()
	if _, changes := a.files.list(); version+changes == a.live.results || time.Now().Before(a.live.next) {
		return nil
	}
	results, version := a.results()
	data, err := results.encode()
	if err != nil {
		return err
	}
	if err := a.put(ctx, "results.json", bytes.NewReader(data), Meta{Cache: CacheNever}); err != nil {
		return err
	}
	a.live.results = version
	a.live.next = time.Now().Add(time.Duration(len(data)) * time.Second / (100 << 10))
	return nil
}

func (a *Attempt) sendIndex(ctx context.Context, index Index) error {
	index.Version, index.Updated = 1, time.Now().UTC().Truncate(time.Millisecond)
	data, err := json.Marshal(index)
	if err != nil {
		return fmt.Errorf("encode index: %w", err)
	}
	return a.put(ctx, "log.json", bytes.NewReader(data), Meta{Cache: CacheNever})
}

// remove removes chunks; those that resist are there the next time.
func (a *Attempt) remove(ctx context.Context, which func(name string) bool) error {
	var errs []error
	for name := range a.live.there {
		if !which(name) {
			continue
		}
		if err := a.store.Delete(ctx, a.name(name)); err != nil {
			errs = append(errs, err)
			continue
		}
		delete(a.live.there, name)
	}
	return errors.Join(errs...)
}

// put stores one object of the attempt, within a time that fits its size.
func (a *Attempt) put(ctx context.Context, base string, body io.ReadSeeker, meta Meta) error {
	size, err := body.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = body.Seek(0, io.SeekStart)
	}
	if err != nil {
		return fmt.Errorf("put %s: %w", base, err)
	}
	ctx, cancel := context.WithTimeout(ctx, smallPut+time.Duration(size/slowest)*time.Second)
	defer cancel()
	if meta.Type == "" {
		meta.Type = TypeOf(base)
	}
	return a.store.Put(ctx, a.name(base), body, meta)
}
