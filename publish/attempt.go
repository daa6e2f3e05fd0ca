package publish

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// An Attempt is one run of a job, as it is published. It is the io.Writer for
// the job's output. Its methods may be called by several goroutines. Whoever
// began one must finish it, or goroutines and scratch files are left behind.
type Attempt struct {
	store  Store
	info   Info
	prefix string
	spool  *spool
	dir    string // scratch
	files  *shelf
	stop   context.CancelFunc // ends the uploaders
	work   sync.WaitGroup
	sent   atomic.Int64  // bytes of the log that are in the store
	dirty  chan struct{} // something is new
	full   chan struct{} // so much that it should go now
	live   live          // the log uploader's own
	end    advance

	mu       sync.Mutex
	redact   *RedactWriter
	closed   bool
	report   Report
	reported int // counts changes of what results.json holds
	outcome  Outcome
}

var _ io.Writer = (*Attempt)(nil)

// Begin opens the prefix of an attempt and starts to publish it, beginning
// with the page and the line that repeats the run. It does not wait for the
// store and does not mind if the store is away: only bad arguments and a
// scratch folder that cannot be written are errors.
//
// The attempt goes on when ctx ends: what a cancelled job said is worth reading.
func Begin(ctx context.Context, store Store, info Info) (*Attempt, error) {
	info, err := info.complete()
	if err != nil {
		return nil, err
	}
	info.Prefix = cmp.Or(info.Prefix, info.NewPrefix())
	dir, err := os.MkdirTemp(info.Scratch, "cyborg-publish-")
	if err != nil {
		return nil, fmt.Errorf("begin attempt: make scratch folder: %w", err)
	}
	a := &Attempt{
		store: store, info: info, prefix: info.Prefix, dir: dir, spool: newSpool(dir, info.Limits.Log),
		dirty: make(chan struct{}, 1), full: make(chan struct{}, 1), outcome: Outcome{State: StateRunning}, reported: 1,
	}
	if err := CheckName(a.name(strings.Repeat("x/", maxFileName/2) + "x")); err != nil {
		return nil, errors.Join(fmt.Errorf("begin attempt: %w", err), os.Remove(dir))
	}
	a.live.there, a.end.tell = map[string]bool{}, info.Progress
	a.redact = info.Redact.Writer(a.spool)
	a.files = newShelf(a)
	if info.Line != "" {
		fmt.Fprintln(a, strings.NewReplacer("\n", " ", "\r", " ").Replace(info.Line))
	}
	ctx, a.stop = context.WithCancel(context.WithoutCancel(ctx))
	a.work.Go(func() { a.stream(ctx) })
	a.work.Go(func() { a.files.upload(ctx) })
	return a, nil
}

// complete checks and sets defaults.
func (i Info) complete() (Info, error) {
	if owner, name, ok := strings.Cut(i.Repo, "/"); !ok || owner == "" || name == "" {
		return i, fmt.Errorf("begin attempt: repository is %q, want owner/name", i.Repo)
	}
	if i.Context == "" {
		i.Context = i.Task
	}
	if i.Context == "" {
		return i, errors.New("begin attempt: neither task nor context is given")
	}
	if i.Started.IsZero() {
		i.Started = time.Now()
	}
	if i.Log == nil {
		i.Log = slog.New(slog.DiscardHandler)
	}
	i.Limits = i.Limits.complete()
	return i, nil
}

func (l Limits) complete() Limits {
	or := func(v *int64, def int64) {
		if *v <= 0 {
			*v = def
		}
	}
	or(&l.Log, 100e6)
	or(&l.Chunk, 1e6)
	or(&l.File, 100e6)
	or(&l.FileTotal, 1e9)
	if l.Files <= 0 {
		l.Files = 500
	}
	if l.Flush <= 0 {
		l.Flush = 2 * time.Second
	}
	if l.Patience <= 0 {
		l.Patience = 2 * time.Minute
	}
	return l
}

// name is an object of this attempt.
func (a *Attempt) name(base string) string { return a.prefix + "/" + base }

// Prefix is where the attempt's objects are in the store, without a slash at the end.
func (a *Attempt) Prefix() string { return a.prefix }

// URL is the address of the page, or empty if the store has no public address.
func (a *Attempt) URL() string { return PageURL(a.store, a.prefix) }

// PageURL is the address that the page of an attempt with this prefix has, or
// empty if the store has no public address.
func PageURL(store Store, prefix string) string { return store.URL(prefix + "/log.html") }

// Where tells people where the log is: the address, or "HOST:FILE" of a store
// that only knows a path, or the prefix.
func (a *Attempt) Where() string {
	if url := a.URL(); url != "" {
		return url
	}
	if p, ok := a.store.(interface{ Path(name string) string }); ok {
		return a.info.Host + ":" + p.Path(a.name("log.html"))
	}
	return filepath.ToSlash(a.prefix)
}

// Write takes output of the job: redacts it and puts it into a scratch file.
// It never waits for the store and never fails; what cannot be kept is
// reported by Finish. After Finish it drops what it is given.
func (a *Attempt) Write(p []byte) (int, error) {
	a.mu.Lock()
	if !a.closed {
		_, _ = a.redact.Write(p) // a spool takes everything
	}
	a.mu.Unlock()
	notify(a.dirty)
	if a.spool.Size()-a.sent.Load() >= a.info.Limits.Chunk {
		notify(a.full)
	}
	return len(p), nil
}

// notify sets a flag; it never waits.
func notify(flag chan struct{}) {
	select {
	case flag <- struct{}{}:
	default:
	}
}

// Lines is how many lines the log has so far: the Offset of a Report whose
// parser starts to count with the next line.
func (a *Attempt) Lines() int { return a.spool.Lines() }

// Report publishes what is known of the tests by now. It copies r and may be
// called for every test; the store sees it when the log is flushed.
func (a *Attempt) Report(r Report) {
	r.Tests = slices.Clone(r.Tests)
	a.mu.Lock()
	a.report = r
	a.reported++
	a.mu.Unlock()
	notify(a.dirty)
}

// results is what results.json says by now, and which version of it that is.
func (a *Attempt) results() (Results, int) {
	a.mu.Lock()
	report, outcome, version := a.report, a.outcome, a.reported
	a.mu.Unlock()
	files, changes := a.files.list()
	return a.info.results(report, files, outcome, a.info.Redact), version + changes
}
