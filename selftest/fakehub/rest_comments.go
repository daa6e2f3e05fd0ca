package fakehub

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// maxComments is how many comments an issue takes.
const maxComments = 2500

// commentRoutes is the comments of issues and pull requests.
func commentRoutes() []route {
	const list, one = "/repos/{owner}/{repo}/issues/{number}/comments", "/repos/{owner}/{repo}/issues/comments/{id}"
	reads := right{area: "issues", need: Read}
	return []route{
		{method: get, pattern: list, handle: listComments, right: reads, scopes: "repo", docs: "issues/comments#list-issue-comments"},
		{method: post, pattern: list, handle: createComment, right: reads, content: true, docs: "issues/comments#create-an-issue-comment"},
		{
			method: get, pattern: "/repos/{owner}/{repo}/issues/comments", handle: listRepoComments, right: reads, scopes: "repo",
			docs: "issues/comments#list-issue-comments-for-a-repository",
		},
		{method: get, pattern: one, handle: getComment, right: reads, scopes: "repo", docs: "issues/comments#get-an-issue-comment"},
		{method: patch, pattern: one, handle: editComment, right: reads, docs: "issues/comments#update-an-issue-comment"},
		{method: post, pattern: one, handle: editComment, right: reads, docs: "issues/comments#update-an-issue-comment"},
		{method: remove, pattern: one, handle: deleteComment, right: reads, docs: "issues/comments#delete-an-issue-comment"},
	}
}

// since drops the comments that were not changed since the time of the query.
func (rq *request) since(list []*comment) ([]*comment, *response) {
	text := rq.arg("since")
	if text == "" {
		return list, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return nil, new(rq.invalid(fieldError{Resource: "IssueComment", Field: "since", Code: "invalid", Value: text}))
	}
	at := rq.asOf(commentDomain)
	return slices.DeleteFunc(slices.Clone(list), func(c *comment) bool {
		st, _ := c.state.at(at)
		return jsonTime(st.updated).Before(t)
	}), nil
}

func listComments(rq *request) response {
	is := rq.repo.issueAt(rq.number("number"), rq.asOf(issueDomain))
	if is == nil {
		return notFound()
	}
	list, no := rq.since(rq.comments(is))
	if no != nil {
		return *no
	}
	return listed(rq, list, func(c *comment) any { return rq.comment(c) })
}

func listRepoComments(rq *request) response {
	at := rq.asOf(commentDomain)
	list, no := rq.since(liveComments(rq.repo.comments.upTo(at), at))
	if no != nil {
		return *no
	}
	if rq.arg("sort") == "updated" {
		updated := func(c *comment) time.Time { st, _ := c.state.at(at); return st.updated }
		list = slices.SortedStableFunc(slices.Values(list), func(a, b *comment) int {
			return cmp.Or(updated(a).Compare(updated(b)), cmp.Compare(a.id, b.id))
		})
	}
	if rq.arg("sort") != "" && rq.arg("direction") != "asc" {
		list = slices.Clone(list)
		slices.Reverse(list)
	}
	return listed(rq, list, func(c *comment) any { return rq.comment(c) })
}

// commentAt finds the comment of the route as of t.
func (rq *request) commentAt(t time.Time) *comment {
	c := rq.repo.byComment[rq.number("id")]
	if c == nil || !slices.Contains(rq.repo.comments.upTo(t), c) {
		return nil
	}
	if st, found := c.state.at(t); !found || st.deleted {
		return nil
	}
	return c
}

func getComment(rq *request) response {
	c := rq.commentAt(rq.asOf(commentDomain))
	if c == nil {
		return notFound()
	}
	st, _ := c.state.at(rq.asOf(commentDomain))
	return response{status: http.StatusOK, body: rq.comment(c), lastModified: st.updated}
}

// commentText reads the text of a comment, or gives what is wrong with it.
func (rq *request) commentText() (string, *response) {
	var in struct {
		Body optional[plainText] `json:"body"`
	}
	if no := rq.decode(&in); no != nil {
		return "", no
	}
	text := string(in.Body.value)
	switch {
	case !in.Body.set || in.Body.null:
		return "", new(rq.invalid(fieldError{Resource: "IssueComment", Field: "body", Code: "missing_field"}))
	case strings.TrimSpace(text) == "":
		return "", new(rq.invalid(custom("IssueComment", "body", "body can't be blank")))
	case utf8.RuneCountInString(text) > maxText || len(text) > 4*maxText:
		return "", new(rq.invalid(custom("IssueComment", "body", "body is too long (maximum is 65536 characters)")))
	}
	return text, nil
}

func createComment(rq *request) response {
	is := rq.repo.issueAt(rq.number("number"), rq.now)
	if is == nil {
		return notFound()
	}
	text, no := rq.commentText()
	if no != nil {
		return *no
	}
	if is.state.last().locked && !rq.may("issues", Write) {
		return fail(http.StatusForbidden, "Unable to create comment because issue is locked.")
	}
	if len(is.comments.all()) >= maxComments {
		return fail(http.StatusForbidden, "Commenting is disabled on issues with more than 2500 comments")
	}
	c := rq.s.addComment(rq.now, is, rq.actor.user, text)
	out := rq.comment(c)
	return created(out, out.URL)
}

// addComment enters a comment. The issue counts as updated.
func (s *Server) addComment(now time.Time, is *issue, by *user, text string) *comment {
	c := &comment{id: s.nextID(), issue: is, author: by, created: s.stamp(now)}
	c.state.set(now, commentState{body: text, updated: c.created})
	visible := s.visibleFrom(now)
	is.comments.add(now, visible, c)
	is.repo.comments.add(now, visible, c)
	is.repo.byComment[c.id] = c
	is.edit(now, func(*issueState) {})
	s.noteComment(now, c)
	return c
}

// ownComment is the comment of the route, if the actor may change it.
func (rq *request) ownComment() (*comment, *response) {
	c := rq.repo.byComment[rq.number("id")]
	if c == nil || c.state.last().deleted {
		return nil, new(notFound())
	}
	if c.author != rq.actor.user && !rq.may("issues", Write) {
		return nil, refuse(false, http.StatusForbidden, mustAdmin)
	}
	return c, nil
}

func editComment(rq *request) response {
	c, no := rq.ownComment()
	if no != nil {
		return *no
	}
	text, no := rq.commentText()
	if no != nil {
		return *no
	}
	c.state.set(rq.now, commentState{body: text, updated: rq.s.stamp(rq.now)})
	c.issue.edit(rq.now, func(*issueState) {})
	return ok(rq.comment(c))
}

func deleteComment(rq *request) response {
	c, no := rq.ownComment()
	if no != nil {
		return *no
	}
	st := c.state.last()
	st.deleted = true
	c.state.set(rq.now, st)
	return noContent()
}
