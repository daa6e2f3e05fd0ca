package fakehub

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// An exchange is a recorded request with GitHub's answer.
type exchange struct {
	Method     string         `json:"method"`
	Path       string         `json:"path"`
	Body       any            `json:"body"`
	Status     int            `json:"status"`
	Response   any            `json:"response"`
	RawHeaders []string       `json:"rawHeaders"`
	Request    map[string]any `json:"reqheaders"`
}

func (x *exchange) header() http.Header {
	h := http.Header{}
	for i := 0; i+1 < len(x.RawHeaders); i += 2 {
		h.Add(x.RawHeaders[i], x.RawHeaders[i+1])
	}
	return h
}

// recorded is what GitHub has changed since it was recorded, or what depends on
// the account: the path of a member below the answer, and why it may differ.
var recorded = map[string]string{
	"has_discussions":                 "GitHub has it since December 2022",
	"commit.verification.verified_at": "GitHub has it since October 2024",
	"content.download_url":            "raw files have a host of their own at GitHub",
	"0.download_url":                  "raw files have a host of their own at GitHub",
	"topics":                          "this server has no topics",
}

// TestRecordedExchanges sends the requests of recorded sessions with GitHub and
// holds our answers against the recorded ones: status, members, types, values,
// order and headers. Ids, times and object names are those of the server.
func TestRecordedExchanges(t *testing.T) {
	files, err := filepath.Glob(githubData(t, "fixtures/*.json"))
	if err != nil || len(files) < 6 {
		t.Fatalf("%d recordings: %v", len(files), err)
	}
	used := map[string]bool{}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var list []exchange
			if err := json.Unmarshal(data, &list); err != nil {
				t.Fatal(err)
			}
			r := newReplay(t)
			r.used = used
			for i := range list {
				r.send(&list[i])
			}
		})
	}
	for member, why := range recorded {
		if !used[member] {
			t.Errorf("%s is as recorded, though %s: take it out of the list", member, why)
		}
	}
}

// A replay is one recorded session sent to a server of ours.
type replay struct {
	t    *testing.T
	s    *Server
	oids map[string]string // GitHub's object names → ours
	ids  map[string]string // the same for numeric ids in addresses
	used map[string]bool   // which of the differences were met
}

// newReplay makes the server as GitHub was: the organisation, the user and the
// repository that the recordings take for granted.
func newReplay(t *testing.T) *replay {
	h := newHub(t, Options{Limits: GitHubLimits()})
	h.must(h.s.AddUser(User{Login: "octokit-fixture-org", Organization: true}))
	h.must(h.s.AddUser(User{
		Login: "octokit-fixture-user-a", Token: strings.Repeat("0", 39) + "1", Scopes: []string{"repo", "delete_repo"},
	}))
	h.must(h.s.AddRepo(t.Context(), Repo{Name: "octokit-fixture-org/hello-world", DefaultBranch: "master"}))
	h.must(h.s.Grant("octokit-fixture-org/hello-world", "octokit-fixture-user-a", Admin))
	_, err := h.s.Commit(t.Context(), "octokit-fixture-org/hello-world", Commit{
		Branch: "master", Author: "octokit-fixture-user-a", Files: map[string]string{"README.md": "# hello-world"},
	})
	h.must(err)
	return &replay{t: t, s: h.s, oids: map[string]string{}, ids: map[string]string{}}
}

// send makes a request and compares the answers.
func (r *replay) send(x *exchange) {
	r.t.Helper()
	var body io.Reader
	if _, isText := x.Body.(string); !isText && x.Body != nil {
		data, err := json.Marshal(x.Body)
		if err != nil {
			r.t.Fatal(err)
		}
		body = strings.NewReader(r.ours(string(data)))
	}
	rq, err := http.NewRequestWithContext(r.t.Context(), strings.ToUpper(x.Method), "https://api.github.com"+r.ours(x.Path), body)
	if err != nil {
		r.t.Fatal(err)
	}
	for k, v := range x.Request {
		if k == "accept" || k == "authorization" || k == "content-type" {
			rq.Header.Set(k, fmt.Sprint(v))
		}
	}
	client := r.s.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := client.Do(rq)
	if err != nil {
		r.t.Fatal(err)
	}
	data, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	_ = res.Body.Close()
	name := x.Method + " " + regexp.MustCompile(`tmp-scenario-[a-z0-9-]+`).ReplaceAllString(x.Path, "tmp")
	if res.StatusCode != x.Status {
		r.t.Fatalf("%s: status is %d, GitHub's %d: %s", name, res.StatusCode, x.Status, data)
	}
	var got any
	if _, isText := x.Response.(string); isText && len(data) > 0 {
		got = string(data)
	} else if len(bytes.TrimSpace(data)) > 0 {
		if err := json.Unmarshal(data, &got); err != nil {
			r.t.Fatalf("%s: read answer: %v", name, err)
		}
	}
	if text, isText := x.Response.(string); isText && text == "" {
		x.Response = nil
	}
	r.learn(x.Response, got)
	r.compare(name, x.Response, got)
	r.headers(name, x.header(), res.Header)
}

var oid = regexp.MustCompile(`\b[0-9a-f]{40}\b`)

// learn finds GitHub's object names and ids beside ours.
func (r *replay) learn(theirs, ours any) {
	switch theirs := theirs.(type) {
	case map[string]any:
		have, _ := ours.(map[string]any)
		for k, v := range theirs {
			if k == "id" && have[k] != nil {
				r.ids[fmt.Sprintf("%.0f", v)] = fmt.Sprintf("%.0f", have[k])
			}
			r.learn(v, have[k])
		}
	case []any:
		have, _ := ours.([]any)
		for i := range min(len(theirs), len(have)) {
			r.learn(theirs[i], have[i])
		}
	case string:
		have, _ := ours.(string)
		a, b := oid.FindAllString(theirs, -1), oid.FindAllString(have, -1)
		for i := range min(len(a), len(b)) {
			r.oids[a[i]] = b[i]
		}
	}
}

