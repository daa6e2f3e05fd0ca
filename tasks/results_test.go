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

// TestLimits feeds what a hostile or broken job prints and looks at what is kept of it.
func TestLimits(t *testing.T) {
	mega := strings.Repeat("x", 1<<20)
	kilo := strings.Repeat("k", 1<<10)
	// hundred repeats a line with numbers that go on.
	hundred := func(line func(n int) string) func(int) string {
		return func(i int) string {
			var b strings.Builder
			for j := range 100 {
				b.WriteString(line(i*100+j) + "\n")
			}
			return b.String()
		}
	}
	tests := []struct {
		name    string
		format  FormatKind
		times   int
		chunk   func(i int) string
		problem string // part of the report's
	}{
		{"one endless line", TAP, 200, func(int) string { return mega }, "no TAP plan"},
		{"one endless line, go", GoJSON, 100, func(int) string { return mega }, "no events"},
		{"long lines", TAP, 100, func(int) string { return mega + "\n" }, "no TAP plan"},
		{"short names in long lines", TAP, 100, func(i int) string { return fmt.Sprintf("ok %d a%d # skip %s\n", i+1, i, mega) }, "no plan"},
		{"short names of retries in long lines", TAP, 100, func(i int) string { return fmt.Sprintf("ok %d a%d # retry %s\n", i+1, i, mega) }, "was to be run again"},
		{"long names", TAP, 100, func(i int) string { return fmt.Sprintf("ok %d %s\n", i+1, mega) }, "no plan"},
		{"long names of retries", TAP, 100, func(i int) string { return fmt.Sprintf("ok %d %d%s # RETRY\n", i+1, i, mega[:1<<19]) }, "was to be run again"},
		{"many long names", TAP, 300, hundred(func(n int) string { return fmt.Sprintf("ok %d %s\n# why", n+1, kilo) }), "too many tests"},
		{"many tests", TAP, 1010, hundred(func(n int) string { return fmt.Sprintf("ok %d", n+1) }), "too many tests"},
		{"many failures", TAP, 1210, hundred(func(n int) string { return fmt.Sprintf("not ok %d", n+1) }), "too many tests"},
		{"many retries", TAP, 1010, hundred(func(n int) string { return fmt.Sprintf("ok %d a%d # RETRY", n+1, n) }), "was to be run again"},
		{"many messages", TAP, 300, hundred(func(n int) string { return fmt.Sprintf("not ok %d\n# %s", n+1, kilo) }), "no plan"},
		{"endless message", TAP, 100, func(i int) string {
			if i == 0 {
				return "not ok 1\n"
			}
			return "# " + mega + "\n"
		}, "no plan"},
		{"endless subtests", TAP, 100, func(int) string { return strings.Repeat("    not ok 1 - "+kilo+"\n", 1000) }, "no TAP plan"},
		{"many open tests", GoJSON, 240, hundred(func(n int) string {
			return fmt.Sprintf(`{"Action":"output","Package":"p%d","Test":"T%d","Output":"%s\n"}`, n%50, n, kilo)
		}), "too many tests at once"},
		{"endless output of a test", GoJSON, 300, func(i int) string {
			return fmt.Sprintf(`{"Action":"output","Package":"p","Test":"T%d","Output":"%s\n"}`+"\n", i%1000, mega[:1<<18])
		}, "did not end"},
		{"many packages", GoJSON, 30, hundred(func(n int) string {
			return fmt.Sprintf(`{"Action":"output","Package":"p%d","Output":"%s\n"}`, n, kilo) + "\n" +
				fmt.Sprintf(`{"Action":"build-output","ImportPath":"p%d","Output":"%s\n"}`, n, kilo)
		}), "too many packages at once"},
		{"many subtests", GoJSON, 100, hundred(func(n int) string { return fmt.Sprintf(`{"Action":"fail","Package":"p","Test":"T/%d%s"}`, n, kilo) }), "did not end"},
		{"long names of tests", GoJSON, 100, func(i int) string {
			return fmt.Sprintf(`{"Action":"run","Package":"p","Test":"T%d%s"}`+"\n", i, mega[:1<<19])
		}, "thousands of characters"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := NewResults(Format{Kind: test.format})
			before, most := heap(), uint64(0)
			for i := range test.times {
				if _, err := r.Write([]byte(test.chunk(i))); err != nil {
					t.Fatal(err)
				}
				if i%(test.times/3) == test.times/3-1 {
					most = max(most, heap())
					checkBounds(t, r)
				}
			}
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			most = max(most, heap())
			checkBounds(t, r)
			if used := int64(most) - int64(before); used > 64<<20 {
				t.Errorf("holds %d MB", used>>20)
			}
			report := r.Report()
			if !strings.Contains(report.Problem, test.problem) {
				t.Errorf("problem is %q, want %q", report.Problem, test.problem)
			}
			if got := Judge(report, container.Result{}, DefaultTimeout); got.State != publish.StateFailure {
				t.Errorf("verdict %+v", got)
			}
		})
	}
}

// checkBounds looks at everything that a reader keeps.
func checkBounds(t *testing.T, r *Results) {
	t.Helper()
	names, messages, passed := 0, 0, 0
	for _, one := range r.rec.tests {
		names += len(one.Name)
		messages += len(one.Message)
		if one.Status != publish.Failed {
			passed++
		}
		if len(one.Name) > maxName+20 || len(one.Message) > maxMessage+10 {
			t.Fatalf("a test has %d bytes of name and %d of message", len(one.Name), len(one.Message))
		}
	}
	if names > maxNames+maxName || messages > maxMessages+maxMessage || passed > maxTests || len(r.rec.tests) > maxTests+maxFailures {
		t.Errorf("%d tests, %d not failed, with %d bytes of names and %d of messages", len(r.rec.tests), passed, names, messages)
	}
	switch p := r.parser.(type) {
	case *tapParser:
		if len(p.retries) > maxTests || len(p.inner) > 100 || p.message.size() > 2*maxMessage || p.nested.size() > 2*maxMessage {
			t.Errorf("%d retries, %d inner failures, %d and %d bytes", len(p.retries), len(p.inner), p.message.size(), p.nested.size())
		}
	case *goParser:
		open, held := 0, 0
		for _, pkg := range p.packages {
			open += len(pkg.tests)
			for _, one := range pkg.tests {
				held += one.output.size()
			}
		}
		if open != p.open || held != p.held || open > maxOpen || held > maxOutput+2*maxMessage || len(p.packages) > maxPackages || len(p.builds) > maxBuilds {
			t.Errorf("%d tests open (counted %d) with %d bytes (counted %d), %d packages, %d builds", open, p.open, held, p.held, len(p.packages), len(p.builds))
		}
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
