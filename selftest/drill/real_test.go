//go:build drill

package drill

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const tomlModule = "github.com/BurntSushi/toml"

// The tasks of the real project: its own tests, and a script in Debian's bats.
const (
	verifyTask = `#!/bin/sh
# verify: run the module's tests
# on: pull request
# in: host
# timeout: 10 minutes
# results: go-json
export GOCACHE=%[1]s GOMODCACHE=%[2]s GOFLAGS=-mod=mod GOTOOLCHAIN=local
exec go test -json ./...
`
	batsTask = `#!/bin/sh
# manifest: check the module's files
# on: pull request
# in: host
# timeout: 2 minutes
# results: tap
exec bats --formatter tap bots/manifest.bats
`
	batsTests = `@test "there is a license" {
  [ -s COPYING ]
}
@test "go.mod names the module" {
  grep -q "^module github.com/BurntSushi/toml$" go.mod
}
@test "a fuzz corpus" {
  skip "not in a release"
}
`
)

// TestReal: the real releases of a real module as commits, the next one as a pull request that is green, and the newest
// with three of its files from the one before, which must be red in exactly two tests.
func TestReal(t *testing.T) {
	const repo = "acme/toml"
	f := enter(t, 8*time.Minute, repo)
	project := newTOML(f)
	for _, v := range []string{"v1.3.2", "v1.4.0", "v1.5.0"} {
		project.release(v)
	}
	project.push("main")
	project.branch("next")
	project.release("v1.6.0")
	project.push("next")
	project.branch("mixed")
	for _, name := range []string{"lex.go", "parse.go", "decode.go"} {
		project.file("v1.5.0", name)
	}
	project.commit("Mix the lexer of v1.5.0 into v1.6.0")
	project.push("mixed")
	green, greenSHA := f.pull(repo, "next", "Release v1.6.0")
	red, redSHA := f.pull(repo, "mixed", "v1.6.0 with the parser of v1.5.0")
	t.Logf("pull requests #%d and #%d at %s", green, red, f.url)

	for _, name := range []string{"bot-a", "bot-b"} {
		f.bot(name, repo, "--poll", "1s", "--settle", "500ms", "--lease", "2m")
	}
	want := map[string]map[string]string{
		greenSHA: {"verify": "success: Tests passed", "manifest": "success: Tests passed"},
		redSHA:   {"verify": "failure: 2 tests failed", "manifest": "success: Tests passed"},
	}
	for sha, contexts := range want {
		f.until("the bots have tested "+sha, func() bool { return finished(f.statuses(repo, sha)) == len(contexts) })
		for name, s := range f.statuses(repo, sha) {
			if got := s.State + ": " + s.Description; !strings.HasPrefix(got, contexts[name]+" [bot-") {
				t.Errorf("%s of %.8s: got %q, want %q", name, sha, got, contexts[name])
			}
			checkHistory(f, repo, sha, name)
		}
	}
	checkFailures(f, f.statuses(repo, redSHA)["verify"], []string{"TestDecodeCustomStructMarkedDecoded", "TestItemTypeString"})
	checkFailures(f, f.statuses(repo, greenSHA)["verify"], nil)
	checkFailures(f, f.statuses(repo, greenSHA)["manifest"], nil)
	if t.Failed() {
		t.Logf("bot-a:\n%s\nbot-b:\n%s", f.tail("bot-a"), f.tail("bot-b"))
	}
}

func finished(list map[string]status) int {
	n := 0
	for _, s := range list {
		if s.State != "pending" {
			n++
		}
	}
	return n
}

// checkHistory wants exactly one result among all statuses of a context.
func checkHistory(f *field, repo, sha, context string) {
	f.t.Helper()
	var results []string
	for _, s := range f.history(repo, sha) {
		if s.Context == context && s.State != "pending" {
			results = append(results, s.Description)
		}
	}
	if len(results) != 1 {
		f.t.Errorf("%s of %.8s: results %q, want one", context, sha, results)
	}
}

