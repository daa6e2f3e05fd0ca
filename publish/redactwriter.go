package publish

import (
	"bytes"
	"io"
)

// A RedactWriter passes on what is written to it without the secrets. It holds
// back the shortest end of its input that may turn out to be the beginning of
// a secret, usually nothing; Close lets go of it. Newlines within a secret are
// passed on, so that line numbers stay true.
//
// It is for one goroutine at a time.
type RedactWriter struct {
	r      *Redactor
	w      io.Writer
	keep   bool   // as many bytes out as in: for files with offsets in them
	held   []byte // input not yet passed on
	masked int    // so many bytes of held are part of a secret already marked
	found  bool
}

// Writer returns a writer that replaces each secret by a mark.
func (r *Redactor) Writer(w io.Writer) *RedactWriter { return &RedactWriter{r: r, w: w} }

// Stars returns a writer that replaces each byte of a secret by a star.
func (r *Redactor) Stars(w io.Writer) *RedactWriter { return &RedactWriter{r: r, w: w, keep: true} }

// Found tells whether a secret was met so far.
func (w *RedactWriter) Found() bool { return w.found }

// Write takes all of p, whatever the underlying writer says to it: an error is
// returned, and what was to be passed on at that time is lost.
func (w *RedactWriter) Write(p []byte) (int, error) {
	if w.r.Empty() {
		return w.w.Write(p)
	}
	if len(w.held) == 0 {
		hold, err := w.pass(p, false)
		w.held = append(w.held[:0], p[hold:]...)
		return len(p), err
	}
	w.held = append(w.held, p...)
	return len(p), w.advance(false)
}

// Close passes on what was held back. The underlying writer stays open, and
// more may be written afterwards, as if it were something new.
func (w *RedactWriter) Close() error { return w.advance(true) }

func (w *RedactWriter) advance(last bool) error {
	hold, err := w.pass(w.held, last)
	w.held = w.held[:copy(w.held, w.held[hold:])]
	return err
}

// pass passes on the beginning of b that is known, and returns its length.
func (w *RedactWriter) pass(b []byte, last bool) (hold int, err error) {
	if w.r.Empty() {
		return len(b), nil
	}
	hits, hold := w.r.find(b, last)
	out := sink{w: w.w}
	at := min(w.masked, hold)
	w.hide(&out, b[:at])
	open := w.masked // where the secret ends that is already marked
	w.masked -= at
	for _, h := range hits {
		w.found = true
		if h.from >= open {
			if h.from >= hold {
				break // found again when more is known
			}
			out.write(b[at:h.from])
			at = h.from
			if !w.keep {
				out.write([]byte(mark))
			}
		}
		if to := min(h.to, hold); to > at {
			w.hide(&out, b[at:to])
			at = to
		}
		open = max(open, h.to)
		w.masked = max(w.masked, h.to-hold, 0)
	}
	if at < hold {
		out.write(b[at:hold])
	}
	return hold, out.err
}

// hide passes on what may be seen of a secret: its line breaks, or its length.
func (w *RedactWriter) hide(out *sink, b []byte) {
	if n := bytes.Count(b, []byte{'\n'}); !w.keep {
		out.write(bytes.Repeat([]byte{'\n'}, n))
		return
	}
	stars := bytes.Repeat([]byte{'*'}, len(b))
	for i, c := range b {
		if c == '\n' {
			stars[i] = c
		}
	}
	out.write(stars)
}

// sink is a writer that remembers its first error and then does nothing.
type sink struct {
	w   io.Writer
	err error
}

func (s *sink) write(b []byte) {
	if s.err == nil && len(b) > 0 {
		_, s.err = s.w.Write(b)
	}
}
