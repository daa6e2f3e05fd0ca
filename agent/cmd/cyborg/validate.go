package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/selftest/shadow"
	"github.com/cyborg-bots/cyborg/tasks"
)

// selfCheck is the task that validates a pull request of the bots' own repository.
const selfCheck = "self-check"

// validationTime is how long that may take: most of it is building, without anything that was built before.
const validationTime = time.Hour

// ownTasks are what this bot can do for single repositories: it validates what people propose for itself.
func (b *bot) ownTasks() map[string][]tasks.Task {
	if b.bots == (hub.Repo{}) {
		return nil
	}
	return map[string][]tasks.Task{strings.ToLower(b.bots.String()): {{
		Name: selfCheck,
		Header: tasks.Header{
			Doc: "build this version of the bots, and see what it would do", On: []tasks.Event{{Kind: tasks.PullRequest}},
			Timeout: validationTime, Results: tasks.Format{Kind: tasks.TAP},
			Network: buildHosts(),
		},
		Run: func(ctx context.Context, env *tasks.Env, _ []string) error { return b.validate(ctx, env) },
	}}}
}

// buildHosts are what a build may reach: where Go's modules come from.
func buildHosts() []string {
	return []string{"proxy.golang.org", "sum.golang.org", "storage.googleapis.com"}
}

// validate judges the checkout of a pull request.
func (b *bot) validate(ctx context.Context, env *tasks.Env) error {
	pull, err := b.hub.Pull(ctx, b.bots, env.Job.Pull)
	if err != nil {
		return err
	}
	place, err := candidatePlace(env)
	if err != nil {
		return err
	}
	t := &shadow.Trial{Place: place, Source: env.Dir, GitHub: b.source(), Bots: b.bots.String(), Words: pull.Body}
	for _, r := range b.repos {
		t.Repos = append(t.Repos, r.String())
	}
	_, err = t.Run(ctx) // what is bad is in the results
	return err
}

// candidatePlace is where a candidate lives while a job lasts.
func candidatePlace(env *tasks.Env) (shadow.Place, error) {
	if env.Command == nil {
		return shadow.Place{}, errors.New("this bot has no place for foreign code")
	}
	program, err := os.Executable()
	if err != nil {
		return shadow.Place{}, fmt.Errorf("find this program: %w", err)
	}
	return shadow.Place{
		Command: env.Command, Dir: env.Scratch, Network: buildHosts(), Output: env.Output, Program: program,
	}, nil
}

// source is the GitHub that candidates see: that of this bot, but for all it does not serve.
func (b *bot) source() shadow.Source {
	rest, graph := b.hub.Addresses()
	s := shadow.Source{API: rest, GraphQL: graph, Clone: map[string]string{}, Token: b.hub.Token, Log: b.log}
	if b.user.App {
		s.App = b.user.Login
	}
	for name, r := range b.names {
		s.Clone[name] = r.CloneURL
	}
	return s
}
