package fakehub

import (
	"errors"
	"slices"
	"strings"
)

type jsonComparison struct {
	URL          string        `json:"url"`
	HTMLURL      string        `json:"html_url"`
	PermalinkURL string        `json:"permalink_url"`
	DiffURL      string        `json:"diff_url"`
	PatchURL     string        `json:"patch_url"`
	Base         *jsonCommit   `json:"base_commit"`
	MergeBase    *jsonCommit   `json:"merge_base_commit"`
	Status       string        `json:"status"`
	AheadBy      int           `json:"ahead_by"`
	BehindBy     int           `json:"behind_by"`
	TotalCommits int           `json:"total_commits"`
	Commits      []*jsonCommit `json:"commits"`
	Files        []jsonFile    `json:"files"`
}

// compareFiles is how many files a comparison shows, and compareCommits how
// many commits where no page is asked for.
const (
	compareFiles   = 300
	compareCommits = 250
)

// compare answers GET /compare/{base}...{head}: where head stands against base.
// Either may be of another repository of the network, as "user:branch".
func compare(rq *request) response {
	baseName, headName, three := strings.Cut(rq.param("range"), "...")
	if !three || baseName == "" || headName == "" {
		return notFound()
	}
	if rq.repo.empty(rq.asOf(refDomain)) {
		return notFound()
	}
	base, no := rq.endOf(baseName)
	if no != nil {
		return *no
	}
	head, no := rq.endOf(headName)
	if no != nil {
		return *no
	}
	out, link, err := rq.comparison(base, head)
	if errors.Is(err, errNoAncestor) {
		return fail(404, "No common ancestor between "+baseName+" and "+headName+".")
	}
	if err != nil {
		return rq.broken(err)
	}
	out.URL = rq.site.repo(rq.repo) + "/compare/" + baseName + "..." + headName
	out.HTMLURL = rq.site.repoHTML(rq.repo) + "/compare/" + baseName + "..." + headName
	out.PermalinkURL = rq.site.repoHTML(rq.repo) + "/compare/" + rq.repo.owner.login + ":" + base[:7] + "..." + rq.repo.owner.login + ":" + head[:7]
	out.DiffURL, out.PatchURL = out.HTMLURL+".diff", out.HTMLURL+".patch"
	res := ok(out)
	res.link = link
	return res
}

// endOf finds the commit at one end of a comparison, and makes it present in
// this repository if it is of another one.
func (rq *request) endOf(name string) (string, *response) {
	from := rq.repo
	if owner, branch, other := strings.Cut(name, ":"); other {
		if from = rq.repo.ofNetwork(owner); from == nil || from.permission(rq.actor.user) < Read {
			return "", new(notFound())
		}
		name = branch
	}
	sha, err := from.resolve(rq.ctx, name, rq.asOf(refDomain))
	if err == nil && from != rq.repo {
		err = rq.repo.git.take(rq.ctx, from.git, sha)
	}
	if errors.Is(err, errNoObject) {
		return "", new(notFound())
	}
	if err != nil {
		return "", new(rq.broken(err))
	}
	return sha, nil
}

// errNoAncestor says that two commits have nothing in common.
var errNoAncestor = errors.New("no common ancestor")

func (rq *request) comparison(base, head string) (*jsonComparison, string, error) {
	g := rq.repo.git
	ancestor, err := g.mergeBase(rq.ctx, base, head)
	if err != nil {
		return nil, "", err
	}
	if ancestor == "" {
		return nil, "", errNoAncestor
	}
	ahead, err := g.commits(rq.ctx, head, []string{base}, 0)
	if err != nil {
		return nil, "", err
	}
	behind, err := g.commits(rq.ctx, base, []string{head}, 0)
	if err != nil {
		return nil, "", err
	}
	ends, err := rq.commitsJSON([]string{base, ancestor})
	if err != nil {
		return nil, "", err
	}
	out := &jsonComparison{
		Base: ends[0], MergeBase: ends[1], Status: standing(len(ahead), len(behind)),
		AheadBy: len(ahead), BehindBy: len(behind), TotalCommits: len(ahead), Files: []jsonFile{},
	}
	slices.Reverse(ahead)
	from, to, link := 0, min(len(ahead), compareCommits), ""
	if rq.arg("page") != "" || rq.arg("per_page") != "" {
		from, to, link = rq.page(len(ahead))
	}
	if out.Commits, err = rq.commitsJSON(ahead[from:to]); err != nil {
		return nil, "", err
	}
	if natural(rq.arg("page"), 1) == 1 { // files are on the first page alone
		changes, err := g.diff(rq.ctx, ancestor, head)
		if err != nil {
			return nil, "", err
		}
		out.Files = rq.filesJSON(changes[:min(len(changes), compareFiles)], head)
	}
	return out, link, nil
}

// standing is GitHub's word for where head stands against base.
func standing(ahead, behind int) string {
	switch {
	case ahead == 0 && behind == 0:
		return "identical"
	case behind == 0:
		return "ahead"
	case ahead == 0:
		return "behind"
	}
	return "diverged"
}

// ofNetwork finds the repository of owner among those that r is a fork of or
// is forked to; nil if there is none.
func (r *repo) ofNetwork(owner string) *repo {
	root := r
	for root.parent != nil {
		root = root.parent
	}
	if strings.EqualFold(r.owner.login, owner) {
		return r
	}
	var find func(*repo) *repo
	find = func(member *repo) *repo {
		if strings.EqualFold(member.owner.login, owner) && !member.gone {
			return member
		}
		for _, f := range member.forks {
			if hit := find(f); hit != nil {
				return hit
			}
		}
		return nil
	}
	return find(root)
}
