package publish

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"time"
)

// lastTry is how long a step may take when patience has run out.
const lastTry = 10 * time.Second

// tailSize is how much of a log's end the finished page carries with it, for
// readers who open it from a disk.
const tailSize = 256 << 10

// ErrNoLog says that the finished log could not be stored. Parts of it may be
// there. Other errors of Finish are of less: an artifact, the page.
var ErrNoLog = errors.New("the log is not there")

// Finish publishes the rest: artifacts, the whole log, results, the page. A
// store that fails is tried again for Limits.Patience or until ctx ends; a
// caller whose own context has ended gives a fresh one. The error says what is
// not there and is meant for people, ErrNoLog also for programs; the job's
// result stands anyway. What was sent before stays readable in any case.
//
// Only the first call does anything.
func (a *Attempt) Finish(ctx context.Context, o Outcome) error {
	if o.Finished.IsZero() {
		o.Finished = time.Now()
	}
	a.mu.Lock()
	if a.closed {
		a.mu.Unlock()
		return errors.New("finish attempt: it is finished already")
	}
	_ = a.redact.Close() // a spool takes everything
	a.closed, a.outcome = true, o
	a.reported++
	a.mu.Unlock()

	a.end.begin(a.files.unsent() + min(a.spool.Size(), a.info.Limits.Log))
	a.files.close(ctx)
	a.stop()
	a.work.Wait()
	f := &finish{Attempt: a, ctx: ctx, until: time.Now().Add(a.info.Limits.Patience)}
	f.all(o)
	if err := errors.Join(a.spool.Close(), os.RemoveAll(a.dir)); err != nil {
		a.info.Log.Warn("scratch files not removed", "dir", a.dir, "error", err)
	}
	return errors.Join(f.errs...)
}

// finish is the end of an attempt, step by step.
type finish struct {
	*Attempt
	ctx   context.Context
	until time.Time
	errs  []error
}

func (f *finish) all(o Outcome) {
	if lost, cause := f.spool.Lost(); cause != nil {
		f.errs = append(f.errs, fmt.Errorf("keep log: %d bytes at its end, maybe more before, are lost: %w", lost, cause))
	}
	f.errs = append(f.errs, f.files.failed()...)
	log, cut, err := f.spool.whole(f.info.Limits.Log)
	if err != nil {
		f.errs = append(f.errs, fmt.Errorf("read log: %w: %w", ErrNoLog, err))
		return
	}
	results, version := f.results()
	results.Problems = append(results.Problems, f.problems()...)
	logThere := f.step("log", func(ctx context.Context) error {
		return f.put(f.end.follow(ctx), "log.txt", log, Meta{Cache: CacheForever})
	})
	f.end.arrived(log.Size())
	if !logThere {
		f.errs = append(f.errs, ErrNoLog)
	}
	f.step("results", func(ctx context.Context) error { return f.putResults(ctx, results) })
	f.step("page", func(ctx context.Context) error { return f.putPage(ctx, results, log, cut) })
	index := Index{State: o.State, Size: log.Size(), Log: "log.txt", Cut: cut, Results: version}
	if !logThere { // the chunks are all there is
		index = Index{State: o.State, Size: f.sent.Load(), Chunks: f.live.chunks, Results: version}
	}
	if !f.step("index", func(ctx context.Context) error { return f.sendIndex(ctx, index) }) {
		return
	}
	if logThere {
		f.step("end of chunks", func(ctx context.Context) error { return f.remove(ctx, func(string) bool { return true }) })
	}
	f.step("history", func(ctx context.Context) error { return f.putHistory(ctx, results) })
	f.step("listing", func(ctx context.Context) error { return f.announce(ctx, results) })
}

// problems are what readers should know; the bot's caller gets them as errors.
func (f *finish) problems() (list []string) {
	for _, err := range f.errs {
		list = append(list, clean(f.info.Redact.Text(err.Error()), maxLine))
	}
	return list
}

// step does one thing, again and again while there is time. It is tried at
// least once, even after the time is over, but then not for long.
func (f *finish) step(what string, do func(context.Context) error) bool {
	pause := patience()
	for {
		err := f.try(do)
		if err == nil {
			return true
		}
		next := pause.NextBackOff()
		if f.ctx.Err() != nil || time.Until(f.until) < next {
			f.errs = append(f.errs, fmt.Errorf("publish %s: %w", what, err))
			return false
		}
		wait(f.ctx, next)
	}
}

// try gives one try the time that its size needs, or little when it is the last.
func (f *finish) try(do func(context.Context) error) error {
	if time.Now().Before(f.until) {
		return do(f.ctx)
	}
	ctx, cancel := context.WithTimeout(f.ctx, lastTry)
	defer cancel()
	return do(ctx)
}

func (f *finish) putResults(ctx context.Context, results Results) error {
	data, err := results.encode()
	if err != nil {
		return err
	}
	units, err := results.junit()
	if err != nil {
		return err
	}
	return errors.Join(
		f.put(ctx, "results.json", bytes.NewReader(data), Meta{Cache: CacheNever}),
		f.put(ctx, "junit.xml", bytes.NewReader(units), Meta{Cache: CacheNever, Attachment: true}))
}

func (f *finish) putHistory(ctx context.Context, results Results) error {
	data, err := results.history(f.prefix)
	if err != nil {
		return err
	}
	name := room(f.info.Repo, "history", f.info.kind()) + path.Base(f.prefix) + ".jsonl"
	ctx, cancel := context.WithTimeout(ctx, smallPut+time.Duration(len(data)/slowest)*time.Second)
	defer cancel()
	return f.store.Put(ctx, name, bytes.NewReader(data), Meta{Type: "application/jsonl", Cache: CacheForever})
}

func (f *finish) putPage(ctx context.Context, results Results, log *io.SectionReader, cut *Cut) error {
	from := max(0, log.Size()-tailSize)
	first, err := countBreaks(io.NewSectionReader(log, 0, from))
	if err != nil {
		return fmt.Errorf("read log: %w", err)
	}
	tail := make([]byte, log.Size()-from)
	if n, err := log.ReadAt(tail, from); n < len(tail) {
		return fmt.Errorf("read log: %w", err)
	}
	if cut != nil && first >= cut.Line {
		first += cut.Lines - 1
	}
	page, err := finalPage(results, tail, first+1, log.Size())
	if err != nil {
		return err
	}
	return f.put(ctx, "log.html", page, Meta{Cache: CacheNever})
}
