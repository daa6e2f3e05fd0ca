package fakehub

import (
	"net/http"
	"time"
)

// metaRoutes is what there is to know of the server itself.
func metaRoutes() []route {
	return []route{
		{method: get, pattern: "/", handle: getRoot, docs: "meta/meta#github-api-root"},
		{method: get, pattern: "/meta", handle: getMeta, docs: "meta/meta#get-apiname-meta-information"},
		{method: get, pattern: "/rate_limit", handle: getRateLimit, budget: freeResource, docs: "rate-limit/rate-limit#get-rate-limit-status-for-the-authenticated-user"},
	}
}

func getRoot(rq *request) response {
	api := rq.site.api
	return ok(map[string]string{
		"current_user_url": api + "/user", "rate_limit_url": api + "/rate_limit", "user_url": api + "/users/{user}",
		"repository_url": api + "/repos/{owner}/{repo}", "issue_search_url": api + "/search/issues?q={query}{&page,per_page,sort,order}",
		"organization_repositories_url": api + "/orgs/{org}/repos{?type,page,per_page,sort}",
	})
}

func getMeta(*request) response {
	return ok(struct {
		Password bool     `json:"verifiable_password_authentication"`
		Hooks    []string `json:"hooks"`
		Web      []string `json:"web"`
		API      []string `json:"api"`
		Git      []string `json:"git"`
	}{false, []string{}, []string{}, []string{}, []string{}})
}

// jsonRate is the state of a primary budget.
type jsonRate struct {
	Limit     int    `json:"limit"`
	Used      int    `json:"used"`
	Remaining int    `json:"remaining"`
	Reset     int64  `json:"reset"`
	Resource  string `json:"resource,omitempty"`
}

// getRateLimit tells the primary budgets and costs nothing of them. A server
// without limits says so with a 404.
func getRateLimit(rq *request) response {
	if rq.s.quota(rq.actor, coreResource) == 0 {
		return fail(http.StatusNotFound, "Rate limiting is not enabled.")
	}
	b := rq.s.budgetOf(rq.actor, rq.http)
	rate := func(r resource) jsonRate {
		quota := rq.s.quota(rq.actor, r)
		w := b.primary[r].at(rq.now, r.span())
		return jsonRate{quota, w.used, max(0, quota-w.used), w.reset.Unix(), r.String()}
	}
	unused := func(name string, quota int, span time.Duration) jsonRate {
		return jsonRate{quota, 0, quota, rq.now.Add(span).Unix(), name}
	}
	return response{status: http.StatusOK, uncached: true, body: struct {
		Resources any      `json:"resources"`
		Rate      jsonRate `json:"rate"`
	}{struct {
		Core                  jsonRate `json:"core"`
		Search                jsonRate `json:"search"`
		GraphQL               jsonRate `json:"graphql"`
		IntegrationManifest   jsonRate `json:"integration_manifest"`
		SourceImport          jsonRate `json:"source_import"`
		CodeScanningUpload    jsonRate `json:"code_scanning_upload"`
		ActionsRunnerRegister jsonRate `json:"actions_runner_registration"`
		SCIM                  jsonRate `json:"scim"`
		CodeSearch            jsonRate `json:"code_search"`
	}{
		rate(coreResource), rate(searchResource), rate(graphqlResource),
		unused("integration_manifest", 5000, time.Hour), unused("source_import", 100, time.Minute),
		unused("code_scanning_upload", 1000, time.Hour), unused("actions_runner_registration", 10000, time.Hour),
		unused("scim", 15000, time.Hour), unused("code_search", 10, time.Minute),
	}, rate(coreResource)}}
}
