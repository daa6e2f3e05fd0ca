package tasks

import (
	"strconv"
	"strings"
)

// candidateMark stands between a context and the pull request of the bots' own repository whose program shall do it.
const candidateMark = "@bots#"

// CutCandidate takes a context like "verify/debian-13@bots#12" apart: what is to be done, and the number of the pull request
// of the bots' own repository whose program shall do it. It is false for every other context.
func CutCandidate(context string) (what string, pull int, ok bool) {
	what, number, ok := strings.Cut(context, candidateMark)
	if !ok || what == "" || len(context) > MaxContext || number == "" || number[0] < '1' || number[0] > '9' {
		return "", 0, false
	}
	pull, err := strconv.Atoi(number)
	if err != nil || pull > 1<<31-1 {
		return "", 0, false
	}
	return what, pull, true
}
