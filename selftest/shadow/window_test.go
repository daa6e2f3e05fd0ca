package shadow

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/selftest/fakehub"
)

// github is an emulated GitHub with two repositories, of which a window shows one; asked counts what reaches it.
func github(t *testing.T) (s Source, asked *atomic.Int64) {
	t.Helper()
	hub, err := fakehub.New(fakehub.Options{Dir: t.TempDir(), Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { hub.Close() })
	for _, name := range []string{"acme/widget", "acme/secret"} {
		if err := hub.AddRepo(t.Context(), fakehub.Repo{Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	if err := hub.AddUser(fakehub.User{Login: "cyborg", Token: "cyborg-token"}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"acme/widget", "acme/secret"} {
		if err := hub.Grant(name, "cyborg", fakehub.Write); err != nil {
			t.Fatal(err)
		}
	}
	asked = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		hub.ServeHTTP(rw, r)
	}))
	t.Cleanup(server.Close)
	return Source{
		API: server.URL + "/", GraphQL: server.URL + "/graphql", Clone: map[string]string{"Acme/Widget": server.URL + "/acme/widget.git"},
		Token: func(context.Context) (string, error) { return "cyborg-token", nil },
	}, asked
}

// ask sends a request to a view and gives the status and the body.
func ask(t *testing.T, h http.Handler, method, path, body string) (int, string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "http://127.0.0.1:7"+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer of-the-window")
	rw := httptest.NewRecorder()
	h.ServeHTTP(rw, r)
	text, err := io.ReadAll(rw.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return rw.Code, string(text)
}

func TestWindow(t *testing.T) {
	source, asked := github(t)
	w, err := NewWindow(source)
	if err != nil {
		t.Fatal(err)
	}
	query := func(text, owner, name string) string {
		data, err := json.Marshal(map[string]any{"query": text, "variables": map[string]string{"owner": owner, "name": name}})
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	const read = `query($owner: String!, $name: String!) { repository(owner: $owner, name: $name) { id } rateLimit { cost } }`
	v := w.View()
	for _, test := range []struct {
		method, path, body string
		status             int
		has                string
	}{
		{"GET", "/user", "", 200, `"cyborg"`},
		{"GET", "/repos/acme/widget", "", 200, `"http://127.0.0.1:7/acme/widget.git"`}, // git comes through the window too
		{"GET", "/repos/acme/widget/issues?state=all", "", 200, "[]"},
		{"GET", "/repos/acme/secret", "", 404, "Not Found"},
		{"GET", "/repos/acme/widget/../secret", "", 400, "not plain"},
		{"GET", "/orgs/acme", "", 404, "Not Found"},
		{"GET", "/user/repos", "", 404, "Not Found"},
		{"GET", "/users/acme/repos", "", 404, "Not Found"},
		{"GET", "/acme/widget.git/info/refs?service=git-upload-pack", "", 200, "git-upload-pack"},
		{"GET", "/acme/secret.git/info/refs?service=git-upload-pack", "", 404, "Not Found"},
		{"POST", "/graphql", query(read, "acme", "widget"), 200, `"repository"`},
		{"POST", "/graphql", query(read, "acme", "secret"), 403, "not shown"},
		{"POST", "/graphql", query(`{ viewer { repositories(first: 9) { nodes { name } } } }`, "", ""), 403, "not shown"},
		{"POST", "/graphql", query(`query { ...f } fragment f on Query { viewer { login } }`, "", ""), 403, "not shown"},
		{"POST", "/graphql", "no query", 403, "not shown"},
		{"POST", "/graphql", query(`mutation { deleteRef(input: {refId: "1"}) { clientMutationId } }`, "", ""), 422, "nothing is written"},
		{"POST", "/repos/acme/widget/issues", `{"title": "spam"}`, 422, "nothing is written"},
		{"PATCH", "/repos/acme/widget/issues/1", `{"state": "closed"}`, 422, "nothing is written"},
		{"GET", "/acme/widget.git/info/refs?service=git-receive-pack", "", 422, "nothing is written"},
		{"POST", "/acme/widget.git/git-receive-pack", "pack", 422, "nothing is written"},
	} {
		if status, text := ask(t, v, test.method, test.path, test.body); status != test.status || !strings.Contains(text, test.has) {
			t.Errorf("%s %s %s: %d %.300s; want %d with %q", test.method, test.path, test.body, status, text, test.status, test.has)
		}
	}
	requests, writes := v.Asked()
	if requests != 20 || writes != 5 || len(v.Writes()) != 5 {
		t.Errorf("%d requests, %d writes; want 20 and 5", requests, writes)
	}
	if n := asked.Load(); n != 5 {
		t.Errorf("%d requests have reached GitHub, want 5", n)
	}
	// Another view sees the same moment, and costs nothing.
	again := w.View()
	if status, _ := ask(t, again, "GET", "/repos/acme/widget/issues?state=all", ""); status != 200 || asked.Load() != 5 {
		t.Errorf("the second look: status %d, %d requests have reached GitHub", status, asked.Load())
	}
}

// A window never asks without end, whatever a candidate does.
func TestWindowEnds(t *testing.T) {
	source, asked := github(t)
	w, err := NewWindow(source)
	if err != nil {
		t.Fatal(err)
	}
	w.fetched = mostFetched - 1
	v := w.View()
	for i := range 5 {
		ask(t, v, "GET", fmt.Sprintf("/repos/acme/widget/issues?page=%d", i), "")
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("%d requests have reached GitHub, want 1", n)
	}
}

// An App may not ask who it is, and is not told what it may do.
func TestWindowOfApp(t *testing.T) {
	source, _ := github(t)
	source.App = "cyborg-app[bot]"
	w, err := NewWindow(source)
	if err != nil {
		t.Fatal(err)
	}
	if status, text := ask(t, w.View(), "GET", "/user", ""); status != 200 || !strings.Contains(text, `"cyborg-app[bot]"`) {
		t.Errorf("user: %d %s", status, text)
	}
	_, text := ask(t, w.View(), "GET", "/repos/acme/widget", "")
	var repo struct{ Permissions map[string]bool }
	if err := json.Unmarshal([]byte(text), &repo); err != nil || !repo.Permissions["push"] {
		t.Errorf("repository: %v, %v", repo, err)
	}
}

// What is asked of a served repository stays in it: the token may read more, and logs are public.
func TestQueryStays(t *testing.T) {
	in := func(selection string) string {
		return `query { repository(owner: "acme", name: "widget") { ` + selection + ` } }`
	}
	for _, row := range []struct {
		query string
		kind  queryKind
	}{
		{in(`id isPrivate owner { login }`), queryReads},
		{in(`pullRequests(first: 9) { nodes { author { login ... on User { name } } headRepository { nameWithOwner } } }`), queryReads},
		{in(`issue(number: 1) { ...i }`) + ` fragment i on Issue { comments(first: 1) { nodes { body author { ...a } } } } fragment a on Actor { login }`, queryReads},
		{in(`owner { repositories(first: 100) { nodes { name } } }`), queryUnshown},
		{in(`owner { ... on User { issues(first: 9) { nodes { body } } } }`), queryUnshown},
		{in(`pullRequests(first: 9) { nodes { author { ...a } } }`) + ` fragment a on User { issues(first: 9) { nodes { body } } }`, queryUnshown},
		{in(`parent { object(expression: "HEAD:secret") { ... on Blob { text } } }`), queryUnshown},
		{in(`forks(first: 9) { nodes { name } }`), queryUnshown},
		{in(`pullRequests(first: 9) { nodes { headRepository { object(expression: "HEAD:secret") { id } } } }`), queryUnshown},
		{in(`issue(number: 1) { repository { owner { login } } }`), queryUnshown},
		{in(`issue(number: 1) { ...i }`) + ` fragment i on Issue { ...i }`, queryUnshown},
		{in(`issue(number: 1) { ...gone }`), queryUnshown},
		{`{ viewer { login } }`, queryReads},
		{`{ viewer { ...v } } fragment v on User { repositories(first: 9) { nodes { name } } }`, queryUnshown},
	} {
		body, err := json.Marshal(map[string]string{"query": row.query})
		if err != nil {
			t.Fatal(err)
		}
		if kind := judgeQuery(body, func(owner, name string) bool { return owner == "acme" && name == "widget" }); kind != row.kind {
			t.Errorf("%s: %v, want %v", row.query, kind, row.kind)
		}
	}
	for name, text := range hub.Queries() {
		body, err := json.Marshal(map[string]any{"query": text, "variables": map[string]string{"owner": "acme", "name": "widget"}})
		if err != nil {
			t.Fatal(err)
		}
		if kind := judgeQuery(body, func(owner, name string) bool { return owner == "acme" && name == "widget" }); kind == queryUnshown {
			t.Errorf("what bots ask themselves is not shown: %s", name)
		}
	}
}

func FuzzQuery(f *testing.F) {
	f.Add(`{"query": "{ repository(owner: \"acme\", name: \"widget\") { id } }"}`)
	f.Add(`{"query": "mutation { a }"}`)
	f.Add(`{"query": "query A { rateLimit { cost } } mutation B { a }", "operationName": "B"}`)
	f.Fuzz(func(t *testing.T, body string) {
		kind := judgeQuery([]byte(body), func(owner, name string) bool { return owner == "acme" })
		var in struct{ Query string }
		if json.Unmarshal([]byte(body), &in) == nil && kind == queryReads && strings.Contains(strings.Join(strings.Fields(in.Query), " "), "mutation {") {
			if !strings.ContainsAny(in.Query, `"#`) {
				t.Errorf("taken for a read: %s", in.Query)
			}
		}
	})
}

// compared is what the accounts of two programs give.
func TestCompare(t *testing.T) {
	write := func(path, body string) Write { return Write{"POST", path, []byte(body)} }
	status := func(context, text string) Write {
		return write("/repos/acme/widget/statuses/0123456789abcdef", fmt.Sprintf(`{"state": "pending", "context": %q, "description": %q}`, context, text))
	}
	account := func(requests int, writes ...Write) Account {
		v := &View{asked: requests, writes: writes, many: len(writes)}
		a := Account{Chosen: map[string][]string{asItIs: {"one"}}}
		a.Deeds, a.Requests, a.Writes = tally(v)
		return a
	}
	now := account(10, status("verify", "Testing in progress [shadow] k7m2q9xa 10m"), status("huge", "Not yet tested: needs kvm"))
	note := status("huge", "Not yet tested: needs kvm")
	for _, test := range []struct {
		name string
		then Account
		want []string // the beginning of each
	}{
		{"the same but for the nonce", account(12, note, status("verify", "Testing in progress [shadow] 3fhtw0me 10m")), nil},
		{"another context", account(12, note, status("Verify ", "Testing in progress [shadow] 3fhtw0me 10m")), []string{
			"choices: Verify  of 01234567 in acme/widget: it writes a claim where", "choices: verify of 01234567 in acme/widget: it leaves alone"}},
		{"no nonce", account(12, note, status("verify", "Testing in progress [shadow] 10m")), []string{"texts: verify of 01234567"}},
		{"a link", account(12, note, write("/repos/acme/widget/statuses/0123456789abcdef", `{"state": "pending", "context": "verify", "description": "Testing in progress [shadow] 3fhtw0me 10m", "target_url": "http://x"}`)),
			[]string{"texts: verify of 01234567"}},
		{"another commit", account(12, note, write("/repos/acme/widget/statuses/1123456789abcdef", `{"state": "pending", "context": "verify", "description": "Testing in progress [shadow] 3fhtw0me 10m"}`)),
			[]string{"choices: verify of 01234567 in acme/widget: it leaves alone", "choices: verify of 11234567 in acme/widget: it writes a claim where"}},
		{"another name", account(12, note, status("verify", "Testing in progress [other] 3fhtw0me 10m")), []string{"texts: verify of 01234567"}},
		{"another lease", account(12, note, status("verify", "Testing in progress [shadow] 3fhtw0me 6h")), []string{"texts: verify of 01234567"}},
		{"no word of bots", account(12, note, status("verify", "I take that")), []string{`texts: verify of 01234567 in acme/widget: it says, as a no word of bots: pending "I take that"`}},
		{"a claim of what waits", account(12, status("huge", "Testing in progress [shadow] k7m2q9xa 10m"), status("verify", "Testing in progress [shadow] 3fhtw0me 10m")),
			[]string{"choices: huge of 01234567 in acme/widget: it writes a claim"}},
		{"nothing", account(2), []string{"choices: huge of 01234567 in acme/widget: it leaves alone", "choices: verify of 01234567 in acme/widget: it leaves alone"}},
		{"an issue", account(12, note, status("verify", "Testing in progress [shadow] 3fhtw0me 10m"), write("/repos/acme/widget/issues", `{"title": "x"}`)),
			[]string{"choices: POST /repos/acme/widget/issues: it writes a POST"}},
		{"twice", account(12, note, note, status("verify", "Testing in progress [shadow] 3fhtw0me 10m")), []string{"budget: it writes 3 times"}},
		{"too curious", account(1000, note, status("verify", "Testing in progress [shadow] 3fhtw0me 10m")), []string{"budget: it asks GitHub 1000 times"}},
	} {
		var got []string
		for i, d := range compare(now, test.then) {
			text := d.clause + ": " + d.text
			if i < len(test.want) && strings.HasPrefix(text, test.want[i]) {
				text = test.want[i]
			}
			got = append(got, text)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
	nonce := account(10, status("verify", "Testing in progress [shadow] k7m2q9xa 10m"), status("lint", "Testing in progress [shadow] 3fhtw0me 10m"))
	same := account(10, status("verify", "Testing in progress [shadow] k7m2q9xa 10m"), status("lint", "Testing in progress [shadow] k7m2q9xa 10m"))
	if got := compare(nonce, same); len(got) != 1 || got[0].clause != "texts" || !strings.Contains(got[0].text, "with the nonce of another claim") {
		t.Errorf("one nonce for all: %+v", got)
	}
	for _, test := range []struct {
		was, is string
		want    []string
	}{
		{"one two", "one two", nil},
		{"one two", "two one", []string{"the queue's job 1 is two, and was one"}},
		{"one two", "two two one", []string{"the queue's job 1 is two, and was one"}},
		{"one two", "two", []string{"it would not take one, which this version does"}},
		{"one two", "one three two", []string{"it would take three, which this version does not"}},
		{"", "one", []string{"it would take one, which this version does not"}},
	} {
		if diff := cmp.Diff(test.want, unlike(strings.Fields(test.was), strings.Fields(test.is))); diff != "" {
			t.Errorf("%s, and then %s (-want +got):\n%s", test.was, test.is, diff)
		}
	}
	other := now
	other.Chosen = map[string][]string{asItIs: {"two", "one"}}
	if got := compare(now, other); len(got) != 1 || got[0].clause != "choices" || got[0].text != "for this bot it would take two, which this version does not" {
		t.Errorf("another queue: %+v", got)
	}
}

func TestMeant(t *testing.T) {
	got := meant("Speak nicer.\r\n\r\nShadow: texts differ\r\nshadow: budget differ\nno shadow: choices differ\n")
	if diff := cmp.Diff(map[string]bool{"texts": true}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func FuzzWrite(f *testing.F) {
	f.Add("/repos/acme/widget/statuses/0123456789abcdef", `{"state": "pending", "context": "x", "description": "Testing in progress [a] k7m2q9xa 30m"}`)
	f.Add("/repos/acme/widget/issues/1", `{"title": "WIP: bot-1 [k7m2q9xa]: x"}`)
	f.Add("/x", `{"body": "k7m2q9xa"}`)
	f.Fuzz(func(t *testing.T, path, body string) {
		about, deed := readWrite(Write{"POST", path, []byte(body)})
		if about == "" || deed.Kind == "" {
			t.Errorf("%q %q: about %q, %+v", path, body, about, deed)
		}
	})
}

// TestStill: two runs of one program say the same, whatever their nonces are.
func TestStill(t *testing.T) {
	for _, line := range []string{"<!-- cyborg: summary NONCE -->", "<!-- cyborg: chore po-refresh NONCE -->"} {
		var texts []string
		for _, nonce := range []string{"k7m2q9xa", "mqmntdwa", "abcdefgh"} {
			body, err := json.Marshal(map[string]string{"body": strings.ReplaceAll(line, "NONCE", nonce) + "\nabcdefgh waits"})
			if err != nil {
				t.Fatal(err)
			}
			texts = append(texts, plainBody(body))
		}
		if texts[0] != texts[1] || texts[0] != texts[2] || !strings.Contains(texts[0], "abcdefgh waits") {
			t.Errorf("these differ, or say too little: %q", texts)
		}
	}
}
