package tasks

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A lineSplitter cuts what is written to it into lines. It holds at most one line, of at most maxLine bytes; what a line
// has beyond is skipped.
type lineSplitter struct {
	yield  func(number int, text []byte)
	number int
	buffer []byte
	open   bool // the current line has begun, even if nothing of it is kept
}

// write takes the next piece. Lines that are whole within the piece are not copied.
func (s *lineSplitter) write(p []byte) {
	for len(p) > 0 {
		line, rest, ended := bytes.Cut(p, []byte{'\n'})
		if !ended {
			s.keep(line)
			return
		}
		p = rest
		if s.open {
			s.keep(line)
			s.flush()
			continue
		}
		s.emit(line[:min(len(line), maxLine)])
	}
}

// keep adds to the line that has not ended.
func (s *lineSplitter) keep(part []byte) {
	s.open = true
	room := maxLine - len(s.buffer)
	s.buffer = append(s.buffer, part[:min(len(part), room)]...)
}

// flush ends the open line, if there is one.
func (s *lineSplitter) flush() {
	if !s.open {
		return
	}
	s.emit(s.buffer)
	s.open = false
	s.buffer = s.buffer[:0]
	if cap(s.buffer) > 64<<10 {
		s.buffer = nil
	}
}

// emit hands out one line, without a carriage return at its end.
func (s *lineSplitter) emit(line []byte) {
	s.number++
	s.yield(s.number, bytes.TrimSuffix(line, []byte{'\r'}))
}

// A tail keeps the beginning and the end of a text that may be long.
type tail struct {
	head, end []byte
	limit     int // bytes kept of each
	dropped   bool
}

// add appends to the text.
func (t *tail) add(text string) {
	if room := t.limit - len(t.head); room > 0 && len(t.end) == 0 {
		n := min(room, len(text))
		t.head = append(t.head, text[:n]...)
		text = text[n:]
	}
	if len(text) > t.limit {
		text = text[len(text)-t.limit:]
		t.end, t.dropped = t.end[:0], true
	}
	t.end = append(t.end, text...)
	if len(t.end) > 2*t.limit {
		t.end = append(t.end[:0], t.end[len(t.end)-t.limit:]...)
		t.dropped = true
	}
}

// size is how many bytes are held.
func (t *tail) size() int { return len(t.head) + len(t.end) }

// String is the text, with a mark where it was cut.
func (t *tail) String() string {
	end := t.end
	cut := t.dropped
	if len(end) > t.limit {
		end, cut = end[len(end)-t.limit:], true
	}
	if cut {
		return string(t.head) + "\n[…]\n" + string(end)
	}
	return string(t.head) + string(end)
}

// cleanText makes text of foreign bytes: UTF-8 without colours and control characters, in one line or in several.
func cleanText(s string, lines bool) string {
	s = stripColours(s)
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' && lines, r == '\t' && lines:
			return r
		case r == '\n' || r == '\t':
			return ' '
		case r == '\uFFFD':
			return r
		case unprintable(r):
			return -1
		}
		return r
	}, s))
}

// stripColours removes terminal control sequences: ESC [ … letter, ESC ] … BEL, and ESC with one character.
func stripColours(s string) string {
	if strings.IndexByte(s, 0x1b) < 0 {
		return s
	}
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "\x1b")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		switch {
		case strings.HasPrefix(after, "["):
			i := 1
			for i < len(after) && (after[i] < 0x40 || after[i] > 0x7e) {
				i++
			}
			s = after[min(i+1, len(after)):]
		case strings.HasPrefix(after, "]"):
			i := strings.IndexAny(after, "\a\x1b")
			if i < 0 {
				return b.String()
			}
			s = strings.TrimPrefix(after[i:], "\a")
			s = strings.TrimPrefix(s, "\x1b\\")
		case after == "":
			return b.String()
		default:
			_, n := utf8.DecodeRuneInString(after)
			s = after[n:]
		}
	}
}

// decimal prints a number.
func decimal(n int) string { return strconv.Itoa(n) }

// joinProblems makes one text of several problems.
func joinProblems(list []string) string { return strings.Join(list, "; ") }
