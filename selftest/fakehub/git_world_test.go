package fakehub

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A gitWorld is a server with repositories on disk, reached by real clients.
type gitWorld struct {
	t   *testing.T
	s   *Server
	url string
	dir string
}

// newGitWorld starts a server with acme/widget on disk and one user of each
// kind, whose token is their login with "-token".
func newGitWorld(t *testing.T) *gitWorld {
	t.Helper()
	return newWorld(t, true)
}

// eachGitWorld runs a test with repositories on disk and with virtual ones.
func eachGitWorld(t *testing.T, test func(*gitWorld)) {
	t.Helper()
	t.Run("disk", func(t *testing.T) { test(newWorld(t, true)) })
	t.Run("memory", func(t *testing.T) { test(newWorld(t, false)) })
}

func newWorld(t *testing.T, disk bool) *gitWorld {
	t.Helper()
	w := &gitWorld{t: t, dir: t.TempDir()}
	options := Options{Log: slog.New(strictLog{slog.DiscardHandler, t})}
	if disk {
		options.Dir = filepath.Join(w.dir, "hub")
	}
	var err error
	w.s, err = New(options)
	w.must(err)
	for _, login := range []string{"owner", "writer", "stranger"} {
		w.must(w.s.AddUser(User{Login: login, Token: login + "-token", Email: login + "@example.com"}))
	}
	w.must(w.s.AddToken("writer", "status-token", "repo:status"))
	w.must(w.s.AddRepo(t.Context(), Repo{Name: "acme/widget"}))
	w.must(w.s.Grant("acme/widget", "owner", Admin))
	w.must(w.s.Grant("acme/widget", "writer", Write))
	web := httptest.NewServer(w.s)
	w.url = web.URL
	t.Cleanup(func() {
		web.Close()
		if err := w.s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return w
}

// A strictLog fails the test when the server logs an error: it does so only for
// trouble of its own.
type strictLog struct {
	slog.Handler
	t *testing.T
}

func (l strictLog) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelError }

func (l strictLog) Handle(_ context.Context, r slog.Record) error {
	text := r.Message
	r.Attrs(func(a slog.Attr) bool {
		text += " " + a.String()
		return true
	})
	l.t.Errorf("the server logs an error: %s", text)
	return nil
}

func (w *gitWorld) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// remote is the address of a repository with credentials in it; login "" is
// anonymous.
func (w *gitWorld) remote(login, repo string) string {
	if login == "" {
		return w.url + "/" + repo + ".git"
	}
	return strings.Replace(w.url, "http://", "http://"+login+":"+login+"-token@", 1) + "/" + repo + ".git"
}

// git runs the client and fails the test if it fails.
func (w *gitWorld) git(dir string, args ...string) string {
	w.t.Helper()
	out, err := w.tryGit(dir, args...)
	if err != nil {
		w.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(out)
}

func (w *gitWorld) tryGit(dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(w.t.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = append(cleanGitEnv(os.Getenv("PATH")),
		"GIT_AUTHOR_NAME=Ann", "GIT_AUTHOR_EMAIL=owner@example.com", "GIT_AUTHOR_DATE=2026-01-02T03:04:05Z",
		"GIT_COMMITTER_NAME=Ann", "GIT_COMMITTER_EMAIL=owner@example.com", "GIT_COMMITTER_DATE=2026-01-02T03:04:05Z")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// seed makes a clone of acme/widget as owner with one commit on main, pushed.
func (w *gitWorld) seed() (dir string) {
	w.t.Helper()
	dir = filepath.Join(w.dir, "work")
	w.git(w.dir, "init", "-q", "-b", "main", dir)
	w.git(dir, "remote", "add", "origin", w.remote("owner", "acme/widget"))
	w.commit(dir, "README.md", "# widget\n")
	w.git(dir, "push", "-q", "origin", "main")
	return dir
}

// commit writes a file and commits it; the message is the path. It gives the commit's name.
func (w *gitWorld) commit(dir, path, data string) string {
	w.t.Helper()
	w.must(os.MkdirAll(filepath.Dir(filepath.Join(dir, path)), 0o755))
	w.must(os.WriteFile(filepath.Join(dir, path), []byte(data), 0o644))
	w.git(dir, "add", path)
	w.git(dir, "commit", "-q", "-m", "change "+path)
	return w.git(dir, "rev-parse", "HEAD")
}

// A reply is an answer of the API.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func (r reply) String() string { return fmt.Sprintf("%d %s", r.status, r.body) }

// get is a value of a JSON answer by path: "commit.author.name", "0.sha".
func (r reply) get(path string) any {
	var v any
	if json.Unmarshal(r.body, &v) != nil {
		return nil
	}
	for key := range strings.SplitSeq(path, ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[key]
		case []any:
			n := 0
			if _, err := fmt.Sscan(key, &n); err != nil || n >= len(at) {
				return nil
			}
			v = at[n]
		default:
			return nil
		}
	}
	return v
}

func (r reply) str(path string) string {
	s, _ := r.get(path).(string)
	return s
}

// api makes a request as a user; a body that is a string is sent as it is, any
// other as JSON.
func (w *gitWorld) api(login, method, path string, body any, accept ...string) reply {
	w.t.Helper()
	return callAPI(w.t.Context(), w.t, http.DefaultClient, w.url, login, method, path, body, accept...)
}

func callAPI(ctx context.Context, t *testing.T, c *http.Client, base, login, method, path string, body any, accept ...string) reply {
	t.Helper()
	var in io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		in = strings.NewReader(b)
	default:
		data, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		in = bytes.NewReader(data)
	}
	rq, err := http.NewRequestWithContext(ctx, method, base+path, in)
	if err != nil {
		t.Fatal(err)
	}
	if login != "" {
		rq.Header.Set("Authorization", "token "+login+"-token")
	}
	for _, a := range accept {
		rq.Header.Set("Accept", a)
	}
	res, err := c.Do(rq)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		t.Fatal(err)
	}
	got := reply{res.StatusCode, res.Header, data}
	// Another form of an answer is described elsewhere; and a 409 of PUT contents
	// shall be exactly one of two forms, either of which every error has.
	if len(accept) == 0 && (method != "PUT" || got.status != 409) {
		checkAnswer(t, method, path, got)
	}
	return got
}

// want fails the test unless the answer has the status and, if given, the message.
func (w *gitWorld) want(r reply, status int, message string) {
	w.t.Helper()
	if r.status != status || message != "" && r.str("message") != message {
		w.t.Fatalf("got %s, want %d %s", r, status, message)
	}
}

const widget = "/repos/acme/widget"

// put writes a file on a branch through the API, "" being the default branch,
// and gives the commit's name.
func (w *gitWorld) put(path, data, branch string) string {
	w.t.Helper()
	in := map[string]any{"message": "change " + path, "content": base64.StdEncoding.EncodeToString([]byte(data))}
	if branch != "" {
		in["branch"] = branch
	}
	if old := w.api("writer", "GET", widget+"/contents/"+path+"?ref="+branch, nil).str("sha"); old != "" {
		in["sha"] = old
	}
	r := w.api("writer", "PUT", widget+"/contents/"+path, in)
	if r.status != 200 && r.status != 201 {
		w.t.Fatalf("put %s: %s", path, r)
	}
	return r.str("commit.sha")
}
