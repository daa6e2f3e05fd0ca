package agent

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"time"

	"github.com/cyborg-bots/cyborg/container"
	"github.com/cyborg-bots/cyborg/publish"
	"github.com/cyborg-bots/cyborg/tasks"
)

// builtin does a task of this program.
func (w *Workshop) builtin(ctx context.Context, env *Env, in *tasks.Env, runner container.Runner) Outcome {
	in.Fleet, in.Prune = w.fleet(in.Job.Repo), w.prune(in.Job.Repo)
	in.Scratch = filepath.Join(env.Dir, "scratch")
	if err := os.Mkdir(in.Scratch, 0o700); err != nil {
		return trouble("make a folder for the task", err)
	}
	if runner != nil {
		in.Command = confined(env, runner)
	}
	if w.Issues != nil && w.Store != nil {
		in.Issues, in.Login = w.Issues, w.Login
		in.Archive = func(ctx context.Context, since time.Time) iter.Seq2[publish.Record, error] {
			return publish.History(ctx, w.Store, in.Job.Repo, since)
		}
	}
	limited, cancel := context.WithTimeout(ctx, env.Task.Timeout)
	defer cancel()
	results := tasks.TeeResults(env.Task.Results, env.Output)
	offset := env.Lines()
	if env.Task.Results.Kind != tasks.ExitCode {
		in.Output = &reporting{results: results, offset: offset, report: env.Report}
	}
	err := env.Task.Run(limited, in, in.Job.Args)
	if counted := results.Close(); counted != nil && err == nil {
		err = counted
	}
	report := results.Report()
	report.Offset = offset
	switch {
	case err != nil && ctx.Err() == nil && limited.Err() != nil:
		verdict := tasks.Judge(publish.Report{}, container.Result{TimedOut: true}, env.Task.Timeout)
		return Outcome{State: verdict.State, Text: verdict.Description}
	case err == nil && (env.Task.Results.Kind != tasks.ExitCode || in.Result != nil):
		env.Report(report)
		if in.Result == nil {
			in.Result = new(container.Result)
		}
		verdict := tasks.Judge(report, *in.Result, env.Task.Timeout)
		return Outcome{State: verdict.State, Text: verdict.Description}
	case err == nil:
		return Outcome{State: publish.StateSuccess, Text: "Done", message: in.Message}
	case tasks.IsFail(err):
		fmt.Fprintf(env.Output, "cyborg: %v\n", err)
		return Outcome{State: publish.StateFailure, Text: err.Error()}
	}
	return trouble("run "+in.Job.Task, err)
}

// confined lets a built-in task run commands in the place that was chosen for it. What an outsider wrote is kept from the host
// here as everywhere, also where no task of a file would run.
func confined(env *Env, runner container.Runner) func(context.Context, container.Spec) (container.Result, error) {
	return func(ctx context.Context, s container.Spec) (container.Result, error) {
		if env.Outsider && env.Place != tasks.InContainer {
			return container.Result{}, fmt.Errorf("what somebody without write access wrote is worked on in a container only, not %q", env.Place)
		}
		s.Name = env.Task.Name + "-" + env.Nonce
		if env.Place == tasks.InContainer {
			s.Image, s.Limits = env.Task.In.Image, sandboxLimits(env.Task)
		}
		s.Timeout = cmp.Or(s.Timeout, env.Task.Timeout)
		return runner.Run(ctx, s)
	}
}

// fleet is what a repository asks of its bots, as it was last read.
func (w *Workshop) fleet(repo string) tasks.Fleet {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c := w.taught[repo]; c != nil {
		return c.Fleet
	}
	return tasks.DefaultFleet()
}

// prune is Prune for one job, with the time that its repository wants.
func (w *Workshop) prune(repo string) func(context.Context) (string, error) {
	if w.Prune == nil {
		return nil
	}
	keep := w.fleet(repo).Retention.Logs
	return func(ctx context.Context) (string, error) { return w.Prune(ctx, repo, time.Duration(keep)) }
}
