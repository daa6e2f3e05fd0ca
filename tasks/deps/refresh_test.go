package deps_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/cyborg-bots/cyborg/tasks/deps"
	"github.com/cyborg-bots/cyborg/tasks/deps/depstest"
)

// A bench is a project with a registry.
type bench struct {
	*deps.Work
	log bytes.Buffer
}

// lay makes the files of an archive, with a module proxy for its folder "proxy".
func lay(t *testing.T, archive string) *bench {
	t.Helper()
	a, err := txtar.ParseFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := txtar.Write(a, dir); err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(depstest.GoProxy(os.DirFS(filepath.Join(dir, "proxy"))))
	t.Cleanup(proxy.Close)
	b := &bench{}
	s := deps.Default()
	s.Proxy, s.Private, s.Ignore = proxy.URL, []string{"example.com/*"}, []string{"example.com/ign*"}
	b.Work = &deps.Work{Dir: filepath.Join(dir, "project"), Scratch: filepath.Join(dir, "scratch"), Run: run(dir), Log: &b.log, Settings: s, Now: time.Now().Add(time.Minute)}
	return b
}

// run runs the real tools here, with a home of their own.
func run(home string) deps.Runner {
	return func(ctx context.Context, c deps.Call) (deps.Answer, error) {
		cmd := exec.CommandContext(ctx, c.Argv[0], c.Argv[1:]...)
		cmd.Dir, cmd.Env = c.Dir, append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + home}, c.Env...)
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		failed, ok := errors.AsType[*exec.ExitError](err)
		switch {
		case ok:
			return deps.Answer{Code: failed.ExitCode(), Output: out}, nil
		case errors.Is(err, exec.ErrNotFound):
			return deps.Answer{Absent: true}, nil
		case err != nil:
			return deps.Answer{}, fmt.Errorf("%w: %s", err, &stderr)
		}
		return deps.Answer{Output: out}, nil
	}
}

// tidy makes the project's go.sum.
func (b *bench) tidy(t *testing.T) {
	t.Helper()
	in := func(name string) string { return filepath.Join(b.Scratch, "go", name) }
	a, err := b.Run(t.Context(), deps.Call{Argv: []string{"go", "mod", "tidy"}, Dir: b.Dir, Env: []string{
		"GOPROXY=" + b.Settings.Proxy, "GONOSUMDB=example.com/*", "GOFLAGS=-modcacherw", "GOTOOLCHAIN=local", "GOPATH=" + in("path"), "GOMODCACHE=" + in("modules"), "GOCACHE=" + in("build"),
	}})
	if err != nil || a.Code != 0 {
		t.Fatalf("tidy: %+v, %v", a, err)
	}
}

