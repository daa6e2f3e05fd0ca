package fakehub

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of a status that GitHub states only in its refusals.
const (
	maxDescription = 140
	maxContext     = 255
)

// statusRoutes is commit statuses: an append-only log for each commit.
func statusRoutes() []route {
	const scopes = "repo, repo:status"
	reads := right{area: "statuses", need: Read}
	routes := []route{{
		method: post, pattern: "/repos/{owner}/{repo}/statuses/{sha}", handle: createStatus, content: true,
		right: right{area: "statuses", need: Write}, docs: "commits/statuses#create-a-commit-status",
	}, {
		method: get, pattern: "/repos/{owner}/{repo}/statuses/{ref...}", handle: listStatuses, right: reads, scopes: scopes,
		docs: "commits/statuses#list-commit-statuses-for-a-reference",
	}}
	// A reference may contain slashes.
	for ref := range slices.Values([]string{"{ref}", "{a}/{ref}", "{a}/{b}/{ref}", "{a}/{b}/{c}/{ref}"}) {
		root := "/repos/{owner}/{repo}/commits/" + ref
		routes = append(routes, route{
			method: get, pattern: root + "/statuses", handle: listStatuses, right: reads, scopes: scopes,
			docs: "commits/statuses#list-commit-statuses-for-a-reference",
		}, route{
			method: get, pattern: root + "/status", handle: combinedStatus, right: reads, scopes: scopes,
			docs: "commits/statuses#get-the-combined-status-for-a-specific-reference",
		})
	}
	return routes
}

// statusSHA is the commit that the request is about.
func (rq *request) statusSHA() (string, *response) {
	ref := strings.Join(rq.params[2:], "/")
	if rq.repo.statuses[ref] != nil { // named in full, and known
		return ref, nil
	}
	sha, err := rq.repo.resolve(rq.ctx, ref, rq.asOf(refDomain))
	switch {
	case err == nil:
		return sha, nil
	case errors.Is(err, errNoObject):
		return "", new(notFound())
	}
	return "", new(rq.broken(err))
}

func listStatuses(rq *request) response {
	sha, no := rq.statusSHA()
	if no != nil {
		return *no
	}
	var list []*status
	if l := rq.repo.statuses[sha]; l != nil {
		list = l.list.upTo(rq.asOf(statusDomain))
	}
	from, to, link := rq.page(len(list))
	out := make(rawList, 0, to-from)
	for i := from; i < to; i++ { // newest first
		out = append(out, rq.status(list[len(list)-1-i]))
	}
	return response{status: http.StatusOK, body: out, link: link}
}

func combinedStatus(rq *request) response {
	sha, no := rq.statusSHA()
	if no != nil {
		return *no
	}
	newest := rq.repo.statuses[sha].newestAt(rq.asOf(statusDomain))
	from, to, link := rq.page(len(newest))
	out := make([]any, 0, to-from)
	for _, st := range newest[from:to] {
		out = append(out, rq.simpleStatus(st))
	}
	commit := rq.site.repo(rq.repo) + "/commits/" + sha
	return response{status: http.StatusOK, link: link, body: jsonCombined{
		State: combinedState(newest), Statuses: out, SHA: sha, TotalCount: len(newest),
		Repository: rq.minimalRepo(rq.repo), CommitURL: commit, URL: commit + "/status",
	}}
}

// statusInput is the body of a new status.
type statusInput struct {
	State       string  `json:"state"`
	TargetURL   *string `json:"target_url"`
	Description *string `json:"description"`
	Context     *string `json:"context"`
}

// check gives what GitHub finds wrong with a status.
func (in *statusInput) check() []fieldError {
	var errs []fieldError
	switch in.State {
	case "error", "failure", "pending", "success":
	default:
		errs = append(errs, custom("Status", "state", "state is not included in the list"))
	}
	if in.Description != nil && utf8.RuneCountInString(*in.Description) > maxDescription {
		errs = append(errs, custom("Status", "description", "description is too long (maximum is 140 characters)"))
	}
	if in.Context != nil && utf8.RuneCountInString(*in.Context) > maxContext {
		errs = append(errs, custom("Status", "context", "context is too long (maximum is 255 characters)"))
	}
	if in.TargetURL != nil && *in.TargetURL != "" {
		scheme, _, found := strings.Cut(*in.TargetURL, "://")
		if scheme = strings.ToLower(scheme); !found || scheme != "http" && scheme != "https" {
			errs = append(errs, custom("Status", "target_url", "target_url must use http(s) scheme"))
		}
	}
	return errs
}

// isCommit says whether sha is the full name of a commit that exists.
func (rq *request) isCommit(sha string) (bool, error) {
	if !isSHA(sha) {
		return false, nil
	}
	kind, err := rq.repo.kindOf(rq.ctx, sha)
	return kind == "commit", err
}

func createStatus(rq *request) response {
	var in statusInput
	if no := rq.decode(&in); no != nil {
		return *no
	}
	sha := strings.ToLower(rq.param("sha"))
	if rq.repo.statuses[sha] == nil {
		known, err := rq.isCommit(sha)
		if err != nil {
			return rq.broken(err)
		}
		if !known {
			return unprocessable("No commit found for SHA: " + rq.param("sha"))
		}
	}
	if errs := in.check(); errs != nil {
		return rq.invalid(errs...)
	}
	context := "default"
	if in.Context != nil && *in.Context != "" {
		context = *in.Context
	}
	st := rq.s.addStatus(rq.now, rq.repo, status{
		sha: sha, state: in.State, context: context, description: in.Description, target: in.TargetURL, creator: rq.actor.user,
	})
	if st == nil {
		return rq.invalid(custom("Status", "", "This SHA and context has reached the maximum number of statuses."))
	}
	return created(rq.status(st), rq.site.repo(rq.repo)+"/statuses/"+sha)
}
