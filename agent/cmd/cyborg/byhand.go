package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cyborg-bots/cyborg/agent"
	"github.com/cyborg-bots/cyborg/agent/checkout"
	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/container"
	"github.com/cyborg-bots/cyborg/publish"
	"github.com/cyborg-bots/cyborg/publish/dir"
	"github.com/cyborg-bots/cyborg/tasks"
)

// outDir is where a task that was done by hand leaves its log, results and artifacts.
const outDir = "out"

// taskCommand is the row of the table for tasks by their names. They have no flags of package flag: the line in the shell
// is read as the line in an issue is, and New only says what can be in it.
func taskCommand() command {
	return command{
		Name: "TASK", Args: "[ARGS]", Short: "do a task of the repository in this folder by hand, as a bot would",
		Long: `
Without --pull or --issue, tests what is committed in this work tree. With --pull, tests a pull request merged into its
base, as a bot would; with --issue, does what the issue's checklist asks for first, and prints what a bot would write.
GitHub is only read, and a token that may read is enough. With --publish you do what a bot does, under your name: the
claim, the log's address, the branch in your fork, the words and the result; bots leave it to you. The log goes to the
terminal, and with results and artifacts to ./out, or with --publish to $CYBORG_LOGS. Words behind -- are the task's own.`,
		Exits: []exitStatus{{exitDone, "the task said yes"}, {exitNo, "the task said no"},
			{exitUsage, "the command line is wrong, or there is no such task"},
			{exitInfra, "it could not be done: GitHub cannot be read, git or this machine cannot do the work"},
			{exitOccupied, "a peer has it"}},
		New: func(fs *flag.FlagSet, _ *environment) func(context.Context, []string) error {
			fs.String("repo", "", "the repository `OWNER/NAME` (default $CYBORG_REPO)")
			fs.Int("pull", 0, "the pull request `N`")
			fs.Int("issue", 0, "the issue `N`, or the pull request, whose checklist asks for it")
			fs.Bool("publish", false, "write to GitHub as a bot would, under your name")
			fs.Bool("shell", false, "get a shell where the task would run, with its variables, and do the work yourself")
			fs.String("context", "", "the `CONTEXT`, of a task that has several (default: its first)")
			return nil
		},
	}
}

// asksForHelp tells whether a word does that is not one of the task's own.
func asksForHelp(args []string) bool {
	if at := slices.Index(args, "--"); at >= 0 {
		args = args[:at]
	}
	return slices.ContainsFunc(args, func(a string) bool { return a == "-h" || a == "-help" || a == "--help" })
}

// runTask does a task by hand: the line in the shell is the line in the issue and the one that a scan prints, and it goes
// the way that a bot's job goes. Without --publish GitHub is only read.
func runTask(ctx context.Context, env *environment, name string, args []string) error {
	if asksForHelp(args) {
		return taskCommand().execute(ctx, env, []string{"-h"})
	}
	line, err := tasks.ParseWords(append([]string{name}, args...))
	if err != nil {
		return &exitError{Code: exitUsage, Err: err, Hint: "see cyborg help, and cyborg tasks for the tasks here"}
	}
	h := &byHand{env: env, line: line, bar: barOn(env.Stderr)}
	if line.Issue != 0 || line.Publish {
		h.flags.env = env
		if line.Issue == 0 && line.Pull == 0 {
			return usageError("%s: --publish wants --issue N or --pull N: there is nobody else to tell", name)
		}
		return h.doErrand(ctx)
	}
	if err := h.open(ctx); err != nil {
		return err
	}
	return h.do(ctx)
}

// byHand is one task that a person does.
type byHand struct {
	env    *environment
	line   tasks.Line
	flags  runFlags
	state  string
	mirror *checkout.Mirror
	work   *agent.Workshop
	bar    *publish.Bar // of what is published at the end
	job    tasks.Job
	task   *tasks.Task
}

// open finds the task, the commit and the place. With --pull the pull request is read from GitHub; without, the
// repository in this folder is used as it is committed.
func (h *byHand) open(ctx context.Context) error {
	h.flags.env = h.env
	state, err := h.flags.stateDir()
	if err != nil {
		return err
	}
	h.state = state
	log := h.flags.logger()
	h.work = &agent.Workshop{
		Log:    log,
		Mirror: func(string) (*checkout.Mirror, error) { return h.mirror, nil },
		Places: map[tasks.PlaceKind]container.Runner{
			tasks.OnHost: container.NewHost(container.HostOptions{Dir: filepath.Join(state, jobsDir), Log: log}),
		},
	}
	if m, err := h.flags.machinery(ctx, state, log); err == nil { // without, a task that wants one says so
		h.work.Places[tasks.InVM] = m.place
	}
	boxes, err := h.flags.sandboxesOf(state, log)
	if err != nil {
		return err
	}
	h.work.Places[tasks.InContainer] = boxes.untried()
	h.job = tasks.Job{Task: h.line.Task, Args: h.line.Args, Context: h.line.Context, Pull: h.line.Pull}
	if h.line.Shell {
		h.work.Shell = h.shell
	}
	if h.line.Pull != 0 || h.line.SHA != "" {
		return h.fromHub(ctx, state)
	}
	return h.fromHere(ctx, state)
}

