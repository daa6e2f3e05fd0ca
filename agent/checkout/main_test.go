package checkout

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestMain lets the test program also be one of several bots.
func TestMain(m *testing.M) {
	if dir := os.Getenv("TEST_PEER_DIR"); dir != "" {
		os.Exit(peerMain(context.Background(), dir, os.Getenv("TEST_PEER_URL")))
	}
	os.Exit(m.Run())
}

// A repo is a repository to make history in, with a real git.
type repo struct {
	t   *testing.T
	dir string
}

func newRepo(t *testing.T) *repo {
	t.Helper()
	r := &repo{t: t, dir: filepath.Join(t.TempDir(), "acme", "widget.git")}
	if err := os.MkdirAll(r.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	r.git("init", "--quiet", "--initial-branch=main")
	r.git("config", "http.receivepack", "false")
	return r
}

// gitEnv is that of the people who make the history.
func gitEnv() []string {
	return append(os.Environ(),
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.org", "GIT_AUTHOR_DATE=1700000000 +0200",
		"GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.org", "GIT_COMMITTER_DATE=1700000000 +0200")
}

// git runs a command in the repository and returns its output.
func (r *repo) git(args ...string) string {
	r.t.Helper()
	return gitIn(r.t, r.dir, args...)
}

func gitIn(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env = dir, gitEnv()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit writes files (an empty content deletes) and commits them.
func (r *repo) commit(files map[string]string) string {
	r.t.Helper()
	for name, content := range files {
		path := filepath.Join(r.dir, name)
		if content == "" {
			r.git("rm", "--quiet", "--", name)
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			r.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			r.t.Fatal(err)
		}
	}
	r.git("add", "--all")
	r.git("commit", "--quiet", "--allow-empty", "-m", fmt.Sprint(len(files), " files"))
	return r.git("rev-parse", "HEAD")
}

// branch goes to a new branch at a commit.
func (r *repo) branch(name, at string) { r.t.Helper(); r.git("checkout", "--quiet", "-B", name, at) }

// pull makes a commit the head of a pull request.
func (r *repo) pull(number int, commit string) {
	r.t.Helper()
	r.git("update-ref", fmt.Sprintf("refs/pull/%d/head", number), commit)
}

// url is the repository's address on disk.
func (r *repo) url() string { return "file://" + r.dir }

// mirror opens a mirror of the repository in a state directory of its own.
func (r *repo) mirror(edit ...func(*Options)) *Mirror {
	r.t.Helper()
	return mirrorOf(r.t, r.url(), edit...)
}

func mirrorOf(t *testing.T, url string, edit ...func(*Options)) *Mirror {
	t.Helper()
	o := Options{Dir: t.TempDir(), URL: url}
	for _, f := range edit {
		f(&o)
	}
	m, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// deadline turns a hang into a failure.
func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// A server is a git server with tokens, made of git http-backend.
type server struct {
	*httptest.Server
	mu       sync.Mutex
	token    string
	override http.HandlerFunc // answers instead, if set
	requests int
}

func (r *repo) serve(token string) *server {
	r.t.Helper()
	where, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		r.t.Fatal(err)
	}
	backend := &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(where)), "git-http-backend"),
		Env: []string{"GIT_PROJECT_ROOT=" + filepath.Dir(filepath.Dir(r.dir)), "GIT_HTTP_EXPORT_ALL=1",
			"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null"},
		InheritEnv: []string{"PATH"},
	}
	s := &server{token: token}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		s.mu.Lock()
		s.requests++
		override := s.override
		s.mu.Unlock()
		if override != nil {
			override(w, q)
			return
		}
		_, password, _ := q.BasicAuth()
		if token != "" && password != token {
			w.Header().Set("WWW-Authenticate", `Basic realm="GitHub"`)
			w.WriteHeader(http.StatusUnauthorized)
			// A server may show what it was sent; git prints it.
			fmt.Fprintf(w, "bad credentials: %s, %q\n", q.Header.Get("Authorization"), password)
			return
		}
		q.Header.Set("Git-Protocol", q.Header.Get("Git-Protocol"))
		backend.ServeHTTP(w, q)
	}))
	r.t.Cleanup(s.Close)
	return s
}

// url is the address of a repository on the server.
func (s *server) url(name string) string { return s.URL + "/" + name + ".git" }

// answer makes the server answer everything by f.
func (s *server) answer(f http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.override = f
}

// withToken is an option.
func withToken(token string) func(*Options) {
	return func(o *Options) {
		o.Token = func(context.Context) (string, error) { return token, nil }
	}
}

// basic is the header's value for a token.
func basic(token string) string {
	return base64.StdEncoding.EncodeToString([]byte("x-access-token:" + token))
}

// grep lists the files below dir that contain text.
func grep(t *testing.T, dir, text string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if strings.Contains(string(data), text) {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// runScript runs a shell script in a directory, as a job does: with git's settings of the work tree alone.
func runScript(t *testing.T, dir, script string) {
	t.Helper()
	cmd := exec.Command("sh", "-e", "-c", script)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null"}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s\n%v\n%s", script, err, out)
	}
}
