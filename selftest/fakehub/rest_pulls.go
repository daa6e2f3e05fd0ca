package fakehub

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// pullRoutes is pull requests: what they have beyond an issue.
func pullRoutes() []route {
	const list = "/repos/{owner}/{repo}/pulls"
	const one = list + "/{number}"
	reads := right{area: "pull_requests", need: Read}
	return []route{
		{method: get, pattern: list, handle: listPulls, right: reads, docs: "pulls/pulls#list-pull-requests"},
		{method: post, pattern: list, handle: createPull, right: reads, content: true, docs: "pulls/pulls#create-a-pull-request"},
		{method: get, pattern: one, handle: getPull, right: reads, docs: "pulls/pulls#get-a-pull-request"},
		{method: patch, pattern: one, handle: editPull, right: reads, docs: "pulls/pulls#update-a-pull-request"},
		{method: post, pattern: one, handle: editPull, right: reads, docs: "pulls/pulls#update-a-pull-request"},
		{method: get, pattern: one + "/commits", handle: pullCommits, right: reads, docs: "pulls/pulls#list-commits-on-a-pull-request"},
		{method: get, pattern: one + "/files", handle: pullFiles, right: reads, docs: "pulls/pulls#list-pull-requests-files"},
		{method: get, pattern: one + "/reviews", handle: listReviews, right: reads, docs: "pulls/reviews#list-reviews-for-a-pull-request"},
		{method: post, pattern: one + "/reviews", handle: createReview, right: reads, content: true, docs: "pulls/reviews#create-a-review-for-a-pull-request"},
		{method: get, pattern: one + "/merge", handle: pullMerged, right: reads, docs: "pulls/pulls#check-if-a-pull-request-has-been-merged"},
		{method: put, pattern: one + "/merge", handle: mergeEndpoint, right: contentsRight(Write), docs: "pulls/pulls#merge-a-pull-request"},
	}
}

// pullAt finds the pull request of the route as this request may see it.
func (rq *request) pullAt() *issue {
	is := rq.repo.issueAt(rq.number("number"), rq.asOf(issueDomain))
	if is == nil || !is.isPull(rq.asOf(pullDomain)) {
		return nil
	}
	return is
}

func getPull(rq *request) response {
	is := rq.pullAt()
	if is == nil {
		return notFound()
	}
	r := rq.pullResponse(http.StatusOK, is)
	st, _ := is.state.at(rq.asOf(issueDomain))
	r.lastModified = st.updated
	return r
}

// pullResponse answers with a whole pull request.
func (rq *request) pullResponse(status int, is *issue) response {
	out, err := rq.fullPull(is)
	if err != nil {
		return rq.broken(err)
	}
	return response{status: status, body: out}
}

func listPulls(rq *request) response {
	at := rq.asOf(pullDomain)
	filters := []issueFilter{byState(rq.arg("state")), func(f foundIssue) bool { return f.is.isPull(at) }}
	if base := rq.arg("base"); base != "" {
		filters = append(filters, func(f foundIssue) bool { p, _ := f.is.pull.state.at(at); return p.baseRef == base })
	}
	if owner, branch, ok := strings.Cut(rq.arg("head"), ":"); ok {
		filters = append(filters, func(f foundIssue) bool {
			r := f.is.pull.headRepo
			return r != nil && f.is.pull.headRef == branch && strings.EqualFold(r.owner.login, owner)
		})
	}
	list := keep(rq.repo.issuesAt(rq.asOf(issueDomain)), filters)
	rq.sortPulls(list)
	from, to, link := rq.page(len(list))
	out := make([]any, 0, to-from)
	for _, f := range list[from:to] {
		out = append(out, rq.pull(f.is))
	}
	return response{status: http.StatusOK, body: out, link: link}
}

// sortPulls orders as the query asks: by creation, newest first, unless it says
// otherwise; every other order rises unless it says otherwise.
func (rq *request) sortPulls(list []foundIssue) {
	by, down := rq.arg("sort"), rq.arg("direction") == "desc"
	key := func(f foundIssue) int64 { return int64(f.is.number) }
	switch by {
	case "", "created":
		down = rq.arg("direction") != "asc"
	case "updated":
		key = func(f foundIssue) int64 { return f.st.updated.UnixNano() }
	case "popularity":
		key = func(f foundIssue) int64 { return int64(len(rq.comments(f.is))) }
	}
	slices.SortStableFunc(list, func(a, b foundIssue) int {
		order := cmp.Or(cmp.Compare(key(a), key(b)), a.is.number-b.is.number)
		if down {
			return -order
		}
		return order
	})
}

func editPull(rq *request) response {
	is := rq.pullAt()
	if is == nil {
		return notFound()
	}
	var in struct {
		Base   optional[string] `json:"base"`
		Modify optional[bool]   `json:"maintainer_can_modify"`
	}
	if no := rq.decode(&in); no != nil {
		return *no
	}
	base := in.Base.value
	if base != "" && rq.repo.refAt("refs/heads/"+base, rq.now) == "" {
		return rq.invalid(fieldError{Resource: "PullRequest", Field: "base", Code: "invalid"})
	}
	if no := rq.edit(is, "PullRequest"); no != nil {
		return *no
	}
	if in.Modify.set {
		is.pull.edit(rq.now, func(p *pullState) { p.modify = in.Modify.value })
	}
	if was := is.pull.state.last().baseRef; base != "" && base != was {
		is.pull.edit(rq.now, func(p *pullState) { p.baseRef, p.checked = base, false })
		is.edit(rq.now, func(*issueState) {})
		rq.s.addEvent(rq.now, is, rq.actor.user, event{kind: "base_ref_changed", from: was, to: base})
		rq.s.pullOpened(rq.ctx, rq.now, is)
	}
	return rq.pullResponse(http.StatusOK, is)
}

