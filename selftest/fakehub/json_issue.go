package fakehub

import (
	"strconv"
	"time"
)

// jsonIssue is an issue or the issue side of a pull request.
type jsonIssue struct {
	URL               string         `json:"url"`
	RepositoryURL     string         `json:"repository_url"`
	LabelsURL         string         `json:"labels_url"`
	CommentsURL       string         `json:"comments_url"`
	EventsURL         string         `json:"events_url"`
	HTMLURL           string         `json:"html_url"`
	ID                int64          `json:"id"`
	NodeID            string         `json:"node_id"`
	Number            int            `json:"number"`
	Title             string         `json:"title"`
	User              any            `json:"user"`
	Labels            []any          `json:"labels"`
	State             string         `json:"state"`
	Locked            bool           `json:"locked"`
	Assignee          any            `json:"assignee"`
	Assignees         []any          `json:"assignees"`
	Milestone         any            `json:"milestone"`
	Comments          int            `json:"comments"`
	CreatedAt         time.Time      `json:"created_at"`
	UpdatedAt         time.Time      `json:"updated_at"`
	ClosedAt          *time.Time     `json:"closed_at"`
	AuthorAssociation string         `json:"author_association"`
	ActiveLockReason  *string        `json:"active_lock_reason"`
	Draft             *bool          `json:"draft,omitempty"`
	PullRequest       *jsonPullLinks `json:"pull_request,omitempty"`
	Body              *string        `json:"body"`
	ClosedBy          any            `json:"closed_by"`
	Reactions         jsonReactions  `json:"reactions"`
	TimelineURL       string         `json:"timeline_url"`
	App               any            `json:"performed_via_github_app"`
	StateReason       *string        `json:"state_reason"`
	Score             *float64       `json:"score,omitempty"` // of a search
}

// jsonPullLinks marks an issue as a pull request.
type jsonPullLinks struct {
	URL      string     `json:"url"`
	HTMLURL  string     `json:"html_url"`
	DiffURL  string     `json:"diff_url"`
	PatchURL string     `json:"patch_url"`
	MergedAt *time.Time `json:"merged_at"`
}

// jsonReactions counts the reactions; those of issues are none here.
type jsonReactions struct {
	URL      string `json:"url"`
	Total    int    `json:"total_count"`
	PlusOne  int    `json:"+1"`
	MinusOne int    `json:"-1"`
	Laugh    int    `json:"laugh"`
	Hooray   int    `json:"hooray"`
	Confused int    `json:"confused"`
	Heart    int    `json:"heart"`
	Rocket   int    `json:"rocket"`
	Eyes     int    `json:"eyes"`
}

// stateWord is "open" or "closed".
func stateWord(closed bool) string {
	if closed {
		return "closed"
	}
	return "open"
}

// issue encodes what a read as of this request's time finds.
func (rq *request) issue(is *issue) *jsonIssue {
	at := rq.asOf(issueDomain)
	st, _ := is.state.at(at)
	url, isPull := rq.site.issue(is), is.isPull(at)
	out := &jsonIssue{
		URL: url, RepositoryURL: rq.site.repo(is.repo), LabelsURL: url + "/labels{/name}", CommentsURL: url + "/comments",
		EventsURL: url + "/events", HTMLURL: rq.site.issueHTML(is, isPull), ID: is.id, NodeID: nodeID("Issue", is.id),
		Number: is.number, Title: st.title, User: rq.user(is.author), Labels: rq.labels(is.repo, st.labels),
		State: stateWord(st.closed), Locked: st.locked, Assignees: rq.users(st.assignees), Comments: len(rq.comments(is)),
		CreatedAt: jsonTime(is.created), UpdatedAt: jsonTime(st.updated), ClosedAt: timeOrNull(st.closedAt),
		AuthorAssociation: association(is.repo, is.author), Body: st.body, ClosedBy: rq.user(st.closedBy),
		Reactions: jsonReactions{URL: url + "/reactions"}, TimelineURL: url + "/timeline", StateReason: orNull(st.reason),
	}
	if len(st.assignees) > 0 {
		out.Assignee = rq.user(st.assignees[0])
	}
	if isPull {
		p, _ := is.pull.state.at(rq.asOf(pullDomain))
		html := rq.site.issueHTML(is, true)
		out.Draft = new(p.draft)
		out.PullRequest = &jsonPullLinks{rq.site.pull(is), html, html + ".diff", html + ".patch", timeOrNull(p.mergedAt)}
	}
	return out
}

// comments are those of an issue that a read finds, without the deleted ones.
func (rq *request) comments(is *issue) []*comment {
	at := rq.asOf(commentDomain)
	return liveComments(is.comments.upTo(at), at)
}

// liveComments drops what is deleted as of t. The list is copied only then.
func liveComments(list []*comment, t time.Time) []*comment {
	for i, c := range list {
		if st, _ := c.state.at(t); st.deleted {
			live := append([]*comment(nil), list[:i]...)
			for _, c := range list[i+1:] {
				if st, _ := c.state.at(t); !st.deleted {
					live = append(live, c)
				}
			}
			return live
		}
	}
	return list
}

// jsonComment is a comment of an issue.
type jsonComment struct {
	URL               string        `json:"url"`
	HTMLURL           string        `json:"html_url"`
	IssueURL          string        `json:"issue_url"`
	ID                int64         `json:"id"`
	NodeID            string        `json:"node_id"`
	User              any           `json:"user"`
	CreatedAt         time.Time     `json:"created_at"`
	UpdatedAt         time.Time     `json:"updated_at"`
	AuthorAssociation string        `json:"author_association"`
	Body              string        `json:"body"`
	Reactions         jsonReactions `json:"reactions"`
	App               any           `json:"performed_via_github_app"`
	Event             string        `json:"event,omitempty"` // in the timeline
	Actor             any           `json:"actor,omitempty"`
}

func (rq *request) comment(c *comment) *jsonComment {
	st, _ := c.state.at(rq.asOf(commentDomain))
	id := strconv.FormatInt(c.id, 10)
	url := rq.site.repo(c.issue.repo) + "/issues/comments/" + id
	return &jsonComment{
		URL: url, HTMLURL: rq.site.issueHTML(c.issue, c.issue.isPull(rq.now)) + "#issuecomment-" + id, IssueURL: rq.site.issue(c.issue),
		ID: c.id, NodeID: nodeID("IssueComment", c.id), User: rq.user(c.author), CreatedAt: jsonTime(c.created),
		UpdatedAt: jsonTime(st.updated), AuthorAssociation: association(c.issue.repo, c.author), Body: st.body,
		Reactions: rq.reactions(c, url+"/reactions"),
	}
}
