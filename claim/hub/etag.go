package hub

import (
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"maps"
	"net/http"
	"time"
)

// etags remembers answers to reads and asks GitHub each time whether they still hold. It never serves one by its age: GitHub puts
// "max-age=60" on what a bot has just changed itself, and a cache that obeys hides a claim for a minute. A 304 costs nothing of the
// hourly budget, and is as true as a full answer.
type etags struct {
	next  http.RoundTripper
	store answers
	who   func() string // whose view of GitHub an answer is
	log   *slog.Logger
}

var _ http.RoundTripper = (*etags)(nil)

// answers is where they are kept. Both methods are safe for concurrent use, and neither fails: what cannot be kept or read is not
// there.
type answers interface {
	load(key string) (answer, bool)
	save(key string, a answer) error
}

// An answer is what is kept of one.
type answer struct {
	ETag   string
	Header http.Header // what a 304 does not repeat
	Body   []byte
	Saved  time.Time
}

// cacheHeader tells what the cache did: "revalidated" or "stored".
const cacheHeader = "X-Cyborg-Cache"

const longestEntry = 4 << 20

// RoundTrip implements http.RoundTripper.
func (l *etags) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method != http.MethodGet || isWrite(req) || req.Header.Get("If-None-Match") != "" || req.Header.Get("Range") != "" {
		return l.next.RoundTrip(req)
	}
	key := l.key(req)
	kept, ok := l.store.load(key)
	if ok {
		req = req.Clone(req.Context())
		req.Header.Set("If-None-Match", kept.ETag)
	}
	resp, err := l.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	switch {
	case ok && resp.StatusCode == http.StatusNotModified:
		l.touch(key, kept)
		return revive(resp, kept), nil
	case resp.StatusCode == http.StatusOK && resp.Header.Get("ETag") != "":
		l.keep(key, resp)
	}
	return resp, nil
}

// key covers all that an answer depends on. The API's version is the same for all requests of one build, and part of it for the next.
func (l *etags) key(req *http.Request) string {
	h := sha256.New()
	for _, part := range []string{"1 2022-11-28", req.URL.String(), req.Header.Get("Accept"), l.who()} {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil))
}

func (l *etags) keep(key string, resp *http.Response) {
	body := peek(resp)
	if len(body) > longestEntry {
		return
	}
	header := http.Header{}
	for _, name := range []string{"Content-Type", "Link", "X-Oauth-Scopes", "X-Accepted-Oauth-Scopes", "Last-Modified"} {
		if v, ok := resp.Header[name]; ok {
			header[name] = v
		}
	}
	a := answer{ETag: resp.Header.Get("ETag"), Header: header, Body: body, Saved: time.Now().UTC()}
	if err := l.store.save(key, a); err != nil {
		l.log.Warn("cannot keep an answer for the next time", "error", err)
		return
	}
	resp.Header = maps.Clone(resp.Header)
	resp.Header.Set(cacheHeader, "stored")
}

// touch makes an entry young again, at most every hour.
func (l *etags) touch(key string, a answer) {
	if time.Since(a.Saved) < time.Hour {
		return
	}
	a.Saved = time.Now().UTC()
	if err := l.store.save(key, a); err != nil {
		l.log.Warn("cannot keep an answer for the next time", "error", err)
	}
}

// revive makes a 304 the whole answer that it stands for.
func revive(resp *http.Response, kept answer) *http.Response {
	full := *resp
	full.StatusCode, full.Status = http.StatusOK, "200 OK"
	full.Header = maps.Clone(kept.Header)
	maps.Copy(full.Header, resp.Header) // the newer: Date, the budget, Link if it is there
	full.Header.Set(cacheHeader, "revalidated")
	full.Header.Del("Content-Length")
	setBody(&full, kept.Body)
	return &full
}
