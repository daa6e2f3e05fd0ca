package fakehub

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// newIssue opens an issue in acme/widget and gives its path.
func (h *hub) newIssue(login, title string) string {
	h.t.Helper()
	r := h.want(201, login, post, widget+"/issues", dict{"title": title})
	return fmt.Sprintf("%s/issues/%v", widget, r.get("number"))
}

// TestIssueLimits holds the limits of titles and texts, for issues, their edits,
// pull requests and comments.
func TestIssueLimits(t *testing.T) {
	h := newHub(t, Options{})
	h.commit("topic", "f", "1\n")
	issue := h.newIssue("owner", "one")
	long := strings.Repeat("é", 256)
	const tooLong = "title is too long (maximum is 256 characters)"
	const bodyLong = "body is too long (maximum is 65536 characters)"
	for name, row := range map[string]struct {
		method, path string
		body         any
		status       int
		code, text   string
	}{
		"title of 256":       {post, widget + "/issues", dict{"title": long}, 201, "", ""},
		"title of 257":       {post, widget + "/issues", dict{"title": long + "x"}, 422, "custom", tooLong},
		"no title":           {post, widget + "/issues", dict{"body": "x"}, 422, "missing_field", ""},
		"null title":         {post, widget + "/issues", dict{"title": nil}, 422, "missing_field", ""},
		"blank title":        {post, widget + "/issues", dict{"title": " \n"}, 422, "missing_field", ""},
		"a number as title":  {post, widget + "/issues", dict{"title": 42}, 201, "", ""},
		"text of 65536":      {post, widget + "/issues", dict{"title": "x", "body": strings.Repeat("é", 65536)}, 201, "", ""},
		"text of 65537":      {post, widget + "/issues", dict{"title": "x", "body": strings.Repeat("e", 65537)}, 422, "custom", bodyLong},
		"edit to 257":        {patch, issue, dict{"title": long + "x"}, 422, "custom", tooLong},
		"edit by POST":       {post, issue, dict{"title": long}, 200, "", ""},
		"unknown state":      {patch, issue, dict{"state": "ajar"}, 422, "invalid", ""},
		"labels no list":     {patch, issue, dict{"labels": "bot"}, 422, "invalid", ""},
		"pull title":         {post, widget + "/pulls", dict{"title": long + "x", "head": "topic", "base": "main"}, 422, "custom", tooLong},
		"comment of 65536":   {post, issue + "/comments", dict{"body": strings.Repeat("e", 65536)}, 201, "", ""},
		"comment of 65537":   {post, issue + "/comments", dict{"body": strings.Repeat("e", 65537)}, 422, "custom", bodyLong},
		"comment of nothing": {post, issue + "/comments", dict{}, 422, "missing_field", ""},
		"blank comment":      {post, issue + "/comments", dict{"body": " "}, 422, "custom", "body can't be blank"},
	} {
		r := h.do("owner", row.method, row.path, row.body)
		if r.status != row.status || row.code != "" && (r.str("errors.0.code") != row.code || r.str("errors.0.message") != row.text) {
			t.Errorf("%s: got %s, want %d %s %s", name, r, row.status, row.code, row.text)
		}
	}
	for _, body := range []string{`{"title"`, `{"title":"x"} trailing`, `[1`} {
		if r := h.do("owner", post, widget+"/issues", body); r.status != 400 || r.str("message") != "Problems parsing JSON" {
			t.Errorf("%s: %s", body, r)
		}
	}
}

