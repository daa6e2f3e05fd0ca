package publish

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

// shelf is an attempt's artifacts. Each is copied to a scratch file while it
// is searched for secrets, and sent by a goroutine of its own, so that a big
// core dump does not hold up the log.
type shelf struct {
	a     *Attempt
	queue chan parcel

	mu      sync.Mutex
	closed  bool
	files   []File
	taken   map[string]bool // objects' names in use
	total   int64           // bytes
	open    int64           // of them that were not yet sent
	left    int             // how many were too many
	waiting int             // not yet sent
	changes int             // counts changes of files
	errs    []error
	good    time.Time     // when something worked, or the end began
	sent    chan struct{} // closed when the queue is empty and closed
}

// parcel is a scratch file on its way.
type parcel struct {
	File
	path string
}

func newShelf(a *Attempt) *shelf {
	return &shelf{a: a, queue: make(chan parcel, a.info.Limits.Files), taken: map[string]bool{}, sent: make(chan struct{})}
}

// errFinished is for whoever comes too late.
var errFinished = errors.New("the attempt is finished")

// admit counts, so that the queue always has room.
func (s *shelf) admit() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fmt.Errorf("publish artifact: %w", errFinished)
	}
	if len(s.files)+s.waiting >= s.a.info.Limits.Files {
		s.left++
		s.changes++
		return fmt.Errorf("publish artifact: more than %d files", s.a.info.Limits.Files)
	}
	s.waiting++
	return nil
}

// reserve makes a name unique within the attempt.
func (s *shelf) reserve(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	dir, base := path.Split(name)
	free := name
	for n := 2; s.taken[free]; n++ {
		free = fmt.Sprintf("%s%d-%s", dir, n, base)
	}
	s.taken[free] = true
	return free
}

// refuse lists an artifact that was admitted but is not published, with the
// reason.
func (s *shelf) refuse(name string, size int64, why error) error {
	hide := func(text string) string { return clean(s.a.info.Redact.Text(text), maxLine) }
	name = hide(name)
	text := hide(why.Error())
	if leak, ok := errors.AsType[*LeakError](why); ok {
		why = &LeakError{Name: name, Member: hide(leak.Member)}
		_, text, _ = strings.Cut(why.Error(), name+": ")
	} else {
		why = fmt.Errorf("publish artifact %s: %w", name, why)
	}
	s.mu.Lock()
	s.waiting--
	s.files = append(s.files, File{Name: name, Size: size, Withheld: text})
	s.changes++
	s.mu.Unlock()
	notify(s.a.dirty)
	return why
}

// send queues a parcel, unless all of them together are too much.
func (s *shelf) send(p parcel) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errFinished
	}
	if s.total+p.Size > s.a.info.Limits.FileTotal {
		return fmt.Errorf("all artifacts together are longer than %s", Bytes(s.a.info.Limits.FileTotal))
	}
	s.total += p.Size
	s.open += p.Size
	s.queue <- p // has room for as many as admit lets in
	return nil
}

// upload sends parcels until the queue is closed and empty. While the job runs
// it tries for ever; afterwards until ctx ends, or nothing has worked for as
// long as our patience lasts.
func (s *shelf) upload(ctx context.Context) {
	defer close(s.sent)
	var hopeless error
	for p := range s.queue {
		for pause := patience(); ; {
			err := hopeless
			if err == nil {
				err = s.uploadOne(ctx, p)
			}
			if err == nil {
				break
			}
			if ctx.Err() != nil || s.givenUp() {
				hopeless = err
				s.fail(p, err)
				break
			}
			s.a.info.Log.Warn("artifact not sent", "prefix", s.a.prefix, "artifact", p.Name, "error", err)
			wait(ctx, pause.NextBackOff())
		}
	}
}

// givenUp tells whether the attempt is over and nothing has worked for long.
func (s *shelf) givenUp() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed && time.Since(s.good) > s.a.info.Limits.Patience
}

func (s *shelf) uploadOne(ctx context.Context, p parcel) error {
	f, err := os.Open(p.path)
	if err != nil {
		return err
	}
	defer f.Close()
	meta := Meta{Type: p.Type, Cache: CacheForever, Attachment: p.Type == octets}
	if err := s.a.put(s.a.end.follow(ctx), p.File.File, f, meta); err != nil {
		return err
	}
	s.a.end.arrived(p.Size)
	s.mu.Lock()
	s.waiting--
	s.open -= p.Size
	s.good = time.Now()
	s.files = append(s.files, p.File)
	s.changes++
	s.mu.Unlock()
	notify(s.a.dirty)
	if err := os.Remove(p.path); err != nil { // Finish removes the whole folder
		s.a.info.Log.Warn("scratch file not removed", "path", p.path, "error", err)
	}
	return nil
}

func (s *shelf) fail(p parcel, err error) {
	s.a.end.arrived(p.Size)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting--
	s.open -= p.Size
	p.Withheld, p.File.File = "the store did not take it", ""
	s.files = append(s.files, p.File)
	s.changes++
	s.errs = append(s.errs, fmt.Errorf("publish artifact %s: %w", p.Name, err))
}

// close takes no more and waits until all is sent or given up, or ctx ends.
func (s *shelf) close(ctx context.Context) {
	s.mu.Lock()
	s.closed, s.good = true, time.Now()
	close(s.queue)
	s.mu.Unlock()
	select {
	case <-s.sent:
	case <-ctx.Done():
	}
}

// unsent is how many bytes wait.
func (s *shelf) unsent() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open
}

// list is a copy of what is known, and which version of it.
func (s *shelf) list() ([]File, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.files), s.changes
}

// failed is what the store did not take, and what was too much.
func (s *shelf) failed() []error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.left > 0 {
		return append(s.errs, fmt.Errorf("publish artifacts: %d more than %d were left out", s.left, s.a.info.Limits.Files))
	}
	return s.errs
}
