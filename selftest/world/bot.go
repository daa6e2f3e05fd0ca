package world

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/cyborg-bots/cyborg/agent"
	"github.com/cyborg-bots/cyborg/agent/checkout"
	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/container"
	"github.com/cyborg-bots/cyborg/tasks"
)

// Pace is how quickly the bots of a world live. Real bots are slower (see agent's and claim's defaults); the order of
// the times is the same.
type Pace struct {
	Poll, Settle, Lease, Drain time.Duration
}

// Quick suits a world without lag.
func Quick() Pace {
	return Pace{Poll: 500 * time.Millisecond, Settle: 300 * time.Millisecond, Lease: time.Minute, Drain: time.Second}
}

// StartBot starts a bot that serves a repository until ctx ends.
func (w *World) StartBot(ctx context.Context, name, repo string, pace Pace) error {
	config, err := w.bot(name, repo, pace)
	if err != nil {
		return fmt.Errorf("start bot %s: %w", name, err)
	}
	a, err := agent.New(config)
	if err != nil {
		return err
	}
	w.bots.Go(func() {
		if err := a.Run(ctx); err != nil {
			w.o.Log.Error("a bot ended", "bot", name, "error", err)
		}
	})
	return nil
}

// bot wires one as cyborg run does, over this world's GitHub and folders.
func (w *World) bot(name, repo string, pace Pace) (agent.Config, error) {
	served, err := hub.ParseRepo(repo)
	if err != nil {
		return agent.Config{}, err
	}
	dir := filepath.Join(w.o.Dir, "bots", name)
	jobs := filepath.Join(dir, "jobs")
	log := w.o.Log.With("bot", name)
	client, err := hub.New(hub.Options{URL: w.URL, Token: hub.Secret(w.people[Account].Token), Dir: filepath.Join(dir, "etags"),
		Log: log, WriteEvery: 20 * time.Millisecond})
	if err != nil {
		return agent.Config{}, err
	}
	policy := claim.DefaultPolicy()
	policy.Settle, policy.Lease, policy.Patience = pace.Settle, pace.Lease, new(claim.Patience)
	mirror := func(name string) (*checkout.Mirror, error) {
		return checkout.Open(checkout.Options{Dir: filepath.Join(dir, "git"), URL: w.URL + "/" + name + ".git", Token: client.Token, Log: log})
	}
	workshop := &agent.Workshop{
		Mirror: mirror,
		Log:    log,
		Places: map[tasks.PlaceKind]container.Runner{
			tasks.OnHost: container.NewHost(container.HostOptions{Dir: jobs, Log: log}),
		},
	}
	return agent.Config{
		Name: name, Host: "this machine", Version: "demo", Web: w.URL, Hub: client, Repos: []hub.Repo{served},
		Teacher: workshop, Performer: workshop, Store: w.logs, Board: claim.NewStatusBoard(client, policy),
		Has: tasks.Capabilities{{Name: string(tasks.OnHost)}}, Policy: policy, Jobs: 1, Poll: pace.Poll, Drain: pace.Drain,
		Errands: &agent.Errands{
			Board: claim.NewIssueBoard(client, policy, agent.Tick, ""), Desk: client, Login: Account,
			Author: checkout.Person{Name: Account, Email: Account + "@example.com"},
			Outlet: &agent.Branches{Hub: client, Mirror: mirror, Login: Account, Within: true, Web: w.URL},
		},
		Scratch: jobs, Seed: w.o.Seed, Log: log,
	}, nil
}
