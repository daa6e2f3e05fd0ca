package tasks

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/cyborg-bots/cyborg/container"
	"github.com/cyborg-bots/cyborg/publish"
)

// goModule is a module whose packages end in every way that a package can.
const goModule = `
-- go.mod --
module example.com/m

go 1.24
-- good/good_test.go --
package good

import ("fmt"; "testing")

func TestA(t *testing.T) { fmt.Println("chatty") }
func TestSkip(t *testing.T) { t.Skip("no disk") }
func TestSub(t *testing.T) { t.Run("x", func(t *testing.T) { t.Parallel() }); t.Run("y", func(t *testing.T) { t.Skip("inner") }) }
func Example_hello() { fmt.Println("hello"); /* Output is checked. */
	// Output: hello
}
func FuzzSeed(f *testing.F) { f.Add(1); f.Fuzz(func(t *testing.T, n int) {}) }
-- bad/bad_test.go --
package bad

import ("fmt"; "testing")

func TestGood(t *testing.T) {}
func TestBad(t *testing.T) { fmt.Print("no line ending"); t.Error("it is bad") }
func TestTable(t *testing.T) {
	for _, name := range []string{"one", "two", "three"} {
		t.Run(name, func(t *testing.T) {
			t.Log("row " + name)
			if name != "one" {
				t.Run("deep", func(t *testing.T) { t.Fatal("wrong " + name) })
			}
		})
	}
}
func TestParallel(t *testing.T) {
	t.Run("p", func(t *testing.T) { t.Parallel(); t.Error("in parallel") })
	t.Run("q", func(t *testing.T) { t.Parallel() })
}
func Example_bad() {
	fmt.Println("bye")
	// Output: hello
}
func FuzzBad(f *testing.F) { f.Add(1); f.Fuzz(func(t *testing.T, n int) { t.Error("seed") }) }
-- panics/panics_test.go --
package panics

import "testing"

func TestBefore(t *testing.T) {}
func TestWaits(t *testing.T) { t.Parallel() }
func TestPanics(t *testing.T) { var m map[string]int; m["x"] = 1 }
func TestNever(t *testing.T) {}
-- exits/exits_test.go --
package exits

import ("os"; "testing")

func TestBefore(t *testing.T) {}
func TestExits(t *testing.T) { os.Exit(3) }
-- mainfails/main_test.go --
package mainfails

import ("fmt"; "os"; "testing")

func TestGood(t *testing.T) {}
func TestMain(m *testing.M) { m.Run(); fmt.Println("cannot clean up"); os.Exit(1) }
-- broken/broken_test.go --
package broken

import "testing"

func TestBroken(t *testing.T) { undefined() }
-- vet/vet_test.go --
package vet

import ("fmt"; "testing")

func TestVet(t *testing.T) { fmt.Printf("%d\n", "text") }
-- importbroken/x.go --
package importbroken

import _ "example.com/m/nowhere"
-- nothing/nothing.go --
package nothing
`

