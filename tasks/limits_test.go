//go:build !race

// One goroutine reads: the race detector has nothing to find there. make unit runs this beside the others, without it.

package tasks

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cyborg-bots/cyborg/container"
	"github.com/cyborg-bots/cyborg/publish"
)

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
