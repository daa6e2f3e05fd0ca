package tasks

import (
	"fmt"
	"strings"
)

// maxProblems bounds how many problems of one file are kept; a binary read as a header would have thousands.
const maxProblems = 20

// A HeaderError is one thing wrong with one line of a file in bots/.
type HeaderError struct {
	File    string // as given to the parser: "bots/verify"
	Line    int    // from 1; 0 concerns the whole file
	Column  int    // in bytes, from 1; 0 is not known
	Key     string // the header key it concerns, or ""
	Problem string // what is wrong: `unknown key "imge"`
	Hint    string // what to do: `did you mean "image"?`; may be empty
}

// Error prints the place and the problem, and the hint on a line of its own.
func (e *HeaderError) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	b.WriteString(": " + e.Problem)
	if e.Hint != "" {
		b.WriteString("\nhint: " + e.Hint)
	}
	return b.String()
}

// HeaderErrors are all the problems of one file, in the order of its lines, never empty. At most twenty are kept;
// More counts the rest.
type HeaderErrors struct {
	Problems []*HeaderError
	More     int
}

// Error prints every problem, one after the other.
func (e *HeaderErrors) Error() string {
	lines := make([]string, 0, len(e.Problems)+1)
	for _, p := range e.Problems {
		lines = append(lines, p.Error())
	}
	if e.More > 0 {
		lines = append(lines, fmt.Sprintf("%s: %d more problems", e.Problems[0].File, e.More))
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives each problem to errors.As and errors.AsType.
func (e *HeaderErrors) Unwrap() []error {
	list := make([]error, len(e.Problems))
	for i, p := range e.Problems {
		list[i] = p
	}
	return list
}

// add keeps a problem, or counts it when there are many already.
func (e *HeaderErrors) add(p *HeaderError) {
	if len(e.Problems) >= maxProblems {
		e.More++
		return
	}
	e.Problems = append(e.Problems, p)
}
