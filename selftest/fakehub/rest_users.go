package fakehub

import (
	"net/http"
	"strings"
	"time"
)

// userRoutes is accounts.
func userRoutes() []route {
	return []route{
		{method: get, pattern: "/user", handle: getViewer, docs: "users/users#get-the-authenticated-user"},
		{method: get, pattern: "/users/{username}", handle: getUser, docs: "users/users#get-a-user"},
		{method: get, pattern: "/user/{id}", handle: getUserByID, docs: "users/users#get-a-user-using-their-id"},
	}
}

// jsonFullUser is an account asked for by itself.
type jsonFullUser struct {
	jsonUser
	ViewType        string    `json:"user_view_type"` // "private" to oneself, else "public"
	Name            *string   `json:"name"`
	Company         *string   `json:"company"`
	Blog            string    `json:"blog"`
	Location        *string   `json:"location"`
	Email           *string   `json:"email"`
	Hireable        *bool     `json:"hireable"`
	Bio             *string   `json:"bio"`
	TwitterUsername *string   `json:"twitter_username"`
	PublicRepos     int       `json:"public_repos"`
	PublicGists     int       `json:"public_gists"`
	Followers       int       `json:"followers"`
	Following       int       `json:"following"`
	CreatedAt       time.Time `json:"created_at"`
	UpdatedAt       time.Time `json:"updated_at"`
}

// jsonViewer is one's own account, to a token with the scope for it.
type jsonViewer struct {
	jsonFullUser
	PrivateGists      int      `json:"private_gists"`
	TotalPrivateRepos int      `json:"total_private_repos"`
	OwnedPrivateRepos int      `json:"owned_private_repos"`
	DiskUsage         int      `json:"disk_usage"`
	Collaborators     int      `json:"collaborators"`
	TwoFactor         bool     `json:"two_factor_authentication"`
	Plan              jsonPlan `json:"plan"`
}

type jsonPlan struct {
	Name          string `json:"name"`
	Space         int    `json:"space"`
	Collaborators int    `json:"collaborators"`
	PrivateRepos  int    `json:"private_repos"`
}

func (rq *request) fullUser(u *user) jsonFullUser {
	out := jsonFullUser{
		jsonUser: rq.site.userJSON(u), ViewType: "public", Name: orNull(u.name), CreatedAt: jsonTime(u.created), UpdatedAt: jsonTime(u.created),
	}
	if !strings.Contains(u.email, "@users.noreply.") {
		out.Email = orNull(u.email)
	}
	for _, r := range rq.s.byID {
		if r.owner == u && !r.private && !r.gone {
			out.PublicRepos++
		}
	}
	return out
}

func getViewer(rq *request) response {
	u := rq.actor.user
	switch {
	case rq.actor.app != nil || rq.actor.installation() != nil:
		return fail(http.StatusForbidden, "Resource not accessible by integration")
	case u == nil:
		return fail(http.StatusUnauthorized, "Requires authentication")
	}
	out := jsonViewer{jsonFullUser: rq.fullUser(u), Plan: jsonPlan{Name: "free", Space: 976562499, PrivateRepos: 10000}}
	out.ViewType = "private"
	for _, r := range rq.s.byID {
		if r.owner == u && r.private && !r.gone {
			out.OwnedPrivateRepos++
			out.TotalPrivateRepos++
		}
	}
	return response{status: http.StatusOK, body: out, lastModified: u.created}
}

func getUser(rq *request) response {
	u := rq.s.users[strings.ToLower(rq.param("username"))]
	if u == nil {
		return notFound()
	}
	return response{status: http.StatusOK, body: rq.fullUser(u), lastModified: u.created}
}

func getUserByID(rq *request) response {
	id := rq.number("id")
	for _, u := range rq.s.users {
		if u.id == id {
			return response{status: http.StatusOK, body: rq.fullUser(u), lastModified: u.created}
		}
	}
	return notFound()
}
