package fakehub

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A found issue is one with its state as of the read.
type foundIssue struct {
	is *issue
	st issueState
}

// issuesAt lists all issues and pull requests that exist as of t.
func (r *repo) issuesAt(t time.Time) []foundIssue {
	list := make([]foundIssue, 0, len(r.issues))
	for _, is := range r.issues {
		if st, found := is.state.at(t); found {
			list = append(list, foundIssue{is, st})
		}
	}
	return list
}

// An issueFilter says which issues a list has; nil takes all.
type issueFilter func(foundIssue) bool

// listIssues lists issues and pull requests.
func listIssues(rq *request) response {
	filters := []issueFilter{byState(rq.arg("state")), byLabels(rq.arg("labels"))}
	if since := rq.arg("since"); since != "" {
		t, err := time.Parse(time.RFC3339, since)
		if err != nil {
			return rq.invalid(fieldError{Resource: "Issue", Field: "since", Code: "invalid", Value: since})
		}
		filters = append(filters, bySince(t))
	}
	if login := rq.arg("creator"); login != "" {
		filters = append(filters, func(f foundIssue) bool { return strings.EqualFold(f.is.author.login, login) })
	}
	if login := rq.arg("assignee"); login != "" && login != "*" {
		filters = append(filters, byAssignee(login))
	} else if login == "*" {
		filters = append(filters, func(f foundIssue) bool { return len(f.st.assignees) > 0 })
	}
	if m := rq.arg("milestone"); m != "" && m != "none" { // there are no milestones here
		filters = append(filters, func(foundIssue) bool { return false })
	}
	if state := rq.arg("state"); state != "" && state != "open" && state != "closed" && state != "all" {
		return rq.invalid(fieldError{Resource: "Issue", Field: "state", Code: "invalid", Value: state})
	}
	list := keep(rq.repo.issuesAt(rq.asOf(issueDomain)), filters)
	rq.sortIssues(list)
	from, to, link := rq.page(len(list))
	out := make([]any, 0, to-from)
	for _, f := range list[from:to] {
		out = append(out, rq.issue(f.is))
	}
	return response{status: http.StatusOK, body: out, link: link}
}

// keep drops what any filter does not want.
func keep(list []foundIssue, filters []issueFilter) []foundIssue {
	return slices.DeleteFunc(list, func(f foundIssue) bool {
		return slices.ContainsFunc(filters, func(wants issueFilter) bool { return wants != nil && !wants(f) })
	})
}

func byState(state string) issueFilter {
	if state == "all" {
		return nil
	}
	return func(f foundIssue) bool { return f.st.closed == (state == "closed") }
}

// byLabels wants all of a comma-separated list.
func byLabels(names string) issueFilter {
	if names == "" {
		return nil
	}
	want := strings.Split(names, ",")
	return func(f foundIssue) bool {
		for _, name := range want {
			if !slices.ContainsFunc(f.st.labels, func(l *label) bool { return strings.EqualFold(l.name, strings.TrimSpace(name)) }) {
				return false
			}
		}
		return true
	}
}

func bySince(t time.Time) issueFilter {
	return func(f foundIssue) bool { return !jsonTime(f.st.updated).Before(t) }
}

func byAssignee(login string) issueFilter {
	if login == "none" {
		return func(f foundIssue) bool { return len(f.st.assignees) == 0 }
	}
	return func(f foundIssue) bool {
		return slices.ContainsFunc(f.st.assignees, func(u *user) bool { return strings.EqualFold(u.login, login) })
	}
}

// sortIssues orders by what the request asks for: created, updated or comments,
// newest first unless it says "asc".
func (rq *request) sortIssues(list []foundIssue) {
	order := func(a, b foundIssue) int { return a.is.number - b.is.number }
	switch by := rq.arg("sort"); by {
	case "updated", "comments":
		key := func(f foundIssue) int64 { return f.st.updated.UnixNano() }
		if by == "comments" {
			key = func(f foundIssue) int64 { return int64(len(rq.comments(f.is))) }
		}
		byNumber := order
		order = func(a, b foundIssue) int { return cmp.Or(cmp.Compare(key(a), key(b)), byNumber(a, b)) }
	}
	if rq.arg("direction") != "asc" {
		up := order
		order = func(a, b foundIssue) int { return up(b, a) }
	}
	slices.SortStableFunc(list, order)
}
