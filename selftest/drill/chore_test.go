//go:build drill

package drill

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	suiteModule = "github.com/toml-lang/toml-test"
	suiteFolder = "internal/toml-test/tests/"
)

// refreshTask is the one file that the real project is taught: what its people do by hand before a release, as the
// README of that folder says. The addresses are those of the module proxy and of a folder for it.
const refreshTask = `#!/bin/sh
# tests-refresh: bring the conformance tests up to date
# every: 30 days
# in: host
# paths: internal/toml-test/tests/
# timeout: 5 minutes
set -eu
export GOPROXY=%[1]s GOMODCACHE=%[2]s GOSUMDB=off GOFLAGS=-modcacherw GOTOOLCHAIN=local GOENV=off
suite=$(cd / && go mod download -json github.com/toml-lang/toml-test@latest | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
rm -r internal/toml-test/tests
cp -R "$suite/tests" internal/toml-test/tests
rm -f internal/toml-test/tests/files-toml-*
`

// TestRealChore: a real project is taught a chore with one file. Bots find that it is due, file it, do it, propose what
// it changes, and test that; a person merges it, and then there is peace.
func TestRealChore(t *testing.T) {
	const repo = "acme/toml"
	f := enter(t, 8*time.Minute, repo)
	project := newTOML(f)
	t.Setenv("GIT_COMMITTER_DATE", "2025-04-15T12:00:00Z") // when v1.5.0 was released: the chore is long due
	project.release("v1.5.0")
	t.Setenv("GIT_COMMITTER_DATE", "")
	proxy := suiteProxy(f)
	project.script("bots/tests-refresh", fmt.Sprintf(refreshTask, proxy, f.path("modules")), 0o755)
	project.commit("Teach the bots to refresh the tests")
	project.push("main")
	for _, name := range []string{"bot-a", "bot-b", "bot-c"} {
		f.bot(name, repo, "--poll", "1s", "--settle", "500ms", "--lease", "2m")
	}

	var pull struct {
		Title, Body, State string
		Merged             bool
		User               struct{ Login string }
		Head               struct{ SHA, Ref string }
	}
	var issues []struct {
		Number int
		Title  string
	}
	list := func() int {
		if err := f.api("ada", http.MethodGet, "repos/"+repo+"/issues?state=all&filter=all", nil, &issues); err != nil {
			t.Fatal(err)
		}
		return len(issues)
	}
	f.until("a pull request is open", func() bool {
		return list() > 0 && f.api("ada", http.MethodGet, "repos/"+repo+"/pulls/1", nil, &pull) == nil
	})
	f.until("the bots have tested it", func() bool { return finished(f.statuses(repo, pull.Head.SHA)) == 2 })
	f.until("the box is ticked", func() bool {
		return f.api("ada", http.MethodGet, "repos/"+repo+"/pulls/1", nil, &pull) == nil && strings.Contains(pull.Body, "* [x] tests-refresh")
	})
	if pull.User.Login != "cyborg" || pull.Title != "Bring the conformance tests up to date" || !strings.HasPrefix(pull.Head.Ref, "tests-refresh-") {
		t.Errorf("pull request %+v", pull)
	}
	want := []string{
		"added " + suiteFolder + "invalid/control/rawmulti-cr.toml",
		"modified " + suiteFolder + "invalid/control/control.multi",
		"removed " + suiteFolder + "invalid/control/rawmulti-cd.toml",
	}
	if diff := cmp.Diff(want, changes(f, repo)); diff != "" {
		t.Errorf("changed files (-want +got):\n%s", diff)
	}
	for name, s := range f.statuses(repo, pull.Head.SHA) {
		if s.State != "success" {
			t.Errorf("%s: %s %s", name, s.State, s.Description)
		}
		checkHistory(f, repo, pull.Head.SHA, name)
		checkFailures(f, s, nil)
	}

	if err := f.api("grace", http.MethodPut, "repos/"+repo+"/pulls/1/merge", struct{}{}, nil); err != nil {
		t.Fatal(err)
	}
	f.git(project.dir, "fetch", "-q", "origin", "main")
	f.git(project.dir, "diff", "--quiet", "FETCH_HEAD", "HEAD", "--", ".", ":!"+suiteFolder) // nothing else was touched
	for _, p := range f.bots {
		f.stop(p)
	}
	if n := list(); n != 1 {
		t.Errorf("%d issues, want the one: %+v", n, issues)
	}
}

// changes lists what pull request 1 changes.
func changes(f *field, repo string) []string {
	f.t.Helper()
	var files []struct{ Filename, Status string }
	if err := f.api("ada", http.MethodGet, "repos/"+repo+"/pulls/1/files?per_page=100", nil, &files); err != nil {
		f.t.Fatal(err)
	}
	var list []string
	for _, file := range files {
		list = append(list, file.Status+" "+file.Filename)
	}
	slices.Sort(list)
	return list
}

// suiteProxy is a module proxy that has the real module of the conformance tests, in one version: what the bots find does
// not depend on what is published meanwhile. The go command keeps its modules in the form that proxies serve.
func suiteProxy(f *field) string {
	f.t.Helper()
	const version = "v1.6.0"
	source(f, suiteModule, version)
	from := filepath.Join(goEnv(f, "GOMODCACHE"), "cache/download", filepath.FromSlash(suiteModule), "@v")
	folder := f.path("proxy", filepath.FromSlash(suiteModule), "@v")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		f.t.Fatal(err)
	}
	for _, kind := range []string{".info", ".mod", ".zip"} {
		data, err := os.ReadFile(filepath.Join(from, version+kind))
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, version+kind), data, 0o644)
		}
		if err != nil {
			f.t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(folder, "list"), []byte(version+"\n"), 0o644); err != nil {
		f.t.Fatal(err)
	}
	server := httptest.NewServer(http.FileServer(http.Dir(f.path("proxy"))))
	f.t.Cleanup(server.Close)
	return server.URL
}
