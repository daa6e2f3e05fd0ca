package fakehub

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestRefusals is the texts with which GitHub refuses, and where it sends people.
func TestRefusals(t *testing.T) {
	h := newHub(t, Options{})
	h.must(h.s.AddToken("bot", "narrow-token", "repo:status"))
	h.must(h.s.AddToken("bot", "nothing-token", ""))
	h.must(h.s.AddToken("bot", "revoked-token"))
	h.must(h.s.Revoke("revoked-token"))
	const secret = "/repos/acme/secret"
	for name, row := range map[string]struct {
		login, method, path string
		body                any
		status              int
		text                string
		docs                string
	}{
		"unknown token":        {"nobody", get, widget, nil, 401, "Bad credentials", ""},
		"revoked token":        {"revoked", get, widget, nil, 401, "Bad credentials", ""},
		"unknown path":         {"bot", get, "/repos/acme/widget/nonsense", nil, 404, "Not Found", ""},
		"unknown method":       {"bot", put, widget, nil, 404, "Not Found", ""},
		"unknown repository":   {"bot", get, "/repos/acme/none", nil, 404, "Not Found", "/repos/repos#get-a-repository"},
		"unknown issue":        {"bot", get, widget + "/issues/9", nil, 404, "Not Found", "/issues/issues#get-an-issue"},
		"issue no number":      {"bot", get, widget + "/issues/-1", nil, 404, "Not Found", "/issues/issues#get-an-issue"},
		"private, anonymous":   {"", get, secret, nil, 404, "Not Found", "/repos/repos#get-a-repository"},
		"private, stranger":    {"stranger", get, secret + "/issues", nil, 404, "Not Found", "/issues/issues#list-repository-issues"},
		"private, no scope":    {"nothing", get, secret, nil, 404, "Not Found", "/repos/repos#get-a-repository"},
		"status by reader":     {"reader", post, widget + "/statuses/SHA", dict{"state": "success"}, 404, "Not Found", "/commits/statuses#create-a-commit-status"},
		"status by stranger":   {"stranger", post, widget + "/statuses/SHA", dict{"state": "success"}, 404, "Not Found", "/commits/statuses#create-a-commit-status"},
		"status, anonymous":    {"", post, widget + "/statuses/SHA", dict{"state": "success"}, 401, "Requires authentication", ""},
		"status, no scope":     {"nothing", post, widget + "/statuses/SHA", dict{"state": "success"}, 404, "Not Found", "/commits/statuses#create-a-commit-status"},
		"status, narrow scope": {"narrow", post, widget + "/statuses/SHA", dict{"state": "success"}, 201, "", ""},
		"issue, narrow scope":  {"narrow", post, widget + "/issues", dict{"title": "x"}, 404, "Not Found", "/issues/issues#create-an-issue"},
		"collaborators":        {"stranger", get, widget + "/collaborators", nil, 403, "Must have push access to view repository collaborators.", "/collaborators/collaborators#list-repository-collaborators"},
		"permission":           {"reader", get, widget + "/collaborators/bot/permission", nil, 403, "Must have push access to view collaborator permission.", "/collaborators/collaborators#get-repository-permissions-for-a-user"},
		"permission, nobody":   {"bot", get, widget + "/collaborators/nobody/permission", nil, 404, "nobody is not a user", "/collaborators/collaborators#get-repository-permissions-for-a-user"},
		"rename by writer":     {"writer", patch, widget, dict{"name": "x"}, 403, "Must have admin rights to Repository.", "/repos/repos#update-a-repository"},
		"viewer, anonymous":    {"", get, "/user", nil, 401, "Requires authentication", ""},
		"limits off":           {"bot", get, "/rate_limit", nil, 404, "Rate limiting is not enabled.", "/rate-limit/rate-limit#get-rate-limit-status-for-the-authenticated-user"},
	} {
		r := h.do(row.login, row.method, strings.Replace(row.path, "SHA", h.sha, 1), row.body)
		if r.status != row.status || r.str("message") != row.text && row.text != "" {
			t.Errorf("%s: got %s, want %d %s", name, r, row.status, row.text)
			continue
		}
		if row.text != "" && (r.str("documentation_url") != "https://docs.github.com/rest"+row.docs || r.str("status") != fmt.Sprint(row.status)) {
			t.Errorf("%s: documentation_url %s, status %s", name, r.str("documentation_url"), r.str("status"))
		}
	}
}

