package shadow

import (
	"fmt"
	"io"
	"strings"
)

// clauses are the tests of a trial, in order.
func clauses() []string {
	return []string{"builds", "selftest", "shadow/run", "shadow/choices", "shadow/texts", "shadow/budget", "demo"}
}

// A sheet is where a trial's findings are written down, in the Test Anything Protocol.
type sheet struct {
	out  io.Writer
	said map[string]bool
	bad  []string
}

func newSheet(out io.Writer) *sheet {
	s := &sheet{out: out, said: map[string]bool{}}
	fmt.Fprintf(out, "1..%d\n", len(clauses()))
	return s
}

// say writes one result, with what is to be known of it below.
func (s *sheet) say(clause string, ok bool, directive string, why ...string) {
	if s.said[clause] {
		return
	}
	s.said[clause] = true
	word := "ok"
	if !ok {
		word = "not ok"
	}
	if !ok && directive == "" {
		s.bad = append(s.bad, clause)
	}
	if directive != "" {
		directive = " # " + directive
	}
	fmt.Fprintf(s.out, "%s %d - %s%s\n", word, len(s.said), clause, directive)
	for _, text := range why {
		remark(s.out, text)
	}
}

// close skips what was not tried, and says why.
func (s *sheet) close(why string) {
	for _, c := range clauses() {
		if !s.said[c] {
			s.say(c, true, "SKIP "+why)
		}
	}
}

// remark writes a text as comments.
func remark(out io.Writer, text string) {
	for line := range strings.Lines(text) {
		fmt.Fprintf(out, "#   %s\n", strings.TrimRight(line, "\r\n"))
	}
}
