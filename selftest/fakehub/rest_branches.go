package fakehub

import (
	"net/http"
	"slices"
	"strings"
)

func branchRoutes() []route {
	const root = "/repos/{owner}/{repo}/"
	reads := contentsRight(Read)
	return []route{
		{method: get, pattern: root + "branches", handle: listBranches, right: reads, docs: "branches/branches#list-branches"},
		{method: get, pattern: root + "branches/{branch...}", handle: getBranch, right: reads, docs: "branches/branches#get-a-branch"},
		{method: get, pattern: root + "tags", handle: listTags, right: reads, docs: "repos/repos#list-repository-tags"},
	}
}

type jsonTip struct {
	SHA string `json:"sha"`
	URL string `json:"url"`
}

type jsonShortBranch struct {
	Name          string         `json:"name"`
	Commit        jsonTip        `json:"commit"`
	Protected     bool           `json:"protected"`
	Protection    jsonProtection `json:"protection"`
	ProtectionURL string         `json:"protection_url"`
}

type jsonBranch struct {
	Name          string          `json:"name"`
	Commit        *jsonCommit     `json:"commit"`
	Links         jsonBranchLinks `json:"_links"`
	Protected     bool            `json:"protected"`
	Protection    jsonProtection  `json:"protection"`
	ProtectionURL string          `json:"protection_url"`
}

type jsonBranchLinks struct {
	Self string `json:"self"`
	HTML string `json:"html"`
}

// jsonProtection says that a branch is not protected; the emulator has no
// protected branches.
type jsonProtection struct {
	Enabled bool               `json:"enabled"`
	Checks  jsonRequiredChecks `json:"required_status_checks"`
}

type jsonRequiredChecks struct {
	Enforcement string   `json:"enforcement_level"`
	Contexts    []string `json:"contexts"`
	Checks      []string `json:"checks"`
}

func noProtection() jsonProtection {
	return jsonProtection{Checks: jsonRequiredChecks{Enforcement: "off", Contexts: []string{}, Checks: []string{}}}
}

// named lists the short names of what the repository has below a prefix of
// references, in order.
func (rq *request) named(prefix string) []string {
	at := rq.asOf(refDomain)
	var names []string
	for full := range rq.repo.refs {
		if name, ok := strings.CutPrefix(full, prefix); ok && rq.repo.refAt(full, at) != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// tip is the commit that a reference is at, for a list.
func (rq *request) tip(ref string) jsonTip {
	sha := rq.repo.refAt(ref, rq.asOf(refDomain))
	if commit, err := rq.repo.peel(rq.ctx, sha); err == nil { // a tag of a tree is shown as it is
		sha = commit
	}
	return jsonTip{SHA: sha, URL: rq.site.repo(rq.repo) + "/commits/" + sha}
}

func listBranches(rq *request) response {
	names := rq.named("refs/heads/")
	if rq.arg("protected") == "true" {
		names = nil
	}
	return listed(rq, names, func(name string) any {
		return jsonShortBranch{
			Name: name, Commit: rq.tip("refs/heads/" + name), Protection: noProtection(),
			ProtectionURL: rq.branchURL(name) + "/protection",
		}
	})
}

func (rq *request) branchURL(name string) string {
	return rq.site.repo(rq.repo) + "/branches/" + escapePath(name)
}

func getBranch(rq *request) response {
	name := rq.param("branch")
	sha := rq.repo.refAt("refs/heads/"+name, rq.asOf(refDomain))
	if sha == "" {
		return fail(http.StatusNotFound, "Branch not found")
	}
	c, err := rq.repo.commit(rq.ctx, sha)
	if err != nil {
		return rq.broken(err)
	}
	return ok(jsonBranch{
		Name: name, Commit: rq.commitJSON(c), Protection: noProtection(), ProtectionURL: rq.branchURL(name) + "/protection",
		Links: jsonBranchLinks{Self: rq.branchURL(name), HTML: rq.site.repoHTML(rq.repo) + "/tree/" + escapePath(name)},
	})
}

type jsonNamedTag struct {
	Name       string  `json:"name"`
	ZipballURL string  `json:"zipball_url"`
	TarballURL string  `json:"tarball_url"`
	Commit     jsonTip `json:"commit"`
	NodeID     string  `json:"node_id"`
}

// listTags answers GET /tags, the last name first, as GitHub does.
func listTags(rq *request) response {
	names := rq.named("refs/tags/")
	slices.Reverse(names)
	return listed(rq, names, func(name string) any {
		api := rq.site.repo(rq.repo)
		return jsonNamedTag{
			Name: name, ZipballURL: api + "/zipball/refs/tags/" + escapePath(name), TarballURL: api + "/tarball/refs/tags/" + escapePath(name),
			Commit: rq.tip("refs/tags/" + name), NodeID: gitNodeID("Ref", rq.repo, "refs/tags/"+name),
		}
	})
}
