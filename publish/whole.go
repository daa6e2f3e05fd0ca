package publish

import (
	"bytes"
	"fmt"
	"io"
)

// A Cut is the place where a log that was too long is cut.
type Cut struct {
	Line  int   `json:"line"`  // number of the line in log.txt that says so, from 1
	Lines int   `json:"lines"` // how many lines are missing there
	Bytes int64 `json:"bytes"` // and how many bytes
}

// ragged is how far from the gap a line break is looked for. A longer line is
// cut where it is.
const ragged = 64 << 10

// whole is the finished log: all of it, or its two ends and the line between
// them that says what is missing. Nothing may be written to s meanwhile.
func (s *spool) whole(limit int64) (*io.SectionReader, *Cut, error) {
	from, to, _ := s.Gap()
	size := s.Size()
	if from == to {
		return io.NewSectionReader(s, 0, size), nil, nil
	}
	from, err := s.lastBreak(from)
	if err != nil {
		return nil, nil, err
	}
	if to, err = s.firstBreak(to); err != nil {
		return nil, nil, err
	}
	before, err := countBreaks(io.NewSectionReader(s, 0, from))
	if err != nil {
		return nil, nil, err
	}
	after, err := countBreaks(io.NewSectionReader(s, to, size-to))
	if err != nil {
		return nil, nil, err
	}
	cut := &Cut{Line: before + 1, Lines: s.lines - before - after, Bytes: to - from}
	text := fmt.Sprintf("[cyborg: %d lines (%s) are cut out here, the limit of a log is %s]\n", cut.Lines, Bytes(cut.Bytes), Bytes(limit))
	all := joined{
		io.NewSectionReader(s, 0, from),
		io.NewSectionReader(bytes.NewReader([]byte(text)), 0, int64(len(text))),
		io.NewSectionReader(s, to, size-to),
	}
	return io.NewSectionReader(all, 0, all.size()), cut, nil
}

// lastBreak is the place behind the last line break before at.
func (s *spool) lastBreak(at int64) (int64, error) {
	b := make([]byte, min(at, ragged))
	if _, err := s.ReadAt(b, at-int64(len(b))); err != nil {
		return 0, err
	}
	if n := bytes.LastIndexByte(b, '\n'); n >= 0 {
		return at - int64(len(b)) + int64(n) + 1, nil
	}
	return at, nil
}

// firstBreak is the place behind the first line break from at on.
func (s *spool) firstBreak(at int64) (int64, error) {
	b := make([]byte, min(s.Size()-at, ragged))
	if _, err := s.ReadAt(b, at); err != nil {
		return 0, err
	}
	return at + int64(bytes.IndexByte(b, '\n')) + 1, nil // at itself if there is none
}

func countBreaks(r io.Reader) (int, error) {
	n, buf := 0, make([]byte, 256<<10)
	for {
		got, err := r.Read(buf)
		n += bytes.Count(buf[:got], []byte{'\n'})
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

// joined is several readers one behind the other.
type joined []*io.SectionReader

func (j joined) size() (n int64) {
	for _, r := range j {
		n += r.Size()
	}
	return n
}

// ReadAt reads from the reader that at falls into, and goes on in the next.
func (j joined) ReadAt(b []byte, at int64) (int, error) {
	done := 0
	for _, r := range j {
		if at >= r.Size() {
			at -= r.Size()
			continue
		}
		n, err := r.ReadAt(b[done:min(int64(len(b)), int64(done)+r.Size()-at)], at)
		if done += n; err != nil && err != io.EOF || done == len(b) {
			return done, err
		}
		at = 0
	}
	return done, io.EOF
}
