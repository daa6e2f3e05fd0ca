package tasks

import (
	"fmt"
	"strings"
	"time"

	"github.com/cyborg-bots/cyborg/container"
	"github.com/cyborg-bots/cyborg/publish"
)

// Skip is the exit code with which a task says that it has nothing to do here, as automake has it.
const Skip = 77

// maxDescription is the longest description of a status that GitHub takes.
const maxDescription = 140

// A Verdict is what a run comes to.
type Verdict struct {
	State       publish.State
	Description string // of the status: "3 tests failed"; one line, at most 140 characters
}

// Status is the verdict as the state of a commit status: "success", "failure" or "error".
func (v Verdict) Status() string {
	switch v.State {
	case publish.StateSuccess, publish.StateSkipped:
		return "success"
	case publish.StateFailure, publish.StateTimeout:
		return "failure"
	}
	return "error"
}

// Judge makes a verdict of what the tests reported and how the command ended. It believes the worse of the two: a
// success wants every test passed, the plan kept and the exit code 0. The timeout is the one that the run had.
func Judge(report publish.Report, result container.Result, timeout time.Duration) Verdict {
	c := report.Counts()
	switch {
	case result.Canceled:
		return verdict(publish.StateCancelled, "Cancelled")
	case result.TimedOut:
		return verdict(publish.StateTimeout, "Timeout after "+minutes(timeout))
	case result.Refused != "":
		return verdict(publish.StateFailure, "Task cannot be started: "+result.Refused)
	case c.Failed > 0:
		return verdict(publish.StateFailure, plural(int64(c.Failed), "test")+" failed")
	case result.Died != "":
		return verdict(publish.StateFailure, "Machine died: "+result.Died)
	case result.Signal != "":
		return verdict(publish.StateFailure, withProblem("Tests were killed by "+result.Signal, report))
	case result.Code == Skip && (report.Problem == "" || c.Total+report.Planned == 0):
		return verdict(publish.StateSkipped, "Skipped")
	case result.Code != 0 && c.Known > 0 && report.Problem == "":
		return verdict(publish.StateSuccess, "Tests passed, but for "+plural(int64(c.Known), "known issue"))
	case result.Code != 0 && c.Passed > 0 && report.Problem == "":
		return verdict(publish.StateFailure, fmt.Sprintf("Tests failed with code %d, though no test of %d failed", result.Code, c.Total))
	case result.Code != 0:
		return verdict(publish.StateFailure, withProblem(fmt.Sprintf("Tests failed with code %d", result.Code), report))
	case report.Problem != "":
		return verdict(publish.StateFailure, "Tests failed: "+report.Problem)
	case c.Running > 0:
		return verdict(publish.StateFailure, fmt.Sprintf("Tests failed: %s did not end", plural(int64(c.Running), "test")))
	case c.ToGo > 0:
		return verdict(publish.StateFailure, fmt.Sprintf("Tests failed: planned %s, saw %d", plural(int64(report.Planned), "test"), c.Total))
	case c.Total > 0 && c.Skipped == c.Total:
		return verdict(publish.StateSkipped, "Skipped")
	case c.Known > 0:
		return verdict(publish.StateSuccess, "Tests passed, but for "+plural(int64(c.Known), "known issue"))
	}
	return verdict(publish.StateSuccess, "Tests passed")
}

// verdict makes one, its text cut to what GitHub takes.
func verdict(state publish.State, text string) Verdict {
	text = cleanText(text, false)
	if r := []rune(text); len(r) > maxDescription {
		text = string(r[:maxDescription-1]) + "…"
	}
	return Verdict{state, text}
}

// withProblem adds what is wrong with the report.
func withProblem(text string, report publish.Report) string {
	if report.Problem == "" {
		return text
	}
	return text + ": " + strings.TrimSpace(report.Problem)
}

// minutes prints a timeout as the bots of 2017 did: "120 minutes".
func minutes(d time.Duration) string {
	if d >= time.Minute && d%time.Minute == 0 {
		return plural(int64(d/time.Minute), "minute")
	}
	return plural(int64(d/time.Second), "second")
}
