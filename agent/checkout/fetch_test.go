package checkout

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestOpenRefusesBadAddresses(t *testing.T) {
	for _, test := range []struct{ url, want string }{
		{"https://bot:ghp_secret@github.com/a/b.git", "contains a credential"},
		{"ssh://github.com/a/b.git", "neither https, http nor file"},
		{"ext::sh -c id", "neither https"},
		{"--upload-pack=id", "neither https"},
		{"https://github.com", "not the address of a repository"},
		{"https:///a/b", "not the address of a repository"},
		{"https://github.com/a/b?x", "not the address of a repository"},
		{"%zz", "is no URL"},
	} {
		_, err := Open(Options{Dir: t.TempDir(), URL: test.url})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %s", test.url, err, test.want)
		}
		if err != nil && strings.Contains(err.Error(), "ghp_secret") {
			t.Errorf("%s: the error shows the credential: %v", test.url, err)
		}
	}
}

func TestFetch(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	one := r.commit(map[string]string{"a": "1"})
	r.branch("topic", one)
	two := r.commit(map[string]string{"a": "2"})
	r.pull(7, two)
	r.git("tag", "-a", "-m", "tag", "v1", one)
	m := mirrorOf(t, r.serve("").url("acme/widget"))
	got, err := m.Fetch(deadline(t), "refs/heads/main", "refs/pull/7/head", "refs/tags/v1")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"refs/heads/main": one, "refs/pull/7/head": two, "refs/tags/v1": one}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("first fetch (-want +got):\n%s", diff)
	}

	// A force-push, and branches whose names could not be side by side.
	r.branch("topic", one)
	three := r.commit(map[string]string{"b": "3"})
	r.pull(7, three)
	r.git("checkout", "--quiet", "--detach")
	r.git("branch", "-D", "topic")
	r.git("branch", "topic/deep", two)
	got, err = m.Fetch(deadline(t), "refs/pull/7/head", "refs/heads/topic/deep")
	if err != nil {
		t.Fatal(err)
	}
	want = map[string]string{"refs/pull/7/head": three, "refs/heads/topic/deep": two}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("second fetch (-want +got):\n%s", diff)
	}
	if _, err := m.Fetch(deadline(t), "refs/heads/topic"); !errors.Is(err, ErrNoRef) {
		t.Errorf("deleted branch: error %v, want %v", err, ErrNoRef)
	}
}

// A commit that nothing points at any more can still be tested, and what is
// there costs no request.
func TestFetchCommit(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	one := r.commit(map[string]string{"a": "1"})
	two := r.commit(map[string]string{"a": "2"})
	r.git("reset", "--quiet", "--hard", one)
	s := r.serve("")
	m := mirrorOf(t, s.url("acme/widget"))
	got, err := m.Fetch(deadline(t), two)
	if err != nil || got[two] != two {
		t.Fatalf("got %v, %v", got, err)
	}
	before := s.requests
	if _, err := m.Fetch(deadline(t), two, one); err != nil {
		t.Fatal(err)
	}
	if s.requests != before {
		t.Errorf("%d requests for commits that are there", s.requests-before)
	}
	missing := strings.Repeat("0123456789", 4)
	if _, err := m.Fetch(deadline(t), missing); !errors.Is(err, ErrNoRef) {
		t.Errorf("unknown commit: error %v, want %v", err, ErrNoRef)
	}
	for _, bad := range []string{"main", "HEAD", "refs/heads/../x", "--upload-pack=id", "refs/heads/a:refs/heads/b", "", strings.ToUpper(two), two[:12]} {
		if _, err := m.Fetch(deadline(t), bad); err == nil || !strings.Contains(err.Error(), "neither a full ref name nor a commit id") {
			t.Errorf("%q: error %v", bad, err)
		}
	}
}

// What people and networks do, and the sentence that each gets.
func TestTroubleIsExplained(t *testing.T) {
	t.Parallel()
	const secret = "ghp_SecretSecret+/123"
	r := newRepo(t)
	r.commit(map[string]string{"a": "1"})
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, q *http.Request) {
			http.Error(w, "you sent "+q.Header.Get("Authorization"), code)
		}
	}
	for _, test := range []struct {
		name  string
		token string // that the bot has
		repo  string
		f     http.HandlerFunc
		want  error
		hint  string
	}{
		{"wrong token", secret + "x", "acme/widget", nil, ErrUnauthorized, "check that there is a token"},
		{"no token", "", "acme/widget", nil, ErrUnauthorized, "check that there is a token"},
		{"no permission", secret, "acme/widget", status(403), ErrUnauthorized, "needs to read the repository's contents"},
		{"unknown repository", secret, "acme/gadget", nil, ErrUnknownRepo, "check the name"},
		{"moved", secret, "acme/widget", func(w http.ResponseWriter, q *http.Request) {
			http.Redirect(w, q, "/other/name.git/info/refs", http.StatusMovedPermanently)
		}, ErrUnknownRepo, "use its new name"},
		{"server error", secret, "acme/widget", status(503), ErrServer, "tried again later"},
		{"too many requests", secret, "acme/widget", status(429), ErrServer, "tried again later"},
		{"cut off", secret, "acme/widget", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
			ErrNetwork, "check the network"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := r.serve(secret)
			s.answer(test.f)
			log := &strings.Builder{}
			m := mirrorOf(t, s.url(test.repo), withToken(test.token), withLog(log))
			_, err := m.Fetch(deadline(t), "refs/heads/main")
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), "hint: ") || !strings.Contains(err.Error(), test.hint) {
				t.Errorf("error %v, want %v with hint %q", err, test.want, test.hint)
			}
			if err != nil {
				t.Log(err)
			}
			for _, hidden := range []string{"SecretSecret", basic(test.token)} {
				if test.token != "" && strings.Contains(err.Error()+log.String(), hidden) {
					t.Errorf("the token is shown: %v\n%s", err, log)
				}
			}
			if _, statErr := os.Stat(m.path); statErr != nil {
				t.Errorf("the mirror is gone: %v", statErr)
			}
		})
	}
}

