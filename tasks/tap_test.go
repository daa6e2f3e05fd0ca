package tasks

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyborg-bots/cyborg/container"
	"github.com/cyborg-bots/cyborg/publish"
)

// tapTests are outputs, what they come to, and the verdict with exit code 0.
func tapTests() []struct{ name, output, want, verdict string } {
	return []struct{ name, output, want, verdict string }{
		{"plan first", "1..2\nok 1 - a\nok 2 b\n", "passed \"a\"\npassed \"b\"\nplanned 2\n", "Tests passed"},
		{"plan last", "TAP version 13\nok 1 - a\nok\n1..2\n", "passed \"a\"\npassed \"test 2\"\nplanned 2\n", "Tests passed"},
		{"no last line ending", "1..1\nok 1 a", "passed \"a\"\nplanned 1\n", "Tests passed"},
		{"CR LF and colours", "\x1b[1m1..2\x1b[0m\r\n\x1b[32mok\x1b[0m 1 a\r\n\x1b[31mnot ok 2\x1b[0m b\r\n", "passed \"a\"\nfailed \"b\"\nplanned 2\n", "1 test failed"},
		{"failure with diagnostics", "1..2\nnot ok 1 - a\n# at line 3\n#   in b\nok 2 - c\n# bye\n",
			"failed \"a\" \"at line 3\\n  in b\"\npassed \"c\"\nplanned 2\n", "1 test failed"},
		{"output before the result", "1..2\nhello\nok 1 a\nboo\nnot ok 2 b\n", "passed \"a\"\nfailed \"b\"\nplanned 2\n", "1 test failed"},
		{"YAML", "TAP version 14\n1..2\nnot ok 1 - a\n  ---\n  message: 'no'\n  duration_ms: 12.5\n  at:\n    line: 3\n  ...\nok 2 - b\n  ---\n  duration_ms: 3\n  ...\n",
			"failed \"a\" \"message: 'no'\\nat:\\n  line: 3\"\npassed \"b\"\nplanned 2\n", "1 test failed"},
		{"YAML without its end", "1..2\nnot ok 1 - a\n  ---\n  message: 'no'\nok 2 - b\n", "failed \"a\" \"message: 'no'\"\npassed \"b\"\nplanned 2\n", "1 test failed"},
		{"skip and todo", "1..6\nok 1 a # SKIP no disk\nok 2 b # skipped: no net\nnot ok 3 c # TODO later\nok 4 d # todo now\nok 5 e #skip\nnot ok 6 f # SKIP\n",
			"skipped \"a\" \"no disk\"\nskipped \"b\" \"no net\"\ntodo \"c\" \"later\"\npassed \"d\" \"passed, though it is marked TODO: now\"\nskipped \"e\"\nskipped \"f\"\nplanned 6\n",
			"Tests passed"},
		{"no directives", "1..5\nnot ok 1 a # TODOs\nnot ok 2 b# TODO\nnot ok 3 c \\# TODO\nnot ok 4 TODO d\nok 5 issue #7 is fixed # really\n",
			"failed \"a # TODOs\"\nfailed \"b# TODO\"\nfailed \"c # TODO\"\nfailed \"TODO d\"\npassed \"issue #7 is fixed # really\"\nplanned 5\n", "4 tests failed"},
		{"retry", "1..2\nnot ok 1 a # RETRY 1 (flaky)\nnot ok 1 a # RETRY 2 (flaky)\nok 1 a\nok 2 b # RETRY (affected tests run 3 times)\nok 2 b\n",
			"passed \"a\" retries 2\npassed \"b\" retries 1\nplanned 2\n", "Tests passed"},
		{"retry and no more", "1..1\nnot ok 1 a # RETRY 1\nok 1 b\n", "passed \"b\"\nplanned 1\nproblem: test \"a\" was to be run again and was not\n",
			"Tests failed: test \"a\" was to be run again and was not"},
		{"subtests", "TAP version 14\n1..2\n# Subtest: a\n    1..2\n    ok 1 - x\n    not ok 2 - y\n      ---\n      why: z\n      ...\nnot ok 1 - a\n# Subtest: b\n    not ok 1 - later # TODO\n    1..1\nok 2 - b\n",
			"failed \"a\" \"failed: 2 y\\n\\n    1..2\\n    ok 1 - x\\n    not ok 2 - y\\n      ---\\n      why: z\\n      ...\"\npassed \"b\"\nplanned 2\n", "1 test failed"},
		{"subtests of another test", "1..2\nnot ok 1 - a\n    not ok 1 - x\nnot ok 2 - b\n", "failed \"a\"\nfailed \"b\" \"failed: 1 x\\n\\n    not ok 1 - x\"\nplanned 2\n", "2 tests failed"},
		{"bail out", "1..5\nok 1 a\nBail out! no disk\nok 2 b\n", "passed \"a\"\nplanned 5\nproblem: bailed out: no disk\n", "Tests failed: bailed out: no disk"},
		{"bail out of a subtest", "1..5\nnot ok 1 a\n# why\n    bail out!\n", "failed \"a\" \"why\"\nplanned 5\nproblem: bailed out:\n", "1 test failed"},
		{"all skipped", "1..0 # SKIP no libvirt\n", "skipped \"all tests\" \"no libvirt\"\n", "Skipped"},
		{"no tests planned", "1..0\n", "skipped \"all tests\"\n", "Skipped"},
		{"cut short", "1..10\n" + strings.Repeat("ok\n", 7), strings.Join([]string{"passed \"test 1\"", "passed \"test 2\"", "passed \"test 3\"", "passed \"test 4\"",
			"passed \"test 5\"", "passed \"test 6\"", "passed \"test 7\"", "planned 10", "problem: planned 10 tests, saw 7\n"}, "\n"), "Tests failed: planned 10 tests, saw 7"},
		{"too many", "1..1\nok 1\nok 2\n", "passed \"test 1\"\npassed \"test 2\"\nplanned 1\nproblem: numbered a test 2 of 1; planned 1 test, saw 2\n",
			"Tests failed: numbered a test 2 of 1; planned 1 test, saw 2"},
		{"too many by the plan behind", "ok\nok\n1..3\n", "passed \"test 1\"\npassed \"test 2\"\nplanned 3\nproblem: planned 3 tests, saw 2\n", "Tests failed: planned 3 tests, saw 2"},
		{"no plan", "ok 1\nok 2\n", "passed \"test 1\"\npassed \"test 2\"\nproblem: printed no plan: 2 tests seen, nobody knows of how many\n",
			"Tests failed: printed no plan: 2 tests seen, nobody knows of how many"},
		{"no TAP", "hello\nworld\n", "problem: printed no TAP plan and no tests\n", "Tests failed: printed no TAP plan and no tests"},
		{"nothing", "", "problem: printed no TAP plan and no tests\n", "Tests failed: printed no TAP plan and no tests"},
		{"a number twice", "1..3\nok 1 a\nok 1 b\nok 3 c\n", "passed \"a\"\npassed \"b\"\npassed \"c\"\nplanned 3\nproblem: numbered two tests 1\n", "Tests failed: numbered two tests 1"},
		{"a number beyond", "ok 1 a\nok 7 b\n1..2\n", "passed \"a\"\npassed \"b\"\nplanned 2\nproblem: numbered a test 7 of 2\n", "Tests failed: numbered a test 7 of 2"},
		{"number 0", "1..1\nok 0 a\n", "passed \"a\"\nplanned 1\nproblem: numbered a test 0, the first is 1\n", "Tests failed: numbered a test 0, the first is 1"},
		{"out of order", "1..3\nok 3 c\nok 1 a\nok 2 b\n", "passed \"c\"\npassed \"a\"\npassed \"b\"\nplanned 3\n", "Tests passed"},
		{"plan in the middle", "ok 1\n1..2\nok 2\n", "passed \"test 1\"\npassed \"test 2\"\nplanned 2\nproblem: planned 2 tests, saw 1; the plan stands in the middle of the tests\n",
			"Tests failed: planned 2 tests, saw 1; the plan stands in the middle of the tests"},
		{"two plans", "1..3\nok 1\n1..1\nok 1\n", "passed \"test 1\"\npassed \"test 1 #2\"\nplanned 4\nproblem: printed a second plan when 1 of 3 tests had run\n",
			"Tests failed: printed a second plan when 1 of 3 tests had run"},
		{"two streams", "1..1\nok 1 a\n1..2\nok 1 a\nok 2 b\n", "passed \"a\"\npassed \"a #2\"\npassed \"b\"\nplanned 3\n", "Tests passed"},
		{"two streams, plans last", "ok 1 a\n1..1\nok 1 a\nnot ok 2 b\n1..2\n", "passed \"a\"\npassed \"a #2\"\nfailed \"b\"\nplanned 3\n", "1 test failed"},
		{"two streams, the second cut short", "1..1\nok 1 a\n1..2\nok 1 b\n", "passed \"a\"\npassed \"b\"\nplanned 3\nproblem: planned 2 tests, saw 1\n", "Tests failed: planned 2 tests, saw 1"},
		{"strange version", "TAP version 99\n1..1\nok 1\n", "passed \"test 1\"\nplanned 1\nproblem: printed TAP version \"99\", known are 13 and 14\n",
			"Tests failed: printed TAP version \"99\", known are 13 and 14"},
		{"words that are no results", "1..1\nokay\nok, then\nnot okay\nnotok 1\n ok 1\nok 1 a\n1..x\n", "passed \"a\"\nplanned 1\n", "Tests passed"},
		{"durations", "1..2\nok 1 a in 12ms\nok 2 b in ms\n", "passed \"a\"\npassed \"b in ms\"\nplanned 2\n", "Tests passed"},
		{"foreign bytes", "1..1\nok 1 a\xff\x00\u202eb\n", "passed \"a\uFFFDb\"\nplanned 1\n", "Tests passed"},
		{"the rule of the bots of 2017", "1..2\n# -----------------\n# testA\nnot ok 1 testA\n# -----------------\n# testB\nok 2 testB\n", "failed \"testA\"\npassed \"testB\"\nplanned 2\n", "1 test failed"},
	}
}

