package fakehub

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestETag: the tag is SHA-256 of Accept, Authorization, Cookie and body; equal
// bytes are answered 304, for free, and other bytes never.
func TestETag(t *testing.T) {
	h := newHub(t, Options{Limits: GitHubLimits()})
	list := widget + "/commits/" + h.sha + "/statuses"
	r := h.want(200, "bot", get, list, nil, "Accept", "application/json")
	want := fmt.Sprintf(`"%x"`, sha256.Sum256([]byte("application/json:token bot-token::"+string(r.body))))
	if got := r.header.Get("ETag"); got != want {
		t.Errorf("ETag %s, want %s", got, want)
	}
	for name, row := range map[string]struct {
		status int
		login  string
		header []string
	}{
		"the same":        {304, "bot", []string{"Accept", "application/json", "If-None-Match", want}},
		"weakly the same": {304, "bot", []string{"Accept", "application/json", "If-None-Match", "W/" + want}},
		"one of several":  {304, "bot", []string{"Accept", "application/json", "If-None-Match", `"x", ` + want}},
		"any":             {304, "bot", []string{"Accept", "application/json", "If-None-Match", "*"}},
		"another accept":  {200, "bot", []string{"If-None-Match", want}},
		"another user":    {200, "owner", []string{"Accept", "application/json", "If-None-Match", want}},
		"another tag":     {200, "bot", []string{"Accept", "application/json", "If-None-Match", `"x"`}},
		"nobody's":        {200, "", []string{"Accept", "application/json", "If-None-Match", want}},
	} {
		if r := h.do(row.login, get, list, nil, row.header...); r.status != row.status || r.status == 304 && (len(r.body) > 0 || r.header.Get("ETag") == "") {
			t.Errorf("%s: %s", name, r)
		}
	}
	used := func() string { return h.want(200, "bot", get, "/rate_limit", nil).header.Get("X-RateLimit-Used") }
	before := used()
	h.want(304, "bot", get, list, nil, "Accept", "application/json", "If-None-Match", want)
	if after := used(); after != before {
		t.Errorf("a 304 cost: used %s, then %s", before, after)
	}
	h.post("bot", "c", "success", "")
	h.want(200, "bot", get, list, nil, "Accept", "application/json", "If-None-Match", want)
	if r := h.want(200, "bot", get, list, nil, "Accept-Encoding", "gzip"); !strings.HasPrefix(r.header.Get("ETag"), `W/"`) {
		t.Errorf("ETag of a compressed answer: %s", r.header.Get("ETag"))
	}
}

// TestLastModified: single things have it, and lists do not.
func TestLastModified(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{})
		issue := h.newIssue("owner", "x")
		was := h.want(200, "bot", get, issue, nil).header.Get("Last-Modified")
		h.want(304, "bot", get, issue, nil, "If-Modified-Since", was)
		h.pass(2 * time.Second)
		h.want(200, "owner", patch, issue, dict{"title": "y"})
		h.want(200, "bot", get, issue, nil, "If-Modified-Since", was)
		for _, path := range []string{widget + "/issues", widget + "/commits/" + h.sha + "/statuses"} {
			if got := h.want(200, "bot", get, path, nil).header.Get("Last-Modified"); got != "" {
				t.Errorf("%s: Last-Modified %s", path, got)
			}
		}
	})
}

// TestHeaders is the headers of an answer, with a token and without.
func TestHeaders(t *testing.T) {
	h := newHub(t, Options{Limits: GitHubLimits()})
	h.must(h.s.AddToken("bot", "two-token", "repo:status", "user"))
	list := widget + "/commits/" + h.sha + "/statuses"
	for name, row := range map[string]struct{ login, method, path, header, want string }{
		"cache":           {"bot", get, list, "Cache-Control", "private, max-age=60, s-maxage=60"},
		"cache, public":   {"", get, list, "Cache-Control", "public, max-age=60, s-maxage=60"},
		"cache, search":   {"bot", get, "/search/issues?q=x", "Cache-Control", "no-cache"},
		"vary":            {"bot", get, list, "Vary", "Accept, Authorization, Cookie, X-GitHub-OTP"},
		"type":            {"bot", get, list, "Content-Type", "application/json; charset=utf-8"},
		"media":           {"bot", get, list, "X-GitHub-Media-Type", "github.v3; format=json"},
		"scopes":          {"two", get, list, "X-OAuth-Scopes", "repo:status, user"},
		"accepted":        {"two", get, list, "X-Accepted-OAuth-Scopes", "repo, repo:status"},
		"no scopes":       {"", get, list, "X-OAuth-Scopes", ""},
		"limit":           {"bot", get, list, "X-RateLimit-Limit", "5000"},
		"limit, public":   {"", get, list, "X-RateLimit-Limit", "60"},
		"resource":        {"bot", get, list, "X-RateLimit-Resource", "core"},
		"search":          {"bot", get, "/search/issues?q=x", "X-RateLimit-Resource", "search"},
		"search limit":    {"bot", get, "/search/issues?q=x", "X-RateLimit-Limit", "30"},
		"poll":            {"bot", get, widget + "/events", "X-Poll-Interval", "60"},
		"location":        {"bot", post, widget + "/statuses/" + h.sha, "Location", "http://hub.test" + widget + "/statuses/" + h.sha},
		"cache of errors": {"bot", get, "/repos/acme/none", "Cache-Control", ""},
	} {
		r := h.do(row.login, row.method, row.path, map[bool]any{true: dict{"state": "success"}}[row.method == post])
		if got := r.header.Get(row.header); got != row.want {
			t.Errorf("%s: %s is %q, want %q", name, row.header, got, row.want)
		}
		if r.header.Get("Date") == "" || strings.Count(r.header.Get("X-GitHub-Request-Id"), ":") != 4 {
			t.Errorf("%s: Date %q, id %q", name, r.header.Get("Date"), r.header.Get("X-GitHub-Request-Id"))
		}
	}
}
