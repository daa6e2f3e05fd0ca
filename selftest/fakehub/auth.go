package fakehub

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// authenticate tells who makes a request: by a token in the Authorization
// header ("token", "Bearer", or as the password of basic authentication).
// It says false if there is a credential but not a good one. The caller holds
// the mutex.
func (s *Server) authenticate(r *http.Request, now time.Time) (actor, bool) {
	value := credential(r)
	if value == "" {
		return actor{}, r.Header.Get("Authorization") == ""
	}
	t := s.tokens[value]
	if t == nil && strings.Count(value, ".") == 2 { // a JSON web token: an App itself
		return s.authenticateApp(value, now)
	}
	if t == nil || t.revoked || !t.expires.IsZero() && !now.Before(t.expires) {
		return actor{}, false
	}
	if slices.Contains(s.faults.RevokedTokens, value) || slices.ContainsFunc(s.faults.RevokedTokens, func(login string) bool {
		return strings.EqualFold(login, t.user.login)
	}) {
		return actor{}, false
	}
	return actor{user: t.user, token: t}, true
}

// credential is the token of a request, whichever way it is presented.
func credential(r *http.Request) string {
	header := r.Header.Get("Authorization")
	kind, value, _ := strings.Cut(header, " ")
	switch strings.ToLower(kind) {
	case "token", "bearer":
		return strings.TrimSpace(value)
	case "basic":
		name, password, _ := r.BasicAuth()
		if password == "" || password == "x-oauth-basic" { // the token may stand in either place
			return name
		}
		return password
	}
	return ""
}

// A right is what a route asks for in its repository.
type right struct {
	area   string     // what tokens are given rights to: "contents", "issues", "statuses", …
	need   Permission // of the person
	denied string     // the text of GitHub's 403; "": it answers 404
}

// allowed says whether the actor may use a right in r, for reading or writing,
// and if not, what GitHub answers; nil is yes.
func (s *Server) allowed(a actor, r *repo, want right, writes bool) *response {
	if r.permission(a.user) < Read {
		if in := a.installation(); in == nil || !slices.Contains(in.repos, r) {
			return refuse(true, 0, "")
		}
	}
	if !writes && want.need <= Read && !r.private {
		return nil
	}
	if a.user == nil {
		return refuse(false, http.StatusUnauthorized, "Requires authentication")
	}
	if in := a.installation(); in != nil {
		need := want.need
		if writes {
			need = max(need, Write)
		}
		if !slices.Contains(in.repos, r) || in.permissions[want.area] < min(need, Write) && (writes || want.area != "metadata") {
			return refuse(false, http.StatusForbidden, "Resource not accessible by integration")
		}
		return nil
	}
	if !a.token.covers(r, want.area) {
		return refuse(true, 0, "")
	}
	if have := r.permission(a.user); have < want.need {
		return refuse(want.denied == "", http.StatusForbidden, want.denied)
	}
	return nil
}

func (a actor) installation() *installation {
	if a.token == nil {
		return nil
	}
	return a.token.installation
}

func refuse(hide bool, status int, text string) *response {
	r := notFound()
	if !hide {
		r = fail(status, text)
	}
	return &r
}

// covers says whether the scopes of a classic token reach the area in r.
func (t *token) covers(r *repo, area string) bool {
	for _, scope := range t.scopes {
		switch {
		case scope == "repo",
			scope == "public_repo" && !r.private,
			scope == "repo:status" && area == "statuses":
			return true
		}
	}
	return false
}
