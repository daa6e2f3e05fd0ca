package fakehub

import (
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Permission is what a user may do with a repository.
type Permission int

// The permissions of GitHub's legacy scale, each including those before it.
const (
	None Permission = iota
	Read
	Write
	Admin
)

// String is GitHub's word for the permission.
func (p Permission) String() string {
	return [...]string{"none", "read", "write", "admin"}[p]
}

// ParsePermission reads GitHub's word for a permission.
func ParsePermission(word string) (Permission, error) {
	for p := None; p <= Admin; p++ {
		if p.String() == word {
			return p, nil
		}
	}
	return None, fmt.Errorf("read permission %q: it is none, read, write or admin", word)
}

// A domain is a part of the state which is replicated by itself, and so may lag
// by itself.
type domain int

const (
	repoDomain    domain = iota // repositories, users, permissions: never lag
	issueDomain                 // title, body, state, labels of issues and pull requests
	pullDomain                  // heads, bases, mergeability
	statusDomain                // commit statuses
	refDomain                   // branches, tags and other references
	commentDomain               // comments and reviews
	eventDomain                 // issue events, timeline, activity
	domainCount
)

// A user is an account: a person, a bot of an App, or an organisation.
type user struct {
	id      int64
	login   string
	name    string
	email   string
	kind    string // "User", "Bot" or "Organization"
	created time.Time
	budget  *budget // shared by all tokens of the user, as GitHub does

	json cached // the short form, see json_user.go
}

// A token is what a request presents.
type token struct {
	value        string
	user         *user
	scopes       []string      // of a classic token
	installation *installation // of an installation token, else nil
	expires      time.Time     // zero: never
	revoked      bool
}

// An app is a GitHub App, signed in by a JSON web token of its key.
type app struct {
	id      int64
	slug    string
	name    string
	owner   *user
	bot     *user // the author of what its installations write
	key     *rsa.PublicKey
	created time.Time
	life    time.Duration // of the tokens of its installations
}

// An installation is an App given rights to repositories of one account.
type installation struct {
	id          int64
	app         *app
	account     *user
	repos       []*repo
	permissions map[string]Permission // by area: "contents", "issues", "statuses", …
	created     time.Time
}

// An actor is who makes a request. The zero value is the anonymous stranger.
type actor struct {
	user  *user  // nil if anonymous, or an App itself
	token *token // nil if anonymous, or an App itself
	app   *app   // set only for requests signed with an App's own key
}

func (a actor) login() string {
	switch {
	case a.user != nil:
		return a.user.login
	case a.app != nil:
		return a.app.slug + "[app]"
	}
	return ""
}

// A label is immutable: an edit makes a new one with the same id.
type label struct {
	id          int64
	name        string
	color       string // six hexadecimal digits
	description string
	builtin     bool // "default" in JSON
	json        cached
}

// A repo is a repository with everything that belongs to it.
type repo struct {
	id            int64
	owner         *user
	name          string
	description   string
	private       bool
	gone          bool // deleted
	created       time.Time
	updated       time.Time
	pushed        time.Time
	defaultBranch string
	parent        *repo // of a fork
	forks         []*repo
	grants        map[*user]Permission

	git  repository
	refs map[string]*history[string] // full name → object name; "" is absence

	labels       history[[]*label]     // in the order of their making
	issues       []*issue              // issue n is at n-1; pull requests are issues
	comments     records[*comment]     // of all issues
	events       records[*event]       // of all issues
	activity     records[*activity]    // what /events shows
	statuses     map[string]*statusLog // by commit
	releases     []*release
	contributors map[*user]bool // authors of merged pull requests
	byComment    map[int64]*comment

	json cached // the short form, see json_repo.go
}

func (r *repo) fullName() string { return r.owner.login + "/" + r.name }

// permission is what u may do here, by grant, ownership or openness.
func (r *repo) permission(u *user) Permission {
	p := None
	if !r.private {
		p = Read
	}
	if u == nil {
		return p
	}
	if u == r.owner {
		return Admin
	}
	return max(p, r.grants[u])
}

// label finds a label by name, which GitHub compares without case.
func (r *repo) label(name string) *label {
	for _, l := range r.labels.last() {
		if strings.EqualFold(l.name, name) {
			return l
		}
	}
	return nil
}

// refAt is the object which a full reference name had as of t, "" if none.
func (r *repo) refAt(name string, t time.Time) string {
	h := r.refs[name]
	if h == nil {
		return ""
	}
	sha, _ := h.at(t)
	return sha
}

// nodeID is the GraphQL name of a thing, in GitHub's older, readable form.
func nodeID(kind string, id int64) string {
	return base64.StdEncoding.EncodeToString([]byte("0" + strconv.Itoa(len(kind)) + ":" + kind + strconv.FormatInt(id, 10)))
}