// TestCredentials: a token may be presented in all the ways GitHub knows.
func TestCredentials(t *testing.T) {
	h := newHub(t, Options{})
	basic := func(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(s)) }
	for header, status := range map[string]int{
		"token bot-token":                 200,
		"Bearer bot-token":                200,
		"bearer  bot-token":               200,
		basic("bot:bot-token"):            200,
		basic("bot-token:x-oauth-basic"):  200,
		basic("x-access-token:bot-token"): 200,
		basic("bot-token:"):               200,
		"token bot-toke":                  401,
		"token":                           401,
		"Digest bot-token":                401,
		"bot-token":                       401,
		basic("bot:"):                     401,
		"Basic !!":                        401,
	} {
		if r := h.do("", get, "/user", nil, "Authorization", header); r.status != status {
			t.Errorf("%q: %s", header, r)
		}
	}
}

// TestPermissions is what a repository says of what the asking user may do.
func TestPermissions(t *testing.T) {
	h := newHub(t, Options{})
	for login, want := range map[string]string{"owner": "admin", "writer": "write", "reader": "read", "stranger": "read", "acme": "admin"} {
		r := h.want(200, "bot", get, widget+"/collaborators/"+login+"/permission", nil)
		if r.str("permission") != want || r.str("user.login") != login {
			t.Errorf("%s: %s", login, r)
		}
	}
	r := h.want(200, "bot", get, "/repos/acme/secret/collaborators/stranger/permission", nil)
	if r.str("permission") != "none" {
		t.Errorf("stranger in a private repository: %s", r)
	}
	for login, push := range map[string]any{"bot": true, "reader": false, "stranger": false, "": nil} {
		if r := h.want(200, login, get, widget, nil); r.get("permissions.push") != push {
			t.Errorf("%s: permissions %v", login, r.get("permissions"))
		}
	}
	if got := len(h.want(200, "bot", get, widget+"/collaborators", nil).list(t)); got != 4 {
		t.Errorf("%d collaborators", got)
	}
}

// TestRenamedRepository: reads get 301 and writes 307, to the address with the
// numeric id, which works, also for those who may not read.
func TestRenamedRepository(t *testing.T) {
	h := newHub(t, Options{})
	issue := h.newIssue("owner", "x")
	id := h.s.repos["acme/widget"].id
	h.must(h.s.Rename("acme/widget", "gadget"))
	to := fmt.Sprintf("http://hub.test/repositories/%d", id)
	for _, row := range []struct {
		method, path string
		status       int
		location     string
		text         string
	}{
		{get, widget, 301, to, "Moved Permanently"},
		{get, issue + "?x=1&y=2", 301, to + "/issues/1?x=1&y=2", "Moved Permanently"},
		{patch, issue, 307, to + "/issues/1", "Temporary Redirect"},
		{post, widget + "/statuses/" + h.sha, 307, to + "/statuses/" + h.sha, "Temporary Redirect"},
	} {
		r := h.do("bot", row.method, row.path, dict{"title": "y"})
		if r.status != row.status || r.header.Get("Location") != row.location || r.str("message") != row.text || r.str("url") != row.location {
			t.Errorf("%s %s: %s, Location %s", row.method, row.path, r, r.header.Get("Location"))
		}
	}
	if got := h.s.Truth().Issues("acme/gadget")[0].Title; got != "x" {
		t.Errorf("a redirected write was applied: title %q", got)
	}
	r := h.want(200, "bot", get, fmt.Sprintf("/repositories/%d/issues/1", id), nil)
	if r.str("repository_url") != "http://hub.test/repos/acme/gadget" {
		t.Errorf("by id: %s", r)
	}
	// A client that follows redirects makes the write.
	rq, err := http.NewRequestWithContext(t.Context(), patch, "http://hub.test"+issue, strings.NewReader(`{"title":"z"}`))
	h.must(err)
	rq.Header.Set("Authorization", "token bot-token")
	res, err := h.s.Client().Do(rq)
	h.must(err)
	h.must(res.Body.Close())
	if got := h.s.Truth().Issues("acme/gadget")[0].Title; res.StatusCode != 200 || got != "z" {
		t.Errorf("followed: %s, title %q", res.Status, got)
	}
}

// TestEnterprise: the same API is at /api/v3, with addresses of its own.
func TestEnterprise(t *testing.T) {
	h := newHub(t, Options{})
	r := h.want(200, "bot", get, enterprise+widget, nil)
	if r.str("url") != "http://hub.test/api/v3/repos/acme/widget" || r.str("html_url") != "http://hub.test/acme/widget" ||
		r.str("clone_url") != "http://hub.test/acme/widget.git" || r.str("ssh_url") != "git@hub.test:acme/widget.git" {
		t.Errorf("addresses: %s", r)
	}
	// What is cached for one address is not given out at the other.
	if r := h.want(200, "bot", get, widget, nil); r.str("owner.url") != "http://hub.test/users/acme" {
		t.Errorf("owner at /: %s", r)
	}
}
