package fakehub

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

func forkRoutes() []route {
	const root = "/repos/{owner}/{repo}/"
	return []route{
		{method: get, pattern: root + "forks", handle: listForks, right: contentsRight(Read), docs: "repos/forks#list-forks"},
		{method: post, pattern: root + "forks", handle: createFork, right: contentsRight(Read), scopes: "repo", docs: "repos/forks#create-a-fork"},
	}
}

func listForks(rq *request) response {
	var list []*repo
	for _, f := range rq.repo.forks {
		if !f.gone && f.permission(rq.actor.user) >= Read {
			list = append(list, f)
		}
	}
	if sort := rq.arg("sort"); sort != "oldest" {
		slices.Reverse(list) // newest first
	}
	return listed(rq, list, func(f *repo) any { return rq.repoJSON(f) })
}

func createFork(rq *request) response {
	var in struct {
		Organization string `json:"organization"`
		Name         string `json:"name"`
		DefaultOnly  bool   `json:"default_branch_only"`
	}
	if no := rq.decode(&in); no != nil {
		return *no
	}
	if rq.repo.empty(rq.now) {
		return fail(http.StatusForbidden, "The repository exists, but it contains no Git content. Empty repositories cannot be forked.")
	}
	owner := rq.actor.user
	if in.Organization != "" {
		owner = rq.s.users[strings.ToLower(in.Organization)]
		if owner == nil || owner.kind != "Organization" {
			return rq.invalid(fieldError{Resource: "Fork", Field: "organization", Code: "invalid"})
		}
	}
	for _, f := range rq.repo.forks {
		if f.owner == owner && !f.gone {
			return response{status: http.StatusAccepted, body: rq.fullRepo(f)} // there is one already
		}
	}
	name := in.Name
	if name == "" {
		name = rq.repo.name
	}
	if !validRepoName(name) || owner == rq.repo.owner && in.Name == "" {
		return rq.invalid(custom("Repository", "name", "name already exists on this account"))
	}
	name = rq.s.freeName(owner, name)
	made, err := rq.s.fork(rq.ctx, rq.now, rq.repo, owner, name, in.DefaultOnly)
	if err != nil {
		return rq.broken(err)
	}
	if owner != rq.actor.user {
		made.grants[rq.actor.user] = Admin
	}
	return response{status: http.StatusAccepted, body: rq.fullRepo(made)}
}

// freeName is a name that owner has no repository of: the one that is asked
// for, or with a number behind it, as GitHub chooses it.
func (s *Server) freeName(owner *user, name string) string {
	free := name
	for n := 1; s.repos[strings.ToLower(owner.login+"/"+free)] != nil; n++ {
		free = name + "-" + strconv.Itoa(n)
	}
	return free
}

// fork makes a repository that begins with the branches and tags of another. On
// disk it borrows the objects, so that a fork costs next to nothing.
func (s *Server) fork(ctx context.Context, now time.Time, from *repo, owner *user, name string, defaultOnly bool) (*repo, error) {
	made, err := s.addRepo(ctx, owner, Repo{
		Name: owner.login + "/" + name, Description: from.description, DefaultBranch: from.defaultBranch, Private: from.private,
	}, name)
	if err != nil {
		return nil, err
	}
	if d, ok := made.git.(*diskGit); ok {
		if err := d.borrow(from.git.(*diskGit)); err != nil {
			return nil, err
		}
	}
	made.parent = from
	from.forks = append(from.forks, made)
	var changes []refChange
	for ref := range from.refs {
		sha := from.refAt(ref, now)
		wanted := strings.HasPrefix(ref, "refs/heads/") || strings.HasPrefix(ref, "refs/tags/")
		if defaultOnly {
			wanted = ref == "refs/heads/"+from.defaultBranch
		}
		if sha != "" && wanted {
			changes = append(changes, refChange{name: ref, old: zeroOID, new: sha})
		}
	}
	sortChanges(changes)
	if err := s.updateRefs(ctx, time.Now(), made, owner, changes); err != nil {
		return nil, fmt.Errorf("fork %s: %w", from.fullName(), err)
	}
	return made, nil
}
