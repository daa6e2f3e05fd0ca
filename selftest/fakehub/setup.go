package fakehub

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// A User is an account to be made by [Server.AddUser].
type User struct {
	Login        string
	Name         string   // optional
	Email        string   // optional; else the noreply address
	Token        string   // optional; more by [Server.AddToken]
	Scopes       []string // of the token; none given means "repo" alone
	Organization bool
}

// A Repo is a repository to be made by [Server.AddRepo].
type Repo struct {
	Name          string // "owner/name"; an unknown owner is made, as an organisation
	Description   string
	DefaultBranch string // "main" if empty
	Private       bool
}

// AddUser makes an account. A login that exists is an error.
func (s *Server) AddUser(u User) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !validName(u.Login) {
		return fmt.Errorf("add user %q: a login is made of letters, digits and hyphens", u.Login)
	}
	if s.users[strings.ToLower(u.Login)] != nil {
		return fmt.Errorf("add user %s: there is one already", u.Login)
	}
	kind := "User"
	if u.Organization {
		kind = "Organization"
	}
	made := s.addUser(u.Login, kind)
	made.name = u.Name
	if u.Email != "" {
		made.email = u.Email
	}
	if u.Token != "" {
		return s.addToken(made, u.Token, u.Scopes)
	}
	return nil
}

// addUser enters an account of a kind ("User", "Bot", "Organization").
func (s *Server) addUser(login, kind string) *user {
	id := s.nextID()
	u := &user{
		id: id, login: login, kind: kind, created: time.Now(), budget: newBudget(),
		email: fmt.Sprintf("%d+%s@users.noreply.github.com", id, login),
	}
	s.users[strings.ToLower(login)] = u
	return u
}

// AddToken gives a user one more token with the scopes of a classic token. None
// given means "repo" alone; a single empty scope means no scope.
func (s *Server) AddToken(login, value string, scopes ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.users[strings.ToLower(login)]
	if u == nil {
		return fmt.Errorf("add token: there is no user %s", login)
	}
	return s.addToken(u, value, scopes)
}

func (s *Server) addToken(u *user, value string, scopes []string) error {
	if s.tokens[value] != nil {
		return fmt.Errorf("add token of %s: this token is in use already", u.login)
	}
	if len(scopes) == 0 {
		scopes = []string{"repo"}
	}
	if scopes[0] == "" {
		scopes = nil
	}
	s.tokens[value] = &token{value: value, user: u, scopes: scopes}
	return nil
}

// Revoke makes a token useless, as its owner would on GitHub's page.
func (s *Server) Revoke(value string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tokens[value]
	if t == nil {
		return fmt.Errorf("revoke token: there is no such token")
	}
	t.revoked = true
	return nil
}

// AddRepo makes an empty repository.
func (s *Server) AddRepo(ctx context.Context, r Repo) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	owner, name, _ := strings.Cut(r.Name, "/")
	if !validName(owner) || !validRepoName(name) {
		return fmt.Errorf("add repository %q: the name is OWNER/NAME of letters, digits, '-', '_' and '.'", r.Name)
	}
	if s.repos[strings.ToLower(r.Name)] != nil {
		return fmt.Errorf("add repository %s: there is one already", r.Name)
	}
	u := s.users[strings.ToLower(owner)]
	if u == nil {
		u = s.addUser(owner, "Organization")
	}
	_, err := s.addRepo(ctx, u, r, name)
	return err
}

// addRepo enters a repository of owner.
func (s *Server) addRepo(ctx context.Context, owner *user, r Repo, name string) (*repo, error) {
	now := time.Now()
	made := &repo{
		id: s.nextID(), owner: owner, name: name, description: r.Description, private: r.Private,
		created: now, updated: now, pushed: now, defaultBranch: r.DefaultBranch,
		grants: map[*user]Permission{}, refs: map[string]*history[string]{},
		statuses: map[string]*statusLog{}, byComment: map[int64]*comment{}, contributors: map[*user]bool{},
	}
	if made.defaultBranch == "" {
		made.defaultBranch = "main"
	}
	if s.options.Dir == "" {
		made.git = newMemoryRepository(s.objects)
	} else {
		git, err := s.openDisk(ctx, made)
		if err != nil {
			return nil, fmt.Errorf("add repository %s: %w", made.fullName(), err)
		}
		made.git = git
	}
	made.labels.set(now, s.defaultLabels())
	s.repos[strings.ToLower(made.fullName())] = made
	s.byID[made.id] = made
	return made, nil
}

// Grant gives a user a permission in a repository; [None] takes it away.
func (s *Server) Grant(repository, login string, p Permission) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, u := s.repos[strings.ToLower(repository)], s.users[strings.ToLower(login)]
	if r == nil || u == nil {
		return fmt.Errorf("grant %s to %s in %s: unknown repository or user", p, login, repository)
	}
	if p == None {
		delete(r.grants, u)
		return nil
	}
	r.grants[u] = p
	return nil
}

// Rename gives a repository a new name (without the owner); the old one
// redirects.
func (s *Server) Rename(repository, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.repos[strings.ToLower(repository)]
	if r == nil || !validRepoName(name) {
		return fmt.Errorf("rename %s to %q: unknown repository or bad name", repository, name)
	}
	if other := s.repos[strings.ToLower(r.owner.login+"/"+name)]; other != nil && other != r {
		return fmt.Errorf("rename %s to %s: the name is taken", repository, name)
	}
	r.name = name
	r.updated = time.Now()
	s.repos[strings.ToLower(r.fullName())] = r
	return nil
}

func validName(s string) bool {
	return s != "" && len(s) <= 39 && strings.Trim(s, "-") == s && only(s, "-")
}

func validRepoName(s string) bool {
	return s != "" && len(s) <= 100 && s != "." && s != ".." && !strings.HasSuffix(s, ".git") && only(s, "-_.")
}

// only says whether s has nothing but ASCII letters, digits and what is in also.
func only(s, also string) bool {
	for _, c := range s {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune(also, c)) {
			return false
		}
	}
	return true
}
