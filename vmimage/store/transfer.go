package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Causes of tries that end.
var (
	errStalled = errors.New("the connection gave nothing for too long")
	errEnds    = errors.New("the server ends early")
)

// A transfer brings the parts of one disk from one source. Workers fetch them side by side, in order; the sum is made
// beside that, from memory, so that nothing is read twice.
type transfer struct {
	cache   *Cache
	source  Source
	name    string
	size    int64
	file    *os.File
	journal *journal
	tell    func(Phase, int64, int64)

	next  atomic.Int64  // the part that is taken next
	bytes atomic.Int64  // that are here
	parts []chan []byte // what arrived of each part, or nil if it is in the file
	free  chan []byte   // buffers
}

// run fetches what is missing and gives the sum of all.
func (t *transfer) run(ctx context.Context) (sum [sha256.Size]byte, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	workers := t.cache.o.Workers
	t.parts = make([]chan []byte, len(t.journal.done))
	for i, done := range t.journal.done {
		t.parts[i] = make(chan []byte, 1)
		if done {
			t.parts[i] <- nil
			t.bytes.Add(t.length(i))
		}
	}
	t.free = make(chan []byte, workers+2) // few, as each is new memory
	for range cap(t.free) {
		t.free <- nil // made when first needed
	}
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			if err := t.work(ctx); err != nil {
				cancel(err)
			}
		})
	}
	all.Go(func() {
		if sum, err = t.sum(ctx); err != nil {
			cancel(err)
		}
	})
	finished := make(chan struct{})
	go func() { all.Wait(); close(finished) }()
	t.report(finished)
	if ctx.Err() != nil {
		return sum, context.Cause(ctx)
	}
	return sum, nil
}

// report tells how far it is until it is finished.
func (t *transfer) report(finished <-chan struct{}) {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		t.tell(Fetching, t.bytes.Load(), t.size)
		select {
		case <-tick.C:
		case <-finished:
			t.tell(Fetching, t.bytes.Load(), t.size)
			return
		}
	}
}

// length is how many bytes a part has.
func (t *transfer) length(part int) int64 {
	chunk := t.cache.o.Chunk
	return min(chunk, t.size-int64(part)*chunk)
}

// work fetches parts until none is left. Who takes a part holds a buffer already, so that the lowest part that is
// missing never waits for the sum, which waits for it.
func (t *transfer) work(ctx context.Context) error {
	for {
		var buf []byte
		select {
		case buf = <-t.free:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		part := int(t.next.Add(1)) - 1
		for part < len(t.parts) && t.journal.done[part] {
			part = int(t.next.Add(1)) - 1
		}
		if part >= len(t.parts) {
			t.free <- buf
			return nil
		}
		if buf == nil {
			buf = make([]byte, t.cache.o.Chunk)
		}
		off, n := int64(part)*t.cache.o.Chunk, t.length(part)
		if err := t.part(ctx, buf[:n], off); err != nil {
			return err
		}
		if err := writeSparse(t.file, buf[:n], off); err != nil {
			return fmt.Errorf("write disk: %w", err)
		}
		if err := t.journal.add(part); err != nil {
			return fmt.Errorf("write journal: %w", err)
		}
		t.parts[part] <- buf
	}
}

// part fetches one part into buf. A connection that breaks is continued where it was.
func (t *transfer) part(ctx context.Context, buf []byte, off int64) error {
	got := 0
	return t.cache.insist(ctx, func() (bool, error) {
		before := got
		n, err := t.try(ctx, buf[got:], off+int64(got))
		got += n
		return got > before, err
	})
}

// try makes one request and reads what it gives.
func (t *transfer) try(ctx context.Context, buf []byte, off int64) (int, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(t.cache.o.Stall, func() { cancel(errStalled) })
	defer watch.Stop()
	body, err := t.source.Open(ctx, t.name, off, int64(len(buf)))
	if err != nil {
		return 0, blame(ctx, err)
	}
	defer body.Close()
	got := 0
	for got < len(buf) {
		n, err := body.Read(buf[got:])
		got += n
		t.bytes.Add(int64(n))
		if n > 0 {
			watch.Reset(t.cache.o.Stall)
		}
		if err == io.EOF && got < len(buf) {
			return got, errEnds
		}
		if err != nil && err != io.EOF {
			return got, blame(ctx, err)
		}
	}
	return got, nil
}

// blame is the reason of an error: if the context ended, what ended it.
func blame(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// insist tries something until it is done, or told to be hopeless, or the tries in a row that moved nothing are used up.
func (c *Cache) insist(ctx context.Context, try func() (moved bool, err error)) error {
	for idle := 0; ; {
		moved, err := try()
		if err == nil || hopeless(err) {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if moved {
			idle = 0
		}
		if idle++; idle >= c.o.Tries {
			return fmt.Errorf("%w, %d times in a row", err, idle)
		}
		pause := min(c.o.Pause<<min(idle-1, 10), 20*time.Second)
		timer := time.NewTimer(pause/2 + rand.N(pause/2+1))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
	}
}

// hopeless reports whether trying again cannot help.
func hopeless(err error) bool {
	if status, ok := errors.AsType[*StatusError](err); ok {
		return !status.passing()
	}
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)
}

// sum makes the sum of the parts in order, as they arrive.
func (t *transfer) sum(ctx context.Context) (sum [sha256.Size]byte, err error) {
	h := sha256.New()
	var own []byte // for parts that were here before
	for i, arrived := range t.parts {
		var buf []byte
		select {
		case buf = <-arrived:
		case <-ctx.Done():
			return sum, context.Cause(ctx)
		}
		n := t.length(i)
		if buf != nil {
			h.Write(buf[:n])
			t.free <- buf
			continue
		}
		if own == nil {
			own = make([]byte, t.cache.o.Chunk)
		}
		if _, err := t.file.ReadAt(own[:n], int64(i)*t.cache.o.Chunk); err != nil {
			return sum, fmt.Errorf("read partial disk: %w", err)
		}
		h.Write(own[:n])
	}
	h.Sum(sum[:0])
	return sum, nil
}

// page is what a file system keeps or leaves out.
const page = 4096

var zeros [64 * page]byte

// writeSparse writes data at off, and leaves out what is zero: the file is empty there.
func writeSparse(f *os.File, data []byte, off int64) error {
	for begin := 0; begin < len(data); {
		end := begin
		for end < len(data) && !zero(data[end:min(end+len(zeros), len(data))]) {
			end = min(end+len(zeros), len(data))
		}
		if end > begin {
			if _, err := f.WriteAt(data[begin:end], off+int64(begin)); err != nil {
				return err
			}
		}
		for end < len(data) && zero(data[end:min(end+len(zeros), len(data))]) {
			end = min(end+len(zeros), len(data))
		}
		begin = end
	}
	return nil
}

// zero reports whether there is nothing in a piece of at most len(zeros) bytes.
func zero(piece []byte) bool { return bytes.Equal(piece, zeros[:len(piece)]) }