func (b *bench) file(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(b.Dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// required are the versions in go.mod.
func (b *bench) required(t *testing.T) map[string]string {
	t.Helper()
	list := map[string]string{}
	for line := range strings.Lines(b.file(t, "go.mod")) {
		if f := strings.Fields(strings.TrimPrefix(line, "require ")); len(f) >= 2 && strings.HasPrefix(f[1], "v") {
			list[strings.TrimPrefix(f[0], "example.com/")] = f[1]
		}
	}
	return list
}

const wantAll = `Update 6 dependencies

  example.com/bad v1.1.0 → v1.2.0, of 1 March 2024, source: example.com/bad
    the old one was retracted: Fixes 1 and gh 2, thanks ada skip ci https evil.example/x
  example.com/lifts v1.0.0 → v1.1.0, of 1 March 2024, source: example.com/lifts
  example.com/low v1.0.0 → v1.2.0
  example.com/needy v1.0.0 → v1.1.0, of 1 March 2024, source: example.com/needy
  example.com/old v1.0.0 → v1.1.0, of 1 March 2024, source: example.com/old
    it is deprecated: use example.com/plain instead.
  example.com/plain v1.0.0 → v1.3.0, of 1 June 2025, past 2 other releases, source: example.com/plain

What these need moved along:
  example.com/below v1.0.0 → v1.1.0

Left out:
  example.com/broken v1.0.0 → v1.1.0: it cannot be had, the log says why
  example.com/hungry v1.0.0 → v1.1.0: it wants go 1.22, and this module says 1.21
`

// TestGo: the real go command against a real module proxy.
func TestGo(t *testing.T) {
	b := lay(t, "testdata/go.txtar")
	b.tidy(t)
	got, err := b.Refresh(t.Context(), nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, &b.log)
	}
	if diff := cmp.Diff(wantAll, got); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
	want := map[string]string{"bad": "v1.2.0", "broken": "v1.0.0", "hungry": "v1.0.0", "ignored": "v1.0.0", "lifts": "v1.1.0", "low": "v1.2.0", "needy": "v1.1.0",
		"below": "v1.1.0", "old": "v1.1.0", "plain": "v1.3.0", "replaced": "v1.0.0", "withdrawn": "v1.0.0", "zero": "v0.9.0"}
	if diff := cmp.Diff(want, b.required(t)); diff != "" {
		t.Errorf("go.mod (-want +got):\n%s", diff)
	}
	if sum := b.file(t, "go.sum"); !strings.Contains(sum, "example.com/plain v1.3.0 h1:") || strings.Contains(sum, "v1.4.0") || strings.Contains(sum, "hungry v1.1.0") {
		t.Errorf("go.sum:\n%s", sum)
	}
	before := b.file(t, "go.mod") + b.file(t, "go.sum")
	if again, err := b.Refresh(t.Context(), nil); again != "" || err != nil || b.file(t, "go.mod")+b.file(t, "go.sum") != before {
		t.Errorf("a second time: %q, %v", again, err)
	}
	if one, err := b.Refresh(t.Context(), []string{"major", "example.com/z*"}); !strings.HasPrefix(one, "Update example.com/zero to v1.0.0\n\n") || err != nil {
		t.Errorf("a major version by name: %q, %v", one, err)
	}
}

// TestGroups: a person or the project chooses what goes into one pull request.
func TestGroups(t *testing.T) {
	for _, row := range []struct {
		name  string
		args  []string
		limit int
		age   time.Duration
		want  map[string]string
		text  string
	}{
		{"limit", nil, 1, 0, map[string]string{"bad": "v1.2.0"}, "\n7 more are due, and come with the next one.\n"},
		{"name", []string{"example.com/old"}, 10, 0, map[string]string{"old": "v1.1.0"}, "Update example.com/old to v1.1.0\n"},
		{"tool and pattern", []string{"go", "*/pl*"}, 10, 0, map[string]string{"plain": "v1.4.0"}, "past 3 other releases"},
		{"age", []string{"*plain", "*old"}, 10, time.Since(time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)), map[string]string{"plain": "v1.2.0", "old": "v1.1.0"}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			b := lay(t, "testdata/go.txtar")
			b.tidy(t)
			b.Settings.Limit, b.Settings.Age = row.limit, row.age
			want := b.required(t)
			for name, version := range row.want {
				want[name] = version
			}
			got, err := b.Refresh(t.Context(), row.args)
			if err != nil || !strings.Contains(got, row.text) {
				t.Errorf("message %q, %v, want %q in it\n%s", got, err, row.text, &b.log)
			}
			if diff := cmp.Diff(want, b.required(t)); diff != "" {
				t.Errorf("go.mod (-want +got):\n%s", diff)
			}
		})
	}
}

// TestTrouble: what is the project's own, and what is the bot's.
func TestTrouble(t *testing.T) {
	b := lay(t, "testdata/go.txtar")
	good := b.Run
	b.Run = func(context.Context, deps.Call) (deps.Answer, error) { return deps.Answer{Absent: true}, nil }
	_, err := b.Refresh(t.Context(), nil)
	if _, no := errors.AsType[*deps.NoError](err); no || err == nil || err.Error() != "needs go, which this bot does not have" {
		t.Errorf("without go: %v", err)
	}
	b.Run = good
	address := b.Settings.Proxy
	b.Settings.Proxy = "http://127.0.0.1:1"
	_, err = b.Refresh(t.Context(), nil)
	if _, no := errors.AsType[*deps.NoError](err); no || err == nil {
		t.Errorf("without a proxy: %v", err)
	}
	b.Settings.Proxy = address
	if err := os.WriteFile(filepath.Join(b.Dir, "go.mod"), []byte("modul?"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = b.Refresh(t.Context(), nil)
	if _, no := errors.AsType[*deps.NoError](err); !no {
		t.Errorf("a broken go.mod: %v", err)
	}
	if err := errors.Join(os.Remove(filepath.Join(b.Dir, "go.mod")), os.RemoveAll(filepath.Join(b.Dir, "replaced"))); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/hostname", filepath.Join(b.Dir, "go.mod")); err != nil {
		t.Fatal(err)
	}
	_, err = b.Refresh(t.Context(), nil)
	if _, no := errors.AsType[*deps.NoError](err); !no || !strings.Contains(err.Error(), "there is no") {
		t.Errorf("a link instead of go.mod: %v", err)
	}
	b = lay(t, "testdata/go.txtar")
	if err := os.Symlink("/etc/hostname", filepath.Join(b.Dir, "go.sum")); err != nil {
		t.Fatal(err)
	}
	_, err = b.Refresh(t.Context(), nil)
	if _, no := errors.AsType[*deps.NoError](err); !no || !strings.Contains(err.Error(), "go.sum is not a file") {
		t.Errorf("a link instead of go.sum: %v", err)
	}
}