// ours puts our object names in the place of GitHub's.
func (r *replay) ours(text string) string {
	return oid.ReplaceAllStringFunc(text, func(theirs string) string {
		if our := r.oids[theirs]; our != "" {
			return our
		}
		return theirs
	})
}

// compare reports where our answer is not as GitHub's.
func (r *replay) compare(at string, theirs, ours any) {
	r.t.Helper()
	member := at[strings.LastIndexByte(at, ' ')+1:]
	if i := strings.IndexByte(member, '#'); i >= 0 {
		member = member[i+1:]
	}
	if recorded[member] != "" {
		r.used[member] = true
		return
	}
	switch theirs := theirs.(type) {
	case map[string]any:
		have, isObject := ours.(map[string]any)
		if !isObject {
			r.t.Errorf("%s is %T, GitHub's an object", at, ours)
			return
		}
		sep := "."
		if !strings.Contains(at, "#") {
			sep = "#"
		}
		for _, k := range slices.Sorted(maps.Keys(theirs)) {
			if v, found := have[k]; found {
				r.compare(at+sep+k, theirs[k], v)
			} else {
				r.compare(at+sep+k, theirs[k], "(missing)")
			}
		}
		for _, k := range slices.Sorted(maps.Keys(have)) {
			if _, found := theirs[k]; !found {
				r.compare(at+sep+k, "(missing)", have[k])
			}
		}
	case []any:
		have, isList := ours.([]any)
		if !isList || len(have) != len(theirs) {
			r.t.Errorf("%s is %v, GitHub's list has %d entries", at, ours, len(theirs))
			return
		}
		for i := range theirs {
			r.compare(fmt.Sprintf("%s#%d", at, i), theirs[i], have[i])
		}
	default:
		if a, b := r.normal(member, theirs), r.normal(member, ours); a != b {
			r.t.Errorf("%s is %v, GitHub's %v", at, b, a)
		}
	}
}

var (
	dateForm = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$`)
	hostForm = regexp.MustCompile(`^(https?|git|ssh)://[^/]+/`)
)

// normal takes out of a value what is the server's own.
func (r *replay) normal(member string, v any) any {
	last := member[strings.LastIndexAny(member, ".#")+1:]
	switch v := v.(type) {
	case float64:
		if last == "id" || strings.HasSuffix(last, "_id") {
			return "an id"
		}
	case string:
		v = r.ours(v)
		switch {
		case v == "(missing)":
			return v
		case last == "node_id":
			return "a node id"
		case last == "avatar_url":
			return "a picture"
		case dateForm.MatchString(v):
			return "a time"
		case last == "email":
			_, v, _ = strings.Cut(v, "+") // the user's id
			return v
		case last == "ssh_url":
			return v[strings.IndexByte(v, ':')+1:]
		case last == "sha" || oid.MatchString(v) && len(v) == 40:
			return "an object"
		}
		v = hostForm.ReplaceAllString(v, "/")
		return strings.TrimPrefix(v, "/")
	}
	return v
}

// headers compares what clients go by.
func (r *replay) headers(name string, theirs, ours http.Header) {
	r.t.Helper()
	for _, key := range []string{"Content-Type", "Cache-Control", "X-Poll-Interval", "X-GitHub-Media-Type", "X-RateLimit-Resource", "X-RateLimit-Limit", "Access-Control-Expose-Headers"} {
		if a, b := theirs.Get(key), ours.Get(key); a != b {
			r.t.Errorf("%s: header %s is %q, GitHub's %q", name, key, b, a)
		}
	}
	for _, key := range []string{"ETag", "Last-Modified", "X-RateLimit-Remaining", "X-RateLimit-Used", "X-RateLimit-Reset", "X-OAuth-Scopes", "X-GitHub-Request-Id", "Date", "Vary"} {
		if a, b := theirs.Get(key), ours.Get(key); (a == "") != (b == "") {
			r.t.Errorf("%s: header %s is %q, GitHub's %q", name, key, b, a)
		}
	}
	for _, key := range []string{"Link", "Location"} {
		a, b := r.ours(theirs.Get(key)), ours.Get(key)
		for from, to := range r.ids {
			a = strings.ReplaceAll(a, "/"+from+"/", "/"+to+"/")
		}
		if a != b {
			r.t.Errorf("%s: header %s is %q, GitHub's %q", name, key, b, a)
		}
	}
	if a, b := strings.Join(theirs.Values("Vary"), "|"), strings.Join(ours.Values("Vary"), "|"); a != b {
		r.t.Errorf("%s: header Vary is %q, GitHub's %q", name, b, a)
	}
}

func TestMediaType(t *testing.T) {
	for accept, want := range map[string]string{
		"": "format=json", "*/*": "format=json", "application/json": "format=json", "application/vnd.github+json": "format=json",
		"application/vnd.github.v3+json": "format=json", "application/vnd.github.v3.raw": "param=raw", "application/vnd.github.raw+json": "param=raw; format=json",
		"application/vnd.github.diff, */*": "param=diff", "application/vnd.github.v3.json": "format=json",
	} {
		if got := mediaType(accept); got != "github.v3; "+want {
			t.Errorf("%q is taken for %q, want %q", accept, got, want)
		}
	}
}
