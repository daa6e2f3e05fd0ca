package fakehub

import (
	cryptorand "crypto/rand"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

func appRoutes() []route {
	return []route{
		{method: get, pattern: "/app", handle: getApp, docs: "apps/apps#get-the-authenticated-app"},
		{method: get, pattern: "/app/installations", handle: listInstallations, docs: "apps/apps#list-installations-for-the-authenticated-app"},
		{method: get, pattern: "/app/installations/{installation_id}", handle: getInstallation, docs: "apps/apps#get-an-installation-for-the-authenticated-app"},
		{
			method: post, pattern: "/app/installations/{installation_id}/access_tokens", handle: createInstallationToken,
			docs: "apps/apps#create-an-installation-access-token-for-an-app",
		},
		// Not {repo}: an App sees its installation whatever a stranger sees of the repository.
		{
			method: get, pattern: "/repos/{owner}/{name}/installation", handle: getRepoInstallation,
			docs: "apps/apps#get-a-repository-installation-for-the-authenticated-app",
		},
		{method: remove, pattern: "/installation/token", handle: revokeInstallationToken, docs: "apps/installations#revoke-an-installation-access-token"},
	}
}

// needApp is the answer to those who are no App.
func (rq *request) needApp() *response {
	if rq.actor.app != nil {
		return nil
	}
	r := fail(http.StatusUnauthorized, "A JSON web token could not be decoded")
	return &r
}

type jsonApp struct {
	ID          int64             `json:"id"`
	Slug        string            `json:"slug"`
	NodeID      string            `json:"node_id"`
	Owner       any               `json:"owner"`
	Name        string            `json:"name"`
	Description *string           `json:"description"`
	ExternalURL string            `json:"external_url"`
	HTMLURL     string            `json:"html_url"`
	CreatedAt   time.Time         `json:"created_at"`
	UpdatedAt   time.Time         `json:"updated_at"`
	Permissions map[string]string `json:"permissions"`
	Events      []string          `json:"events"`
	Count       int               `json:"installations_count"`
}

func getApp(rq *request) response {
	if no := rq.needApp(); no != nil {
		return *no
	}
	a := rq.actor.app
	all := rq.installations()
	permissions := map[string]string{"metadata": "read"}
	for _, in := range all {
		for area, p := range in.permissions {
			permissions[area] = p.String()
		}
	}
	created := jsonTime(a.created)
	return ok(&jsonApp{
		ID: a.id, Slug: a.slug, NodeID: nodeID("Integration", a.id), Owner: rq.user(a.owner), Name: a.name,
		ExternalURL: rq.site.html, HTMLURL: rq.site.html + "/apps/" + a.slug, CreatedAt: created, UpdatedAt: created,
		Permissions: permissions, Events: []string{}, Count: len(all),
	})
}

// installations are those of the App which asks, oldest first.
func (rq *request) installations() []*installation {
	var list []*installation
	for _, in := range rq.s.installed {
		if in.app == rq.actor.app {
			list = append(list, in)
		}
	}
	slices.SortFunc(list, func(a, b *installation) int { return int(a.id - b.id) })
	return list
}

type jsonInstallation struct {
	ID                  int64             `json:"id"`
	Account             any               `json:"account"`
	RepositorySelection string            `json:"repository_selection"`
	AccessTokensURL     string            `json:"access_tokens_url"`
	RepositoriesURL     string            `json:"repositories_url"`
	HTMLURL             string            `json:"html_url"`
	AppID               int64             `json:"app_id"`
	AppSlug             string            `json:"app_slug"`
	TargetID            int64             `json:"target_id"`
	TargetType          string            `json:"target_type"`
	Permissions         map[string]string `json:"permissions"`
	Events              []string          `json:"events"`
	CreatedAt           time.Time         `json:"created_at"`
	UpdatedAt           time.Time         `json:"updated_at"`
	SingleFileName      *string           `json:"single_file_name"`
	SuspendedBy         any               `json:"suspended_by"`
	SuspendedAt         *string           `json:"suspended_at"`
}

func (rq *request) installation(in *installation) *jsonInstallation {
	id := strconv.FormatInt(in.id, 10)
	created := jsonTime(in.created)
	return &jsonInstallation{
		ID: in.id, Account: rq.user(in.account), RepositorySelection: "selected",
		AccessTokensURL: rq.site.api + "/app/installations/" + id + "/access_tokens",
		RepositoriesURL: rq.site.api + "/installation/repositories", HTMLURL: rq.site.html + "/settings/installations/" + id,
		AppID: in.app.id, AppSlug: in.app.slug, TargetID: in.account.id, TargetType: in.account.kind,
		Permissions: permissionNames(in.permissions), Events: []string{}, CreatedAt: created, UpdatedAt: created,
	}
}

func permissionNames(p map[string]Permission) map[string]string {
	names := make(map[string]string, len(p))
	for area, have := range p {
		names[area] = have.String()
	}
	return names
}

func listInstallations(rq *request) response {
	if no := rq.needApp(); no != nil {
		return *no
	}
	list := []*jsonInstallation{}
	for _, in := range rq.installations() {
		list = append(list, rq.installation(in))
	}
	return ok(list)
}

// asked is the installation of the path, or the answer if it is not the App's.
func (rq *request) asked() (*installation, *response) {
	if no := rq.needApp(); no != nil {
		return nil, no
	}
	in := rq.s.installed[rq.number("installation_id")]
	if in == nil || in.app != rq.actor.app {
		no := notFound()
		return nil, &no
	}
	return in, nil
}

func getInstallation(rq *request) response {
	in, no := rq.asked()
	if no != nil {
		return *no
	}
	return ok(rq.installation(in))
}

func getRepoInstallation(rq *request) response {
	if no := rq.needApp(); no != nil {
		return *no
	}
	r := rq.s.repos[strings.ToLower(rq.param("owner")+"/"+rq.param("name"))]
	for _, in := range rq.installations() {
		if r != nil && slices.Contains(in.repos, r) {
			return ok(rq.installation(in))
		}
	}
	return notFound()
}

type jsonInstallationToken struct {
	Token               string            `json:"token"`
	ExpiresAt           time.Time         `json:"expires_at"`
	Permissions         map[string]string `json:"permissions"`
	RepositorySelection string            `json:"repository_selection"`
	Repositories        []any             `json:"repositories,omitempty"`
}

// createInstallationToken makes a token of an installation, perhaps with fewer
// rights or repositories than it has.
func createInstallationToken(rq *request) response {
	in, no := rq.asked()
	if no != nil {
		return *no
	}
	var body struct {
		Permissions   map[string]string `json:"permissions"`
		Repositories  []string          `json:"repositories"`
		RepositoryIDs []int64           `json:"repository_ids"`
	}
	if no := rq.decode(&body); no != nil {
		return *no
	}
	narrowed := *in
	if len(body.Permissions) > 0 {
		narrowed.permissions = map[string]Permission{"metadata": Read}
		for area, name := range body.Permissions {
			p := map[string]Permission{"read": Read, "write": Write}[name]
			if p == None || p > in.permissions[area] {
				return unprocessable("The permissions requested are not granted to this installation.")
			}
			narrowed.permissions[area] = p
		}
	}
	answer := &jsonInstallationToken{RepositorySelection: "selected"}
	if len(body.Repositories)+len(body.RepositoryIDs) > 0 {
		narrowed.repos = slices.DeleteFunc(slices.Clone(in.repos), func(r *repo) bool {
			return !slices.ContainsFunc(body.Repositories, func(n string) bool { return strings.EqualFold(n, r.name) }) &&
				!slices.Contains(body.RepositoryIDs, r.id)
		})
		if len(narrowed.repos) != len(body.Repositories)+len(body.RepositoryIDs) {
			return unprocessable("There is at least one repository that does not exist or is not accessible to the parent installation.")
		}
		for _, r := range narrowed.repos {
			answer.Repositories = append(answer.Repositories, rq.repoJSON(r))
		}
	}
	t := rq.s.addInstallationToken(&narrowed, rq.now)
	answer.Token, answer.ExpiresAt, answer.Permissions = t.value, jsonTime(t.expires), permissionNames(narrowed.permissions)
	return response{status: http.StatusCreated, body: answer}
}

// addInstallationToken makes a token and forgets those which have expired.
func (s *Server) addInstallationToken(in *installation, now time.Time) *token {
	for value, t := range s.tokens {
		if t.installation != nil && t.installation.id == in.id && !now.Before(t.expires) {
			delete(s.tokens, value)
		}
	}
	t := &token{value: "ghs_" + cryptorand.Text(), user: in.app.bot, installation: in, expires: now.Add(in.app.life)}
	s.tokens[t.value] = t
	return t
}

func revokeInstallationToken(rq *request) response {
	if rq.actor.installation() == nil {
		return fail(http.StatusUnauthorized, "Bad credentials")
	}
	rq.actor.token.revoked = true
	return noContent()
}
