package tasks

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cyborg-bots/cyborg/container"
	"github.com/cyborg-bots/cyborg/publish"
)

// read gives a whole output to a reader and returns the report.
func read(t testing.TB, f Format, output string) publish.Report {
	t.Helper()
	r := NewResults(f)
	if n, err := r.Write([]byte(output)); n != len(output) || err != nil {
		t.Fatalf("wrote %d of %d: %v", n, len(output), err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return r.Report()
}

// readPieces gives it in pieces of random sizes, asking for reports on the way.
func readPieces(t testing.TB, f Format, output string, random *rand.Rand) publish.Report {
	t.Helper()
	r := NewResults(f)
	for len(output) > 0 {
		n := 1 + random.IntN(min(len(output), 1+random.IntN(40)))
		if _, err := r.Write([]byte(output[:n])); err != nil {
			t.Fatal(err)
		}
		output = output[n:]
		if random.IntN(10) == 0 {
			r.Report()
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return r.Report()
}

// summary prints a report for tables and golden files: the status, name, lines, tries and message of each test.
func summary(r publish.Report) string {
	var b strings.Builder
	for _, t := range r.Tests {
		fmt.Fprintf(&b, "%s %q", t.Status, t.Name)
		if t.Retries > 0 {
			fmt.Fprintf(&b, " retries %d", t.Retries)
		}
		if t.Message != "" {
			fmt.Fprintf(&b, " %q", t.Message)
		}
		b.WriteString("\n")
	}
	if r.Planned > 0 {
		fmt.Fprintf(&b, "planned %d\n", r.Planned)
	}
	if r.Problem != "" {
		fmt.Fprintf(&b, "problem: %s\n", r.Problem)
	}
	return b.String()
}

func TestJudge(t *testing.T) {
	report := func(statuses ...publish.Status) publish.Report {
		var r publish.Report
		for i, s := range statuses {
			test := publish.Test{Name: fmt.Sprint(i), Status: s}
			if s == "known" {
				test.Status, test.Issue = publish.Failed, 7
			}
			r.Tests = append(r.Tests, test)
		}
		return r
	}
	with := func(r publish.Report, planned int, problem string) publish.Report {
		r.Planned, r.Problem = planned, problem
		return r
	}
	const ok, bad, skip, todo = publish.Passed, publish.Failed, publish.Skipped, publish.Todo
	tests := []struct {
		name   string
		report publish.Report
		result container.Result
		want   Verdict
		status string
	}{
		{"exit code 0", report(), container.Result{}, Verdict{publish.StateSuccess, "Tests passed"}, "success"},
		{"exit code 3", report(), container.Result{Code: 3}, Verdict{publish.StateFailure, "Tests failed with code 3"}, "failure"},
		{"exit code 77", report(), container.Result{Code: 77}, Verdict{publish.StateSkipped, "Skipped"}, "success"},
		{"77 without a plan", with(report(), 0, "printed no TAP plan and no tests"), container.Result{Code: 77}, Verdict{publish.StateSkipped, "Skipped"}, "success"},
		{"77 in the middle", with(report(ok), 3, "planned 3 tests, saw 1"), container.Result{Code: 77},
			Verdict{publish.StateFailure, "Tests failed with code 77: planned 3 tests, saw 1"}, "failure"},
		{"77 with a failure", report(ok, bad), container.Result{Code: 77}, Verdict{publish.StateFailure, "1 test failed"}, "failure"},
		{"all passed", report(ok, ok, skip, todo), container.Result{}, Verdict{publish.StateSuccess, "Tests passed"}, "success"},
		{"one failed", report(ok, bad), container.Result{Code: 1}, Verdict{publish.StateFailure, "1 test failed"}, "failure"},
		{"three failed", report(bad, bad, bad), container.Result{Code: 1}, Verdict{publish.StateFailure, "3 tests failed"}, "failure"},
		{"failed with exit code 0", report(ok, bad), container.Result{}, Verdict{publish.StateFailure, "1 test failed"}, "failure"},
		{"passed with exit code 1", report(ok, skip), container.Result{Code: 1},
			Verdict{publish.StateFailure, "Tests failed with code 1, though no test of 2 failed"}, "failure"},
		{"all skipped", report(skip, skip), container.Result{}, Verdict{publish.StateSkipped, "Skipped"}, "success"},
		{"cut short", with(report(ok), 10, ""), container.Result{}, Verdict{publish.StateFailure, "Tests failed: planned 10 tests, saw 1"}, "failure"},
		{"problem", with(report(ok), 0, "printed no plan"), container.Result{}, Verdict{publish.StateFailure, "Tests failed: printed no plan"}, "failure"},
		{"still running", report(ok, publish.Running), container.Result{}, Verdict{publish.StateFailure, "Tests failed: 1 test did not end"}, "failure"},
		{"known issue", report(ok, "known"), container.Result{Code: 1}, Verdict{publish.StateSuccess, "Tests passed, but for 1 known issue"}, "success"},
		{"known issue and another", report(bad, "known"), container.Result{Code: 1}, Verdict{publish.StateFailure, "1 test failed"}, "failure"},
		{"known issue, cut short", with(report("known"), 2, "planned 2 tests, saw 1"), container.Result{Code: 1},
			Verdict{publish.StateFailure, "Tests failed with code 1: planned 2 tests, saw 1"}, "failure"},
		{"killed", with(report(ok), 2, "planned 2 tests, saw 1"), container.Result{Code: 137, Signal: "SIGKILL"},
			Verdict{publish.StateFailure, "Tests were killed by SIGKILL: planned 2 tests, saw 1"}, "failure"},
		{"its machine died", report(ok), container.Result{Died: "kernel panic: sysrq"}, Verdict{publish.StateFailure, "Machine died: kernel panic: sysrq"}, "failure"},
		{"timeout", report(ok, bad), container.Result{Code: 143, Signal: "SIGTERM", TimedOut: true}, Verdict{publish.StateTimeout, "Timeout after 120 minutes"}, "failure"},
		{"cancelled", report(ok, bad), container.Result{Code: 143, Canceled: true}, Verdict{publish.StateCancelled, "Cancelled"}, "error"},
		{"refused", report(), container.Result{Code: 127, Refused: "no such file"}, Verdict{publish.StateFailure, "Task cannot be started: no such file"}, "failure"},
		{"long", with(report(ok), 0, strings.Repeat("ü", 200)), container.Result{},
			Verdict{publish.StateFailure, "Tests failed: " + strings.Repeat("ü", 125) + "…"}, "failure"},
		{"in one line", with(report(ok), 0, "a\nb\x1b[31mc"), container.Result{}, Verdict{publish.StateFailure, "Tests failed: a bc"}, "failure"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := Judge(test.report, test.result, DefaultTimeout)
			if got != test.want || got.Status() != test.status {
				t.Errorf("got %+v, status %s; want %+v, status %s", got, got.Status(), test.want, test.status)
			}
		})
	}
	if got := Judge(publish.Report{}, container.Result{TimedOut: true}, DefaultTimeout/7200*61); got.Description != "Timeout after 61 seconds" {
		t.Error(got)
	}
}

// heap is how much memory is in use.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestResultsAtOnce(t *testing.T) {
	r := NewResults(Format{Kind: TAP})
	var all sync.WaitGroup
	all.Go(func() {
		for i := range 2000 {
			fmt.Fprintf(r, "ok %d\n", i+1)
		}
		r.Write([]byte("1..2000\n"))
		r.Close()
	})
	all.Go(func() {
		for n := 0; n < 2000; n = len(r.Report().Tests) {
			if p := r.Report().Problem; p != "" {
				t.Errorf("problem before the end: %s", p)
				return
			}
			runtime.Gosched()
		}
	})
	all.Wait()
	if got := r.Report(); len(got.Tests) != 2000 || got.Planned != 2000 || got.Problem != "" {
		t.Errorf("%d tests of %d, problem %q", len(got.Tests), got.Planned, got.Problem)
	}
}

func TestResultsWrites(t *testing.T) {
	r := NewResults(Format{})
	if _, err := r.Write([]byte("anything\n\x00\xff")); err != nil {
		t.Error(err)
	}
	if err := errors.Join(r.Close(), r.Close(), r.Collect("/nonexistent")); err != nil {
		t.Error(err)
	}
	if d := cmp.Diff(publish.Report{}, r.Report()); d != "" {
		t.Errorf("by exit code alone (-want +got):\n%s", d)
	}
	if _, err := r.Write([]byte("late")); err == nil {
		t.Error("wrote behind the end")
	}
}

// A badWriter is a log that breaks.
type badWriter struct{ err error }

func (w badWriter) Write([]byte) (int, error) { return 0, w.err }

func TestTeeResults(t *testing.T) {
	broken := errors.New("disk full")
	for _, kind := range []FormatKind{ExitCode, TAP, GoJSON} {
		r := TeeResults(Format{Kind: kind}, badWriter{broken})
		if _, err := r.Write([]byte("ok 1\n")); !errors.Is(err, broken) {
			t.Errorf("%s: error %v", kind, err)
		}
		var log strings.Builder
		r = TeeResults(Format{Kind: kind}, &log)
		text := "one\ntwo\xff\x00\nthree"
		if _, err := r.Write([]byte(text)); err != nil {
			t.Error(err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		want := text
		if kind == GoJSON {
			want = "one\ntwo\uFFFD\x00\nthree\n"
		}
		if log.String() != want {
			t.Errorf("%s: log %q", kind, log.String())
		}
	}
}
