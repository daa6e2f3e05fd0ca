package fakehub

import (
	"errors"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-github/v57/github"
)

// signed adds a token to each request, as an independent client would.
type signed struct {
	token string
	next  http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (s signed) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+s.token)
	return s.next.RoundTrip(r)
}

// client is go-github, which was written against the real GitHub.
func (h *hub) client(login string) *github.Client {
	h.t.Helper()
	c := github.NewClient(&http.Client{Transport: signed{login + "-token", h.s.Transport()}})
	base, err := url.Parse("http://hub.test/api/v3/")
	h.must(err)
	c.BaseURL = base
	return c
}

// TestGoGitHub lets go-github do what a bot does.
func TestGoGitHub(t *testing.T) {
	h := newHub(t, Options{Limits: GitHubLimits()})
	ctx, c := t.Context(), h.client("bot")
	head := h.commit("topic", "f", "1\n")

	repo, _, err := c.Repositories.Get(ctx, "acme", "widget")
	h.must(err)
	if repo.GetDefaultBranch() != "main" || !repo.GetPermissions()["push"] || repo.GetPermissions()["admin"] {
		t.Errorf("repository: %v", repo)
	}
	issue, _, err := c.Issues.Create(ctx, "acme", "widget", &github.IssueRequest{
		Title: new("chore"), Body: new(" * [ ] x"), Labels: &[]string{"bot"},
	})
	h.must(err)
	_, _, err = c.Issues.Edit(ctx, "acme", "widget", issue.GetNumber(), &github.IssueRequest{Title: new("WIP: bot: chore")})
	h.must(err)
	events, _, err := c.Issues.ListIssueEvents(ctx, "acme", "widget", issue.GetNumber(), nil)
	h.must(err)
	if len(events) != 2 || events[1].GetEvent() != "renamed" || events[1].GetRename().GetTo() != "WIP: bot: chore" || events[0].GetLabel().GetName() != "bot" {
		t.Errorf("events: %v", events)
	}
	pull, _, err := c.PullRequests.Create(ctx, "acme", "widget", &github.NewPullRequest{
		Issue: new(issue.GetNumber()), Head: new("topic"), Base: new("main"),
	})
	h.must(err)
	if pull.GetNumber() != issue.GetNumber() || pull.GetHead().GetSHA() != head || !pull.GetMergeable() {
		t.Errorf("pull request: %v", pull)
	}
	for _, state := range []string{"pending", "success"} {
		st, _, err := c.Repositories.CreateStatus(ctx, "acme", "widget", head, &github.RepoStatus{
			State: new(state), Context: new("verify"), Description: new("x"), TargetURL: new("https://logs/1"),
		})
		h.must(err)
		if st.GetID() == 0 || st.GetCreator().GetLogin() != "bot" || time.Since(st.GetCreatedAt().Time) > time.Minute {
			t.Errorf("status: %v", st)
		}
	}
	list, res, err := c.Repositories.ListStatuses(ctx, "acme", "widget", head, &github.ListOptions{PerPage: 1})
	h.must(err)
	if len(list) != 1 || list[0].GetState() != "success" || res.NextPage != 2 || res.LastPage != 2 || res.Rate.Limit != 5000 {
		t.Errorf("statuses: %v, %v", list, res)
	}
	combined, _, err := c.Repositories.GetCombinedStatus(ctx, "acme", "widget", head, nil)
	h.must(err)
	if combined.GetState() != "success" || combined.GetTotalCount() != 1 {
		t.Errorf("combined: %v", combined)
	}
	merged, _, err := h.client("owner").PullRequests.Merge(ctx, "acme", "widget", pull.GetNumber(), "", nil)
	h.must(err)
	if !merged.GetMerged() {
		t.Errorf("merge: %v", merged)
	}
}

// TestGoGitHubErrors: go-github reads our refusals.
func TestGoGitHubErrors(t *testing.T) {
	h := newHub(t, Options{})
	ctx, c := t.Context(), h.client("bot")
	h.newIssue("owner", "x")
	_, err := c.Issues.RemoveLabelForIssue(ctx, "acme", "widget", 1, "nothing")
	if e, ok := errors.AsType[*github.ErrorResponse](err); !ok || e.Response.StatusCode != 404 || e.Message != "Label does not exist" {
		t.Errorf("error: %v", err)
	}
	_, _, err = c.Repositories.CreateStatus(ctx, "acme", "widget", h.sha, &github.RepoStatus{State: new("nonsense")})
	if e, ok := errors.AsType[*github.ErrorResponse](err); !ok || len(e.Errors) != 1 || e.Errors[0].Field != "state" {
		t.Errorf("error: %v", err)
	}
}

// TestGoGitHubLimits: go-github takes our refusals for what they are.
func TestGoGitHubLimits(t *testing.T) {
	h := newHub(t, Options{Limits: Limits{Primary: 2, Points: 1000}})
	c := h.client("bot")
	for range 2 {
		_, _, err := c.Repositories.Get(t.Context(), "acme", "widget")
		h.must(err)
	}
	// The client itself holds back, so another one asks.
	_, _, err := h.client("bot").Repositories.Get(t.Context(), "acme", "widget")
	if e, ok := errors.AsType[*github.RateLimitError](err); !ok || e.Rate.Remaining != 0 || e.Rate.Limit != 2 {
		t.Errorf("primary: %v", err)
	}
	h = newHub(t, Options{Limits: Limits{Primary: 1000, Points: 2}})
	c = h.client("bot")
	for range 2 {
		_, _, err := c.Repositories.Get(t.Context(), "acme", "widget")
		h.must(err)
	}
	_, _, err = c.Repositories.Get(t.Context(), "acme", "widget")
	if e, ok := errors.AsType[*github.AbuseRateLimitError](err); !ok || e.GetRetryAfter() != time.Minute {
		t.Errorf("secondary: %v", err)
	}
}