// fromHere takes the commit that is checked out in this folder.
func (h *byHand) fromHere(ctx context.Context, state string) error {
	top, err := gitHere(ctx, "rev-parse", "--show-toplevel")
	if err != nil {
		return &exitError{Code: exitUsage, Err: fmt.Errorf("%s: no repository in this folder", h.line.Task),
			Hint: "go to the work tree of the repository whose bots/ has the task; or give --repo OWNER/NAME --pull N"}
	}
	catalogue, broken := localCatalogue(top)
	if catalogue == nil {
		return infra(broken)
	}
	if err := h.find(catalogue, broken); err != nil {
		return err
	}
	if dirty, err := gitHere(ctx, "status", "--porcelain", "--untracked-files=no"); err == nil && dirty != "" {
		fmt.Fprintln(h.env.Stderr, "cyborg: what is not committed is not tested")
	}
	head, err := gitHere(ctx, "rev-parse", "HEAD")
	if err != nil {
		return infra(fmt.Errorf("%s: find the commit: %w", h.line.Task, err))
	}
	branch, err := gitHere(ctx, "symbolic-ref", "--short", "HEAD")
	if err != nil {
		return &exitError{Code: exitUsage, Err: fmt.Errorf("%s: no branch is checked out here", h.line.Task), Hint: "git switch BRANCH"}
	}
	h.job.Repo, h.job.SHA, h.job.BaseRef = "local/"+filepath.Base(top), head, branch
	h.work.Know(h.job.Repo, catalogue)
	h.mirror, err = checkout.Open(checkout.Options{Dir: filepath.Join(state, "git"), URL: (&url.URL{Scheme: "file", Path: top}).String(), Log: h.flags.logger()})
	return infra(err)
}

// find looks the task up, and the place on its axes that --context names.
func (h *byHand) find(catalogue *tasks.Catalogue, broken error) error {
	task, err := catalogue.Find(h.line.Task)
	if err != nil {
		if broken != nil {
			err = errors.Join(err, broken)
		}
		return &exitError{Code: exitUsage, Err: err, Hint: "see cyborg help for the commands, and cyborg tasks for the tasks here"}
	}
	if err := task.CheckArgs(h.line.Args); err != nil {
		return &exitError{Code: exitUsage, Err: err}
	}
	h.task = task
	contexts := task.Contexts()
	if h.line.Context == "" {
		h.job.Context, h.job.Axes = contexts[0].Name, contexts[0].Axes
		return nil
	}
	c, ok := catalogue.Lookup(h.line.Context)
	if !ok {
		return &exitError{Code: exitUsage, Err: fmt.Errorf("%s: no context %q", h.line.Task, h.line.Context), Hint: "it has " + contextNames(task)}
	}
	h.job.Context, h.job.Axes = c.Name, c.Axes
	return nil
}

// do performs the job with the log on the terminal and everything in ./out.
func (h *byHand) do(ctx context.Context) error {
	store, err := dir.Open(outDir, dir.Options{})
	if err != nil {
		return infra(err)
	}
	defer store.Close()
	if err := os.WriteFile(filepath.Join(outDir, ".gitignore"), []byte("*\n"), 0o644); err != nil {
		return infra(fmt.Errorf("keep git from looking at %s: %w", outDir, err))
	}
	redact, err := h.flags.redactor()
	if err != nil {
		return err
	}
	nonce := claim.NewNonce()
	scratch, err := container.NewScratch(ctx, filepath.Join(h.state, jobsDir), h.job.Task)
	if err != nil {
		return infra(err)
	}
	defer scratch.Close()
	branch := ""
	if h.job.Pull == 0 {
		branch = cmp.Or(h.job.BaseRef, h.job.SHA)
	}
	attempt, err := publish.Begin(ctx, store, publish.Info{
		Branch: branch,
		Repo:   h.job.Repo, Task: h.job.Task, Context: h.job.Context, Pull: h.job.Pull, SHA: h.job.SHA, Bot: hostName(),
		Host: hostName(), Version: buildVersion(), Nonce: nonce, Line: h.line.String(),
		Redact: redact, Log: h.flags.logger(), Progress: h.bar.Show,
	})
	if err != nil {
		return infra(err)
	}
	outcome := h.work.Perform(ctx, &agent.Env{
		Task: h.task, Place: h.place(), Dir: scratch.Dir, Nonce: nonce, Version: buildVersion(), Output: io.MultiWriter(h.env.Stdout, attempt),
		Report: attempt.Report, Lines: attempt.Lines, Keep: attempt.Artifacts,
	}, h.job)
	err = attempt.Finish(context.WithoutCancel(ctx), publish.Outcome{State: outcome.State, Description: outcome.Text})
	h.bar.Close()
	if err != nil {
		fmt.Fprintf(h.env.Stderr, "cyborg: %v\n", err)
	}
	if outcome.Err != nil {
		return infra(outcome.Err)
	}
	fmt.Fprintf(h.env.Stderr, "cyborg: %s: %s; the page is %s\n", h.job.Context, outcome.Text, store.Path(attempt.Prefix()+"/log.html"))
	switch outcome.State {
	case publish.StateSuccess, publish.StateSkipped:
		return nil
	}
	return &exitError{Code: exitNo, Err: errors.New("the task said no: " + outcome.Text)}
}

// place is where the task runs: where its header says, or else here.
func (h *byHand) place() tasks.PlaceKind {
	if h.task.In.Kind == tasks.AnyPlace {
		return tasks.OnHost
	}
	return h.task.In.Kind
}

// gitHere asks git about the repository in this folder.
func gitHere(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Env = append(os.Environ(), "GIT_TERMINAL_PROMPT=0", "LC_ALL=C")
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
}
