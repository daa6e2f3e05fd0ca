package tasks

import (
	"iter"
	"strings"
)

// Shown gives the lines of a text that GitHub shows as text, without their endings: those of code blocks and of HTML
// comments are left out. Nobody may be made to ask for what he only quoted, or cannot see.
func Shown(body string) iter.Seq[string] {
	return func(yield func(string) bool) {
		more := true
		eachLine(body, func(_ int, line string, hidden bool) {
			if !hidden && more {
				more = yield(strings.TrimRight(line, "\r\n"))
			}
		})
	}
}
