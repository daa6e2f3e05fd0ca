package fakehub

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// FuzzAPI: whatever is asked, the answer is an answer: no panic, a status, JSON.
func FuzzAPI(f *testing.F) {
	for _, seed := range [][3]string{
		{post, widget + "/issues", `{"title":"x","labels":["a",{"name":"b"}],"assignees":["bot"]}`},
		{patch, widget + "/issues/1", `{"title":null,"state":"closed","body":3}`},
		{get, widget + "/issues?labels=a,b&since=2020-01-01T00:00:00Z&page=-1&per_page=999999999999999999999", ""},
		{post, widget + "/pulls", `{"issue":1,"head":"acme:topic","base":"main"}`},
		{get, widget + "/commits/heads/main/status?page=2", ""},
		{remove, widget + "/issues/1/labels/%2F%00", ""},
		{put, widget + "/issues/1/labels", `["a"]`},
		{get, "/search/issues?q=%22a+b+-label:x+repo:acme/widget", ""},
		{post, "/graphql", `{"query":"{viewer{login}}"}`},
		{post, widget + "/git/refs", `{"ref":"refs/heads/../x","sha":"0"}`},
		{get, "/repositories/99999999999999999999/issues", ""},
		{get, widget + "/contents/../../x", ""},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, method, path, body string) {
		if strings.ContainsAny(method, " \t\r\n") || !strings.HasPrefix(path, "/") || method == "" {
			return
		}
		if _, isAPI := apiPath(path); !isAPI {
			return
		}
		rq, err := http.NewRequestWithContext(t.Context(), method, "http://hub.test"+path, strings.NewReader(body))
		if err != nil {
			return
		}
		h := newHub(t, Options{Limits: GitHubLimits()})
		h.commit("topic", "f", "1\n")
		h.newIssue("owner", "x")
		rq.Header.Set("Authorization", "token bot-token")
		res, err := h.s.Transport().RoundTrip(rq)
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode < 200 || res.StatusCode > 599 || res.StatusCode == 500 {
			t.Errorf("%s %s: %s", method, path, res.Status)
		}
		if strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") && method != http.MethodHead {
			var v any
			if err := json.NewDecoder(res.Body).Decode(&v); err != nil {
				t.Errorf("%s %s: answer is no JSON: %v", method, path, err)
			}
		}
	})
}

// FuzzSearch: the parts of a query have no quotes, and nothing else is lost.
func FuzzSearch(f *testing.F) {
	for _, seed := range []string{`is:open label:"good first issue" words`, `-is:pr "a`, ` `, `repo:a/b repo:`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, q string) {
		strip := strings.NewReplacer(`"`, "", " ", "")
		if got := strings.Join(splitQuoted(q), ""); strip.Replace(got) != strip.Replace(strings.ToValidUTF8(q, "\uFFFD")) && strings.ToValidUTF8(q, "") == q {
			t.Errorf("%q became %q", q, got)
		}
		parseSearch(q)
	})
}

// FuzzLabels: names come out as encoding/json alone would read them.
func FuzzLabels(f *testing.F) {
	for _, seed := range []string{`["a","b"]`, `{"labels":["a"]}`, `[{"name":"a"}]`, `{"labels":null}`, `[1]`, `{}`, `null`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data string) {
		names, good := labelNames([]byte(data))
		var plain []string
		if json.Unmarshal([]byte(data), &plain) == nil && (!good || !slices.Equal(names, plain)) {
			t.Errorf("%s: got %q %v, want %q", data, names, good, plain)
		}
	})
}

// FuzzFaults: what is taken makes sense, and reads back as itself.
func FuzzFaults(f *testing.F) {
	for _, seed := range []string{`{"lag":"2s"}`, `{"lag":{"jitter":"1s"},"lost_acks":0.5}`, `{"outage_for":"1m","revoked_tokens":["x"]}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data string) {
		var faults, back Faults
		if json.Unmarshal([]byte(data), &faults) != nil || faults.check() != nil {
			return
		}
		if err := json.Unmarshal(encode(faults), &back); err != nil || back.check() != nil {
			t.Errorf("%s: %v", encode(faults), err)
		}
		if string(encode(back)) != string(encode(faults)) {
			t.Errorf("%s became %s", encode(faults), encode(back))
		}
	})
}

// TestRoutes: each route is found by a path made of its pattern, with its
// parameters, and no two routes have the same.
func TestRoutes(t *testing.T) {
	table, seen := routes(), map[string]bool{}
	var visit func(n *node, path string)
	check := func(rt *route, path string) {
		key := rt.method + " " + path
		if seen[key] || rt.handle == nil || rt.docs == "" && rt.pattern != "/graphql" {
			t.Errorf("%s: twice, or without a handler or documentation", key)
		}
		seen[key] = true
		found, params := table.find(rt.method, path)
		if found == nil || found.pattern != rt.pattern || len(params) != len(rt.names) {
			t.Errorf("%s finds %+v %v, want %s", key, found, params, rt.pattern)
		}
	}
	visit = func(n *node, path string) {
		for _, rt := range n.routes {
			check(rt, path)
		}
		for _, rt := range n.rest {
			check(rt, path+"/p/q")
		}
		for name, next := range n.literal {
			visit(next, path+"/"+name)
		}
		if n.param != nil {
			visit(n.param, path+"/p")
		}
	}
	visit(&table.root, "")
	if len(seen) < 90 {
		t.Errorf("%d routes", len(seen))
	}
}
