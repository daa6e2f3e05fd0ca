package hub

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/go-github/v57/github"
)

// A Branch is the tip of one.
type Branch struct {
	Name string
	SHA  string
}

// mostBranches bounds what is read of a repository with very many.
const mostBranches = 1000

// Branches lists the branches whose name begins with a prefix, by name. Asking again costs nothing while none of them moves.
func (c *Client) Branches(ctx context.Context, repo Repo, prefix string) ([]Branch, error) {
	ref := "heads/" + prefix
	err := repo.check()
	var list []*github.Reference
	if err == nil {
		list, err = pages(ctx, repo, fullPage, mostBranches, func(ctx context.Context, o github.ListOptions) ([]*github.Reference, *github.Response, error) {
			return c.gh.Git.ListMatchingRefs(ctx, repo.Owner, repo.Name, &github.ReferenceListOptions{Ref: ref, ListOptions: o})
		})
	}
	if err != nil {
		return nil, fmt.Errorf("list branches %s* of %s: %w", cut(prefix, 200), repo, err)
	}
	var branches []Branch
	for _, r := range list {
		name, ok := strings.CutPrefix(r.GetRef(), "refs/heads/")
		if ok && strings.HasPrefix(name, prefix) && validSHA(r.GetObject().GetSHA()) {
			branches = append(branches, Branch{Name: name, SHA: r.GetObject().GetSHA()})
		}
	}
	return branches, nil
}

// Contexts reads the newest status of each context of a commit. They have ids, but no creator. As with Scan, whoever wants to act on
// one asks Statuses.
func (c *Client) Contexts(ctx context.Context, repo Repo, sha string) ([]Status, error) {
	if err := checkCommit(repo, sha); err != nil {
		return nil, fmt.Errorf("list contexts: %w", err)
	}
	list, err := c.combined(ctx, repo, sha)
	if err != nil {
		return nil, fmt.Errorf("list contexts of %s: %w", repo, err)
	}
	return list, nil
}

// LastChange tells when something was last committed below a path, of what a commit reaches, by the committer's clock; zero if never. It
// costs nothing while the commit is the same.
func (c *Client) LastChange(ctx context.Context, repo Repo, sha, path string) (time.Time, error) {
	err := checkCommit(repo, sha)
	var list []*github.RepositoryCommit
	if err == nil {
		list, err = pages(ctx, repo, 1, 1, func(ctx context.Context, o github.ListOptions) ([]*github.RepositoryCommit, *github.Response, error) {
			return c.gh.Repositories.ListCommits(ctx, repo.Owner, repo.Name, &github.CommitsListOptions{SHA: sha, Path: path, ListOptions: o})
		})
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("read the last change of %s in %s: %w", cut(path, 200), repo, err)
	}
	if len(list) == 0 {
		return time.Time{}, nil
	}
	return list[0].GetCommit().GetCommitter().GetDate().Time.UTC(), nil
}
