package fakehub

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestGitCloneFetchPush(t *testing.T) {
	w := newGitWorld(t)
	dir := w.seed()
	first := w.git(dir, "rev-parse", "HEAD")
	second := w.commit(dir, "src/a.txt", "a\n")
	w.git(dir, "push", "-q", "origin", "main")

	other := filepath.Join(w.dir, "other")
	w.git(w.dir, "clone", "-q", w.remote("", "acme/widget"), other)
	if got := w.git(other, "rev-parse", "HEAD"); got != second {
		t.Errorf("clone has %s, want %s", got, second)
	}
	shallow := filepath.Join(w.dir, "shallow")
	w.git(w.dir, "clone", "-q", "--depth=1", strings.TrimSuffix(w.remote("", "acme/widget"), ".git"), shallow)
	if got := w.git(shallow, "rev-list", "--count", "HEAD"); got != "1" {
		t.Errorf("shallow clone of depth 1 has %s commits", got)
	}
	w.git(shallow, "fetch", "-q", "--depth=1", "origin", first) // any commit can be asked for by name
	w.git(shallow, "fetch", "-q", "--unshallow", "origin", "main")
	if got := w.git(shallow, "rev-list", "--count", "HEAD"); got != "2" {
		t.Errorf("deepened clone has %s commits, want 2", got)
	}
	partial := filepath.Join(w.dir, "partial")
	w.git(w.dir, "clone", "-q", "--filter=blob:none", "--no-checkout", w.remote("", "acme/widget"), partial)
	for _, version := range []string{"0", "2"} {
		out := w.git(dir, "-c", "protocol.version="+version, "ls-remote", "origin", "HEAD")
		if !strings.HasPrefix(out, second) {
			t.Errorf("ls-remote with protocol %s says %q", version, out)
		}
	}
}

// What a client asks after its push has ended shows the push.
func TestGitPushIsSeenAtOnce(t *testing.T) {
	w := newGitWorld(t)
	dir := w.seed()
	for i := range 3 {
		sha := w.commit(dir, "n", fmt.Sprint(i))
		w.git(dir, "push", "-q", "origin", "HEAD:refs/heads/topic")
		if got := w.api("", "GET", widget+"/branches/topic", nil).str("commit.sha"); got != sha {
			t.Fatalf("push %d: the API says %s, want %s", i, got, sha)
		}
	}
	old := w.git(dir, "rev-parse", "HEAD~1")
	if _, err := w.tryGit(dir, "push", "-q", "origin", old+":refs/heads/topic"); err == nil {
		t.Error("a push that loses a commit was taken without force")
	}
	w.git(dir, "push", "-q", "--force", "origin", old+":refs/heads/topic")
	if got := w.api("", "GET", widget+"/git/ref/heads/topic", nil).str("object.sha"); got != old {
		t.Errorf("after a force-push the API says %s, want %s", got, old)
	}
	w.git(dir, "push", "-q", "origin", ":refs/heads/topic")
	w.want(w.api("", "GET", widget+"/branches/topic", nil), 404, "Branch not found")
}

func TestGitPushRefused(t *testing.T) {
	w := newGitWorld(t)
	dir := w.seed()
	for _, c := range []struct{ name, refspec, want string }{
		{"pull request", "HEAD:refs/pull/1/head", "hidden ref"},
		{"default branch away", ":refs/heads/main", "deletion of the current branch prohibited"},
	} {
		out, err := w.tryGit(dir, "push", "origin", c.refspec)
		if err == nil || !strings.Contains(out, c.want) {
			t.Errorf("%s: %v\n%s\nwant %q", c.name, err, out, c.want)
		}
	}
}

// The first push decides the default branch where it is not the one planned.
func TestGitFirstPush(t *testing.T) {
	w := newGitWorld(t)
	w.must(w.s.AddRepo(t.Context(), Repo{Name: "owner/own"}))
	dir := filepath.Join(w.dir, "own")
	w.git(w.dir, "init", "-q", "-b", "trunk", dir)
	w.commit(dir, "f", "f")
	w.git(dir, "push", "-q", w.remote("owner", "owner/own"), "trunk")
	if got := w.api("", "GET", "/repos/owner/own", nil).str("default_branch"); got != "trunk" {
		t.Errorf("default branch is %q, want trunk", got)
	}
	head := func() string {
		first, _, _ := strings.Cut(w.git(dir, "ls-remote", "--symref", w.remote("", "owner/own"), "HEAD"), "\t")
		return first
	}
	if got := head(); got != "ref: refs/heads/trunk" {
		t.Errorf("HEAD is %q", got)
	}
	w.git(dir, "push", "-q", w.remote("owner", "owner/own"), "trunk:stable")
	w.want(w.api("owner", "PATCH", "/repos/owner/own", map[string]any{"default_branch": "stable"}), 200, "")
	if got := head(); got != "ref: refs/heads/stable" {
		t.Errorf("HEAD after the default branch was changed is %q", got)
	}
}