func TestTAP(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, test := range tapTests() {
		t.Run(test.name, func(t *testing.T) {
			report := read(t, Format{Kind: TAP}, test.output)
			if d := cmp.Diff(test.want, summary(report)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			if got := Judge(report, container.Result{}, DefaultTimeout); got.Description != test.verdict {
				t.Errorf("verdict %q, want %q", got.Description, test.verdict)
			}
			if d := cmp.Diff(report, readPieces(t, Format{Kind: TAP}, test.output, random)); d != "" {
				t.Errorf("in pieces (-whole +pieces):\n%s", d)
			}
		})
	}
}

func TestTAPLines(t *testing.T) {
	report := read(t, Format{Kind: TAP}, `TAP version 13
1..4
hello
ok 1 a in 7ms
boo
far
not ok 2 b
# why
# on earth
  ---
  duration_ms: 1500
  ...
# ------
# testC
ok 3 c
ok 4 d
`)
	want := []publish.Test{
		{Name: "a", Status: publish.Passed, Line: 3, End: 4, Duration: 7 * time.Millisecond},
		{Name: "b", Status: publish.Failed, Line: 5, End: 12, Duration: 1500 * time.Millisecond, Message: "why\non earth"},
		{Name: "c", Status: publish.Passed, Line: 13, End: 15},
		{Name: "d", Status: publish.Passed, Line: 16, End: 16},
	}
	if d := cmp.Diff(want, report.Tests); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestNode reads what the test runner of node 20 printed.
func TestNode(t *testing.T) {
	output, err := os.ReadFile("testdata/node.tap")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "node.golden", summary(read(t, Format{Kind: TAP}, string(output))))
}

// TestBats runs the real program in every format that it has.
func TestBats(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.bats"), []byte(`
@test "addition" { [ $((2+2)) -eq 4 ]; }
@test "issue #7 is # fixed" { true; }
@test "fails here" { echo some output; echo "# looks like a remark"; false; }
@test "no disk" { skip "no disk"; }
@test "says no more" { skip; }
@test "talks" { echo "# hello" >&3; true; }
`), 0o644); err != nil {
		t.Fatal(err)
	}
	want := map[string]publish.Status{"addition": publish.Passed, "issue #7 is # fixed": publish.Passed, "fails here": publish.Failed,
		"no disk": publish.Skipped, "says no more": publish.Skipped, "talks": publish.Passed}
	for _, args := range [][]string{{"--formatter", "tap"}, {"--formatter", "tap", "-T"}, {"--formatter", "tap13"}, {"--formatter", "tap13", "-T"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), "bats", append(args, "a.bats")...)
			cmd.Dir = dir
			out, err := cmd.Output()
			if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 1 {
				t.Fatalf("bats ended with %v\n%s", err, out)
			}
			report := read(t, Format{Kind: TAP}, string(out))
			got := map[string]publish.Status{}
			for _, one := range report.Tests {
				got[one.Name] = one.Status
				if one.Status == publish.Failed && !strings.Contains(one.Message, "some output\n") {
					t.Errorf("message is %q", one.Message)
				}
				if one.Name == "no disk" && one.Message != "no disk" {
					t.Errorf("reason is %q", one.Message)
				}
			}
			if d := cmp.Diff(want, got); d != "" || report.Planned != 6 || report.Problem != "" {
				t.Errorf("planned %d, problem %q (-want +got):\n%s\n%s", report.Planned, report.Problem, d, out)
			}
			if v := Judge(report, container.Result{Code: 1}, DefaultTimeout); v.Description != "1 test failed" {
				t.Errorf("verdict %+v", v)
			}
		})
	}
}

func FuzzTAP(f *testing.F) {
	for i, test := range tapTests() {
		f.Add([]byte(test.output), uint64(i))
	}
	f.Fuzz(func(t *testing.T, output []byte, seed uint64) {
		checkReader(t, Format{Kind: TAP}, output, seed)
	})
}

// checkReader wants of any output that it is read the same however it is cut, and that the report is in order.
func checkReader(t *testing.T, f Format, output []byte, seed uint64) {
	t.Helper()
	report := read(t, f, string(output))
	pieces := readPieces(t, f, string(output), rand.New(rand.NewPCG(seed, seed)))
	if d := cmp.Diff(report, pieces); d != "" {
		t.Errorf("in pieces (-whole +pieces):\n%s", d)
	}
	names := map[string]bool{}
	lines := strings.Count(string(output), "\n") + 1
	for _, one := range report.Tests {
		switch {
		case names[one.Name]:
			t.Errorf("two tests are named %q", one.Name)
		case one.Name == "" || strings.ContainsFunc(one.Name, func(r rune) bool { return r != '\uFFFD' && unprintable(r) }):
			t.Errorf("bad name %q", one.Name)
		case one.Line < 1 || one.End < one.Line || one.End > lines || one.Duration < 0:
			t.Errorf("bad place: %+v", one)
		case one.Status == publish.Running || one.Status == "":
			t.Errorf("status %q at the end", one.Status)
		}
		names[one.Name] = true
	}
	verdict := Judge(report, container.Result{}, DefaultTimeout)
	if report.Counts().Failed > 0 && verdict.State != publish.StateFailure || verdict.Description == "" {
		t.Errorf("verdict %+v of %d failures", verdict, report.Counts().Failed)
	}
	if fmt.Sprint(report) == "" {
		t.Error("no report")
	}
}
