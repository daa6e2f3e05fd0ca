package fakehub

import (
	"errors"
	"slices"
	"strings"
	"time"
)

// A commitFilter says which commits a list keeps.
type commitFilter func(gitCommit) (bool, error)

// listCommits answers GET /commits: what a branch, tag or commit reaches,
// newest first, perhaps only what touched a path, by an author, between dates.
func listCommits(rq *request) response {
	at := rq.asOf(refDomain)
	if rq.repo.empty(at) {
		return emptyRepo()
	}
	sha, err := rq.repo.resolve(rq.ctx, rq.arg("sha"), at)
	if errors.Is(err, errNoObject) {
		return notFound()
	}
	if err != nil {
		return rq.broken(err)
	}
	names, err := rq.repo.git.commits(rq.ctx, sha, nil, 0)
	if err != nil {
		return rq.broken(err)
	}
	if names, err = rq.filtered(names); err != nil {
		return rq.broken(err)
	}
	return rq.pageOfCommits(names)
}

// filtered keeps the commits that all filters of the query keep.
func (rq *request) filtered(names []string) ([]string, error) {
	filters := rq.commitFilters()
	if len(filters) == 0 {
		return names, nil
	}
	kept := make([]string, 0, len(names))
	for _, sha := range names {
		c, err := rq.repo.commit(rq.ctx, sha)
		if err != nil {
			return nil, err
		}
		keep := true
		for _, f := range filters {
			if keep, err = f(c); err != nil {
				return nil, err
			}
			if !keep {
				break
			}
		}
		if keep {
			kept = append(kept, sha)
		}
	}
	return kept, nil
}

// commitFilters reads the query. Dates that cannot be read filter nothing.
func (rq *request) commitFilters() []commitFilter {
	var list []commitFilter
	if since, err := time.Parse(time.RFC3339, rq.arg("since")); err == nil {
		list = append(list, func(c gitCommit) (bool, error) { return !c.Committer.When.Before(since), nil })
	}
	if until, err := time.Parse(time.RFC3339, rq.arg("until")); err == nil {
		list = append(list, func(c gitCommit) (bool, error) { return !c.Committer.When.After(until), nil })
	}
	if who := rq.arg("author"); who != "" {
		list = append(list, func(c gitCommit) (bool, error) { return rq.isPerson(c.Author, who), nil })
	}
	if path := strings.Trim(rq.arg("path"), "/"); path != "" {
		list = append(list, func(c gitCommit) (bool, error) { return rq.touched(c, path) })
	}
	return list
}

// isPerson reports whether a login or address is that of a commit's person.
func (rq *request) isPerson(p gitPerson, who string) bool {
	if strings.EqualFold(p.Email, who) {
		return true
	}
	u := rq.s.userByEmail(p.Email)
	return u != nil && strings.EqualFold(u.login, who)
}

// touched reports whether path is another thing in c than in its first parent.
func (rq *request) touched(c gitCommit, path string) (bool, error) {
	at := func(tree string) (string, error) {
		e, err := lookup(rq.ctx, rq.repo.git, tree, path)
		if errors.Is(err, errNoPath) {
			return "", nil
		}
		return e.Mode + e.SHA, err
	}
	now, err := at(c.Tree)
	if err != nil {
		return false, err
	}
	before := ""
	if len(c.Parents) > 0 {
		if before, err = at(c.Parents[0]); err != nil {
			return false, err
		}
	}
	return now != before, nil
}

// contentRoutes is what is read of a repository beside the git database:
// files, branches, commits, comparisons, forks.
func contentRoutes() []route {
	return slices.Concat(fileRoutes(), commitRoutes(), branchRoutes(), forkRoutes())
}

func commitRoutes() []route {
	const root = "/repos/{owner}/{repo}/"
	reads := contentsRight(Read)
	return []route{
		{method: get, pattern: root + "commits", handle: listCommits, right: reads, docs: "commits/commits#list-commits"},
		{method: get, pattern: root + "commits/{ref...}", handle: getCommit, right: reads, docs: "commits/commits#get-a-commit"},
		{method: get, pattern: root + "compare/{range...}", handle: compare, right: reads, docs: "commits/commits#compare-two-commits"},
	}
}
