package publish

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// A spool keeps a log in scratch files, so that a job never waits for a store
// and a bot's memory does not grow with what jobs print. It takes any number of
// bytes and keeps the first half of its limit and at least as much of the end;
// what lies between is given up, oldest first. Places are counted in bytes
// taken, so they stay what they are.
type spool struct {
	dir  string
	head int64 // bytes kept for good
	tail int64 // at least so many bytes kept of what follows
	step int64 // bytes of one scratch file

	mu    sync.Mutex
	parts []*part
	size  int64 // bytes taken
	lines int   // line breaks taken
	open  bool  // the last byte is not a line break
	lost  int64 // bytes that the disk did not take, since the last time it did
	cause error // why it did not, the first time
}

// part is one scratch file.
type part struct {
	f     *os.File
	from  int64
	size  int64
	lines int // line breaks before it
}

func newSpool(dir string, limit int64) *spool {
	return &spool{dir: dir, head: limit / 2, tail: limit - limit/2, step: max(limit/16, 1)}
}

// Write appends p. It does not fail: when the disk is full the bytes are lost,
// and the log says so where they were.
func (s *spool) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lost > 0 {
		s.mend()
	}
	n := 0
	if s.lost == 0 {
		n = s.append(p)
	}
	s.lost += int64(len(p) - n)
	return len(p), nil
}

// mend says what was lost, if the disk takes at least that.
func (s *spool) mend() {
	text := fmt.Sprintf("[cyborg: %d bytes of the log are lost here: %v]\n", s.lost, s.cause)
	if s.open {
		text = "\n" + text
	}
	if s.append([]byte(text)) == len(text) {
		s.lost = 0
	}
}

// append returns how many bytes of p the disk took.
func (s *spool) append(p []byte) int {
	done := 0
	for done < len(p) {
		last, err := s.last()
		if err != nil {
			s.cause = err
			return done
		}
		n, err := last.f.WriteAt(p[done:min(int64(len(p)), int64(done)+s.step-last.size)], last.size)
		took := p[done : done+n]
		last.size += int64(n)
		s.size += int64(n)
		s.lines += bytes.Count(took, []byte{'\n'})
		if done += n; n > 0 {
			s.open = took[n-1] != '\n'
		}
		if err != nil {
			s.cause = err
			return done
		}
	}
	return done
}

// last is the part that has room; it begins a new one when the last is full.
func (s *spool) last() (*part, error) {
	if n := len(s.parts); n > 0 && s.parts[n-1].size < s.step {
		return s.parts[n-1], nil
	}
	f, err := os.CreateTemp(s.dir, "log-")
	if err != nil {
		return nil, err
	}
	p := &part{f: f, from: s.size, lines: s.lines}
	s.parts = append(s.parts, p)
	s.giveUp()
	return p, nil
}

// giveUp removes the oldest parts behind the head, as long as enough follows. A
// file that cannot be removed goes with its folder in the end.
func (s *spool) giveUp() {
	for i := 0; i < len(s.parts); {
		p := s.parts[i]
		end := p.from + p.size
		if p.from < s.head {
			i++
			continue
		}
		if s.size-end < s.tail {
			return
		}
		s.parts = append(s.parts[:i], s.parts[i+1:]...)
		_ = discard(p.f)
	}
}

func discard(f *os.File) error { return errors.Join(f.Close(), os.Remove(f.Name())) }

// Size is how many bytes were taken.
func (s *spool) Size() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.size
}

// Lines is how many lines were begun.
func (s *spool) Lines() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open {
		return s.lines + 1
	}
	return s.lines
}

// Lost tells how many bytes the disk refused at the end, and why it ever did.
func (s *spool) Lost() (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lost, s.cause
}

// Gap is the part that was given up: empty if from equals to. Lines is how many
// line breaks there are before its end.
func (s *spool) Gap() (from, to int64, lines int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gap()
}

func (s *spool) gap() (from, to int64, lines int) {
	for _, p := range s.parts {
		if p.from != from {
			return from, p.from, p.lines
		}
		from = p.from + p.size
	}
	return from, from, s.lines
}

// errGivenUp is what reading in the gap gives.
var errGivenUp = errors.New("given up, the log is too long")

// ReadAt reads what was kept. Reading in the gap gives errGivenUp.
func (s *spool) ReadAt(b []byte, at int64) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	done := 0
	for _, p := range s.parts {
		off := at + int64(done) - p.from
		switch {
		case done == len(b):
			return done, nil
		case off < 0:
			return done, errGivenUp
		case off >= p.size:
			continue
		}
		want := b[done:min(int64(len(b)), int64(done)+p.size-off)]
		n, err := p.f.ReadAt(want, off)
		if done += n; n < len(want) {
			return done, fmt.Errorf("read scratch file: %w", err)
		}
	}
	if done < len(b) {
		return done, io.EOF
	}
	return done, nil
}

// Close removes the scratch files.
func (s *spool) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, p := range s.parts {
		errs = append(errs, discard(p.f))
	}
	s.parts = nil
	return errors.Join(errs...)
}
