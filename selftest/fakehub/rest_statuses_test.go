package fakehub

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// post makes a status on main.
func (h *hub) post(login, context, state, description string) reply {
	h.t.Helper()
	return h.do(login, post, widget+"/statuses/"+h.sha, dict{"context": context, "state": state, "description": description})
}

// TestStatusLimits holds the limits of a status and the texts of their refusals.
func TestStatusLimits(t *testing.T) {
	h := newHub(t, Options{})
	for name, row := range map[string]struct {
		body   any
		status int
		field  string
		text   string
	}{
		"140 characters":     {dict{"state": "success", "description": strings.Repeat("é", 140)}, 201, "", ""},
		"141 characters":     {dict{"state": "success", "description": strings.Repeat("e", 141)}, 422, "description", "description is too long (maximum is 140 characters)"},
		"255 of context":     {dict{"state": "success", "context": strings.Repeat("c", 255)}, 201, "", ""},
		"256 of context":     {dict{"state": "success", "context": strings.Repeat("c", 256)}, 422, "context", "context is too long (maximum is 255 characters)"},
		"no state":           {dict{"context": "x"}, 422, "state", "state is not included in the list"},
		"unknown state":      {dict{"state": "running"}, 422, "state", "state is not included in the list"},
		"address not of web": {dict{"state": "success", "target_url": "javascript:alert(1)"}, 422, "target_url", "target_url must use http(s) scheme"},
		"null members":       {`{"state":"pending","description":null,"target_url":null,"context":null}`, 201, "", ""},
	} {
		r := h.do("bot", post, widget+"/statuses/"+h.sha, row.body)
		if r.status != row.status || row.field != "" && (r.str("message") != "Validation Failed" ||
			r.str("errors.0.field") != row.field || r.str("errors.0.message") != row.text || r.str("errors.0.resource") != "Status") {
			t.Errorf("%s: got %s, want %d %s", name, r, row.status, row.text)
		}
	}
	r := h.want(422, "bot", post, widget+"/statuses/"+strings.Repeat("1", 40), dict{"state": "success"})
	if want := "No commit found for SHA: " + strings.Repeat("1", 40); r.str("message") != want {
		t.Errorf("got %s, want %s", r, want)
	}
	h.want(404, "bot", get, widget+"/commits/"+strings.Repeat("1", 40)+"/statuses", nil)
}

// TestStatusCeiling posts one status more than a context takes. The context is
// compared without case, and other contexts are not concerned.
func TestStatusCeiling(t *testing.T) {
	h := newHub(t, Options{})
	for i := range maxStatuses {
		context := "CI"
		if i%2 == 0 {
			context = "ci"
		}
		if r := h.post("bot", context, "pending", "x"); r.status != 201 {
			t.Fatalf("status %d: %s", i, r)
		}
	}
	r := h.post("bot", "Ci", "success", "x")
	if r.status != 422 || r.str("errors.0.message") != "This SHA and context has reached the maximum number of statuses." ||
		r.str("errors.0.code") != "custom" || r.str("errors.0.resource") != "Status" {
		t.Errorf("at the ceiling: %s", r)
	}
	if r := h.post("bot", "other", "success", "x"); r.status != 201 {
		t.Errorf("another context: %s", r)
	}
	if n := len(h.s.Truth().Statuses("acme/widget", h.sha)); n != maxStatuses+1 {
		t.Errorf("the server has %d statuses", n)
	}
}

// TestCombinedState is the truth table of the combined status.
func TestCombinedState(t *testing.T) {
	for states, want := range map[string]string{
		"": "pending", "success": "success", "pending": "pending", "failure": "failure", "error": "failure",
		"success success": "success", "success pending": "pending", "pending success": "pending", "failure pending": "failure",
		"pending error": "failure", "success error": "failure", "failure success": "failure",
	} {
		h := newHub(t, Options{})
		for i, state := range strings.Fields(states) {
			h.post("bot", fmt.Sprint("c", i), state, "")
		}
		r := h.want(200, "bot", get, widget+"/commits/"+h.sha+"/status", nil)
		if r.str("state") != want {
			t.Errorf("%q: got %s, want %s", states, r.str("state"), want)
		}
	}
}

