package fakehub

import (
	"strconv"
	"time"
)

// jsonEvent is an event of an issue; which members there are depends on its kind.
type jsonEvent struct {
	ID        int64           `json:"id"`
	NodeID    string          `json:"node_id"`
	URL       string          `json:"url"`
	Actor     any             `json:"actor"`
	Event     string          `json:"event"`
	CommitID  *string         `json:"commit_id"`
	CommitURL *string         `json:"commit_url"`
	CreatedAt time.Time       `json:"created_at"`
	Label     *jsonEventLabel `json:"label,omitempty"`
	Rename    *jsonRename     `json:"rename,omitempty"`
	Assignee  any             `json:"assignee,omitempty"`
	Assigner  any             `json:"assigner,omitempty"`
	LockCause *lockCause      `json:"lock_reason,omitempty"`
	Issue     *jsonIssue      `json:"issue,omitempty"` // in lists of a whole repository
	App       any             `json:"performed_via_github_app"`
}

type jsonEventLabel struct {
	Name  string `json:"name"`
	Color string `json:"color"`
}

type jsonRename struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// A lockCause is null, but there.
type lockCause struct{}

// MarshalJSON gives null.
func (*lockCause) MarshalJSON() ([]byte, error) { return []byte("null"), nil }

func (rq *request) event(e *event) *jsonEvent {
	id := strconv.FormatInt(e.id, 10)
	out := &jsonEvent{
		ID: e.id, NodeID: nodeID("IssueEvent", e.id), URL: rq.site.repo(e.issue.repo) + "/issues/events/" + id,
		Actor: rq.user(e.actor), Event: e.kind, CreatedAt: jsonTime(e.created),
	}
	if e.commit != "" {
		out.CommitID, out.CommitURL = new(e.commit), new(rq.site.repo(e.issue.repo)+"/commits/"+e.commit)
	}
	switch e.kind {
	case "renamed":
		out.Rename = &jsonRename{e.from, e.to}
	case "labeled", "unlabeled":
		out.Label = &jsonEventLabel{e.label.name, e.label.color}
	case "assigned", "unassigned":
		out.Assignee, out.Assigner = rq.user(e.assignee), rq.user(e.actor)
	case "locked", "unlocked":
		out.LockCause = &lockCause{}
	}
	return out
}

// jsonReview is a review of a pull request, also in the timeline.
type jsonReview struct {
	ID                int64           `json:"id"`
	NodeID            string          `json:"node_id"`
	User              any             `json:"user"`
	Body              string          `json:"body"`
	State             string          `json:"state"`
	HTMLURL           string          `json:"html_url"`
	PullRequestURL    string          `json:"pull_request_url"`
	AuthorAssociation string          `json:"author_association"`
	Links             jsonReviewLinks `json:"_links"`
	SubmittedAt       time.Time       `json:"submitted_at"`
	CommitID          string          `json:"commit_id"`
	Event             string          `json:"event,omitempty"`
}

// A jsonLink is one of the _links.
type jsonLink struct {
	Href string `json:"href"`
}

// jsonReviewLinks are the _links of a review.
type jsonReviewLinks struct {
	HTML        jsonLink `json:"html"`
	PullRequest jsonLink `json:"pull_request"`
}

func (rq *request) review(is *issue, r *review) *jsonReview {
	html := rq.site.issueHTML(is, true) + "#pullrequestreview-" + strconv.FormatInt(r.id, 10)
	url := rq.site.pull(is)
	return &jsonReview{
		ID: r.id, NodeID: nodeID("PullRequestReview", r.id), User: rq.user(r.author), Body: r.body, State: r.state,
		HTMLURL: html, PullRequestURL: url, AuthorAssociation: association(is.repo, r.author),
		Links: jsonReviewLinks{HTML: jsonLink{html}, PullRequest: jsonLink{url}}, SubmittedAt: jsonTime(r.created), CommitID: r.commit,
	}
}