func TestNoServer(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(nil)
	s.Close()
	m := mirrorOf(t, s.URL+"/acme/widget.git")
	if _, err := m.Fetch(deadline(t), "refs/heads/main"); !errors.Is(err, ErrNetwork) {
		t.Errorf("error %v, want %v", err, ErrNetwork)
	}
}

func TestTokenThatCannotBeHad(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.commit(map[string]string{"a": "1"})
	url := r.serve("x").url("acme/widget")
	gone := errors.New("installation suspended")
	m := mirrorOf(t, url, func(o *Options) { o.Token = func(context.Context) (string, error) { return "", gone } })
	if _, err := m.Fetch(deadline(t), "refs/heads/main"); !errors.Is(err, gone) {
		t.Errorf("error %v, want %v", err, gone)
	}
	m = mirrorOf(t, url, withToken("a\r\nX-Evil: 1"))
	if _, err := m.Fetch(deadline(t), "refs/heads/main"); !errors.Is(err, ErrUnauthorized) {
		t.Errorf("error %v, want %v", err, ErrUnauthorized)
	}
}

// A redirect must not carry the token to another host.
func TestRedirectGetsNoToken(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.commit(map[string]string{"a": "1"})
	caught := make(chan string, 10)
	thief := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		caught <- q.Header.Get("Authorization")
		http.NotFound(w, q)
	}))
	defer thief.Close()
	s := r.serve("")
	s.answer(func(w http.ResponseWriter, q *http.Request) {
		http.Redirect(w, q, thief.URL+q.URL.Path+"?"+q.URL.RawQuery, http.StatusMovedPermanently)
	})
	m := mirrorOf(t, s.url("acme/widget"), withToken("ghp_secret"))
	_, err := m.Fetch(deadline(t), "refs/heads/main")
	if !errors.Is(err, ErrUnknownRepo) {
		t.Errorf("error %v", err)
	}
	select {
	case header := <-caught:
		t.Errorf("the redirect was followed with %q", header)
	default:
	}
}

// The token is in no argument, in no file of the mirror or of the work tree,
// and not in the environment of commands that do not talk to the server.
func TestTokenIsNowhere(t *testing.T) {
	t.Parallel()
	const secret = "ghp_0123456789abcdef"
	r := newRepo(t)
	base := r.commit(map[string]string{"a": "1"})
	head := r.commit(map[string]string{"a": "2"})
	real, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	spy := filepath.Join(dir, "git")
	script := "#!/bin/sh\necho \"$@\" >>" + dir + "/argv\nenv >>" + dir + "/env-$1\nexec " + real + " \"$@\"\n"
	if err := os.WriteFile(spy, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	m := mirrorOf(t, r.serve(secret).url("acme/widget"), withToken(secret), func(o *Options) { o.Git = spy })
	if _, err := m.Fetch(deadline(t), "refs/heads/main"); err != nil {
		t.Fatal(err)
	}
	if found := grep(t, dir, basic(secret)); len(found) != 1 || filepath.Base(found[0]) != "env-fetch" {
		t.Errorf("the token was given to %v", found)
	}
	if err := os.Remove(filepath.Join(dir, "env-fetch")); err != nil {
		t.Fatal(err)
	}
	tree := filepath.Join(t.TempDir(), "tree")
	if _, err := m.Merge(deadline(t), tree, base, head); err != nil {
		t.Fatal(err)
	}
	for _, place := range []string{dir, m.o.Dir, tree} {
		for _, text := range []string{secret, basic(secret)} {
			if found := grep(t, place, text); len(found) > 0 {
				t.Errorf("the token is in %v", found)
			}
		}
	}
}

// A server that hangs does not hang the bot, and no git is left.
func TestCancelAndTimeout(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.commit(map[string]string{"a": "1"})
	s := r.serve("")
	arrived := make(chan struct{}, 10)
	s.answer(func(_ http.ResponseWriter, q *http.Request) {
		arrived <- struct{}{}
		<-q.Context().Done()
	})
	m := mirrorOf(t, s.url("acme/widget"))
	ctx, cancel := context.WithCancelCause(deadline(t))
	defer cancel(nil)
	closed := errors.New("pull request closed")
	go func() {
		<-arrived
		cancel(closed)
	}()
	if _, err := m.Fetch(ctx, "refs/heads/main"); !errors.Is(err, closed) {
		t.Errorf("error %v, want %v", err, closed)
	}
	m.o.Timeout = 200 * time.Millisecond
	if _, err := m.Fetch(deadline(t), "refs/heads/main"); err == nil || !strings.Contains(err.Error(), "no end after 200ms") {
		t.Errorf("error %v", err)
	}
	out, _ := exec.Command("pgrep", "-f", s.URL).Output()
	if len(out) > 0 {
		t.Errorf("git processes are left: %s", out)
	}
}
