package hub

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/google/go-github/v57/github"
)

// Issues lists issues, pull requests among them, newest first. One that is older than this client has seen it is marked Stale.
func (c *Client) Issues(ctx context.Context, repo Repo, f IssueFilter) ([]Issue, error) {
	opts := &github.IssueListByRepoOptions{
		State: orOpen(f.State), Labels: f.Labels, Creator: f.Creator, Since: f.Since,
		Sort: "created", Direction: "desc",
	}
	size, asked := fullPage, time.Now()
	if f.Max > 0 {
		size = min(f.Max, fullPage)
	}
	list, err := pages(ctx, repo, size, f.Max, func(ctx context.Context, o github.ListOptions) ([]*github.Issue, *github.Response, error) {
		opts.ListOptions = o
		return c.gh.Issues.ListByRepo(ctx, repo.Owner, repo.Name, opts)
	})
	if err != nil {
		return nil, fmt.Errorf("list issues of %s: %w", repo, err)
	}
	issues := make([]Issue, 0, len(list))
	seen := map[int]bool{}
	for _, in := range list {
		i := issueOf(in)
		if i.Number == 0 || seen[i.Number] { // moved to the next page by a new one
			continue
		}
		seen[i.Number] = true
		_, i.Stale = c.guard.note(issueKey(repo, i.Number), i.UpdatedAt, asked)
		issues = append(issues, i)
	}
	return issues, nil
}

// Issue reads one issue. An answer older than one before is asked for again, and then is a *StaleError.
func (c *Client) Issue(ctx context.Context, repo Repo, n int) (Issue, error) {
	if err := checkNumber(repo, n); err != nil {
		return Issue{}, fmt.Errorf("read issue: %w", err)
	}
	i, err := fresh(ctx, c.guard, issueKey(repo, n), func(i Issue) time.Time { return i.UpdatedAt }, func() (Issue, error) {
		in, _, _, err := read(ctx, func(ctx context.Context) (*github.Issue, *github.Response, error) {
			return c.gh.Issues.Get(ctx, repo.Owner, repo.Name, n)
		})
		if err != nil {
			return Issue{}, err
		}
		if in.GetNumber() != n {
			return Issue{}, fmt.Errorf("the answer is about number %d", in.GetNumber())
		}
		return issueOf(in), nil
	})
	if err != nil {
		return i, fmt.Errorf("read issue %s: %w", issueKey(repo, n), err)
	}
	return i, nil
}

// CreateIssue files an issue. Labels are dropped by GitHub, without a word, if the account may not set them: look at the answer's.
// It notifies people, and is not idempotent: after an *AmbiguousError look for it by its title first.
func (c *Client) CreateIssue(ctx context.Context, repo Repo, in NewIssue) (Issue, error) {
	if err := checkTexts(repo, in.Title, in.Body); err != nil {
		return Issue{}, fmt.Errorf("create issue in %s: %w", repo, err)
	}
	out, err := write(ctx, func(ctx context.Context) (*github.Issue, *github.Response, error) {
		req := &github.IssueRequest{Title: &in.Title, Body: &in.Body}
		if len(in.Labels) > 0 {
			req.Labels = &in.Labels
		}
		return c.gh.Issues.Create(ctx, repo.Owner, repo.Name, req)
	})
	if err == nil && out.GetNumber() == 0 {
		err = unasked(http.MethodPost, "issues", "an issue without a number")
	}
	if err != nil {
		return Issue{}, fmt.Errorf("create issue in %s: %w", repo, err)
	}
	i := issueOf(out)
	c.guard.note(issueKey(repo, i.Number), i.UpdatedAt, time.Now())
	return i, nil
}

// EditIssue changes an issue or a pull request in one request. Repeating it changes nothing more.
func (c *Client) EditIssue(ctx context.Context, repo Repo, n int, e IssueEdit) (Issue, error) {
	fail := func(err error) (Issue, error) {
		return Issue{}, fmt.Errorf("edit issue %s: %w", issueKey(repo, n), err)
	}
	if err := checkNumber(repo, n); err != nil {
		return fail(err)
	}
	if err := checkTexts(repo, orElse(e.Title, "-"), orElse(e.Body, "")); err != nil {
		return fail(err)
	}
	out, err := write(ctx, func(ctx context.Context) (*github.Issue, *github.Response, error) {
		return c.gh.Issues.Edit(ctx, repo.Owner, repo.Name, n, &github.IssueRequest{
			Title: e.Title, Body: e.Body, State: e.State, StateReason: e.Reason, Labels: e.Labels,
		})
	})
	if err != nil {
		return fail(err)
	}
	if out.GetNumber() != n {
		return fail(unasked(http.MethodPatch, "issues", "issue %d", out.GetNumber()))
	}
	i := issueOf(out)
	c.guard.note(issueKey(repo, n), i.UpdatedAt, time.Now())
	return i, nil
}

// GitHub's limits, as its refusals state them.
const (
	longestTitle = 256
	longestText  = 65_536
)

// checkTexts refuses what GitHub would refuse, before it is sent.
func checkTexts(repo Repo, title, body string) error {
	if err := repo.check(); err != nil {
		return err
	}
	if n := len([]rune(title)); n == 0 || n > longestTitle {
		return fmt.Errorf("the title has %d characters, github takes 1 to %d", n, longestTitle)
	}
	if n := len([]rune(body)); n > longestText {
		return fmt.Errorf("the text has %d characters, github takes %d", n, longestText)
	}
	return nil
}

func checkNumber(repo Repo, n int) error {
	if n <= 0 {
		return fmt.Errorf("%d is no number of an issue", n)
	}
	return repo.check()
}

func orElse(s *string, other string) string {
	if s == nil {
		return other
	}
	return *s
}

func orOpen(state string) string {
	if state == "" {
		return "open"
	}
	return state
}

func issueOf(in *github.Issue) Issue {
	if in == nil { // a null in a list
		return Issue{}
	}
	return Issue{
		Number: in.GetNumber(), Title: in.GetTitle(), Body: in.GetBody(), State: in.GetState(),
		Labels: labelNames(in.Labels), Author: in.GetUser().GetLogin(), Association: in.GetAuthorAssociation(),
		Pull: in.IsPullRequest(), Locked: in.GetLocked(), Comments: in.GetComments(), URL: in.GetHTMLURL(),
		CreatedAt: in.GetCreatedAt().Time.UTC(), UpdatedAt: in.GetUpdatedAt().Time.UTC(), ClosedAt: in.GetClosedAt().Time.UTC(),
	}
}

func labelNames(labels []*github.Label) []string {
	var names []string
	for _, l := range labels {
		if l.GetName() != "" {
			names = append(names, l.GetName())
		}
	}
	return names
}