// TestStatusLists: the list is newest first and has creators, the combined status
// has the newest of each context by rising id, without creators.
func TestStatusLists(t *testing.T) {
	h := newHub(t, Options{})
	for _, c := range []string{"a", "b", "A", "c", "b"} {
		h.post("bot", c, "pending", "of "+c)
	}
	list := h.want(200, "", get, widget+"/commits/main/statuses", nil).list(t)
	if diff := cmp.Diff([]any{"b", "c", "A", "b", "a"}, column(list, "context")); diff != "" {
		t.Error(diff)
	}
	ids := column(list, "id")
	if !slices.IsSortedFunc(ids, func(a, b any) int { return int(b.(float64) - a.(float64)) }) {
		t.Errorf("ids are not falling: %v", ids)
	}
	if list[0]["creator"].(dict)["login"] != "bot" {
		t.Errorf("creator is %v", list[0]["creator"])
	}
	for _, ref := range []string{"main", "heads/main", h.sha, h.sha[:9]} {
		r := h.want(200, "", get, widget+"/commits/"+ref+"/status", nil)
		var got []any
		for i := range 3 {
			got = append(got, r.get(fmt.Sprintf("statuses.%d.context", i)))
			if r.get(fmt.Sprintf("statuses.%d.creator", i)) != nil {
				t.Errorf("%s: the combined status has a creator", ref)
			}
		}
		if diff := cmp.Diff([]any{"A", "c", "b"}, got); diff != "" || r.get("total_count") != 3.0 || r.str("sha") != h.sha {
			t.Errorf("%s: %s %s", ref, diff, r)
		}
	}
}

// TestStatusPages walks through pages of a list and clamps their size.
func TestStatusPages(t *testing.T) {
	h := newHub(t, Options{})
	for range 205 {
		h.post("bot", "c", "pending", "")
	}
	for _, row := range []struct {
		query string
		n     int
		link  string
	}{
		{"", 30, `<API?page=2>; rel="next", <API?page=7>; rel="last"`},
		{"?per_page=100", 100, `<API?per_page=100&page=2>; rel="next", <API?per_page=100&page=3>; rel="last"`},
		{"?per_page=1000&page=2", 100, `<API?per_page=1000&page=1>; rel="prev", <API?per_page=1000&page=3>; rel="next", <API?per_page=1000&page=3>; rel="last", <API?per_page=1000&page=1>; rel="first"`},
		{"?per_page=100&page=3", 5, `<API?per_page=100&page=2>; rel="prev", <API?per_page=100&page=1>; rel="first"`},
		{"?page=0&per_page=x", 30, `<API?per_page=x&page=2>; rel="next", <API?per_page=x&page=7>; rel="last"`},
		{"?per_page=100&page=9", 0, `<API?per_page=100&page=3>; rel="prev", <API?per_page=100&page=1>; rel="first", <API?per_page=100&page=3>; rel="last"`},
	} {
		r := h.want(200, "bot", get, widget+"/commits/"+h.sha+"/statuses"+row.query, nil)
		api := fmt.Sprintf("http://hub.test/repositories/%d/commits/%s/statuses", h.s.repos["acme/widget"].id, h.sha)
		if got := strings.ReplaceAll(r.header.Get("Link"), api, "API"); got != row.link || len(r.list(t)) != row.n {
			t.Errorf("%q: %d entries, Link %s", row.query, len(r.list(t)), got)
		}
	}
	// The addresses of Link work.
	r := h.want(200, "bot", get, fmt.Sprintf("/repositories/%d/commits/%s/statuses?page=7", h.s.repos["acme/widget"].id, h.sha), nil)
	if n := len(r.list(t)); n != 25 {
		t.Errorf("last page has %d", n)
	}
}
