package claimtest_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/claim/claimtest"
	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/selftest/fakehub"
	"github.com/cyborg-bots/cyborg/tasks"
)

func TestMemoryBoard(t *testing.T) {
	for name, f := range map[string]claimtest.Faults{
		"fresh":  {},
		"lagged": {Lag: 4 * time.Second, Replicas: 3, Delay: time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			claimtest.Board(t, func(*testing.T) claimtest.Stand {
				m := claimtest.NewMemory(1, f)
				n := 0
				return claimtest.Stand{
					Board: func(*testing.T) claim.Board { return m.Board("cyborg") },
					Subject: func(*testing.T) claim.Subject {
						n++
						return claim.Subject{Repo: "acme/widget", SHA: strings.Repeat("a1", 20), Context: fmt.Sprint("verify/", n)}
					},
					Ask: func(_ *testing.T, s claim.Subject) { m.Say(s, "stef", "pending", claim.Triggered) },
					Shows: func(_ *testing.T, s claim.Subject) string {
						all := m.All(s)
						if len(all) == 0 {
							return ""
						}
						return claim.FormatStatusText(all[len(all)-1])
					},
					Lag: f.Lag, Results: true, Ids: true,
				}
			})
		})
	}
}

// A github is an emulator with a repository, a bot's account and a person's.
type github struct {
	server *fakehub.Server
	sha    string
	lag    time.Duration
	stef   *hub.Client
	n      atomic.Int64
}

var repo = hub.Repo{Owner: "acme", Name: "widget"}

func newGithub(t *testing.T, lag time.Duration) *github {
	t.Helper()
	server, err := fakehub.New(fakehub.Options{Seed: 1})
	must(t, err)
	t.Cleanup(func() { must(t, server.Close()) })
	g := &github{server: server, lag: lag}
	for login, p := range map[string]fakehub.Permission{"stef": fakehub.Admin, "cyborg": fakehub.Write} {
		must(t, server.AddUser(fakehub.User{Login: login, Token: login + "-token"}))
		defer func() { must(t, server.Grant("acme/widget", login, p)) }()
	}
	must(t, server.AddUser(fakehub.User{Login: "acme"}))
	must(t, server.AddRepo(t.Context(), fakehub.Repo{Name: "acme/widget"}))
	g.sha, err = server.Commit(t.Context(), "acme/widget", fakehub.Commit{Branch: "main", Files: map[string]string{"README": "hello\n"}, Author: "stef"})
	must(t, err)
	f := fakehub.Faults{}
	f.Lag.Statuses, f.Lag.Issues = fakehub.Duration(lag), fakehub.Duration(lag)
	must(t, server.SetFaults(f))
	g.stef = g.client(t, "stef")
	return g
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (g *github) client(t *testing.T, login string) *hub.Client {
	t.Helper()
	c, err := hub.New(hub.Options{URL: "http://hub.test", Token: hub.Secret(login + "-token"), Transport: g.server.Transport(), WriteEvery: -1})
	must(t, err)
	return c
}

func (g *github) policy() claim.Policy {
	p := claim.DefaultPolicy()
	begin := time.Now()
	p.Elapsed = func() time.Duration { return time.Since(begin) }
	return p
}

func TestStatusBoard(t *testing.T) {
	for name, lag := range map[string]time.Duration{"fresh": 0, "lagged": 3 * time.Second} {
		t.Run(name, func(t *testing.T) {
			claimtest.Board(t, func(t *testing.T) claimtest.Stand {
				g := newGithub(t, lag)
				return claimtest.Stand{
					Board: func(t *testing.T) claim.Board { return claim.NewStatusBoard(g.client(t, "cyborg"), g.policy()) },
					Subject: func(*testing.T) claim.Subject {
						return claim.Subject{Repo: "acme/widget", SHA: g.sha, Context: fmt.Sprint("verify/", g.n.Add(1))}
					},
					Ask: func(t *testing.T, s claim.Subject) {
						_, err := g.stef.PostStatus(t.Context(), repo, s.SHA, hub.Status{State: "pending", Context: strings.ToUpper(s.Context), Description: claim.NotTested})
						must(t, err)
					},
					Shows: g.shows, Lag: lag, Results: true, Ids: true,
				}
			})
		})
	}
}

// shows is the newest status of a context.
func (g *github) shows(t *testing.T, s claim.Subject) string {
	t.Helper()
	time := time.NewTimer(g.lag)
	<-time.C
	list, _, err := g.client(t, "stef").Statuses(t.Context(), repo, s.SHA, 0)
	must(t, err)
	for _, r := range list {
		if strings.EqualFold(r.Context, s.Context) {
			return r.State + " " + r.Description
		}
	}
	return ""
}

func TestIssueBoard(t *testing.T) {
	for name, lag := range map[string]time.Duration{"fresh": 0, "lagged": 3 * time.Second} {
		t.Run(name, func(t *testing.T) {
			claimtest.Board(t, func(t *testing.T) claimtest.Stand {
				g := newGithub(t, lag)
				return claimtest.Stand{
					Board: func(t *testing.T) claim.Board { return g.issues(t) },
					Subject: func(t *testing.T) claim.Subject {
						return g.issue(t, "Image refresh", " * [ ] image-refresh debian-13\n")
					},
					Ask: func(t *testing.T, s claim.Subject) {
						_, err := g.stef.EditIssue(t.Context(), repo, s.Issue, hub.IssueEdit{Title: new("Image refresh, again")})
						must(t, err)
					},
					Shows: func(t *testing.T, s claim.Subject) string { return g.read(t, s).Title },
					Lag:   lag,
				}
			})
		})
	}
}

func (g *github) issues(t *testing.T) *claim.IssueBoard {
	return claim.NewIssueBoard(g.client(t, "cyborg"), g.policy(), tick, "in-progress")
}

// tick is what the bots wire in.
func tick(body, item string, ok bool) (string, bool) {
	changed, err := tasks.Check(body, item, ok)
	if err != nil {
		changed = body
	}
	_, open := tasks.NextItem(tasks.ParseChecklist(changed))
	return changed, !open
}

func (g *github) issue(t *testing.T, title, body string) claim.Subject {
	t.Helper()
	i, err := g.stef.CreateIssue(t.Context(), repo, hub.NewIssue{Title: title, Body: body, Labels: []string{"bot"}})
	must(t, err)
	timer := time.NewTimer(g.lag)
	<-timer.C
	return claim.Subject{Repo: "acme/widget", Issue: i.Number, Item: "image-refresh debian-13"}
}

func (g *github) read(t *testing.T, s claim.Subject) hub.Issue {
	t.Helper()
	timer := time.NewTimer(g.lag)
	<-timer.C
	i, err := g.client(t, "stef").Issue(t.Context(), repo, s.Issue)
	must(t, err)
	return i
}
