package hub

import (
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A page is a server of one changing text that does as GitHub does: the ETag covers who asks, and the answer may be kept for a minute.
type page struct {
	mu    sync.Mutex
	text  string
	full  int // answers 200
	saved int // answers 304
}

func (p *page) set(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text = text
}

func (p *page) counts() (full, saved int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.full, p.saved
}

func (p *page) RoundTrip(req *http.Request) (*http.Response, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	etag := fmt.Sprintf(`"%x"`, sha256.Sum256([]byte(req.Header.Get("Accept")+":"+req.Header.Get("Authorization")+":"+p.text)))
	date := "Date: " + time.Now().UTC().Format(http.TimeFormat)
	if req.Header.Get("If-None-Match") == etag {
		p.saved++
		return reply(304, "", date, "ETag: "+etag, "X-RateLimit-Remaining: 42"), nil
	}
	p.full++
	return reply(200, p.text, date, "ETag: "+etag, "Cache-Control: private, max-age=60", `Link: <https://h/x?page=2>; rel="next"`), nil
}

func newEtags(next http.RoundTripper, store answers, who string) *etags {
	return &etags{next: next, store: store, who: func() string { return who }, log: slog.New(slog.DiscardHandler)}
}

func get(t *testing.T, l http.RoundTripper, url, accept string) (*http.Response, string) {
	t.Helper()
	req := request(t, "GET", url, "")
	req.Header.Set("Accept", accept)
	resp, err := l.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	return resp, readAll(t, resp)
}

// L3: a minute-old answer hid a claim from the bot that made it; here each read asks, and sees a change at once.
func TestEtagsAlwaysAsk(t *testing.T) {
	p := &page{text: "one"}
	l := newEtags(p, newMemory(1<<20), "me")
	for i, want := range []string{"one", "one", "two", "two"} {
		if i == 2 {
			p.set("two")
		}
		resp, got := get(t, l, "https://h/x", "json")
		if got != want || resp.StatusCode != 200 {
			t.Errorf("read %d: %d %q, want %q", i, resp.StatusCode, got, want)
		}
		if resp.Header.Get("Link") == "" {
			t.Errorf("read %d has lost its Link", i)
		}
	}
	if full, saved := p.counts(); full != 2 || saved != 2 {
		t.Errorf("%d full, %d not modified", full, saved)
	}
	resp, _ := get(t, l, "https://h/x", "json")
	if resp.Header.Get("X-RateLimit-Remaining") != "42" || resp.Header.Get(cacheHeader) != "revalidated" {
		t.Errorf("the 304's own headers are lost: %v", resp.Header)
	}
}

func TestEtagsKey(t *testing.T) {
	p := &page{text: "one"}
	store := newMemory(1 << 20)
	l := newEtags(p, store, "me")
	get(t, l, "https://h/x", "json")
	for i, other := range []func(){
		func() { get(t, l, "https://h/x?page=2", "json") },
		func() { get(t, newEtags(p, store, "you"), "https://h/x", "json") },
	} {
		other()
		if full, saved := p.counts(); full != i+2 || saved != 0 {
			t.Errorf("case %d shares an entry: %d full, %d not modified", i, full, saved)
		}
	}
}

// Two media types of one address are two entries, which do not throw each other out.
func TestEtagsKeyCoversAccept(t *testing.T) {
	p := &page{text: "one"}
	l := newEtags(p, newMemory(1<<20), "me")
	for range 2 {
		get(t, l, "https://h/x", "json")
		get(t, l, "https://h/x", "raw")
	}
	if full, saved := p.counts(); full != 2 || saved != 2 {
		t.Errorf("%d full, %d not modified", full, saved)
	}
}

func TestEtagsLeaveOthersAlone(t *testing.T) {
	var asked []string
	l := newEtags(roundTrip(func(req *http.Request) (*http.Response, error) {
		asked = append(asked, req.Method+req.Header.Get("If-None-Match")+req.Header.Get("If-Match"))
		return reply(200, "x", `ETag: "1"`), nil
	}), newMemory(1<<20), "me")
	for _, method := range []string{"POST", "POST", "PATCH", "PATCH", "DELETE", "PUT"} {
		if _, err := l.RoundTrip(request(t, method, "https://h/x", "")); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(asked, " "); got != "POST POST PATCH PATCH DELETE PUT" { // cli/cli#7167: a condition on a write is applied anyway
		t.Errorf("sent %s", got)
	}
}

func TestEtagsErrorsAreNotKept(t *testing.T) {
	status := 404
	l := newEtags(roundTrip(func(req *http.Request) (*http.Response, error) {
		if req.Header.Get("If-None-Match") != "" {
			return reply(304, ""), nil
		}
		return reply(status, "body", `ETag: "1"`), nil
	}), newMemory(1<<20), "me")
	for range 2 {
		if resp, _ := get(t, l, "https://h/x", ""); resp.StatusCode != 404 {
			t.Errorf("got %d", resp.StatusCode)
		}
	}
}

// stores are the two places; each test below runs on both.
func stores(t *testing.T, test func(t *testing.T, s answers)) {
	t.Run("memory", func(t *testing.T) { test(t, newMemory(1000)) })
	t.Run("disk", func(t *testing.T) {
		d, err := openDisk(filepath.Join(t.TempDir(), "answers"), 1000, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		test(t, d)
	})
}

func TestStores(t *testing.T) {
	stores(t, func(t *testing.T, s answers) {
		if _, ok := s.load("k"); ok {
			t.Error("something is there")
		}
		for _, body := range []string{"one\ntwo", "three", ""} {
			in := answer{ETag: `W/"e"`, Header: http.Header{"Link": {"<a>"}}, Body: []byte(body), Saved: time.Now().UTC()}
			if err := s.save("k", in); err != nil {
				t.Fatal(err)
			}
			out, ok := s.load("k")
			if !ok || out.ETag != in.ETag || string(out.Body) != body || out.Header.Get("Link") != "<a>" || !out.Saved.Equal(in.Saved) {
				t.Errorf("got %+v, %v", out, ok)
			}
		}
	})
}

func TestMemoryIsBounded(t *testing.T) {
	m := newMemory(1000)
	for i := range 20 {
		_ = m.save(fmt.Sprint(i), answer{ETag: "e", Body: make([]byte, 100)})
		m.load("0") // in use
	}
	if _, ok := m.load("0"); !ok || m.size > 1000 || m.order.Len() != 10 || len(m.byKey) != 10 {
		t.Errorf("kept %d entries of %d bytes, the used one %v", m.order.Len(), m.size, ok)
	}
	_ = m.save("big", answer{Body: make([]byte, 2000)})
	if m.size > 1000 {
		t.Errorf("%d bytes", m.size)
	}
}

// L2: containers that live short must not lose what was kept, and bots on one machine share it.
func TestDiskIsSharedAndSurvives(t *testing.T) {
	dir := t.TempDir()
	p := &page{text: "one"}
	for range 3 {
		c := testClientForPage(t, p, dir)
		for range 2 {
			if _, err := c.Permission(t.Context(), acme, "octo"); err != nil {
				t.Fatal(err)
			}
		}
	}
	if full, saved := p.counts(); full != 1 || saved != 5 {
		t.Errorf("%d full, %d not modified", full, saved)
	}
	// Another token sees another GitHub.
	c := testClientForPage(t, p, dir, func(o *Options) { o.Token = "tok-2" })
	if _, err := c.Permission(t.Context(), acme, "octo"); err != nil {
		t.Fatal(err)
	}
	if full, _ := p.counts(); full != 2 {
		t.Errorf("%d full: the token's view was shared", full)
	}
	var all strings.Builder
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		data, err := os.ReadFile(path)
		all.WriteString(path)
		all.Write(data)
		return err
	})
	if err != nil || strings.Contains(all.String(), "tok-") {
		t.Errorf("%v; a token is in the files:\n%s", err, all.String())
	}
}

func testClientForPage(t *testing.T, p *page, dir string, change ...func(*Options)) *Client {
	p.mu.Lock()
	if p.text == "one" {
		p.text = `{"permission":"write"}`
	}
	p.mu.Unlock()
	return testClient(t, p, append([]func(*Options){func(o *Options) { o.Dir = dir }}, change...)...)
}

func TestDiskCorruption(t *testing.T) {
	for name, spoil := range map[string]func(data []byte) []byte{
		"empty":               func([]byte) []byte { return nil },
		"cut in the body":     func(d []byte) []byte { return d[:len(d)-1] },
		"cut in the head":     func(d []byte) []byte { return d[:10] },
		"a flipped bit":       func(d []byte) []byte { d[len(d)-1] ^= 1; return d },
		"zeros, after a jolt": func(d []byte) []byte { return make([]byte, len(d)) },
		"of another key":      func(d []byte) []byte { return []byte(strings.Replace(string(d), `"Key":"k`, `"Key":"q`, 1)) },
		"another format":      func(d []byte) []byte { return []byte(strings.Replace(string(d), `"Format":1`, `"Format":2`, 1)) },
	} {
		t.Run(name, func(t *testing.T) {
			d, err := openDisk(t.TempDir(), 1<<20, time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			if err := d.save("k", answer{ETag: "e", Body: []byte("body")}); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(d.file("k"))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(d.file("k"), spoil(data), 0o600); err != nil {
				t.Fatal(err)
			}
			if a, ok := d.load("k"); ok {
				t.Errorf("loaded %+v", a)
			}
			if err := d.save("k", answer{ETag: "e", Body: []byte("new")}); err != nil {
				t.Fatal(err)
			}
			if a, ok := d.load("k"); !ok || string(a.Body) != "new" {
				t.Errorf("not mended: %+v", a)
			}
		})
	}
}

func FuzzDecodeEntry(f *testing.F) {
	good, err := encodeEntry("k", answer{ETag: "e", Body: []byte("body")})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte("{}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, ok := decodeEntry("k", data)
		if ok && (a.ETag == "" || a.Header == nil) {
			t.Errorf("%q gives %+v", data, a)
		}
	})
}

func TestDiskIsPruned(t *testing.T) {
	dir := t.TempDir()
	d, err := openDisk(dir, 2000, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	put := func(name string, age time.Duration) {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, make([]byte, 900), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	put("a"+entryName, 2*time.Hour)
	put("b"+entryName, 30*time.Minute)
	put("c"+entryName, 20*time.Minute)
	put("d"+entryName, 10*time.Minute)
	put("e.1"+asideName, 2*time.Hour)
	put("f.1"+asideName, time.Minute)
	put("README", 9*time.Hour)
	d.most = 1 << 20
	d.prune() // by age
	if _, err := os.Stat(d.file("a")); err == nil {
		t.Error("the old one is there")
	}
	d.most = 2000
	d.prune() // by size
	var left []string
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		left = append(left, f.Name())
	}
	if got := strings.Join(left, " "); got != "README c.answer d.answer f.1.aside" {
		t.Errorf("left: %s", got)
	}
}

// Two processes save, read and prune in one folder, and a third removes it all now and then.
func TestDiskConcurrently(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "answers")
	var wg sync.WaitGroup
	for w := range 3 {
		d, err := openDisk(dir, 3000, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			for i := range 150 {
				key := fmt.Sprint(i % 7)
				switch {
				case w == 2 && i%10 == 0:
					_ = os.RemoveAll(dir)
				case i%5 == 0:
					d.prune()
				}
				body := strings.Repeat(key, 500)
				_ = d.save(key, answer{ETag: key, Body: []byte(body)}) // fails where the folder goes away between two steps
				if a, ok := d.load(key); ok && string(a.Body) != body {
					t.Errorf("key %s has %.20q", key, a.Body)
				}
			}
		})
	}
	wg.Wait()
}