// runGo runs the real go command in a fresh module and returns what it printed and its exit code.
func runGo(t *testing.T, archive string, args ...string) (string, int) {
	t.Helper()
	dir := t.TempDir()
	for _, f := range txtar.Parse([]byte(archive)).Files {
		name := filepath.Join(dir, f.Name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, f.Data, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off", "GOPROXY=off", "GOTOOLCHAIN=local")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatal(err)
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

func TestGoModule(t *testing.T) {
	output, code := runGo(t, goModule, "test", "-json", "./...")
	report := read(t, Format{Kind: GoJSON}, output)
	want := map[string]publish.Status{
		"TestA (example.com/m/good)":         publish.Passed,
		"TestSkip (example.com/m/good)":      publish.Skipped,
		"TestSub (example.com/m/good)":       publish.Passed,
		"Example_hello (example.com/m/good)": publish.Passed,
		"FuzzSeed (example.com/m/good)":      publish.Passed,
		"TestGood (example.com/m/bad)":       publish.Passed,
		"TestBad (example.com/m/bad)":        publish.Failed,
		"TestTable (example.com/m/bad)":      publish.Failed,
		"TestParallel (example.com/m/bad)":   publish.Failed,
		"Example_bad (example.com/m/bad)":    publish.Failed,
		"FuzzBad (example.com/m/bad)":        publish.Failed,
		"TestBefore (example.com/m/panics)":  publish.Passed,
		"TestWaits (example.com/m/panics)":   publish.Skipped,
		"TestPanics (example.com/m/panics)":  publish.Failed,
		"TestBefore (example.com/m/exits)":   publish.Passed,
		"TestExits (example.com/m/exits)":    publish.Failed,
		"TestGood (example.com/m/mainfails)": publish.Passed,
		"example.com/m/mainfails":            publish.Failed,
		"example.com/m/broken (build)":       publish.Failed,
		"example.com/m/vet (build)":          publish.Failed,
		"example.com/m/importbroken (build)": publish.Failed,
	}
	got := map[string]publish.Status{}
	messages := map[string]string{}
	for _, one := range report.Tests {
		got[one.Name], messages[one.Name] = one.Status, one.Message
	}
	if d := cmp.Diff(want, got); d != "" || report.Problem != "" {
		t.Errorf("problem %q (-want +got):\n%s\n%s", report.Problem, d, output)
	}
	for name, parts := range map[string][]string{
		"TestSkip (example.com/m/good)":      {"good_test.go:6: no disk"},
		"TestBad (example.com/m/bad)":        {"it is bad", "no line ending"},
		"TestTable (example.com/m/bad)":      {"failed: TestTable/two/deep, TestTable/three/deep\n", "wrong two", "wrong three"},
		"TestParallel (example.com/m/bad)":   {"failed: TestParallel/p\n", "in parallel"},
		"TestPanics (example.com/m/panics)":  {"assignment to entry in nil map", "goroutine "},
		"TestWaits (example.com/m/panics)":   {"did not finish"},
		"TestExits (example.com/m/exits)":    {""},
		"example.com/m/mainfails":            {"cannot clean up"},
		"example.com/m/broken (build)":       {"undefined: undefined", "[build failed]"},
		"example.com/m/vet (build)":          {"%d"},
		"example.com/m/importbroken (build)": {"nowhere"},
	} {
		for _, part := range parts {
			if !strings.Contains(messages[name], part) {
				t.Errorf("message of %s lacks %q: %q", name, part, messages[name])
			}
		}
	}
	if m := messages["TestTable (example.com/m/bad)"]; strings.Contains(m, "row one") || strings.Contains(m, "=== RUN") {
		t.Errorf("message has what is no failure: %q", m)
	}
	if v := Judge(report, container.Result{Code: code}, DefaultTimeout); v.Description != "11 tests failed" {
		t.Errorf("verdict %+v", v)
	}
	if d := cmp.Diff(report, readPieces(t, Format{Kind: GoJSON}, output, rand.New(rand.NewPCG(3, 4)))); d != "" {
		t.Errorf("in pieces (-whole +pieces):\n%s", d)
	}
	checkReadable(t, output, report)
}

// checkReadable wants the log for people to be what the events carry, and the line numbers to point into it.
func checkReadable(t *testing.T, output string, raw publish.Report) {
	t.Helper()
	var log strings.Builder
	r := TeeResults(Format{Kind: GoJSON}, &log)
	if _, err := r.Write([]byte(output)); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	report := r.Report()
	if len(report.Tests) != len(raw.Tests) {
		t.Errorf("%d tests with a log, %d without", len(report.Tests), len(raw.Tests))
	}
	if strings.Contains(log.String(), `"Action"`) || !strings.Contains(log.String(), "\n--- FAIL: TestBad") {
		t.Errorf("log is\n%s", log.String())
	}
	lines := strings.Split(log.String(), "\n")
	for _, one := range report.Tests {
		name, _, isTest := strings.Cut(one.Name, " (example.com")
		if !isTest || one.Status == publish.Skipped {
			continue
		}
		if one.Line < 1 || one.End < one.Line || one.End > len(lines) {
			t.Errorf("%s is in lines %d to %d of %d", one.Name, one.Line, one.End, len(lines))
			continue
		}
		if part := strings.Join(lines[one.Line-1:one.End], "\n"); strings.HasPrefix(name, "Test") && !strings.Contains(part, name) {
			t.Errorf("%s: lines %d to %d are\n%s", one.Name, one.Line, one.End, part)
		}
	}
}

func TestGoCount(t *testing.T) {
	output, _ := runGo(t, "-- go.mod --\nmodule m\n\ngo 1.24\n-- a_test.go --\npackage m\n\nimport \"testing\"\n\nvar n int\n\nfunc TestA(t *testing.T) { if n++; n == 2 { t.Error(n) } }\n",
		"test", "-json", "-count=3", ".")
	if got, want := summary(read(t, Format{Kind: GoJSON}, output)), "passed \"TestA (m)\"\nfailed \"TestA (m) #2\""; !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "passed \"TestA (m) #3\"\n") {
		t.Errorf("got\n%s", got)
	}
}

// TestGoTimeout has a package that the test binary itself ends. Nothing else runs beside it that could be too slow.
func TestGoTimeout(t *testing.T) {
	output, code := runGo(t, "-- go.mod --\nmodule m\n\ngo 1.24\n-- a_test.go --\npackage m\n\nimport \"testing\"\n\nfunc TestHangs(t *testing.T) { t.Run(\"x\", func(t *testing.T) { <-make(chan bool) }) }\n",
		"test", "-json", "-timeout", "100ms", ".")
	report := read(t, Format{Kind: GoJSON}, output)
	if v := Judge(report, container.Result{Code: code}, DefaultTimeout); v.Description != "1 test failed" {
		t.Fatalf("verdict %+v of\n%s", v, output)
	}
	if one := report.Tests[0]; one.Name != "TestHangs (m)" || !strings.Contains(one.Message, "panic: test timed out after 100ms") {
		t.Errorf("got %+v", one)
	}
}

func TestGoNoModule(t *testing.T) {
	output, code := runGo(t, "-- a.go --\npackage a\n", "test", "-json", "./...")
	report := read(t, Format{Kind: GoJSON}, output)
	v := Judge(report, container.Result{Code: code}, DefaultTimeout)
	if v.Description != "1 test failed" || code == 0 || !strings.Contains(report.Tests[0].Message, "does not contain main module") {
		t.Errorf("code %d, verdict %+v of\n%s", code, v, output)
	}
	v = Judge(read(t, Format{Kind: GoJSON}, "make: Nothing to be done\n"), container.Result{}, DefaultTimeout)
	if v.Description != "Tests failed: printed no events of go test -json: make: Nothing to be done" {
		t.Errorf("verdict %+v", v)
	}
}

// TestGoCut ends the output at every event: a run that was cut short is never a success.
func TestGoCut(t *testing.T) {
	output, code := runGo(t, "-- go.mod --\nmodule m\n\ngo 1.24\n-- a_test.go --\npackage m\n\nimport \"testing\"\n\nfunc TestA(t *testing.T) { t.Run(\"x\", func(*testing.T) {}) }\nfunc TestB(t *testing.T) {}\n",
		"test", "-json", ".")
	if v := Judge(read(t, Format{Kind: GoJSON}, output), container.Result{Code: code}, DefaultTimeout); v.Description != "Tests passed" {
		t.Fatalf("verdict %+v of\n%s", v, output)
	}
	lines := strings.SplitAfter(output, "\n")
	lines = slices.DeleteFunc(lines, func(s string) bool { return s == "" })
	for i := range lines {
		if v := Judge(read(t, Format{Kind: GoJSON}, strings.Join(lines[:i], "")), container.Result{}, DefaultTimeout); v.State != publish.StateFailure {
			t.Errorf("verdict %+v of the first %d lines:\n%s", v, i, strings.Join(lines[:i], ""))
		}
	}
}

// TestGoMixed has text of another process in front of an event, which must not be lost with it.
func TestGoMixed(t *testing.T) {
	var log strings.Builder
	r := TeeResults(Format{Kind: GoJSON}, &log)
	text := `warning: {1}{"Time":"2026-01-01T00:00:00Z","Action":"run","Package":"p","Test":"TestA"}
{"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"p","Test":"TestA","Output":"say {\"Time\":\"x\n"}
more{"Time":"2026-01-01T00:00:00Z","Action":"pass","Package":"p","Test":"TestA"}
{"Time":"no event"}
{"Action":"pass","Package":"p"}
`
	if _, err := io.WriteString(r, text); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if got, want := summary(r.Report()), "passed \"TestA (p)\"\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if got, want := log.String(), "warning: {1}\nsay {\"Time\":\"x\nmore\n{\"Time\":\"no event\"}\n"; got != want {
		t.Errorf("log is\n%swant\n%s", got, want)
	}
}

// TestGoRunning looks at a report while tests run.
func TestGoRunning(t *testing.T) {
	r := NewResults(Format{Kind: GoJSON})
	for _, line := range []string{
		`{"Action":"start","Package":"p"}`,
		`{"Action":"run","Package":"p","Test":"TestA"}`,
		`{"Action":"pause","Package":"p","Test":"TestA"}`,
		`{"Action":"run","Package":"p","Test":"TestB"}`,
		`{"Action":"run","Package":"p","Test":"TestB/x"}`,
		`{"Action":"run","Package":"p","Test":"TestC"}`,
		`{"Action":"pass","Package":"p","Test":"TestC"}`,
	} {
		if _, err := io.WriteString(r, line+"\n"); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := summary(r.Report()), "passed \"TestC (p)\"\nrunning \"TestB (p)\"\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	want := "passed \"TestC (p)\"\nskipped \"TestA (p)\" \"did not finish: its process ended before\"\nfailed \"TestB (p)\" \"did not finish: its process ended before\\nin TestB/x\"\nproblem: the tests of p did not end\n"
	if got := summary(r.Report()); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// TestTOMLMixed reads what go printed for BurntSushi/toml v1.6.0 with lex.go, parse.go and decode.go of v1.5.0.
func TestTOMLMixed(t *testing.T) {
	output := unzip(t, "testdata/toml-mixed.json.gz")
	report := read(t, Format{Kind: GoJSON}, output)
	var failed []string
	for _, one := range report.Failures() {
		failed = append(failed, one.Name)
	}
	want := []string{"TestDecodeCustomStructMarkedDecoded (github.com/BurntSushi/toml)", "TestItemTypeString (github.com/BurntSushi/toml)"}
	if d := cmp.Diff(want, failed); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if v := Judge(report, container.Result{Code: 1}, DefaultTimeout); v.Description != "2 tests failed" {
		t.Errorf("verdict %+v", v)
	}
	// Another reader of the same events: the lines that go test prints of functions.
	var passed, skipped int
	for line := range strings.Lines(output) {
		var e struct{ Output string }
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(e.Output, "/") {
			continue
		}
		if strings.HasPrefix(e.Output, "--- PASS:") {
			passed++
		} else if strings.HasPrefix(e.Output, "--- SKIP:") {
			skipped++
		}
	}
	if c := report.Counts(); c.Passed != passed || c.Skipped != skipped || c.Total != passed+skipped+2 || passed < 50 {
		t.Errorf("counted %+v, go printed %d passed and %d skipped", c, passed, skipped)
	}
}

// unzip reads a compressed file of testdata.
func unzip(t testing.TB, name string) string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func FuzzGoJSON(f *testing.F) {
	f.Add([]byte(`{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestA/x"}
{"Action":"output","Package":"p","Test":"TestA/x","Output":"why\n"}
{"Action":"fail","Package":"p","Test":"TestA/x","Elapsed":0.5}
{"Action":"fail","Package":"p","Test":"TestA","Elapsed":1e300}
{"Action":"pause","Package":"p","Test":"TestB"}
go: downloading
{"ImportPath":"q","Action":"build-output","Output":"q.go:1: no\n"}
{"ImportPath":"q","Action":"build-fail"}
{"Action":"fail","Package":"q","FailedBuild":"q"}
{"Action":"fail","Package":"p"}
`), uint64(1))
	f.Add([]byte("{\"Action\":\"skip\",\"Package\":\"p\",\"Test\":\"A\\u0000\\u202e\"}\n{\"Action\":\"cont\",\"Package\":\"p\",\"Test\":\"\"}\n{}\n"), uint64(2))
	f.Fuzz(func(t *testing.T, output []byte, seed uint64) {
		checkReader(t, Format{Kind: GoJSON}, output, seed)
	})
}