// TestIssueEvents: each change of an issue leaves its event, and a change to
// what it is already leaves none.
func TestIssueEvents(t *testing.T) {
	h := newHub(t, Options{})
	issue := h.newIssue("owner", "first")
	h.want(200, "bot", patch, issue, dict{"title": "WIP: first"})
	h.want(200, "bot", patch, issue, dict{"title": "WIP: first"})
	h.want(200, "owner", post, issue+"/labels", dict{"labels": []string{"bot", "Bug"}})
	h.want(200, "owner", post, issue+"/labels", []string{"BOT"})
	h.want(200, "owner", remove, issue+"/labels/bug", nil)
	h.want(200, "writer", patch, issue, dict{"state": "closed", "state_reason": "not_planned"})
	h.want(200, "writer", patch, issue, dict{"state": "closed"})
	h.want(200, "writer", patch, issue, dict{"state": "open", "title": "second", "assignees": []string{"bot", "stranger"}})
	events := h.want(200, "", get, issue+"/events", nil).list(t)
	var got []string
	for _, e := range events {
		line := fmt.Sprint(e["event"], " ", e["actor"].(dict)["login"])
		if r, ok := e["rename"].(dict); ok {
			line += fmt.Sprint(" ", r["from"], " > ", r["to"])
		}
		if l, ok := e["label"].(dict); ok {
			line += fmt.Sprint(" ", l["name"])
		}
		if a, ok := e["assignee"].(dict); ok {
			line += fmt.Sprint(" ", a["login"])
		}
		got = append(got, line)
	}
	want := []string{
		"renamed bot first > WIP: first", "labeled owner bot", "labeled owner bug", "unlabeled owner bug",
		"closed writer", "renamed writer WIP: first > second", "assigned writer bot", "reopened writer",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	titles := h.s.Truth().Titles("acme/widget", 1)
	if len(titles) != 3 || titles[1].Title != "WIP: first" || titles[1].Actor != "bot" || titles[0].Actor != "owner" {
		t.Errorf("titles: %v", titles)
	}
	h.want(404, "owner", remove, issue+"/labels/bug", nil)
	if r := h.do("owner", remove, issue+"/labels/bug", nil); r.str("message") != "Label does not exist" {
		t.Errorf("removing what is not there: %s", r)
	}
}

// TestIssueFilters is what the list of issues can be asked for.
func TestIssueFilters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{})
		h.commit("topic", "f", "1\n")
		for _, title := range []string{"one", "two", "three", "four"} {
			h.newIssue("owner", title)
			h.pass(time.Hour)
		}
		h.want(201, "bot", post, widget+"/pulls", dict{"title": "five", "head": "topic", "base": "main"})
		h.want(200, "owner", patch, widget+"/issues/2", dict{"state": "closed"})
		h.want(200, "owner", patch, widget+"/issues/3", dict{"labels": []string{"bot", "bug"}, "assignees": []string{"writer"}})
		h.want(200, "owner", patch, widget+"/issues/5", dict{"labels": []any{dict{"name": "bot"}}})
		since := time.Now().Add(-90 * time.Minute).UTC().Format(time.RFC3339)
		for query, want := range map[string][]any{
			"":                                {5.0, 4.0, 3.0, 1.0},
			"?state=closed":                   {2.0},
			"?state=all&direction=asc":        {1.0, 2.0, 3.0, 4.0, 5.0},
			"?labels=bot":                     {5.0, 3.0},
			"?labels=BOT,bug":                 {3.0},
			"?labels=bot,none":                {},
			"?creator=bot":                    {5.0},
			"?assignee=writer":                {3.0},
			"?assignee=*":                     {3.0},
			"?assignee=none":                  {5.0, 4.0, 1.0},
			"?sort=updated&state=all":         {5.0, 3.0, 2.0, 4.0, 1.0},
			"?state=all&since=" + since:       {5.0, 4.0, 3.0, 2.0},
			"?state=all&per_page=2&page=2":    {3.0, 2.0},
			"?sort=comments&direction=asc":    {1.0, 3.0, 4.0, 5.0},
			"?milestone=3":                    {},
			"?state=all&sort=created&page=17": {},
		} {
			list := h.want(200, "", get, widget+"/issues"+query, nil).list(t)
			if diff := cmp.Diff(want, column(list, "number")); diff != "" {
				t.Errorf("%s: %s", query, diff)
			}
			for _, e := range list {
				if _, isPull := e["pull_request"]; isPull != (e["number"] == 5.0) {
					t.Errorf("%s: issue %v: pull_request is %v", query, e["number"], isPull)
				}
			}
		}
		h.want(422, "", get, widget+"/issues?since=yesterday", nil)
		h.want(422, "", get, widget+"/issues?state=ajar", nil)
	})
}

// TestIssueRights: who may do what to an issue of a public repository.
func TestIssueRights(t *testing.T) {
	h := newHub(t, Options{})
	issue := h.newIssue("stranger", "mine")
	r := h.want(201, "stranger", post, widget+"/issues", dict{"title": "x", "labels": []string{"bug"}, "assignees": []string{"bot"}})
	if r.get("labels.0") != nil || r.get("assignees.0") != nil {
		t.Errorf("a stranger's labels and assignees were taken: %s", r)
	}
	h.want(200, "stranger", patch, issue, dict{"title": "mine still", "labels": []string{"bug"}})
	if got := h.s.Truth().Issues("acme/widget")[0]; got.Title != "mine still" || len(got.Labels) != 0 {
		t.Errorf("issue is %+v", got)
	}
	other := h.newIssue("owner", "theirs")
	for name, r := range map[string]reply{
		"edit":   h.do("stranger", patch, other, dict{"title": "ours"}),
		"label":  h.do("stranger", post, other+"/labels", dict{"labels": []string{"bug"}}),
		"lock":   h.do("reader", put, other+"/lock", nil),
		"unlink": h.do("reader", remove, other+"/labels/bug", nil),
	} {
		if r.status != 403 || r.str("message") != "Must have admin rights to Repository." {
			t.Errorf("%s: %s", name, r)
		}
	}
	if r := h.do("", post, widget+"/issues", dict{"title": "x"}); r.status != 401 || r.str("message") != "Requires authentication" {
		t.Errorf("anonymous: %s", r)
	}
	h.want(204, "writer", put, other+"/lock", nil)
	r = h.want(403, "stranger", post, other+"/comments", dict{"body": "x"})
	if r.str("message") != "Unable to create comment because issue is locked." {
		t.Errorf("locked: %s", r)
	}
	h.want(201, "writer", post, other+"/comments", dict{"body": "x"})
}

