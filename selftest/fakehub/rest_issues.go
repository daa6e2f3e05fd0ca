package fakehub

import (
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of issues, pull requests and comments.
const (
	maxTitle = 256
	maxText  = 65536
)

// issueRoutes is issues; a pull request is one, too.
func issueRoutes() []route {
	const list = "/repos/{owner}/{repo}/issues"
	const one = list + "/{number}"
	reads, writes := right{area: "issues", need: Read}, right{area: "issues", need: Write, denied: mustAdmin}
	return []route{
		{method: get, pattern: list, handle: listIssues, right: reads, scopes: "repo", docs: "issues/issues#list-repository-issues"},
		{method: post, pattern: list, handle: createIssue, right: reads, content: true, docs: "issues/issues#create-an-issue"},
		{method: get, pattern: one, handle: getIssue, right: reads, scopes: "repo", docs: "issues/issues#get-an-issue"},
		{method: patch, pattern: one, handle: editIssue, right: reads, docs: "issues/issues#update-an-issue"},
		{method: post, pattern: one, handle: editIssue, right: reads, docs: "issues/issues#update-an-issue"},
		{method: put, pattern: one + "/lock", handle: lockIssue, right: writes, docs: "issues/issues#lock-an-issue"},
		{method: remove, pattern: one + "/lock", handle: unlockIssue, right: writes, docs: "issues/issues#unlock-an-issue"},
		{method: post, pattern: one + "/assignees", handle: addAssignees, right: reads, docs: "issues/assignees#add-assignees-to-an-issue"},
		{method: remove, pattern: one + "/assignees", handle: removeAssignees, right: reads, docs: "issues/assignees#remove-assignees-from-an-issue"},
	}
}

// may says whether the actor has a permission in the request's repository.
func (rq *request) may(area string, need Permission) bool {
	return rq.s.allowed(rq.actor, rq.repo, right{area: area, need: need}, true) == nil
}

func getIssue(rq *request) response {
	is := rq.repo.issueAt(rq.number("number"), rq.asOf(issueDomain))
	if is == nil {
		return notFound()
	}
	st, _ := is.state.at(rq.asOf(issueDomain))
	return response{status: http.StatusOK, body: rq.issue(is), lastModified: st.updated}
}

// issueInput is the body of a new issue or of an edit.
type issueInput struct {
	Title       optional[plainText] `json:"title"`
	Body        optional[plainText] `json:"body"`
	State       optional[string]    `json:"state"`
	StateReason optional[string]    `json:"state_reason"`
	Labels      optional[labelList] `json:"labels"`
	Assignee    optional[string]    `json:"assignee"`
	Assignees   optional[[]string]  `json:"assignees"`
}

// A labelList is the labels of an issue: names, or objects with names.
type labelList struct{ names []string }

// UnmarshalJSON refuses what is no list of names.
func (l *labelList) UnmarshalJSON(data []byte) error {
	names, good := labelNames(data)
	if !good {
		return errNoNames
	}
	l.names = names
	return nil
}

// textErrors is what GitHub finds wrong with a title and a text.
func textErrors(resource string, title, body *plainText) []fieldError {
	var errs []fieldError
	if title != nil {
		switch n := utf8.RuneCountInString(string(*title)); {
		case strings.TrimSpace(string(*title)) == "":
			errs = append(errs, fieldError{Resource: resource, Field: "title", Code: "missing_field"})
		case n > maxTitle:
			errs = append(errs, custom(resource, "title", "title is too long (maximum is 256 characters)"))
		}
	}
	if body != nil && utf8.RuneCountInString(string(*body)) > maxText {
		errs = append(errs, custom(resource, "body", "body is too long (maximum is 65536 characters)"))
	}
	return errs
}

func createIssue(rq *request) response {
	var in issueInput
	if no := rq.decode(&in); no != nil {
		return *no
	}
	if in.Title.pointer() == nil {
		return rq.invalid(fieldError{Resource: "Issue", Field: "title", Code: "missing_field"})
	}
	if errs := textErrors("Issue", in.Title.pointer(), in.Body.pointer()); errs != nil {
		return rq.invalid(errs...)
	}
	if no := rq.labelNamesGood(in.Labels.value.names); no != nil {
		return *no
	}
	is := rq.s.newIssue(rq.now, rq.repo, rq.actor.user, string(in.Title.value), (*string)(in.Body.pointer()))
	if rq.may("issues", Write) { // else they are dropped without a word
		rq.s.setLabels(rq.now, is, rq.actor.user, rq.s.namedLabels(rq.now, rq.repo, in.Labels.value.names))
		rq.s.setAssignees(rq.now, is, rq.actor.user, rq.assignees(&in, nil))
	}
	return created(rq.issue(is), rq.site.issue(is))
}

// assignees are the users whom an input names, or the present ones. Those who
// cannot be assigned are dropped without a word.
func (rq *request) assignees(in *issueInput, now []*user) []*user {
	names := in.Assignees.value
	switch {
	case in.Assignees.set:
	case in.Assignee.set && (in.Assignee.null || in.Assignee.value == ""):
		return nil
	case in.Assignee.set:
		names = []string{in.Assignee.value}
	default:
		return now
	}
	return rq.assignable(names)
}

func (rq *request) assignable(names []string) []*user {
	var list []*user
	for _, name := range names {
		u := rq.s.users[strings.ToLower(name)]
		if u != nil && rq.repo.permission(u) >= Write && !slices.Contains(list, u) && len(list) < 10 {
			list = append(list, u)
		}
	}
	return list
}

func editIssue(rq *request) response {
	is := rq.repo.issueAt(rq.number("number"), rq.now)
	if is == nil {
		return notFound()
	}
	if no := rq.edit(is, "Issue"); no != nil {
		return *no
	}
	return ok(rq.issue(is))
}

// edit changes an issue or pull request as the body asks; the answer is nil, or
// what GitHub says to that. Nothing is changed then.
func (rq *request) edit(is *issue, resource string) *response {
	var in issueInput
	if no := rq.decode(&in); no != nil {
		return no
	}
	area := "issues"
	if is.pull != nil && resource == "PullRequest" {
		area = "pull_requests"
	}
	writer := rq.may(area, Write)
	if !writer && (is.author != rq.actor.user || rq.actor.installation() != nil) {
		return refuse(false, http.StatusForbidden, mustAdmin)
	}
	if errs := in.check(is, resource); errs != nil {
		return new(rq.invalid(errs...))
	}
	if no := rq.labelNamesGood(in.Labels.value.names); no != nil {
		return no
	}
	if in.State.value == "open" && is.pull != nil && is.state.last().closed {
		if no := rq.reopenable(is); no != nil {
			return no
		}
	}
	by := rq.actor.user
	if title := in.Title.pointer(); title != nil {
		rq.s.setTitle(rq.now, is, by, string(*title))
	}
	if now := is.state.last().body; in.Body.set && orEmpty(now) != orEmpty((*string)(in.Body.pointer())) {
		made := textEdit{id: rq.s.nextID(), by: by, at: rq.now, text: orEmpty((*string)(in.Body.pointer()))}
		is.edit(rq.now, func(st *issueState) {
			st.body, st.edits = (*string)(in.Body.pointer()), append(slices.Clip(st.edits), made)
		})
	}
	if writer && in.Labels.set {
		rq.s.setLabels(rq.now, is, by, rq.s.namedLabels(rq.now, rq.repo, in.Labels.value.names))
	}
	if writer {
		rq.s.setAssignees(rq.now, is, by, rq.assignees(&in, is.state.last().assignees))
	}
	rq.editState(is, &in)
	return nil
}

// editState opens or closes as an edit asks.
func (rq *request) editState(is *issue, in *issueInput) {
	switch reason := in.StateReason.value; in.State.value {
	case "closed":
		if reason == "" && is.pull == nil {
			reason = "completed"
		}
		rq.s.setClosed(rq.now, is, rq.actor.user, true, reason, "")
	case "open":
		was := is.state.last().closed
		rq.s.setClosed(rq.now, is, rq.actor.user, false, "", "")
		if is.pull != nil && was {
			rq.s.pullOpened(rq.ctx, rq.now, is)
		}
	}
}

// check is what GitHub finds wrong with an edit.
func (in *issueInput) check(is *issue, resource string) []fieldError {
	errs := textErrors(resource, in.Title.pointer(), in.Body.pointer())
	if in.State.set && in.State.value != "open" && in.State.value != "closed" {
		errs = append(errs, fieldError{Resource: resource, Field: "state", Code: "invalid", Value: in.State.value})
	}
	if in.StateReason.set && !in.StateReason.null &&
		!slices.Contains([]string{"completed", "not_planned", "duplicate", "reopened"}, in.StateReason.value) {
		errs = append(errs, fieldError{Resource: resource, Field: "state_reason", Code: "invalid", Value: in.StateReason.value})
	}
	return errs
}

func lockIssue(rq *request) response   { return rq.setLocked(true) }
func unlockIssue(rq *request) response { return rq.setLocked(false) }

func (rq *request) setLocked(locked bool) response {
	is := rq.repo.issueAt(rq.number("number"), rq.now)
	if is == nil {
		return notFound()
	}
	if is.state.last().locked != locked {
		is.edit(rq.now, func(st *issueState) { st.locked = locked })
		rq.s.addEvent(rq.now, is, rq.actor.user, event{kind: map[bool]string{true: "locked", false: "unlocked"}[locked]})
	}
	return noContent()
}

func addAssignees(rq *request) response {
	return rq.changeAssignees(http.StatusCreated, func(now, named []*user) []*user {
		for _, u := range named {
			if !slices.Contains(now, u) && len(now) < 10 {
				now = append(now, u)
			}
		}
		return now
	})
}

func removeAssignees(rq *request) response {
	return rq.changeAssignees(http.StatusOK, func(now, named []*user) []*user {
		return slices.DeleteFunc(now, func(u *user) bool { return slices.Contains(named, u) })
	})
}

func (rq *request) changeAssignees(status int, next func(now, named []*user) []*user) response {
	is := rq.repo.issueAt(rq.number("number"), rq.now)
	if is == nil {
		return notFound()
	}
	var in struct {
		Assignees []string `json:"assignees"`
	}
	if no := rq.decode(&in); no != nil {
		return *no
	}
	if rq.may("issues", Write) { // else they are dropped without a word
		now := slices.Clone(is.state.last().assignees)
		rq.s.setAssignees(rq.now, is, rq.actor.user, next(now, rq.assignable(in.Assignees)))
	}
	return response{status: status, body: rq.issue(is)}
}
