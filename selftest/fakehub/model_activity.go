package fakehub

import (
	"strconv"
	"strings"
	"time"
)

// An activity is an entry of the repository's public event list.
type activity struct {
	id      int64
	repo    *repo
	kind    string // "PushEvent", "IssuesEvent", …
	actor   *user
	created time.Time
	action  string   // of an IssuesEvent, PullRequestEvent, IssueCommentEvent
	issue   *issue   // of the same
	comment *comment // of an IssueCommentEvent
	ref     refChange
}

func (s *Server) addActivity(now time.Time, r *repo, by *user, a activity) {
	a.id, a.repo, a.actor, a.created = s.nextID(), r, by, s.stamp(now)
	r.activity.add(now, now, &a)
}

// noteIssue enters that an issue or pull request was opened, closed or reopened.
func (s *Server) noteIssue(now time.Time, is *issue, by *user, action string) {
	kind := "IssuesEvent"
	if is.pull != nil {
		kind = "PullRequestEvent"
	}
	s.addActivity(now, is.repo, by, activity{kind: kind, action: action, issue: is})
}

// noteComment enters a new comment.
func (s *Server) noteComment(now time.Time, c *comment) {
	s.addActivity(now, c.issue.repo, c.author, activity{kind: "IssueCommentEvent", action: "created", issue: c.issue, comment: c})
}

// noteRefs enters what happened to branches and tags.
func (s *Server) noteRefs(now time.Time, r *repo, by *user, moved []refChange) {
	for _, c := range moved {
		if !strings.HasPrefix(c.name, "refs/heads/") && !strings.HasPrefix(c.name, "refs/tags/") {
			continue
		}
		kind := "PushEvent"
		switch zeroOID {
		case c.old:
			kind = "CreateEvent"
		case c.new:
			kind = "DeleteEvent"
		}
		s.addActivity(now, r, by, activity{kind: kind, ref: c})
	}
}

// jsonActivity is an entry of /events.
type jsonActivity struct {
	ID        string    `json:"id"`
	Type      string    `json:"type"`
	Actor     any       `json:"actor"`
	Repo      any       `json:"repo"`
	Payload   any       `json:"payload"`
	Public    bool      `json:"public"`
	CreatedAt time.Time `json:"created_at"`
}

type jsonActor struct {
	ID           int64  `json:"id"`
	Login        string `json:"login"`
	DisplayLogin string `json:"display_login"`
	GravatarID   string `json:"gravatar_id"`
	URL          string `json:"url"`
	AvatarURL    string `json:"avatar_url"`
}

type jsonActivityRepo struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
	URL  string `json:"url"`
}

func (rq *request) activity(a *activity) *jsonActivity {
	out := &jsonActivity{
		ID: strconv.FormatInt(a.id, 10), Type: a.kind, Public: !a.repo.private, CreatedAt: jsonTime(a.created),
		Repo: jsonActivityRepo{a.repo.id, a.repo.fullName(), rq.site.repo(a.repo)}, Payload: rq.payload(a),
	}
	if a.actor != nil {
		login := a.actor.login
		out.Actor = jsonActor{a.actor.id, login, login, "", rq.site.user(a.actor), rq.site.avatar(a.actor)}
	}
	return out
}

// payload is what an activity is about.
func (rq *request) payload(a *activity) any {
	switch a.kind {
	case "IssuesEvent", "IssueCommentEvent":
		p := map[string]any{"action": a.action, "issue": rq.issue(a.issue)}
		if a.comment != nil {
			p["comment"] = rq.comment(a.comment)
		}
		return p
	case "PullRequestEvent":
		return map[string]any{"action": a.action, "number": a.issue.number, "pull_request": rq.pullMinimal(a.issue)}
	case "PushEvent":
		return map[string]any{
			"repository_id": a.repo.id, "push_id": a.id, "ref": a.ref.name, "head": a.ref.new, "before": a.ref.old,
		}
	}
	kind, name := "branch", strings.TrimPrefix(a.ref.name, "refs/heads/")
	if tag, isTag := strings.CutPrefix(a.ref.name, "refs/tags/"); isTag {
		kind, name = "tag", tag
	}
	return map[string]any{"ref": name, "ref_type": kind, "pusher_type": "user"}
}
