package publishtest

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"net/http"
	"testing"

	"github.com/cyborg-bots/cyborg/publish"
)

// public reads as somebody who only has an address. A store without one says
// so with an empty URL, for every name.
func public(t *testing.T, s publish.Store, at string) {
	if s.URL(at+"/a.txt") == "" {
		if got := s.URL(at + "/b.png"); got != "" {
			t.Errorf("one object has an address (%s), another has none", got)
		}
		return
	}
	for _, name := range append(OddNames(at), at+"/log.txt", at+"/log.html", at+"/r.json", at+"/p.png") {
		data := []byte("body of " + name)
		meta := publish.Meta{Type: publish.TypeOf(name), Cache: publish.CacheNever}
		if err := s.Put(t.Context(), name, bytes.NewReader(data), meta); err != nil {
			t.Fatal(err)
		}
		if err := fetch(t, s.URL(name), "", http.StatusOK, data, meta.Type); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		if err := fetch(t, s.URL(name), "bytes=5-", http.StatusPartialContent, data[5:], meta.Type); err != nil {
			t.Errorf("%q from byte 5: %v", name, err)
		}
	}
	resp := request(t, s.URL(at+"/none.txt"), "")
	resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound && resp.StatusCode != http.StatusForbidden {
		t.Errorf("no object: status %d", resp.StatusCode)
	}
}

func request(t *testing.T, url, byteRange string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if byteRange != "" {
		req.Header.Set("Range", byteRange)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// fetch checks status, body and media type of one answer.
func fetch(t *testing.T, url, byteRange string, status int, want []byte, wantType string) error {
	t.Helper()
	resp := request(t, url, byteRange)
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != status || !bytes.Equal(got, want) {
		return fmt.Errorf("GET %s: %s with %.60q, want %d with %.60q", url, resp.Status, got, status, want)
	}
	gotMedia, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil {
		return err
	}
	if wantMedia, _, _ := mime.ParseMediaType(wantType); gotMedia != wantMedia {
		return fmt.Errorf("GET %s: type %s, want %s", url, gotMedia, wantMedia)
	}
	return nil
}
