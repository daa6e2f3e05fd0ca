package fakehub

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// disk is the git side of a repository.
func (w *gitWorld) disk(name string) *diskGit { return w.s.repos[name].git.(*diskGit) }

// Somebody whose push never ends keeps nobody else from pushing, and leaves
// nothing behind when he goes.
func TestGitSlowPusher(t *testing.T) {
	w := newGitWorld(t)
	dir := w.seed()
	in, out := io.Pipe()
	rq, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+"/acme/widget.git/git-receive-pack", in)
	w.must(err)
	rq.SetBasicAuth("x", "writer-token")
	gone := make(chan error, 1)
	go func() {
		res, err := http.DefaultClient.Do(rq)
		if err == nil {
			err = res.Body.Close()
		}
		gone <- err
	}()
	noise := make([]byte, spoolInMemory+1) // more than is kept in memory, so that there is a file
	_, err = out.Write(noise)
	w.must(err)

	sha := w.commit(dir, "f", "x")
	w.git(dir, "push", "-q", "origin", "main") // would wait for ever

	w.must(out.CloseWithError(io.ErrUnexpectedEOF))
	if err := <-gone; err == nil {
		t.Error("the broken push had an answer")
	}
	if got := w.api("", "GET", widget+"/branches/main", nil).str("commit.sha"); got != sha {
		t.Errorf("main is at %s, want %s", got, sha)
	}
	left, err := filepath.Glob(filepath.Join(w.disk("acme/widget").dir, "incoming-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// What follows from a push is done in the name of its pusher, even if another
// push arrives before its git has ended.
func TestGitPushIsItsPushers(t *testing.T) {
	w := newGitWorld(t)
	dir := w.seed()
	w.topic(dir, "topic", "a", "1")
	w.open("owner", "topic", "t", "")

	// The hook stops git after it has moved topic, until it is let go.
	hub := w.disk("acme/widget").dir
	for _, name := range []string{"stopped", "go"} {
		w.must(syscall.Mkfifo(filepath.Join(hub, name), 0o600))
	}
	hook := "#!/bin/sh\nwhile read -r old new ref; do case $ref in */topic) echo > stopped; read -r line < go;; esac; done\n"
	w.must(os.Mkdir(filepath.Join(hub, "hooks"), 0o755))
	w.must(os.WriteFile(filepath.Join(hub, "hooks", "post-receive"), []byte(hook), 0o755))

	w.git(dir, "switch", "-q", "-C", "topic", "main")
	w.commit(dir, "a", "2")
	other := filepath.Join(w.dir, "other")
	w.git(w.dir, "clone", "-q", dir, other)
	first, second := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := w.tryGit(dir, "push", "-q", "--force", w.remote("writer", "acme/widget"), "topic")
		first <- err
	}()
	_, err := os.ReadFile(filepath.Join(hub, "stopped"))
	w.must(err)
	go func() {
		_, err := w.tryGit(other, "push", "-q", w.remote("owner", "acme/widget"), "HEAD:refs/heads/other")
		second <- err
	}()
	overtook := time.NewTimer(200 * time.Millisecond) // only for the chance to see it; nothing fails by being slow
	defer overtook.Stop()
	select {
	case err := <-second:
		t.Errorf("the second push overtook the first: %v", err)
		second <- err
	case <-overtook.C:
	}
	w.must(os.WriteFile(filepath.Join(hub, "go"), []byte("go\n"), 0))
	w.must(<-first)
	w.must(<-second)
	events := w.api("owner", "GET", widget+"/issues/1/events", nil)
	if events.str("0.event") != "head_ref_force_pushed" || events.str("0.actor.login") != "writer" {
		t.Errorf("events are %s", events)
	}
}

// What a client says of itself reaches git's environment only in known forms.
func TestGitEnvironment(t *testing.T) {
	d := &diskGit{dir: "/hub/1-widget.git"}
	svc := gitService{name: uploadPack, advertise: true, user: "ann", size: -1}
	for value, want := range map[string]bool{
		"version=2":                     true,
		"version=2:x=y":                 true,
		"":                              false,
		"version=2\nLD_PRELOAD=/x":      false,
		"version=2 ":                    false,
		"$(id)":                         false,
		strings.Repeat("version=2:", 9): false,
	} {
		r := &http.Request{Method: http.MethodGet, Header: http.Header{"Git-Protocol": {value}, "Content-Encoding": {value}}}
		env := d.cgiEnv(r, svc)
		if got := slices.Contains(env, "GIT_PROTOCOL="+value); got != want {
			t.Errorf("Git-Protocol %q is passed on: %v", value, got)
		}
		if !slices.Contains(env, "PATH_INFO=/1-widget.git/info/refs") || slices.ContainsFunc(env, func(v string) bool {
			return strings.HasPrefix(v, "HTTP_CONTENT_ENCODING=") || strings.HasPrefix(v, "CONTENT_LENGTH=")
		}) {
			t.Errorf("the environment is %q", env)
		}
	}
}

// The configuration of whoever runs the server does not change what git does.
func TestGitIgnoresUserConfiguration(t *testing.T) {
	home := t.TempDir()
	config := "[receive]\n\tdenyNonFastForwards = true\n[user]\n\tname = Mallory\n[core]\n\thooksPath = /nowhere\n"
	if err := os.WriteFile(filepath.Join(home, ".gitconfig"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", home)
	t.Setenv("GIT_DIR", "/nowhere")
	t.Setenv("GIT_CONFIG_PARAMETERS", "'receive.denynonfastforwards=true'")
	w := newGitWorld(t)
	dir := w.seed()
	w.topic(dir, "topic", "a", "1")
	w.topic(dir, "topic", "a", "2") // forced
	w.open("writer", "topic", "t", "")
	w.git(dir, "fetch", "-q", "origin", "refs/pull/1/merge")
	if who := w.git(dir, "log", "-1", "--format=%an <%ae>", "FETCH_HEAD"); who != "GitHub <noreply@github.com>" {
		t.Errorf("the test merge is by %s", who)
	}
}

// During an outage git is out as well.
func TestGitOutage(t *testing.T) {
	w := newGitWorld(t)
	dir := w.seed()
	w.must(w.s.SetFaults(Faults{OutageFor: Duration(time.Hour)}))
	if out, err := w.tryGit(dir, "ls-remote", "origin"); err == nil || !strings.Contains(out, "503") {
		t.Errorf("during an outage: %v\n%s", err, out)
	}
	w.must(w.s.SetFaults(Faults{}))
	w.git(dir, "ls-remote", "origin")
}

// A former name and a name in other letters serve the same repository.
func TestGitOfRenamedRepository(t *testing.T) {
	w := newGitWorld(t)
	dir := w.seed()
	w.must(w.s.Rename("acme/widget", "gadget"))
	want := w.git(dir, "rev-parse", "HEAD")
	for _, name := range []string{"acme/widget", "acme/gadget", "Acme/GADGET"} {
		if got := w.git(w.dir, "ls-remote", w.remote("", name), "HEAD"); got != fmt.Sprint(want, "\tHEAD") {
			t.Errorf("%s: %q", name, got)
		}
	}
}