func TestGitAdmission(t *testing.T) {
	w := newGitWorld(t)
	w.seed()
	w.must(w.s.AddRepo(t.Context(), Repo{Name: "acme/secret", Private: true}))
	w.must(w.s.Grant("acme/secret", "writer", Read))
	w.must(w.s.AddToken("writer", "revoked-token"))
	w.must(w.s.Revoke("revoked-token"))
	const fetch, push = "/info/refs?service=git-upload-pack", "/info/refs?service=git-receive-pack"
	for _, c := range []struct {
		name, user, password, path string
		want                       int
	}{
		{"anonymous fetch", "", "", "/acme/widget.git" + fetch, 200},
		{"without suffix", "", "", "/acme/widget" + fetch, 200},
		{"without case", "", "", "/ACME/Widget.git" + fetch, 200},
		{"anonymous push", "", "", "/acme/widget.git" + push, 401},
		{"wrong token", "owner", "wrong", "/acme/widget.git" + fetch, 401},
		{"revoked token", "writer", "revoked-token", "/acme/widget.git" + fetch, 401},
		{"token as password", "whoever", "owner-token", "/acme/widget.git" + push, 200},
		{"token as user", "owner-token", "", "/acme/widget.git" + push, 200},
		{"token as user, marked", "owner-token", "x-oauth-basic", "/acme/widget.git" + push, 200},
		{"writer push", "x", "writer-token", "/acme/widget.git" + push, 200},
		{"stranger fetch", "x", "stranger-token", "/acme/widget.git" + fetch, 200},
		{"stranger push", "x", "stranger-token", "/acme/widget.git" + push, 403},
		{"token for statuses push", "x", "status-token", "/acme/widget.git" + push, 403},
		{"unknown, anonymous", "", "", "/acme/none.git" + fetch, 401},
		{"unknown", "x", "owner-token", "/acme/none.git" + fetch, 404},
		{"private, anonymous", "", "", "/acme/secret.git" + fetch, 401},
		{"private, stranger", "x", "stranger-token", "/acme/secret.git" + fetch, 404},
		{"private, reader", "x", "writer-token", "/acme/secret.git" + fetch, 200},
		{"private, reader push", "x", "writer-token", "/acme/secret.git" + push, 403},
		{"dumb protocol", "", "", "/acme/widget.git/HEAD", 404},
		{"dumb service", "", "", "/acme/widget.git/info/refs", 404},
		{"other service", "", "", "/acme/widget.git/info/refs?service=git-upload-archive", 404},
		{"out of the folder", "", "", "/acme/..%2f..%2fwidget.git" + fetch, 404},
	} {
		t.Run(c.name, func(t *testing.T) {
			rq, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+c.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if c.user != "" {
				rq.SetBasicAuth(c.user, c.password)
			}
			res, err := http.DefaultClient.Do(rq)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(res.Body)
			res.Body.Close()
			if err != nil || res.StatusCode != c.want {
				t.Errorf("got %d %q, %v, want %d", res.StatusCode, body, err, c.want)
			}
			if asks := res.Header.Get("WWW-Authenticate") != ""; asks != (c.want == 401) {
				t.Errorf("asks for credentials: %v", asks)
			}
		})
	}
}

func TestGitSaysWhy(t *testing.T) {
	w := newGitWorld(t)
	dir := w.seed()
	out, err := w.tryGit(dir, "push", w.remote("stranger", "acme/widget"), "HEAD:refs/heads/x")
	if err == nil || !strings.Contains(out, "Permission to acme/widget.git denied to stranger.") {
		t.Errorf("push of a stranger: %v\n%s", err, out)
	}
	out, err = w.tryGit(dir, "ls-remote", w.remote("owner", "acme/none"))
	if err == nil || !strings.Contains(out, "Repository not found.") {
		t.Errorf("unknown repository: %v\n%s", err, out)
	}
}

