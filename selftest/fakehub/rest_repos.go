package fakehub

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
)

// repoRoutes is repositories and who may do what in them.
func repoRoutes() []route {
	const root = "/repos/{owner}/{repo}"
	reads, admin := right{area: "metadata", need: Read}, right{area: "administration", need: Admin, denied: mustAdmin}
	return []route{
		{method: get, pattern: root, handle: getRepo, right: reads, scopes: "repo", docs: "repos/repos#get-a-repository"},
		{method: patch, pattern: root, handle: editRepo, right: admin, scopes: "repo", docs: "repos/repos#update-a-repository"},
		{method: remove, pattern: root, handle: deleteRepo, right: admin, scopes: "delete_repo", docs: "repos/repos#delete-a-repository"},
		{method: post, pattern: "/orgs/{org}/repos", handle: createOrgRepo, scopes: "public_repo, repo", docs: "repos/repos#create-an-organization-repository"},
		{method: post, pattern: "/user/repos", handle: createUserRepo, scopes: "public_repo, repo", docs: "repos/repos#create-a-repository-for-the-authenticated-user"},
		{
			method: get, pattern: root + "/collaborators", handle: listCollaborators, docs: "collaborators/collaborators#list-repository-collaborators",
			right: right{area: "metadata", need: Write, denied: mustPushList},
		},
		{
			method: get, pattern: root + "/collaborators/{username}", handle: isCollaborator,
			right: right{area: "metadata", need: Write, denied: mustPushList}, docs: "collaborators/collaborators#check-if-a-user-is-a-repository-collaborator",
		},
		{
			method: get, pattern: root + "/collaborators/{username}/permission", handle: getPermission,
			right: right{area: "metadata", need: Write, denied: mustPushAccess},
			docs:  "collaborators/collaborators#get-repository-permissions-for-a-user",
		},
	}
}

func getRepo(rq *request) response {
	return response{status: http.StatusOK, body: rq.fullRepo(rq.repo), lastModified: rq.repo.updated}
}

// repoInput is the body of a new or changed repository.
type repoInput struct {
	Name          optional[string] `json:"name"`
	Description   optional[string] `json:"description"`
	Private       optional[bool]   `json:"private"`
	DefaultBranch optional[string] `json:"default_branch"`
}

func editRepo(rq *request) response {
	var in repoInput
	if no := rq.decode(&in); no != nil {
		return *no
	}
	r := rq.repo
	if b := in.DefaultBranch.value; in.DefaultBranch.set && r.refAt("refs/heads/"+b, rq.now) == "" {
		return rq.invalid(custom("Repository", "default_branch", "The branch "+b+" was not found. Please push that ref first or create it via the Git Data API."))
	}
	if name := in.Name.value; in.Name.set && name != r.name {
		if no := rq.nameTaken(r.owner, name, r); no != nil {
			return *no
		}
		r.name = name
		rq.s.repos[strings.ToLower(r.fullName())] = r
	}
	if in.Description.set {
		r.description = in.Description.value
	}
	if in.Private.set {
		r.private = in.Private.value
	}
	if in.DefaultBranch.set {
		r.defaultBranch = in.DefaultBranch.value
	}
	r.updated = rq.now
	r.json = cached{}
	return ok(rq.fullRepo(r))
}

// nameTaken refuses a name that no repository can have, or another one has.
func (rq *request) nameTaken(owner *user, name string, itself *repo) *response {
	if !validRepoName(name) {
		return new(rq.invalid(fieldError{Resource: "Repository", Field: "name", Code: "missing_field"}))
	}
	other := rq.s.repos[strings.ToLower(owner.login+"/"+name)]
	if other != nil && other != itself && !other.gone && strings.EqualFold(other.name, name) {
		r := response{status: http.StatusUnprocessableEntity, body: &errorBody{
			Message: "Repository creation failed.", Errors: []fieldError{custom("Repository", "name", "name already exists on this account")},
		}}
		return &r
	}
	return nil
}

func deleteRepo(rq *request) response {
	rq.repo.gone = true
	return noContent()
}

func createOrgRepo(rq *request) response {
	org := rq.s.users[strings.ToLower(rq.param("org"))]
	if org == nil || org.kind != "Organization" {
		return notFound()
	}
	return rq.createRepo(org)
}

func createUserRepo(rq *request) response { return rq.createRepo(rq.actor.user) }

// createRepo makes a repository whose maker is its administrator.
func (rq *request) createRepo(owner *user) response {
	if rq.actor.user == nil {
		return fail(http.StatusUnauthorized, "Requires authentication")
	}
	if rq.actor.installation() != nil {
		return fail(http.StatusForbidden, "Resource not accessible by integration")
	}
	if !slices.ContainsFunc(rq.actor.token.scopes, func(s string) bool { return s == "repo" || s == "public_repo" }) {
		return notFound()
	}
	var in repoInput
	if no := rq.decode(&in); no != nil {
		return *no
	}
	if no := rq.nameTaken(owner, in.Name.value, nil); no != nil {
		return *no
	}
	r, err := rq.s.addRepo(rq.ctx, owner, Repo{Description: in.Description.value, Private: in.Private.value}, in.Name.value)
	if err != nil {
		rq.s.log.ErrorContext(rq.ctx, "create repository", "error", err)
		return fail(http.StatusInternalServerError, "Server Error")
	}
	r.grants[rq.actor.user] = Admin
	full := rq.fullRepo(r)
	full.TempCloneToken, full.SubscribersCount = nil, new(0) // as GitHub answers at first
	return created(full, rq.site.repo(r))
}

// jsonCollaborator is a user with what he may do.
type jsonCollaborator struct {
	jsonUser
	Permissions *jsonPermissions `json:"permissions"`
	RoleName    string           `json:"role_name"`
}

func (rq *request) collaborator(u *user) jsonCollaborator {
	p := rq.repo.permission(u)
	return jsonCollaborator{jsonUser: rq.site.userJSON(u), Permissions: permissionsJSON(p), RoleName: p.String()}
}

// collaborators are all with a grant, and the owner if it is a person.
func (r *repo) collaborators() []*user {
	var list []*user
	if r.owner.kind != "Organization" {
		list = append(list, r.owner)
	}
	for u := range r.grants {
		if u != r.owner {
			list = append(list, u)
		}
	}
	slices.SortFunc(list, func(a, b *user) int { return cmp.Compare(a.id, b.id) })
	return list
}

func listCollaborators(rq *request) response {
	list := rq.repo.collaborators()
	if p := rq.arg("permission"); p != "" {
		want := map[string]Permission{"pull": Read, "triage": Write, "push": Write, "maintain": Admin, "admin": Admin}[p]
		list = slices.DeleteFunc(list, func(u *user) bool { return rq.repo.permission(u) < want })
	}
	return listed(rq, list, func(u *user) any { return rq.collaborator(u) })
}

func isCollaborator(rq *request) response {
	u := rq.s.users[strings.ToLower(rq.param("username"))]
	if u == nil || !slices.Contains(rq.repo.collaborators(), u) {
		return notFound()
	}
	return noContent()
}

func getPermission(rq *request) response {
	u := rq.s.users[strings.ToLower(rq.param("username"))]
	if u == nil {
		return fail(http.StatusNotFound, rq.param("username")+" is not a user")
	}
	p := rq.repo.permission(u).String()
	return ok(struct {
		Permission string           `json:"permission"`
		User       jsonCollaborator `json:"user"`
		RoleName   string           `json:"role_name"`
	}{p, rq.collaborator(u), p})
}
