package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/cyborg-bots/cyborg/agent"
	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/publish"
	"github.com/cyborg-bots/cyborg/tasks"
)

// doErrand does the job of an issue, or what a pull request is tested for, as a bot does it: with --publish under the person's
// name, and without so that what would be written is printed instead.
func (h *byHand) doErrand(ctx context.Context) error {
	a, entry, err := h.ready(ctx)
	if err != nil {
		return err
	}
	outcome, err := a.ByHand(ctx, entry)
	h.bar.Close()
	if taken, ok := errors.AsType[*claim.TakenError](err); ok {
		return &exitError{Code: exitOccupied, Err: taken, Hint: "cyborg status tells who has what"}
	}
	if err == nil && outcome.Err != nil {
		err = outcome.Err
	}
	if err != nil {
		return infra(err)
	}
	fmt.Fprintf(h.env.Stderr, "cyborg: %s: %s\n", h.line.Task, outcome.Text)
	switch outcome.State {
	case publish.StateSuccess, publish.StateSkipped:
		return nil
	case publish.StateCancelled:
		return infra(errors.New(outcome.Text))
	}
	return &exitError{Code: exitNo, Err: errors.New("the task said no: " + outcome.Text)}
}

// ready makes a bot of the person and finds the job.
func (h *byHand) ready(ctx context.Context) (*agent.Agent, agent.Entry, error) {
	var none agent.Entry
	f := &h.flags
	if h.line.Repo != "" {
		f.repos = listFlag{h.line.Repo}
	}
	policy := claim.DefaultPolicy()
	f.jobs, f.poll, f.settle, f.lease, f.drain = 1, agent.DefaultPoll, policy.Settle, policy.Lease, agent.DefaultDrain
	if !h.line.Publish || f.where(h.env) == "" {
		f.logs, f.env = outDir, unserved(h.env)
	}
	b, err := f.wire()
	if err != nil {
		return nil, none, err
	}
	b.repos = b.repos[:1]
	if b.user, err = b.hub.User(ctx); err != nil {
		return nil, none, infra(fmt.Errorf("sign in to GitHub: %w", err))
	}
	f.name = b.user.Login
	if err := b.find(ctx); err != nil {
		return nil, none, err
	}
	b.has = tasks.Capabilities{{Name: string(tasks.OnHost)}}
	if b.boxes, err = f.sandboxesOf(b.state, b.log); err != nil {
		return nil, none, err
	}
	c := b.config()
	c.Terminal, c.Progress = h.env.Stdout, h.bar.Show
	c.Errands.ByHand = true
	if workshop, ok := c.Performer.(*agent.Workshop); ok {
		c.Teacher = workshop // which greets nobody
		if !h.line.Publish {
			workshop.Issues = nil // it writes
		}
		workshop.Places[tasks.InContainer] = b.boxes.untried()
		if h.line.Shell {
			workshop.Shell = h.shell
		}
	}
	if h.line.Publish {
		if b.claims, err = claim.OpenJournal(filepath.Join(b.state, "claims")); err != nil {
			return nil, none, infra(err)
		}
		c.Policy.Journal = b.claims
	} else {
		h.rehearse(b, &c)
	}
	a, err := agent.New(c)
	if err != nil {
		return nil, none, infra(err)
	}
	entry, err := h.entry(ctx, a, b)
	return a, entry, err
}

// rehearse lets nothing be written.
func (h *byHand) rehearse(b *bot, c *agent.Config) {
	stage := &agent.Rehearsal{Hub: b.hub, Out: h.env.Stdout, Login: b.user.Login}
	c.Policy.Settle, c.Policy.Journal = 0, nil // nobody else is on the stage
	c.Errands.Board = claim.NewIssueBoard(stage, c.Policy, agent.Tick, "")
	c.Errands.Desk, c.Errands.Scribe, c.Errands.Outlet = stage, stage, stage
}

// entry finds the job that the line is about.
func (h *byHand) entry(ctx context.Context, a *agent.Agent, b *bot) (agent.Entry, error) {
	repo := b.repos[0]
	e, err := a.Find(ctx, repo, max(h.line.Issue, h.line.Pull), h.line.Task, h.line.Args)
	if err != nil && h.line.Pull != 0 {
		queue, _, e2 := a.Look(ctx, repo)
		if e2 != nil {
			return e, infra(e2)
		}
		for _, q := range queue {
			if q.Issue == 0 && q.Pull == h.line.Pull && q.Task == h.line.Task && (h.line.Context == "" || q.Context == h.line.Context) {
				e, err = q, nil
				break
			}
		}
	}
	if err != nil {
		return e, &exitError{Code: exitUsage, Err: fmt.Errorf("%s: %w", h.line.Task, err), Hint: "cyborg scan lists the jobs of " + repo.String()}
	}
	if e.Taught == nil {
		return e, &exitError{Code: exitUsage, Err: fmt.Errorf("%s: %s", h.line.Task, e.Waits)}
	}
	if e.Waits != "" {
		fmt.Fprintf(h.env.Stderr, "cyborg: no bot does this: %s\n", e.Waits)
	}
	if e.Taught.In.Kind == tasks.AnyPlace {
		e.Place = tasks.OnHost
	}
	return e, nil
}

// shell gives the person a shell where the task would run.
func (h *byHand) shell(ctx context.Context, folder string, vars []string) (int, error) {
	program := h.env.Getenv("SHELL")
	if program == "" {
		program = "/bin/sh"
	}
	fmt.Fprintf(h.env.Stderr, "cyborg: this is where %s would run, in %s; leave with exit to say yes, with exit 1 to say no\n", h.line.Task, folder)
	cmd := exec.CommandContext(ctx, program)
	cmd.Dir, cmd.Env = folder, append(os.Environ(), vars...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = h.env.Stdin, h.env.Stdout, h.env.Stderr
	err := cmd.Run()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		return failed.ExitCode(), nil
	}
	return 0, err
}

// unserved is an environment in which nobody serves logs.
func unserved(env *environment) *environment {
	alone := *env
	alone.Getenv = func(name string) string {
		if name == "CYBORG_PUBLIC_URL" {
			return ""
		}
		return env.Getenv(name)
	}
	return &alone
}
