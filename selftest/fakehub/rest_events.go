package fakehub

import (
	"net/http"
	"slices"
	"time"
)

// eventRoutes is the history of issues and of the repository.
func eventRoutes() []route {
	const root = "/repos/{owner}/{repo}"
	reads := right{area: "issues", need: Read}
	return []route{
		{method: get, pattern: root + "/issues/{number}/events", handle: issueEvents, right: reads, scopes: "repo", docs: "issues/events#list-issue-events"},
		{method: get, pattern: root + "/issues/events", handle: repoIssueEvents, right: reads, scopes: "repo", docs: "issues/events#list-issue-events-for-a-repository"},
		{method: get, pattern: root + "/issues/events/{id}", handle: getEvent, right: reads, scopes: "repo", docs: "issues/events#get-an-issue-event"},
		{method: get, pattern: root + "/issues/{number}/timeline", handle: timeline, right: reads, scopes: "repo", docs: "issues/timeline#list-timeline-events-for-an-issue"},
		{method: get, pattern: root + "/events", handle: repoEvents, right: right{area: "metadata", need: Read}, docs: "activity/events#list-repository-events"},
	}
}

func issueEvents(rq *request) response {
	is := rq.repo.issueAt(rq.number("number"), rq.asOf(issueDomain))
	if is == nil {
		return notFound()
	}
	return listed(rq, is.events.upTo(rq.asOf(eventDomain)), func(e *event) any { return rq.event(e) })
}

// repoIssueEvents lists newest first, unlike the list of one issue.
func repoIssueEvents(rq *request) response {
	list := slices.Clone(rq.repo.events.upTo(rq.asOf(eventDomain)))
	slices.Reverse(list)
	return listed(rq, list, func(e *event) any { return rq.eventWithIssue(e) })
}

func (rq *request) eventWithIssue(e *event) *jsonEvent {
	out := rq.event(e)
	out.Issue = rq.issue(e.issue)
	return out
}

func getEvent(rq *request) response {
	id := rq.number("id")
	for _, e := range rq.repo.events.upTo(rq.asOf(eventDomain)) {
		if e.id == id {
			return ok(rq.eventWithIssue(e))
		}
	}
	return notFound()
}

// timeline mixes events, comments and reviews by time. Their ids are of
// different series on GitHub, so nobody may order by them.
func timeline(rq *request) response {
	is := rq.repo.issueAt(rq.number("number"), rq.asOf(issueDomain))
	if is == nil {
		return notFound()
	}
	type entry struct {
		created time.Time
		encode  func() any
	}
	var list []entry
	for _, e := range is.events.upTo(rq.asOf(eventDomain)) {
		list = append(list, entry{e.created, func() any { return rq.event(e) }})
	}
	for _, c := range rq.comments(is) {
		list = append(list, entry{c.created, func() any {
			out := rq.comment(c)
			out.Event, out.Actor = "commented", out.User
			return out
		}})
	}
	for _, r := range is.reviews.upTo(rq.asOf(commentDomain)) {
		list = append(list, entry{r.created, func() any {
			out := rq.review(is, r)
			out.Event = "reviewed"
			return out
		}})
	}
	slices.SortStableFunc(list, func(a, b entry) int { return a.created.Compare(b.created) })
	return listed(rq, list, func(e entry) any { return e.encode() })
}

// Limits of the list of a repository's activity.
const (
	maxActivity  = 300
	activitySpan = 30 * 24 * time.Hour
)

func repoEvents(rq *request) response {
	list := slices.Clone(rq.repo.activity.upTo(rq.asOf(eventDomain)))
	slices.Reverse(list)
	list = list[:min(len(list), maxActivity)]
	list = slices.DeleteFunc(list, func(a *activity) bool { return rq.now.Sub(a.created) > activitySpan })
	r := listed(rq, list, func(a *activity) any { return rq.activity(a) })
	r.pollInterval = 60
	if r.status == http.StatusOK && len(list) > 0 {
		r.lastModified = list[0].created
	}
	return r
}
