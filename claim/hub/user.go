package hub

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/go-github/v57/github"
)

// Repository reads what there is to know of a repository, under its present name if it was renamed.
func (c *Client) Repository(ctx context.Context, repo Repo) (Repository, error) {
	err := repo.check()
	var in *github.Repository
	if err == nil {
		in, _, _, err = read(ctx, func(ctx context.Context) (*github.Repository, *github.Response, error) {
			return c.gh.Repositories.Get(ctx, repo.Owner, repo.Name)
		})
	}
	var out Repository
	if err == nil {
		out, err = repositoryOf(in)
	}
	if err != nil {
		return Repository{}, fmt.Errorf("read repository %s: %w", repo, err)
	}
	return out, nil
}

func repositoryOf(in *github.Repository) (Repository, error) {
	name, err := ParseRepo(in.GetFullName())
	return Repository{
		ID: in.GetID(), NodeID: in.GetNodeID(), Name: name, DefaultBranch: in.GetDefaultBranch(), Private: in.GetPrivate(),
		Archived: in.GetArchived(), Permission: strongest(in.GetPermissions()), CloneURL: in.GetCloneURL(), URL: in.GetHTMLURL(),
		Parent: in.GetParent().GetFullName(),
	}, err
}

// strongest names the most that an account may do.
func strongest(may map[string]bool) string {
	for _, p := range [][2]string{{"admin", "admin"}, {"maintain", "maintain"}, {"push", "write"}, {"triage", "triage"}, {"pull", "read"}} {
		if may[p[0]] {
			return p[1]
		}
	}
	if len(may) > 0 {
		return "none"
	}
	return ""
}

// User tells whose credentials these are.
func (c *Client) User(ctx context.Context) (User, error) {
	if c.isApp {
		return c.app(ctx)
	}
	in, _, resp, err := read(ctx, func(ctx context.Context) (*github.User, *github.Response, error) {
		return c.gh.Users.Get(ctx, "")
	})
	if err == nil && in.GetLogin() == "" {
		err = errors.New("the answer has no login")
	}
	if err != nil {
		return User{}, fmt.Errorf("read who the token belongs to: %w", err)
	}
	user := User{Login: in.GetLogin(), ID: in.GetID()}
	if resp != nil && resp.Response != nil {
		user.Scopes = cut(resp.Header.Get("X-OAuth-Scopes"), 500)
	}
	return user, nil
}

// app asks as the App, since its installation has no user to ask about.
func (c *Client) app(ctx context.Context) (User, error) {
	in, _, _, err := do(ctx, &call{asApp: true}, func(ctx context.Context) (*github.App, *github.Response, error) {
		return c.gh.Apps.Get(ctx, "")
	})
	if err == nil && in.GetSlug() == "" {
		err = errors.New("the answer has no name")
	}
	if err != nil {
		return User{}, fmt.Errorf("read which App this is: %w", err)
	}
	return User{Login: in.GetSlug() + "[bot]", ID: in.GetID(), App: true}, nil
}

// Permission tells what a user may do: "admin", "write", "read" or "none". Who is unknown may do nothing. ("maintain" counts as write
// and "triage" as read, as GitHub says itself.)
func (c *Client) Permission(ctx context.Context, repo Repo, login string) (string, error) {
	fail := func(err error) (string, error) {
		return "none", fmt.Errorf("read the permission of %q in %s: %w", cut(login, 60), repo, err)
	}
	if err := repo.check(); err != nil {
		return fail(err)
	}
	if !validLogin(login) {
		return "none", nil // a deleted account, or text that is no login
	}
	in, _, _, err := read(ctx, func(ctx context.Context) (*github.RepositoryPermissionLevel, *github.Response, error) {
		return c.gh.Repositories.GetPermissionLevel(ctx, repo.Owner, repo.Name, login)
	})
	switch {
	case errors.Is(err, ErrGone):
		return "none", nil
	case err != nil:
		return fail(err)
	}
	switch p := in.GetPermission(); p {
	case "admin", "write", "read":
		return p, nil
	}
	return "none", nil
}
