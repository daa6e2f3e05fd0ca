package hub

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/go-github/v57/github"
)

// Fork gives the fork of a repository that belongs to an account, and makes it if there is none: these credentials must
// then be the account's. GitHub may still be copying when this returns; a push has to be tried again for a while.
func (c *Client) Fork(ctx context.Context, repo Repo, owner string) (Repository, error) {
	here, err := c.Repository(ctx, Repo{Owner: owner, Name: repo.Name})
	switch {
	case err == nil && strings.EqualFold(here.Parent, repo.String()):
		return here, nil
	case err != nil && !errors.Is(err, ErrGone):
		return Repository{}, fmt.Errorf("find the fork of %s: %w", repo, err)
	}
	fork, err := c.createFork(ctx, repo) // or the one that is there under another name, which GitHub gives then
	if err == nil && !strings.EqualFold(fork.Name.Owner, owner) {
		err = fmt.Errorf("the fork is %s", fork.Name)
	}
	if err != nil {
		return Repository{}, fmt.Errorf("fork %s for %s: %w", repo, cut(owner, 60), err)
	}
	return fork, nil
}

func (c *Client) createFork(ctx context.Context, repo Repo) (Repository, error) {
	if err := repo.check(); err != nil {
		return Repository{}, err
	}
	in, _, _, err := do(ctx, &call{write: true, later: true}, func(ctx context.Context) (*github.Repository, *github.Response, error) {
		out, resp, err := c.gh.Repositories.CreateFork(ctx, repo.Owner, repo.Name, &github.RepositoryCreateForkOptions{})
		if _, accepted := errors.AsType[*github.AcceptedError](err); accepted { // it is being made
			err = nil
		}
		return out, resp, err
	})
	if err != nil {
		return Repository{}, err
	}
	return repositoryOf(in)
}