// A push above http.postBuffer is sent in chunks without a length.
func TestGitLargePush(t *testing.T) {
	w := newGitWorld(t)
	dir := w.seed()
	data := make([]byte, 3<<20)
	state := uint64(88172645463325252)
	for i := range data { // noise, so that it does not pack away
		state ^= state << 13
		state ^= state >> 7
		state ^= state << 17
		data[i] = byte(state)
	}
	w.must(os.WriteFile(filepath.Join(dir, "noise"), data, 0o644))
	sha := w.commit(dir, "other", "x")
	w.git(dir, "add", "noise")
	w.git(dir, "commit", "-q", "-m", "noise")
	w.git(dir, "-c", "http.postBuffer=65536", "push", "-q", "origin", "main")
	other := filepath.Join(w.dir, "other")
	w.git(w.dir, "clone", "-q", w.remote("", "acme/widget"), other)
	got, err := os.ReadFile(filepath.Join(other, "noise"))
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("the file came back as %d bytes, %v", len(got), err)
	}
	if w.git(other, "rev-parse", "HEAD~1") != sha {
		t.Error("history differs")
	}
	r := w.s.repos["acme/widget"]
	leftovers, err := filepath.Glob(filepath.Join(r.git.(*diskGit).dir, "incoming-*"))
	if err != nil || len(leftovers) > 0 {
		t.Errorf("left behind: %v, %v", leftovers, err)
	}
}

// git compresses long requests for a fetch; here one is made by hand.
func TestGitGzipBody(t *testing.T) {
	w := newGitWorld(t)
	dir := w.seed()
	sha := w.git(dir, "rev-parse", "HEAD")
	want := fmt.Sprintf("want %s\n", sha)
	body := fmt.Sprintf("%04x%s00000009done\n", len(want)+4, want)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := io.WriteString(z, body)
	w.must(err)
	w.must(z.Close())
	rq, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+"/acme/widget.git/git-upload-pack", &packed)
	w.must(err)
	rq.Header.Set("Content-Encoding", "gzip")
	rq.Header.Set("Content-Type", "application/x-git-upload-pack-request")
	res, err := http.DefaultClient.Do(rq)
	w.must(err)
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != 200 || !bytes.HasPrefix(got, []byte("0008NAK\nPACK")) {
		t.Errorf("got %d %.60q, %v", res.StatusCode, got, err)
	}
}

func TestGitConcurrentPushes(t *testing.T) {
	w := newGitWorld(t)
	dir := w.seed()
	const pushers = 6
	clones := make([]string, pushers)
	for i := range clones {
		clones[i] = filepath.Join(w.dir, fmt.Sprint("clone", i))
		w.git(w.dir, "clone", "-q", dir, clones[i])
		w.commit(clones[i], fmt.Sprint("file", i), "x")
	}
	var wg sync.WaitGroup
	own, shared := make([]error, pushers), make([]error, pushers)
	for i, clone := range clones {
		wg.Go(func() {
			_, own[i] = w.tryGit(clone, "push", "-q", w.remote("owner", "acme/widget"), fmt.Sprint("HEAD:refs/heads/own", i))
			_, shared[i] = w.tryGit(clone, "push", "-q", w.remote("writer", "acme/widget"), "HEAD:refs/heads/shared")
		})
	}
	wg.Wait()
	won := 0
	for i := range clones {
		if own[i] != nil {
			t.Errorf("push of a branch of one's own: %v", own[i])
		}
		if shared[i] == nil {
			won++
		}
		head := w.git(clones[i], "rev-parse", "HEAD")
		if got := w.api("", "GET", widget+fmt.Sprint("/branches/own", i), nil).str("commit.sha"); got != head {
			t.Errorf("branch own%d is at %s, want %s", i, got, head)
		}
	}
	if won != 1 {
		t.Errorf("%d of %d made the same branch, want 1", won, pushers)
	}
}

// A repository without a directory says that it has none.
func TestGitOfVirtualRepository(t *testing.T) {
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.AddRepo(t.Context(), Repo{Name: "acme/widget"}); err != nil {
		t.Fatal(err)
	}
	rq, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://hub/acme/widget.git/info/refs?service=git-upload-pack", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := s.Client().Do(rq)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusNotImplemented {
		t.Errorf("got %d, want 501", res.StatusCode)
	}
}
