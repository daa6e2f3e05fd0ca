package tasks

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Limits of a line. An issue's text is foreign: what is longer is refused, not cut.
const (
	MaxLine  = 4096 // bytes
	MaxWords = 64
)

// special are the characters that a shell does something with unless they are quoted. A line that means one thing in an
// issue and another in a shell would break the promise that they are the same, so it is refused.
// A # does so only where a word begins.
const special = "$`;|&<>()*?[{!~"

// SplitWords cuts a line into words as a POSIX shell does: blanks separate, '…' is literal, "…" is literal but for \"
// \\ \$ and \`, a backslash takes the next character literally. There is no expansion: whatever a shell would expand or
// act upon must be quoted. Control characters, text that is not UTF-8 and unended quotes are refused.
func SplitWords(line string) ([]string, error) {
	switch {
	case len(line) > MaxLine:
		return nil, fmt.Errorf("line of %d bytes: at most %d", len(line), MaxLine)
	case !utf8.ValidString(line):
		return nil, fmt.Errorf("line is not UTF-8 text")
	}
	if i := strings.IndexFunc(line, unprintable); i >= 0 {
		r, _ := utf8.DecodeRuneInString(line[i:])
		return nil, fmt.Errorf("character %d is the control character %U", i+1, r)
	}
	s := splitter{rest: line}
	for s.next() {
		if len(s.words) > MaxWords {
			return nil, fmt.Errorf("more than %d words", MaxWords)
		}
	}
	return s.words, s.err
}

// A splitter is the state of SplitWords.
type splitter struct {
	rest  string
	words []string
	err   error
}

// next reads one word; it reports whether there may be more.
func (s *splitter) next() bool {
	s.rest = strings.TrimLeft(s.rest, " \t")
	if s.rest == "" {
		return false
	}
	if s.rest[0] == '#' {
		s.err = fmt.Errorf("a word that begins with # is a remark to a shell: quote it with '…'")
		return false
	}
	var word strings.Builder
	for s.rest != "" && s.err == nil {
		c := s.rest[0]
		switch {
		case c == ' ' || c == '\t':
			s.words = append(s.words, word.String())
			return true
		case c == '\'':
			s.single(&word)
		case c == '"':
			s.double(&word)
		case c == '\\':
			s.escape(&word)
		case strings.IndexByte(special, c) >= 0:
			s.err = fmt.Errorf("%q means something to a shell: quote the word with '…'", string(c))
		default:
			word.WriteByte(c)
			s.rest = s.rest[1:]
		}
	}
	if s.err == nil {
		s.words = append(s.words, word.String())
	}
	return false
}

// single reads a '…'.
func (s *splitter) single(word *strings.Builder) {
	text, rest, ok := strings.Cut(s.rest[1:], "'")
	if !ok {
		s.err = fmt.Errorf("a ' is not closed")
		return
	}
	word.WriteString(text)
	s.rest = rest
}

// double reads a "…".
func (s *splitter) double(word *strings.Builder) {
	for i := 1; i < len(s.rest); i++ {
		switch c := s.rest[i]; c {
		case '"':
			s.rest = s.rest[i+1:]
			return
		case '$', '`', '!':
			s.err = fmt.Errorf("%q means something to a shell even inside \"…\": quote the word with '…'", string(c))
			return
		case '\\':
			if i+1 < len(s.rest) && strings.IndexByte("\"\\$`", s.rest[i+1]) >= 0 {
				i++
			}
			word.WriteByte(s.rest[i])
		default:
			word.WriteByte(c)
		}
	}
	s.err = fmt.Errorf("a \" is not closed")
}

// escape reads a backslash and the character it protects, which may be of several bytes.
func (s *splitter) escape(word *strings.Builder) {
	_, n := utf8.DecodeRuneInString(s.rest[1:])
	if n == 0 {
		s.err = fmt.Errorf("nothing behind the last \\")
		return
	}
	word.WriteString(s.rest[1 : 1+n])
	s.rest = s.rest[1+n:]
}

// QuoteWord writes a word so that a shell, and [SplitWords], read it back as it is: unchanged if it needs nothing.
func QuoteWord(word string) string {
	if word != "" && word[0] != '#' && !strings.ContainsAny(word, special+" \t'\"\\") {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// QuoteWords writes words as one line.
func QuoteWords(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = QuoteWord(w)
	}
	return strings.Join(quoted, " ")
}
