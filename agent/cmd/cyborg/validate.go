package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cyborg-bots/cyborg/agent"
	"github.com/cyborg-bots/cyborg/agent/checkout"
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
	t := &shadow.Trial{Place: place, Source: env.Dir, GitHub: b.source(), Bots: b.bots.String(), Has: b.has.String(), Words: pull.Body}
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

// candidates is what this bot needs to do jobs of others with what people propose for itself.
func (b *bot) candidates() *agent.Candidates {
	if b.bots == (hub.Repo{}) {
		return nil
	}
	return &agent.Candidates{Repo: b.bots, Check: selfCheck, Task: func(candidate hub.Pull, c tasks.Context) tasks.Task {
		task := tasks.Task{Name: c.Task.Name, Header: c.Task.Header, Run: func(ctx context.Context, env *tasks.Env, _ []string) error {
			return b.try(ctx, env, candidate, c)
		}}
		task.In = tasks.Place{}
		task.Timeout += validationTime
		if task.Results.Kind != tasks.TAP { // what it prints by hand is for people
			task.Results = tasks.Format{}
		}
		return task
	}}
}

// try does a context by hand, with the program of a candidate. What the context is about is checked out by that program.
func (b *bot) try(ctx context.Context, env *tasks.Env, candidate hub.Pull, c tasks.Context) error {
	place, err := candidatePlace(env)
	if err != nil {
		return err
	}
	place.Dir = filepath.Join(env.Scratch, "place")
	mirror, err := b.mirror(b.bots.String())
	if err != nil {
		return err
	}
	base := "refs/heads/" + candidate.BaseRef
	have, err := mirror.Fetch(ctx, base, candidate.HeadSHA)
	if err != nil {
		return fmt.Errorf("fetch %s#%d: %w", b.bots, candidate.Number, err)
	}
	source := filepath.Join(env.Scratch, "src")
	if _, err := mirror.Merge(ctx, source, have[base], candidate.HeadSHA); err != nil {
		if _, conflict := errors.AsType[*checkout.ConflictError](err); conflict {
			return tasks.Fail("%s#%d does not merge into %s any more", b.bots, candidate.Number, candidate.BaseRef)
		}
		return fmt.Errorf("merge %s#%d: %w", b.bots, candidate.Number, err)
	}
	fmt.Fprintf(env.Output, "# with %s#%d, %.12s\n", b.bots, candidate.Number, candidate.HeadSHA)
	line := []string{c.Task.Name, "--repo", env.Job.Repo, "--pull", fmt.Sprint(env.Job.Pull), "--context", c.Name}
	result, bad, err := place.Perform(ctx, b.source(), source, env.Job.Repo, line, env.Output)
	if err != nil {
		return err
	}
	if bad != "" {
		return tasks.Fail("%s#%d: %s", b.bots, candidate.Number, bad)
	}
	env.Result = &result
	return nil
}
