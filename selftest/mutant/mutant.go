// Package mutant shows that tests hold: it switches off one safeguard of the program at a time, and wants a test to fail.
// The table of safeguards is the caller's, who knows which text of which file makes each of them, and which tests should
// notice. That the texts are there is checked by every run of the tests, so that a table does not outlive the code that it
// speaks of; the mutants themselves take minutes and are run where CYBORG_MUTATE is set, see make mutants.
//
// No file is touched: the go command is told to read another in its place (-overlay). The same makes a program of another
// version out of this one's sources; see Overlay.
package mutant

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// An Edit replaces a text that is in a file once.
type Edit struct {
	File     string // below the module's root
	From, To string
	Add      string // is put at the file's end, for what To calls
}

// A Mutant is one safeguard switched off: usually one edit, more where several layers hold the same.
type Mutant struct {
	Safeguard string
	Edits     []Edit
	Tags      string   // build tags
	Packages  []string // below the module's root, those with the quick tests first
	Tests     string   // for -run: of these at least one must fail
}

// Root is the folder of the module that the tests of this process belong to.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := filepath.Abs(".")
	for err == nil {
		if _, statErr := os.Stat(filepath.Join(dir, "go.mod")); statErr == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			err = errors.New("no go.mod above the tests' folder")
		}
		dir = filepath.Dir(dir)
	}
	t.Fatal(err)
	return ""
}

// Overlay makes the edits and gives the file for -overlay of the go command, which lies in a folder of the test. It fails
// for a text that is not there, or more than once.
func Overlay(t testing.TB, edits ...Edit) string {
	t.Helper()
	replace, dir := map[string]string{}, t.TempDir()
	for name, text := range edited(t, edits) {
		changed := filepath.Join(dir, fmt.Sprintf("%d-%s", len(replace), filepath.Base(name)))
		if err := os.WriteFile(changed, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[name] = changed
	}
	data, err := json.Marshal(map[string]map[string]string{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	overlay := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return overlay
}

// edited gives the new texts by file.
func edited(t testing.TB, edits []Edit) map[string]string {
	t.Helper()
	texts, root := map[string]string{}, Root(t)
	for _, e := range edits {
		name := filepath.Join(root, e.File)
		text, ok := texts[name]
		if !ok {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			text = string(data)
		}
		if n := strings.Count(text, e.From); n != 1 {
			t.Fatalf("%s has %d times %q", e.File, n, e.From)
		}
		texts[name] = strings.Replace(text, e.From, e.To, 1) + e.Add
	}
	return texts
}

// Run checks that all edits can be made, and where CYBORG_MUTATE is set runs the tests of each mutant, of which one must fail.
// Its value may be a regular expression, of the safeguards that are meant.
func Run(t *testing.T, list []Mutant) {
	wanted := os.Getenv("CYBORG_MUTATE")
	if wanted == "all" {
		wanted = "."
	}
	meant, err := regexp.Compile(wanted)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list {
		t.Run(m.Safeguard, func(t *testing.T) {
			switch {
			case wanted == "":
				edited(t, m.Edits)
			case meant.MatchString(m.Safeguard):
				m.mustFail(t)
			}
		})
	}
}

// mustFail runs the tests without the safeguard, package by package: one failure is enough. A test that was stopped for its time
// proves nothing about the safeguard.
func (m Mutant) mustFail(t *testing.T) {
	args := []string{"test", "-count=1", "-timeout", "10m", "-failfast", "-vet=off", "-tags", m.Tags, "-overlay", Overlay(t, m.Edits...), "-run", m.Tests}
	var all []byte
	for _, p := range m.Packages {
		cmd := exec.CommandContext(t.Context(), "go", append(args, "./"+p)...)
		cmd.Dir = Root(t)
		out, err := cmd.CombinedOutput()
		all = append(all, out...)
		switch {
		case bytes.Contains(out, []byte("[build failed]")) || bytes.Contains(out, []byte("no required module")):
			t.Fatalf("it does not compile:\n%s", out)
		case bytes.Contains(out, []byte("[no tests to run]")) && len(m.Packages) == 1:
			t.Fatalf("there is no test %s", m.Tests)
		case bytes.Contains(out, []byte("test timed out")):
			t.Fatalf("a test hangs, which may be the machine's fault:\n%s", out)
		case err != nil:
			t.Log(firstFailure(string(out)))
			return
		}
	}
	t.Errorf("all tests of %q pass without it:\n%s", m.Tests, all)
}

// firstFailure is the line that says which test noticed, and of tests within tests the innermost.
func firstFailure(out string) string {
	first, deepest := "failed", -1
	for line := range strings.Lines(out) {
		text := strings.TrimLeft(line, " ")
		depth := len(line) - len(text)
		if (strings.HasPrefix(text, "--- FAIL") || strings.HasPrefix(text, "panic:")) && depth > deepest {
			first, deepest = strings.TrimSpace(text), depth
		}
	}
	return first
}