// reopenable refuses to reopen what is merged or has lost its branch.
func (rq *request) reopenable(is *issue) *response {
	p := is.pull
	refuse := func(text string) *response {
		return new(rq.invalid(fieldError{Resource: "PullRequest", Field: "state", Code: "invalid", Message: text}))
	}
	switch {
	case p.state.last().merged:
		return refuse("state cannot be changed. The pull request cannot be reopened.")
	case p.headRepo == nil || p.headRepo.refAt("refs/heads/"+p.headRef, rq.now) == "":
		return refuse("state cannot be changed. The " + p.headRef + " branch has been deleted.")
	case rq.openPull(p.headRepo, p.headRef, p.state.last().baseRef) != nil:
		return refuse("state cannot be changed. There is already an open pull request from " + p.headRepo.owner.login + ":" + p.headRef + ".")
	}
	return nil
}

// openPull finds the open pull request from a branch to a branch.
func (rq *request) openPull(head *repo, ref, base string) *issue {
	for _, is := range rq.repo.issues {
		if p := is.pull; p != nil && p.headRepo == head && p.headRef == ref && p.state.last().baseRef == base && !is.state.last().closed {
			return is
		}
	}
	return nil
}

func listReviews(rq *request) response {
	is := rq.pullAt()
	if is == nil {
		return notFound()
	}
	return listed(rq, is.reviews.upTo(rq.asOf(commentDomain)), func(r *review) any { return rq.review(is, r) })
}

func createReview(rq *request) response {
	is := rq.pullAt()
	if is == nil {
		return notFound()
	}
	var in struct {
		Body   string `json:"body"`
		Event  string `json:"event"`
		Commit string `json:"commit_id"`
	}
	if no := rq.decode(&in); no != nil {
		return *no
	}
	state := map[string]string{"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED", "": "PENDING"}[in.Event]
	switch {
	case state == "":
		return unprocessable("Variable $event of type PullRequestReviewEvent was provided invalid value")
	case in.Event != "APPROVE" && in.Body == "":
		return rq.invalid(custom("PullRequestReview", "body", "body can't be blank"))
	case utf8.RuneCountInString(in.Body) > maxText:
		return rq.invalid(custom("PullRequestReview", "body", "body is too long (maximum is 65536 characters)"))
	case is.author == rq.actor.user && in.Event == "APPROVE":
		return unprocessable("Can not approve your own pull request")
	}
	r := &review{
		id: rq.s.nextID(), author: rq.actor.user, body: in.Body, state: state,
		commit: is.pull.state.last().headSHA, created: rq.s.stamp(rq.now),
	}
	is.reviews.add(rq.now, rq.s.visibleFrom(rq.now), r)
	is.edit(rq.now, func(*issueState) {})
	return ok(rq.review(is, r))
}

func pullMerged(rq *request) response {
	is := rq.pullAt()
	if is == nil {
		return notFound()
	}
	if p, _ := is.pull.state.at(rq.asOf(pullDomain)); p.merged {
		return noContent()
	}
	return notFound()
}

func mergeEndpoint(rq *request) response {
	is := rq.pullAt()
	if is == nil {
		return notFound()
	}
	var in struct {
		Title   string `json:"commit_title"`
		Message string `json:"commit_message"`
		SHA     string `json:"sha"`
		Method  string `json:"merge_method"`
	}
	if no := rq.decode(&in); no != nil {
		return *no
	}
	st, p := is.state.last(), is.pull.state.last()
	switch {
	case !slices.Contains([]string{"", "merge", "squash", "rebase"}, in.Method):
		return unprocessable("Invalid request.\n\n" + in.Method + " is not a member of [\"merge\", \"squash\", \"rebase\"].")
	case in.SHA != "" && in.SHA != p.headSHA:
		return fail(http.StatusConflict, "Head branch was modified. Review and try the merge again.")
	case p.draft:
		return fail(http.StatusMethodNotAllowed, "Pull Request is still a draft")
	case st.closed:
		return fail(http.StatusMethodNotAllowed, "Pull Request is not mergeable")
	}
	sha, err := rq.s.mergePull(rq.ctx, rq.now, is, rq.actor.user, in.Method, in.Title, in.Message)
	if _, conflict := errors.AsType[*mergeConflictError](err); conflict {
		return fail(http.StatusMethodNotAllowed, "Pull Request is not mergeable")
	}
	if errors.Is(err, errBaseMoved) {
		return fail(http.StatusMethodNotAllowed, "Base branch was modified. Review and try the merge again.")
	}
	if err != nil {
		return rq.broken(err)
	}
	return ok(struct {
		SHA     string `json:"sha"`
		Merged  bool   `json:"merged"`
		Message string `json:"message"`
	}{sha, true, "Pull Request successfully merged"})
}
