package hub

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/google/go-github/v57/github"
)

// Pull reads one pull request. An answer older than one before is asked for again, and then is a *StaleError.
func (c *Client) Pull(ctx context.Context, repo Repo, n int) (Pull, error) {
	if err := checkNumber(repo, n); err != nil {
		return Pull{}, fmt.Errorf("read pull request: %w", err)
	}
	p, err := fresh(ctx, c.guard, issueKey(repo, n), func(p Pull) time.Time { return p.UpdatedAt }, func() (Pull, error) {
		in, _, _, err := read(ctx, func(ctx context.Context) (*github.PullRequest, *github.Response, error) {
			return c.gh.PullRequests.Get(ctx, repo.Owner, repo.Name, n)
		})
		if err != nil {
			return Pull{}, err
		}
		if in.GetNumber() != n {
			return Pull{}, fmt.Errorf("the answer is about number %d", in.GetNumber())
		}
		return pullOf(in), nil
	})
	if err != nil {
		return p, fmt.Errorf("read pull request %s: %w", issueKey(repo, n), err)
	}
	return p, nil
}

// Pulls lists pull requests, newest first. One that is older than this client has seen it is marked Stale. To see what there is to do,
// Scan is far cheaper; this is for finding one by its branch.
func (c *Client) Pulls(ctx context.Context, repo Repo, f PullFilter) ([]Pull, error) {
	opts := &github.PullRequestListOptions{
		State: orOpen(f.State), Head: f.Head, Base: f.Base, Sort: "created", Direction: "desc",
	}
	asked := time.Now()
	list, err := pages(ctx, repo, fullPage, 0, func(ctx context.Context, o github.ListOptions) ([]*github.PullRequest, *github.Response, error) {
		opts.ListOptions = o
		return c.gh.PullRequests.List(ctx, repo.Owner, repo.Name, opts)
	})
	if err != nil {
		return nil, fmt.Errorf("list pull requests of %s: %w", repo, err)
	}
	pulls := make([]Pull, 0, len(list))
	for _, in := range list {
		p := pullOf(in)
		if p.Number == 0 {
			continue
		}
		_, p.Stale = c.guard.note(issueKey(repo, p.Number), p.UpdatedAt, asked)
		pulls = append(pulls, p)
	}
	return pulls, nil
}

// CreatePull opens a pull request. GitHub refuses (422) a second one for the same branches.
func (c *Client) CreatePull(ctx context.Context, repo Repo, in NewPull) (Pull, error) {
	err := checkTexts(repo, in.Title, in.Body)
	var out Pull
	if err == nil {
		out, err = c.createPull(ctx, repo, &github.NewPullRequest{
			Title: &in.Title, Body: &in.Body, Head: &in.Head, Base: &in.Base, Draft: &in.Draft, MaintainerCanModify: &in.Maintain,
		})
	}
	if err != nil {
		return Pull{}, fmt.Errorf("create pull request of %s in %s: %w", cut(in.Head, 200), repo, err)
	}
	return out, nil
}

// ConvertIssue turns issue n into a pull request: number, title, text, labels and comments stay. The second conversion of an issue is
// refused (422), so that of several bots one wins.
func (c *Client) ConvertIssue(ctx context.Context, repo Repo, n int, in NewPull) (Pull, error) {
	err := checkNumber(repo, n)
	var out Pull
	if err == nil {
		out, err = c.createPull(ctx, repo, &github.NewPullRequest{
			Issue: &n, Head: &in.Head, Base: &in.Base, Draft: &in.Draft, MaintainerCanModify: &in.Maintain,
		})
	}
	if err == nil && out.Number != n {
		err = unasked(http.MethodPost, "pulls", "number %d", out.Number)
	}
	if err != nil {
		return Pull{}, fmt.Errorf("turn issue %s into a pull request of %s: %w", issueKey(repo, n), cut(in.Head, 200), err)
	}
	return out, nil
}

func (c *Client) createPull(ctx context.Context, repo Repo, in *github.NewPullRequest) (Pull, error) {
	out, err := write(ctx, func(ctx context.Context) (*github.PullRequest, *github.Response, error) {
		return c.gh.PullRequests.Create(ctx, repo.Owner, repo.Name, in)
	})
	if err != nil {
		return Pull{}, err
	}
	p := pullOf(out)
	if p.Number == 0 || p.BaseRef != in.GetBase() {
		return Pull{}, unasked(http.MethodPost, "pulls", "number %d, onto %q", p.Number, cut(p.BaseRef, 100))
	}
	c.guard.note(issueKey(repo, p.Number), p.UpdatedAt, time.Now())
	return p, nil
}

func pullOf(in *github.PullRequest) Pull {
	if in == nil { // a null in a list
		return Pull{}
	}
	head, base := in.GetHead(), in.GetBase()
	return Pull{
		Number: in.GetNumber(), Title: in.GetTitle(), Body: in.GetBody(), State: in.GetState(),
		Merged: in.GetMerged() || !in.GetMergedAt().Time.IsZero(), Draft: in.GetDraft(), Labels: labelNames(in.Labels),
		Author: in.GetUser().GetLogin(), Association: in.GetAuthorAssociation(),
		HeadSHA: head.GetSHA(), HeadRef: head.GetRef(), HeadRepo: head.GetRepo().GetFullName(),
		BaseRef: base.GetRef(), BaseSHA: base.GetSHA(), URL: in.GetHTMLURL(),
		CreatedAt: in.GetCreatedAt().Time.UTC(), UpdatedAt: in.GetUpdatedAt().Time.UTC(),
	}
}