// checkFailures reads the published results as the page does, and the log, and wants just these tests to have failed.
func checkFailures(f *field, s status, want []string) {
	f.t.Helper()
	base := strings.TrimSuffix(s.TargetURL, "log.html")
	if base == s.TargetURL {
		f.t.Errorf("%s has the address %q, want a page", s.Context, s.TargetURL)
		return
	}
	var results struct {
		Tests []struct{ Name, Status string }
	}
	if err := json.Unmarshal([]byte(f.page(base+"results.json")), &results); err != nil {
		f.t.Errorf("read results of %s: %v", s.Context, err)
		return
	}
	var got []string
	passed := 0
	for _, test := range results.Tests {
		switch test.Status {
		case "failed":
			name, _, _ := strings.Cut(test.Name, " (") // the rest names the package
			got = append(got, name)
		case "passed":
			passed++
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		f.t.Errorf("failures of %s (-want +got):\n%s", s.Context, diff)
	}
	log, page := f.page(base+"log.txt"), f.page(s.TargetURL)
	for _, name := range want {
		if !strings.Contains(log, name) {
			f.t.Errorf("the log of %s does not name %s", s.Context, name)
		}
	}
	task, _, _ := strings.Cut(s.Context, "/")
	if !strings.Contains(page, "<html") || !strings.HasPrefix(log, "cyborg "+task+" ") {
		f.t.Errorf("the page of %s is no page, or its log does not begin with the line that repeats it: %.100q", s.Context, log)
	}
	f.t.Logf("%s: %d passed, %d failed", s.TargetURL, passed, len(got))
}

// A toml is a work tree that is filled with releases.
type toml struct {
	f   *field
	dir string
}

func newTOML(f *field) *toml {
	f.t.Helper()
	p := &toml{f: f, dir: f.path("toml")}
	if err := os.MkdirAll(p.dir, 0o755); err != nil {
		f.t.Fatal(err)
	}
	f.git(p.dir, "init", "-q", "-b", "main")
	f.git(p.dir, "remote", "add", "origin", f.remote("acme/toml"))
	return p
}

// release makes the work tree the release of a version, with the bots' folder, and commits it.
func (p *toml) release(version string) {
	p.f.t.Helper()
	p.f.git(p.dir, "rm", "-rfq", "--ignore-unmatch", ".")
	src := p.source(version)
	err := filepath.WalkDir(src, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, err := filepath.Rel(src, name)
		if err != nil {
			return err
		}
		return p.write(rel, name)
	})
	if err != nil {
		p.f.t.Fatal(err)
	}
	modules := goEnv(p.f, "GOMODCACHE")
	p.script("bots/verify", fmt.Sprintf(verifyTask, goEnv(p.f, "GOCACHE"), modules), 0o755)
	p.script("bots/manifest", batsTask, 0o755)
	p.script("bots/manifest.bats", batsTests, 0o644)
	p.commit("Release " + version)
}

// file takes one file of a release.
func (p *toml) file(version, name string) {
	p.f.t.Helper()
	if err := p.write(name, filepath.Join(p.source(version), name)); err != nil {
		p.f.t.Fatal(err)
	}
}

func (p *toml) write(rel, from string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	to := filepath.Join(p.dir, rel)
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o644)
}

func (p *toml) script(name, text string, mode os.FileMode) {
	p.f.t.Helper()
	to := filepath.Join(p.dir, name)
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		p.f.t.Fatal(err)
	}
	if err := os.WriteFile(to, []byte(text), mode); err != nil {
		p.f.t.Fatal(err)
	}
}

// source is the folder of a release.
func (p *toml) source(version string) string {
	p.f.t.Helper()
	return source(p.f, tomlModule, version)
}

// source is the folder of a module in the module cache; it is downloaded if need be.
func source(f *field, module, version string) string {
	f.t.Helper()
	cmd := exec.CommandContext(f.ctx, "go", "mod", "download", "-json", module+"@"+version)
	cmd.Dir = f.dir
	out, err := cmd.Output()
	if err != nil {
		f.t.Fatalf("download %s %s: %v: %s", module, version, err, out)
	}
	var m struct{ Dir string }
	if err := json.Unmarshal(out, &m); err != nil || m.Dir == "" {
		f.t.Fatalf("download %s %s: %v: %s", module, version, err, out)
	}
	return m.Dir
}

func (p *toml) branch(name string) { p.f.git(p.dir, "checkout", "-q", "-b", name) }

func (p *toml) commit(message string) {
	p.f.git(p.dir, "add", "-A", "-f")
	p.f.git(p.dir, "commit", "-q", "-m", message)
}

func (p *toml) push(branch string) { p.f.git(p.dir, "push", "-q", "origin", branch) }

func goEnv(f *field, name string) string {
	f.t.Helper()
	out, err := exec.CommandContext(f.ctx, "go", "env", name).Output()
	if err != nil {
		f.t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
