package dir_test

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/publish"
	"github.com/cyborg-bots/cyborg/publish/dir"
	"github.com/cyborg-bots/cyborg/publish/publishtest"
)

func open(t *testing.T, path string, o dir.Options) *dir.Store {
	t.Helper()
	s, err := dir.Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestStore(t *testing.T) {
	publishtest.Suite(t, func(t *testing.T) publish.Store {
		return open(t, filepath.Join(t.TempDir(), "new", "folder"), dir.Options{})
	})
}

func TestServedStore(t *testing.T) {
	publishtest.Suite(t, func(t *testing.T) publish.Store { s, _ := served(t); return s })
}

// served is a store that is handed out by its own handler.
func served(t *testing.T) (*dir.Store, string) {
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	path := t.TempDir()
	s := open(t, path, dir.Options{PublicURL: server.URL + "/"})
	handler = s.Handler()
	return s, path
}

func put(t *testing.T, s *dir.Store, name, text string) {
	t.Helper()
	if err := s.Put(t.Context(), name, strings.NewReader(text), publish.Meta{}); err != nil {
		t.Fatal(err)
	}
}

func TestModes(t *testing.T) {
	old := syscall.Umask(0o022)
	defer syscall.Umask(old)
	for _, tt := range []struct {
		public       string
		file, folder fs.FileMode
	}{
		{"", 0o600, 0o700},
		{"https://logs.example.org", 0o644, 0o755},
	} {
		path := filepath.Join(t.TempDir(), "logs")
		put(t, open(t, path, dir.Options{PublicURL: tt.public}), "a/b.txt", "x")
		for name, want := range map[string]fs.FileMode{"": tt.folder, "a": tt.folder, "a/b.txt": tt.file, ".incoming": 0o700} {
			info, err := os.Stat(filepath.Join(path, name))
			if err != nil {
				t.Fatal(err)
			}
			if got := info.Mode().Perm(); got != want {
				t.Errorf("public %q: mode of %q is %o, want %o", tt.public, name, got, want)
			}
		}
	}
}

// Somebody with access to the directory plants links; the bot must neither
// read nor write through them.
func TestLinksLeadNowhere(t *testing.T) {
	path, outside := t.TempDir(), t.TempDir()
	secret := filepath.Join(outside, "secret.txt")
	if err := os.WriteFile(secret, []byte("untouched"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, path, dir.Options{})
	for link, target := range map[string]string{"file.txt": secret, "folder": outside} {
		if err := os.Symlink(target, filepath.Join(path, link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"file.txt", "folder/secret.txt"} {
		if r, err := s.Get(t.Context(), name); err == nil {
			r.Close()
			t.Errorf("get %s led out of the directory", name)
		}
	}
	if err := s.Put(t.Context(), "folder/new.txt", strings.NewReader("x"), publish.Meta{}); err == nil {
		t.Error("put led out of the directory")
	}
	if err := s.Delete(t.Context(), "folder/secret.txt"); err == nil {
		t.Error("delete led out of the directory")
	}
	put(t, s, "file.txt", "mine") // replaces the link, not what it points to
	if data, err := os.ReadFile(secret); err != nil || string(data) != "untouched" {
		t.Errorf("the file outside is now %q, %v", data, err)
	}
	if list, err := os.ReadDir(outside); err != nil || len(list) != 1 {
		t.Errorf("outside: %v, %v", list, err)
	}
	for e, err := range s.List(t.Context(), "") {
		if err != nil || e.Name != "file.txt" {
			t.Errorf("listed %v, %v", e, err)
		}
	}
}

// A named pipe in the directory must not make a reader wait for ever.
func TestPipeIsNoObject(t *testing.T) {
	path := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(path, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, path, dir.Options{}).Get(t.Context(), "pipe"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("get of a pipe: %v", err)
	}
}

func TestStraysAreSwept(t *testing.T) {
	path := t.TempDir()
	open(t, path, dir.Options{})
	stray, fresh := filepath.Join(path, ".incoming", "stray"), filepath.Join(path, ".incoming", "fresh")
	for _, name := range []string{stray, fresh} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	old := time.Now().Add(-25 * time.Hour)
	if err := os.Chtimes(stray, old, old); err != nil {
		t.Fatal(err)
	}
	open(t, path, dir.Options{})
	if _, err := os.Stat(stray); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the stray is still there: %v", err)
	}
	if _, err := os.Stat(fresh); err != nil {
		t.Errorf("what another bot writes right now is gone: %v", err)
	}
}

func TestPublicAddress(t *testing.T) {
	for address, want := range map[string]string{
		"https://h.example/logs/": "https://h.example/logs/a%20b/%3Cx%3E%25.txt",
		"http://127.0.0.1:80":     "http://127.0.0.1:80/a%20b/%3Cx%3E%25.txt",
		"":                        "",
	} {
		if got := open(t, t.TempDir(), dir.Options{PublicURL: address}).URL("a b/<x>%.txt"); got != want {
			t.Errorf("%s: got %s, want %s", address, got, want)
		}
	}
	for _, bad := range []string{"logs.example.org", "javascript:alert(1)", "ftp://x/", "https://", "https://h/?a=b", "https://h/#x", "http://[::1"} {
		if s, err := dir.Open(t.TempDir(), dir.Options{PublicURL: bad}); err == nil {
			s.Close()
			t.Errorf("%s was taken for a public address", bad)
		}
	}
}

// What a browser may do with an object is decided by headers on every answer.
func TestHandlerHeaders(t *testing.T) {
	s, _ := served(t)
	for name, wantType := range map[string]string{
		"a/log.txt": "text/plain; charset=utf-8", "a/log.html": "text/html; charset=utf-8", "a/x.svg": "application/octet-stream",
		"a/x.htm": "application/octet-stream", "a/x.js": "application/octet-stream", "a/x.png": "image/png",
	} {
		put(t, s, name, "<script>alert(1)</script>")
		resp, err := http.Get(s.URL(name))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		h := resp.Header
		if h.Get("Content-Type") != wantType || h.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
			t.Errorf("%s: headers %v", name, h)
		}
		if sandboxed := strings.Contains(h.Get("Content-Security-Policy"), "sandbox"); sandboxed == strings.HasSuffix(name, ".html") {
			t.Errorf("%s: sandbox is %v", name, sandboxed)
		}
	}
}

func TestHandlerRefuses(t *testing.T) {
	s, _ := served(t)
	put(t, s, "a/b.txt", "x")
	for _, path := range []string{"/", "/a", "/a/", "/../etc/passwd", "/a/%2e%2e/%2e%2e/etc/passwd", "/.incoming/", "/a%00b"} {
		req := httptest.NewRequest(http.MethodGet, "http://h/", nil)
		req.URL.Path = path
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, req)
		if w.Code != http.StatusNotFound {
			t.Errorf("GET %s: %d", path, w.Code)
		}
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodPut, "/a/b.txt", strings.NewReader("y")))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("PUT: %d", w.Code)
	}
}

// A live log changes several times a second; a reader that asks "still the
// same?" must not be told yes.
func TestHandlerRevalidates(t *testing.T) {
	s, _ := served(t)
	tag := ""
	for n := range 20 {
		put(t, s, "log.json", string(rune('a'+n)))
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL("log.json"), nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("If-None-Match", tag)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if string(body) != string(rune('a'+n)) {
			t.Fatalf("version %d: %s, %q", n, resp.Status, body)
		}
		tag = resp.Header.Get("ETag")
	}
}
