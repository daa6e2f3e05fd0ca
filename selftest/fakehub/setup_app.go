package fakehub

import (
	"crypto/rsa"
	"fmt"
	"strings"
	"time"
)

// An App is a GitHub App to be made by [Server.AddApp].
type App struct {
	Slug  string // "cyborg"; what its installations write is by "cyborg[bot]"
	Name  string // "Slug" if empty
	Owner string // login; an unknown one is made, as an organisation
	Key   *rsa.PublicKey
	// TokenLife is how long installation tokens are good, an hour if zero.
	TokenLife time.Duration
}

// AddApp registers an App and gives its id.
func (s *Server) AddApp(a App) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !validName(a.Slug) || a.Key == nil {
		return 0, fmt.Errorf("add app %q: a slug of letters, digits and hyphens and a public key are needed", a.Slug)
	}
	if s.users[strings.ToLower(a.Slug+"[bot]")] != nil {
		return 0, fmt.Errorf("add app %s: there is one already", a.Slug)
	}
	owner := s.users[strings.ToLower(a.Owner)]
	if owner == nil {
		if !validName(a.Owner) {
			return 0, fmt.Errorf("add app %s: owner %q is not a login", a.Slug, a.Owner)
		}
		owner = s.addUser(a.Owner, "Organization")
	}
	made := &app{
		id: s.nextID(), slug: a.Slug, name: a.Name, owner: owner, bot: s.addUser(a.Slug+"[bot]", "Bot"),
		key: a.Key, created: time.Now(), life: a.TokenLife,
	}
	if made.name == "" {
		made.name = a.Slug
	}
	if made.life <= 0 {
		made.life = time.Hour
	}
	s.apps[made.id] = made
	return made.id, nil
}

// Install gives an App rights in repositories, all of one account, and gives
// the id of the installation. Permissions are by area: "contents", "issues",
// "pull_requests", "statuses", "metadata" and so on, each [Read] or [Write].
func (s *Server) Install(appID int64, permissions map[string]Permission, repositories ...string) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.apps[appID]
	if a == nil || len(repositories) == 0 {
		return 0, fmt.Errorf("install app %d: unknown app or no repositories", appID)
	}
	in := &installation{app: a, permissions: map[string]Permission{"metadata": Read}, created: time.Now()}
	for area, p := range permissions {
		if p != Read && p != Write {
			return 0, fmt.Errorf("install app %s: permission %s must be read or write", a.slug, area)
		}
		in.permissions[area] = p
	}
	for _, name := range repositories {
		r := s.repos[strings.ToLower(name)]
		if r == nil || in.account != nil && in.account != r.owner {
			return 0, fmt.Errorf("install app %s: %s is unknown or of another account", a.slug, name)
		}
		in.account = r.owner
		in.repos = append(in.repos, r)
	}
	in.id = s.nextID()
	s.installed[in.id] = in
	return in.id, nil
}
