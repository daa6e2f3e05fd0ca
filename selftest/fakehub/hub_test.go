package fakehub

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// A hub is a server with people and repositories, asked in process. Each user's
// token is his login with "-token". acme/widget is public, acme/secret is not.
type hub struct {
	t   *testing.T
	s   *Server
	sha string // of acme/widget's main
}

func newHub(t *testing.T, o Options) *hub {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	h := &hub{t: t, s: s}
	for _, login := range []string{"owner", "writer", "bot", "reader", "stranger"} {
		h.must(s.AddUser(User{Login: login, Token: login + "-token"}))
	}
	for _, r := range []Repo{{Name: "acme/widget"}, {Name: "acme/secret", Private: true}} {
		h.must(s.AddRepo(t.Context(), r))
		for login, p := range map[string]Permission{"owner": Admin, "writer": Write, "bot": Write, "reader": Read} {
			h.must(s.Grant(r.Name, login, p))
		}
	}
	h.sha = h.commit("main", "README", "hello\n")
	return h
}

func (h *hub) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// commit makes a commit with one file in acme/widget.
func (h *hub) commit(branch, path, data string) string {
	h.t.Helper()
	sha, err := h.s.Commit(h.t.Context(), "acme/widget", Commit{Branch: branch, Files: map[string]string{path: data}, Author: "owner"})
	h.must(err)
	return sha
}

// pass lets virtual time pass.
func (h *hub) pass(d time.Duration) {
	h.t.Helper()
	h.must(wait(h.t.Context(), d))
}

// try makes a request; headers are names and values in turn.
func (h *hub) try(login, method, path string, body any, headers ...string) (reply, error) {
	h.t.Helper()
	var in io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		in = strings.NewReader(b)
	default:
		data, err := json.Marshal(b)
		h.must(err)
		in = bytes.NewReader(data)
	}
	rq, err := http.NewRequestWithContext(h.t.Context(), method, "http://hub.test"+path, in)
	h.must(err)
	if login != "" {
		rq.Header.Set("Authorization", "token "+login+"-token")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		rq.Header.Set(headers[i], headers[i+1])
	}
	c := h.s.Client()
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := c.Do(rq)
	if err != nil {
		return reply{}, err
	}
	data, err := io.ReadAll(res.Body)
	r := reply{res.StatusCode, res.Header, data}
	checkAnswer(h.t, method, path, r)
	return r, errors.Join(err, res.Body.Close())
}

// do is try without an error.
func (h *hub) do(login, method, path string, body any, headers ...string) reply {
	h.t.Helper()
	r, err := h.try(login, method, path, body, headers...)
	h.must(err)
	return r
}

// want makes a request that must be answered with the status.
func (h *hub) want(status int, login, method, path string, body any, headers ...string) reply {
	h.t.Helper()
	r := h.do(login, method, path, body, headers...)
	if r.status != status {
		h.t.Fatalf("%s %s as %q: got %s, want %d", method, path, login, r, status)
	}
	return r
}

// list is the entries of a JSON list.
func (r reply) list(t *testing.T) []map[string]any {
	t.Helper()
	var out []map[string]any
	if err := json.Unmarshal(r.body, &out); err != nil {
		t.Fatalf("read list %s: %v", r, err)
	}
	return out
}

// column is one member of all entries of a list.
func column(list []map[string]any, key string) []any {
	out := make([]any, 0, len(list))
	for _, e := range list {
		out = append(out, e[key])
	}
	return out
}

// dict is a JSON object in a test.
type dict = map[string]any

// sorted orders texts.
func sorted(list []any) []any {
	slices.SortFunc(list, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
	return list
}
