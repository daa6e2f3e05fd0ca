package s3_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"encoding/pem"

	"github.com/google/go-cmp/cmp"

	"github.com/cyborg-bots/cyborg/publish"
	"github.com/cyborg-bots/cyborg/publish/s3"
	"github.com/cyborg-bots/cyborg/publish/s3/s3test"
)

// big is longer than one part.
const big = 9<<20 + 3

func put(t *testing.T, s *s3.Store, name string, data []byte, meta publish.Meta) {
	t.Helper()
	if err := s.Put(t.Context(), name, bytes.NewReader(data), meta); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, s *s3.Store, name string) ([]byte, error) {
	t.Helper()
	r, err := s.Get(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	return io.ReadAll(r)
}

// stranger asks without a key.
func stranger(t *testing.T, method, address string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp
}

// Readers are told what each object is and how long it stays, and may do
// nothing but read what they know the name of.
func TestStrangers(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	s := open(t, options(server))
	put(t, s, "a/log.txt", []byte("x"), publish.Meta{Cache: publish.CacheForever})
	put(t, s, "a/core+1.bin", bytes.Repeat([]byte("y"), big), publish.Meta{Cache: publish.CacheNever, Attachment: true})
	for name, want := range map[string][]string{
		"a/log.txt":    {"text/plain; charset=utf-8", publish.CacheForever, ""},
		"a/core+1.bin": {"application/octet-stream", publish.CacheNever, "attachment"},
	} {
		h := stranger(t, http.MethodGet, s.URL(name)).Header
		got := []string{h.Get("Content-Type"), h.Get("Cache-Control"), h.Get("Content-Disposition")}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for what, resp := range map[string]*http.Response{
		"list the bucket": stranger(t, http.MethodGet, server.URL+"/logs?list-type=2&prefix=team"),
		"write":           stranger(t, http.MethodPut, s.URL("a/log.txt")),
		"delete":          stranger(t, http.MethodDelete, s.URL("a/log.txt")),
	} {
		if resp.StatusCode != http.StatusForbidden {
			t.Errorf("a stranger may %s: %s", what, resp.Status)
		}
	}
	// What lies beside the folder is nobody's business.
	o := options(server)
	o.Prefix = "team/private"
	beside, err := s3.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	put(t, beside, "x.txt", []byte("x"), publish.Meta{})
	if resp := stranger(t, http.MethodGet, beside.URL("x.txt")); resp.StatusCode != http.StatusForbidden {
		t.Errorf("a stranger may read what is beside the folder: %s", resp.Status)
	}
}

// What was damaged on the server's disk is noticed, in one request and in parts.
func TestDamage(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	s := open(t, options(server))
	for _, size := range []int{1000, big} {
		want := bytes.Repeat([]byte("0123456789"), size/10)
		put(t, s, "a/x.bin", want, publish.Meta{})
		if got, err := get(t, s, "a/x.bin"); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%d bytes: %v", size, err)
		}
		file := filepath.Join(server.Dir, "logs", "team", "bots+1", "a", "x.bin")
		f, err := os.OpenFile(file, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt([]byte("!"), 500); err != nil {
			t.Fatal(err)
		}
		f.Close()
		if _, err := get(t, s, "a/x.bin"); !errors.Is(err, s3.ErrDamaged) {
			t.Errorf("%d bytes: one is another now, read gives %v", size, err)
		}
	}
}

// A body that is damaged on its way is refused by the server: the checksum
// travels with it.
func TestDamageOnTheWay(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	open(t, options(server))
	target, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	way := httptest.NewTLSServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host
		if r.Out.Method == http.MethodPut {
			data, _ := io.ReadAll(r.In.Body)
			r.Out.Body = io.NopCloser(bytes.NewReader(bytes.Replace(data, []byte("good"), []byte("evil"), 1)))
		}
	}})
	t.Cleanup(way.Close)
	o := options(server)
	o.Endpoint, o.CA = way.URL, filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(o.CA, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: way.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := s3.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	for size, name := range map[int]string{10: "short.bin", big: "long.bin"} {
		put(t, s, name, bytes.Repeat([]byte("fine "), size/5), publish.Meta{}) // the way is trusted, by its own authority
		err := s.Put(t.Context(), name, bytes.NewReader(bytes.Repeat([]byte("good "), size/5)), publish.Meta{})
		if err == nil {
			t.Errorf("%s: a damaged body was taken", name)
		}
		if got, err := get(t, s, name); err != nil || bytes.Contains(got, []byte("evil")) {
			t.Errorf("%s: the damaged body can be read (%v)", name, err)
		}
	}
	o.CA = ""
	if s, err = s3.Open(o); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), "short.bin"); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("an authority that nobody knows is trusted: %v", err)
	}
}

// Whoever watches learns how far an object is, up to all of it: in one request, in parts one behind the other, and in parts
// side by side.
func TestWatched(t *testing.T) {
	t.Parallel()
	s := open(t, options(s3test.Start(t)))
	for _, size := range []int{100_000, 20 << 20, 50 << 20} {
		data := bytes.Repeat([]byte("0123456"), size/7)
		for name, send := range map[string]func(ctx context.Context, name string) error{
			"put": func(ctx context.Context, name string) error {
				return s.Put(ctx, name, bytes.NewReader(data), publish.Meta{})
			},
			"create": func(ctx context.Context, name string) error {
				return s.Create(ctx, name, bytes.NewReader(data), int64(len(data)), sha256.Sum256(data))
			},
		} {
			var mu sync.Mutex
			told, most := 0, int64(0)
			ctx := publish.Watch(t.Context(), func(n int64) {
				mu.Lock()
				defer mu.Unlock()
				told, most = told+1, max(most, n)
			})
			if err := send(ctx, fmt.Sprintf("watched/%s-%d", name, size)); err != nil {
				t.Fatal(err)
			}
			if most != int64(len(data)) || told < 2 {
				t.Errorf("%s of %d bytes: told %d times, up to %d", name, len(data), told, most)
			}
		}
	}
}
