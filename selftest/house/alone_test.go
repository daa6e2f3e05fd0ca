package house

import (
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestWithoutRaceDetector: a test that the race detector does not see, because it has nothing to find there or makes it too
// dear, is run without it by a target of the Makefile. Else nobody would run it.
func TestWithoutRaceDetector(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	pattern, race := regexp.MustCompile(`-run '([^']+)'`), regexp.MustCompile(` -race\b.*`)
	runs := func(pkg, test string) bool {
		for line := range strings.Lines(string(makefile)) {
			line = race.ReplaceAllString(line, "")
			m := pattern.FindStringSubmatch(line)
			if m != nil && slices.Contains(strings.Fields(line), "./"+pkg) && regexp.MustCompile(m[1]).MatchString(test) {
				return true
			}
		}
		return false
	}
	_, all := sources(t)
	found := 0
	for _, s := range all {
		if !s.test || !strings.HasPrefix(s.text, "//go:build !race\n") {
			continue
		}
		for _, decl := range s.ast.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") {
				found++
				if !runs(s.pkg, f.Name.Name) {
					t.Errorf("%s: no target of the Makefile runs %s without the race detector", s.file, f.Name.Name)
				}
			}
		}
	}
	if found == 0 {
		t.Error("no such test was found")
	}
}