// TestComments makes, edits, lists and deletes comments.
func TestComments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{})
		issue := h.newIssue("owner", "talk")
		var paths []string
		for i := range 3 {
			h.pass(time.Minute)
			r := h.want(201, "bot", post, issue+"/comments", dict{"body": fmt.Sprint("comment ", i)})
			paths = append(paths, strings.TrimPrefix(r.header.Get("Location"), "http://hub.test"))
		}
		since := time.Now().UTC().Format(time.RFC3339)
		h.pass(time.Minute)
		h.want(200, "bot", patch, paths[0], dict{"body": "edited"})
		if got := column(h.want(200, "", get, issue+"/comments?since="+since, nil).list(t), "body"); !cmp.Equal(got, []any{"edited", "comment 2"}) {
			t.Errorf("since %s: %v", since, got)
		}
		h.want(403, "stranger", patch, paths[1], dict{"body": "x"})
		h.want(403, "stranger", remove, paths[1], nil)
		h.want(204, "writer", remove, paths[1], nil)
		h.want(404, "bot", get, paths[1], nil)
		h.want(404, "bot", patch, paths[1], dict{"body": "x"})
		if got := column(h.want(200, "", get, issue+"/comments", nil).list(t), "body"); !cmp.Equal(got, []any{"edited", "comment 2"}) {
			t.Errorf("left: %v", got)
		}
		if got := column(h.want(200, "", get, widget+"/issues/comments?sort=created", nil).list(t), "body"); !cmp.Equal(got, []any{"comment 2", "edited"}) {
			t.Errorf("of the repository: %v", got)
		}
		if r := h.want(200, "", get, issue, nil); r.get("comments") != 2.0 || r.str("updated_at") != time.Now().UTC().Format(time.RFC3339) {
			t.Errorf("the issue counts %v comments, updated %v", r.get("comments"), r.get("updated_at"))
		}
	})
}

// TestCommentCap: an issue takes 2,500 comments.
func TestCommentCap(t *testing.T) {
	h := newHub(t, Options{})
	issue := h.newIssue("owner", "talk")
	is := h.s.repos["acme/widget"].issues[0]
	for range maxComments - 1 {
		h.s.addComment(time.Now(), is, is.author, "x")
	}
	h.want(201, "bot", post, issue+"/comments", dict{"body": "the last"})
	h.want(403, "bot", post, issue+"/comments", dict{"body": "one more"})
}

// TestLabels makes, renames and deletes labels of a repository.
func TestLabels(t *testing.T) {
	h := newHub(t, Options{})
	labels := widget + "/labels"
	if n := len(h.want(200, "", get, labels, nil).list(t)); n != 9 {
		t.Errorf("a new repository has %d labels", n)
	}
	r := h.want(201, "writer", post, labels, dict{"name": "no test", "color": "663399"})
	if got := r.header.Get("Location"); got != "http://hub.test"+labels+"/no%20test" || r.str("url") != got {
		t.Errorf("location %s, url %s", got, r.str("url"))
	}
	issue := h.newIssue("owner", "x")
	h.want(200, "owner", post, issue+"/labels", dict{"labels": []string{"No Test"}})
	h.want(200, "writer", patch, labels+"/NO%20TEST", dict{"new_name": "no-test"})
	if got := h.s.Truth().Issues("acme/widget")[0].Labels; !cmp.Equal(got, []string{"no-test"}) {
		t.Errorf("after the renaming the issue has %v", got)
	}
	for name, row := range map[string]struct {
		body  any
		field string
		code  string
	}{
		"twice":     {dict{"name": "NO-TEST"}, "name", "already_exists"},
		"no name":   {dict{"color": "ffffff"}, "name", "missing_field"},
		"bad color": {dict{"name": "x", "color": "red"}, "color", "invalid"},
		"too long":  {dict{"name": strings.Repeat("x", 51)}, "name", "custom"},
	} {
		if r := h.do("writer", post, labels, row.body); r.status != 422 || r.str("errors.0.field") != row.field || r.str("errors.0.code") != row.code {
			t.Errorf("%s: %s", name, r)
		}
	}
	h.want(404, "stranger", post, labels, dict{"name": "x"})
	h.want(204, "writer", remove, labels+"/no-test", nil)
	if got := h.s.Truth().Issues("acme/widget")[0].Labels; len(got) != 0 {
		t.Errorf("after the removal the issue has %v", got)
	}
	h.want(200, "owner", put, issue+"/labels", dict{"labels": []string{"b", "a"}})
	if got := column(h.want(200, "", get, issue+"/labels", nil).list(t), "name"); !cmp.Equal(got, []any{"b", "a"}) {
		t.Errorf("set labels: %v", got)
	}
	h.want(204, "owner", remove, issue+"/labels", nil)
}