// A full disk costs the cache, not the answer.
func TestEtagsWithoutAPlaceToKeep(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p := &page{text: "one"}
	var out strings.Builder
	l := newEtags(p, &disk{dir: filepath.Join(file, "sub"), most: 1}, "me")
	l.log = slog.New(slog.NewTextHandler(&out, nil))
	for range 2 {
		if _, got := get(t, l, "https://h/x", ""); got != "one" {
			t.Errorf("got %q", got)
		}
	}
	if !strings.Contains(out.String(), "cannot keep an answer") {
		t.Errorf("log %q", out.String())
	}
}

// An entry in use does not age away.
func TestEtagsTouch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, m := &page{text: "one"}, newMemory(1<<20)
		l := newEtags(p, m, "me")
		get(t, l, "https://h/x", "")
		<-time.After(2 * time.Hour)
		get(t, l, "https://h/x", "")
		a, _ := m.load(l.key(request(t, "GET", "https://h/x", "")))
		if time.Since(a.Saved) > time.Minute {
			t.Errorf("saved %v ago", time.Since(a.Saved))
		}
	})
}

// The whole stack over real HTTP: a write of one's own is seen by the next read.
func TestEtagsOverHTTP(t *testing.T) {
	var mu sync.Mutex
	n := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.Method == http.MethodPost {
			n++
			w.WriteHeader(http.StatusOK)
			_, _ = io.WriteString(w, `[{"name":"a"}]`)
			return
		}
		etag := fmt.Sprintf(`W/"%d"`, n)
		w.Header().Set("ETag", etag)
		w.Header().Set("Cache-Control", "private, max-age=60")
		if r.Header.Get("If-None-Match") == etag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = io.WriteString(w, strings.Replace(`[NAME]`, "NAME", strings.Repeat(`{"name":"a"}`, n), 1))
	}))
	defer srv.Close()
	c := testClient(t, nil, func(o *Options) { o.URL, o.Transport = srv.URL, nil })
	for i, want := range []int{0, 0, 1, 1} {
		if i == 2 {
			if _, err := c.AddLabels(t.Context(), acme, 1, "a"); err != nil {
				t.Fatal(err)
			}
		}
		labels, err := c.Labels(t.Context(), acme, 1)
		if err != nil || len(labels) != want {
			t.Errorf("read %d: %q, %v; want %d", i, labels, err, want)
		}
	}
}
