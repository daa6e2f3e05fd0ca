package fakehub

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// openPull opens a pull request in acme/widget and gives its path.
func (h *hub) openPull(login, head string, more dict) string {
	h.t.Helper()
	body := dict{"title": "of " + head, "head": head, "base": "main"}
	for k, v := range more {
		body[k] = v
	}
	r := h.want(201, login, post, widget+"/pulls", body)
	return fmt.Sprintf("%s/pulls/%v", widget, r.get("number"))
}

// TestPullCreate makes a pull request and looks at all its sides.
func TestPullCreate(t *testing.T) {
	h := newHub(t, Options{})
	sha := h.commit("topic", "new/file", "1\n2\n")
	pull := h.openPull("bot", "topic", dict{"body": "please", "draft": true})
	r := h.want(200, "", get, pull, nil)
	for path, want := range (dict{
		"number": 1.0, "state": "open", "title": "of topic", "body": "please", "draft": true, "head.sha": sha, "head.ref": "topic",
		"head.label": "acme:topic", "base.ref": "main", "base.sha": h.sha, "head.repo.full_name": "acme/widget", "merged": false,
		"mergeable": true, "mergeable_state": "draft", "commits": 1.0, "additions": 2.0, "changed_files": 1.0, "user.login": "bot",
		"author_association": "MEMBER", "maintainer_can_modify": false,
	}) {
		if got := r.get(path); got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
	for name, n := range map[string]int{"commits": 1, "files": 1, "reviews": 0} {
		if got := len(h.want(200, "", get, pull+"/"+name, nil).list(t)); got != n {
			t.Errorf("%d %s, want %d", got, name, n)
		}
	}
	if got := h.s.Truth().Ref("acme/widget", "refs/pull/1/head"); got != sha {
		t.Errorf("refs/pull/1/head is %s", got)
	}
	if got := h.s.Truth().Ref("acme/widget", "refs/pull/1/merge"); got == "" || got != r.str("merge_commit_sha") {
		t.Errorf("refs/pull/1/merge is %q, merge_commit_sha %q", got, r.str("merge_commit_sha"))
	}
	h.want(404, "", get, pull+"/merge", nil)
}

// TestPullRefusals holds the texts with which a pull request is refused.
func TestPullRefusals(t *testing.T) {
	h := newHub(t, Options{})
	h.commit("topic", "f", "1\n")
	h.commit("open", "g", "1\n")
	h.openPull("bot", "open", nil)
	issue := h.newIssue("owner", "not yet")
	closed := h.newIssue("owner", "closed")
	h.want(200, "owner", patch, closed, dict{"state": "closed"})
	_, err := h.s.Commit(t.Context(), "acme/widget", Commit{Branch: "same", Parent: h.sha, Author: "owner"})
	h.must(err)
	h.want(201, "owner", post, widget+"/git/refs", dict{"ref": "refs/heads/level", "sha": h.sha})
	for name, row := range map[string]struct {
		login string
		body  dict
		field string
		code  string
		text  string
	}{
		"no title":       {"bot", dict{"head": "topic", "base": "main"}, "title", "missing_field", ""},
		"no head":        {"bot", dict{"title": "x", "base": "main"}, "head", "missing_field", ""},
		"no base":        {"bot", dict{"title": "x", "head": "topic"}, "base", "missing_field", ""},
		"unknown head":   {"bot", dict{"title": "x", "head": "gone", "base": "main"}, "head", "invalid", ""},
		"unknown owner":  {"bot", dict{"title": "x", "head": "nobody:topic", "base": "main"}, "head", "invalid", ""},
		"unknown base":   {"bot", dict{"title": "x", "head": "topic", "base": "gone"}, "base", "invalid", ""},
		"twice":          {"bot", dict{"title": "x", "head": "acme:open", "base": "main"}, "", "custom", "A pull request already exists for acme:open."},
		"nothing":        {"bot", dict{"title": "x", "head": "level", "base": "main"}, "", "custom", "No commits between main and level"},
		"stranger":       {"stranger", dict{"title": "x", "head": "topic", "base": "main"}, "", "custom", "must be a collaborator"},
		"unknown issue":  {"bot", dict{"issue": 99, "head": "topic", "base": "main"}, "issue", "invalid", ""},
		"pull as issue":  {"bot", dict{"issue": 1, "head": "topic", "base": "main"}, "issue", "custom", "Issue is already a pull request"},
		"closed issue":   {"bot", dict{"issue": 3, "head": "topic", "base": "main"}, "issue", "custom", "Issue is closed"},
		"issue as words": {"bot", dict{"issue": "two", "head": "topic", "base": "main"}, "issue", "invalid", ""},
	} {
		r := h.do(row.login, post, widget+"/pulls", row.body)
		if r.status != 422 || r.str("errors.0.field") != row.field || r.str("errors.0.code") != row.code || r.str("errors.0.message") != row.text {
			t.Errorf("%s: %s", name, r)
		}
	}
	if got := h.s.Truth().Issues("acme/widget"); len(got) != 3 || got[1].Pull {
		t.Errorf("issues after the refusals: %+v, %s", got, issue)
	}
}

// TestPullConversion: an issue becomes a pull request and keeps its number,
// title, text, comments and labels. It does so once.
func TestPullConversion(t *testing.T) {
	h := newHub(t, Options{})
	h.commit("topic", "f", "1\n")
	issue := h.newIssue("owner", "do it")
	h.want(200, "owner", patch, issue, dict{"body": " * [ ] it", "labels": []string{"bot"}})
	h.want(201, "owner", post, issue+"/comments", dict{"body": "soon?"})
	h.want(404, "bot", get, widget+"/pulls/1", nil)
	r := h.want(201, "bot", post, widget+"/pulls", dict{"issue": 1, "head": "topic", "base": "main", "maintainer_can_modify": true})
	for path, want := range (dict{
		"number": 1.0, "title": "do it", "body": " * [ ] it", "user.login": "owner", "comments": 1.0, "labels.0.name": "bot",
	}) {
		if got := r.get(path); got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
	if r := h.want(200, "", get, issue, nil); r.get("pull_request.url") == nil || !strings.HasSuffix(r.str("html_url"), "/pull/1") {
		t.Errorf("the issue does not say that it is a pull request: %s", r)
	}
	h.want(422, "bot", post, widget+"/pulls", dict{"issue": 1, "head": "topic", "base": "main"})
	if got := h.s.Truth().Issues("acme/widget"); len(got) != 1 || !got[0].Converted || !got[0].Pull {
		t.Errorf("issues: %+v", got)
	}
}

// TestPullFromFork: the head is in a fork; only who may push there can let the
// maintainers do so.
func TestPullFromFork(t *testing.T) {
	h := newHub(t, Options{})
	h.want(202, "stranger", post, widget+"/forks", nil)
	sha, err := h.s.Commit(t.Context(), "stranger/widget", Commit{Branch: "fix", Files: map[string]string{"f": "1\n"}, Author: "stranger"})
	h.must(err)
	body := dict{"title": "x", "head": "stranger:fix", "base": "main", "maintainer_can_modify": true}
	r := h.want(422, "bot", post, widget+"/pulls", body)
	if r.str("errors.0.field") != "fork_collab" || r.str("errors.0.message") != "Fork collab can't be granted by someone without permission" {
		t.Errorf("somebody else's fork: %s", r)
	}
	r = h.want(201, "stranger", post, widget+"/pulls", body)
	if r.get("maintainer_can_modify") != true || r.str("head.repo.full_name") != "stranger/widget" || r.str("head.sha") != sha ||
		r.str("author_association") != "NONE" || r.str("head.label") != "stranger:fix" {
		t.Errorf("pull request: %s", r)
	}
}

// TestPullMerge merges, and refuses what cannot be merged.
func TestPullMerge(t *testing.T) {
	h := newHub(t, Options{})
	for _, branch := range []string{"one", "two", "draft"} {
		_, err := h.s.Commit(t.Context(), "acme/widget", Commit{
			Branch: branch, Parent: h.sha, Files: map[string]string{"f": branch + "\n"}, Author: "bot",
		})
		h.must(err)
	}
	one, two, draft := h.openPull("bot", "one", nil), h.openPull("bot", "two", nil), h.openPull("bot", "draft", dict{"draft": true})
	h.want(404, "stranger", put, one+"/merge", nil)
	refuse := func(pull string, body any, status int, text string) {
		t.Helper()
		if r := h.do("writer", put, pull+"/merge", body); r.status != status || r.str("message") != text {
			t.Errorf("merge %s: %s, want %d %s", pull, r, status, text)
		}
	}
	refuse(one, dict{"sha": h.sha}, 409, "Head branch was modified. Review and try the merge again.")
	refuse(draft, nil, 405, "Pull Request is still a draft")
	r := h.want(200, "writer", put, one+"/merge", dict{"commit_title": "merge it"})
	if r.get("merged") != true || r.str("message") != "Pull Request successfully merged" || r.str("sha") != h.s.Truth().Ref("acme/widget", "refs/heads/main") {
		t.Errorf("merged: %s", r)
	}
	h.want(204, "", get, one+"/merge", nil)
	if r := h.want(200, "", get, two, nil); r.get("mergeable") != false || r.str("mergeable_state") != "dirty" {
		t.Errorf("the other: mergeable %v, %v", r.get("mergeable"), r.get("mergeable_state"))
	}
	refuse(one, nil, 405, "Pull Request is not mergeable")
	refuse(two, nil, 405, "Pull Request is not mergeable")
	r = h.want(200, "", get, one, nil)
	if r.str("state") != "closed" || r.get("merged") != true || r.str("merged_by.login") != "writer" || r.get("mergeable") != nil {
		t.Errorf("after the merge: %s", r)
	}
	h.want(422, "writer", patch, one, dict{"state": "open"})
}

// TestPullStates closes, reopens and lists, and says when statuses fail.
func TestPullStates(t *testing.T) {
	h := newHub(t, Options{})
	head := h.commit("a", "f", "a\n")
	_, err := h.s.Commit(t.Context(), "acme/widget", Commit{Branch: "b", Parent: h.sha, Files: map[string]string{"g": "b\n"}, Author: "bot"})
	h.must(err)
	a, b := h.openPull("bot", "a", nil), h.openPull("writer", "b", nil)
	h.want(201, "bot", post, widget+"/statuses/"+head, dict{"state": "failure"})
	if r := h.want(200, "", get, a, nil); r.str("mergeable_state") != "unstable" {
		t.Errorf("with a failure: %v", r.get("mergeable_state"))
	}
	h.want(200, "owner", patch, a, dict{"state": "closed", "title": "done"})
	list := func(query string) []any {
		return column(h.want(200, "", get, widget+"/pulls"+query, nil).list(t), "number")
	}
	for query, want := range map[string][]any{
		"": {2.0}, "?state=all": {2.0, 1.0}, "?state=closed": {1.0}, "?state=all&sort=updated": {2.0, 1.0},
		"?head=acme:b": {2.0}, "?state=all&head=acme:a": {1.0}, "?base=main": {2.0}, "?base=stable": {}, "?state=all&direction=asc": {1.0, 2.0},
	} {
		if diff := cmp.Diff(want, list(query)); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
	}
	h.want(200, "owner", post, a, dict{"state": "open"})
	h.want(200, "owner", patch, b, dict{"state": "closed"})
	if diff := cmp.Diff([]any{1.0}, list("")); diff != "" {
		t.Error(diff)
	}
	h.want(200, "reader", post, a+"/reviews", dict{"event": "APPROVE"})
	h.want(422, "reader", post, a+"/reviews", dict{"event": "COMMENT"})
	r := h.want(422, "bot", post, a+"/reviews", dict{"event": "APPROVE"})
	if r.str("message") != "Can not approve your own pull request" {
		t.Errorf("own: %s", r)
	}
	timeline := column(h.want(200, "", get, widget+"/issues/1/timeline", nil).list(t), "event")
	if diff := cmp.Diff([]any{"closed", "renamed", "reopened", "reviewed"}, sorted(timeline)); diff != "" {
		t.Error(diff)
	}
}
