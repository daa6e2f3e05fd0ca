package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cyborg-bots/cyborg/agent/checkout"
	"github.com/cyborg-bots/cyborg/container"
	"github.com/cyborg-bots/cyborg/publish"
	"github.com/cyborg-bots/cyborg/tasks"
)

// reportEvery is how often the page learns of new test results while a job runs.
const reportEvery = time.Second

// Perform implements Performer: a fresh directory with the merge of the job's commit into its base, the task's command
// in its place, and what its output says.
func (w *Workshop) Perform(ctx context.Context, env *Env, job tasks.Job) Outcome {
	runner, ok := w.Places[env.Place]
	if !ok && !env.Task.Builtin() && w.Shell == nil {
		return Outcome{State: publish.StateCancelled, Err: fmt.Errorf("run %s: this bot has no place of the kind %q", job.Task, env.Place)}
	}
	if err := fitting(env); err != nil {
		return trouble("run "+job.Task, err)
	}
	source := filepath.Join(env.Dir, "src")
	checkOut := w.checkOut
	if job.Issue != 0 {
		checkOut = w.checkOutAlone
	}
	if refused := checkOut(ctx, env, &job, source); refused != nil {
		return *refused
	}
	artifacts := filepath.Join(env.Dir, "artifacts")
	if err := os.Mkdir(artifacts, 0o700); err != nil {
		return trouble("make the artifacts' directory", err)
	}
	outcome := w.execute(ctx, env, job, runner, source, artifacts)
	outcome = w.keep(ctx, env, source, artifacts, outcome)
	if env.Author != nil && (outcome.State == publish.StateSuccess || outcome.State == publish.StateSkipped) {
		return w.harvest(ctx, env, job, source, outcome)
	}
	return outcome
}

// trouble is the outcome of a job that we could not do.
func trouble(verb string, err error) Outcome {
	return Outcome{State: publish.StateCancelled, Err: fmt.Errorf("%s: %w", verb, err)}
}

// checkOut makes the work tree. It gives an outcome when the job ends here: a conflict is the change's fault, anything
// else is ours.
func (w *Workshop) checkOut(ctx context.Context, env *Env, job *tasks.Job, dir string) *Outcome {
	mirror, err := w.Mirror(job.Repo)
	if o := spoiled(env, "open the mirror of "+job.Repo, err); o != nil {
		return o
	}
	if job.BaseRef == "" {
		return w.checkOutTip(ctx, env, mirror, job, dir)
	}
	base := "refs/heads/" + job.BaseRef
	have, err := mirror.Fetch(ctx, base, job.SHA)
	if o := spoiled(env, "fetch "+short(job.SHA)+" and "+job.BaseRef, err); o != nil {
		return o
	}
	job.BaseSHA = have[base]
	merged, err := mirror.Merge(ctx, dir, job.BaseSHA, job.SHA)
	if conflict, ok := errors.AsType[*checkout.ConflictError](err); ok {
		fmt.Fprintf(env.Output, "%s does not merge into %s (%s): conflict in\n  %s\n\nmerge or rebase it by hand, and push\n",
			short(job.SHA), job.BaseRef, short(job.BaseSHA), strings.Join(conflict.Files, "\n  "))
		return &Outcome{State: publish.StateFailure, Text: conflictText(job.BaseRef, conflict.Files)}
	}
	if o := spoiled(env, "merge "+short(job.SHA)+" into "+job.BaseRef, err); o != nil {
		return o
	}
	fmt.Fprintf(env.Output, "cyborg: testing %s, the merge of %s into %s (%s)\n", short(merged), short(job.SHA), job.BaseRef, short(job.BaseSHA))
	return nil
}

// checkOutTip makes the work tree of a commit that is tested as it is: a branch's tip.
func (w *Workshop) checkOutTip(ctx context.Context, env *Env, mirror *checkout.Mirror, job *tasks.Job, dir string) *Outcome {
	_, err := mirror.Fetch(ctx, job.SHA)
	if err == nil {
		err = mirror.Checkout(ctx, dir, job.SHA)
	}
	if o := spoiled(env, "check out "+short(job.SHA), err); o != nil {
		return o
	}
	about := "as it is"
	if job.HeadRef != "" {
		about = "pushed to " + job.HeadRef
	}
	fmt.Fprintf(env.Output, "cyborg: testing %s, %s\n", short(job.SHA), about)
	return nil
}

// spoiled is the outcome of a job whose checkout ends with err: a commit that cannot be tested at all, anywhere, is the
// change's fault, anything else is our trouble. It is nil if err is.
func spoiled(env *Env, verb string, err error) *Outcome {
	if err == nil {
		return nil
	}
	if bad, ok := errors.AsType[*checkout.CommitError](err); ok {
		fmt.Fprintf(env.Output, "cyborg: %v\n", bad)
		return &Outcome{State: publish.StateFailure, Text: "Cannot be tested: " + bad.Reason}
	}
	o := trouble(verb, err)
	return &o
}

func conflictText(base string, files []string) string {
	text := "Merge with " + base + " failed: conflict in " + files[0]
	if more := len(files) - 1; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// execute runs the task in the work tree and judges what it said.
func (w *Workshop) execute(ctx context.Context, env *Env, job tasks.Job, runner container.Runner, source, artifacts string) Outcome {
	vars := tasks.Environment(job, artifacts)
	if w.Shell != nil {
		return w.shell(ctx, env, source, vars)
	}
	if env.Task.Builtin() {
		return w.builtin(ctx, env, &tasks.Env{Job: job, Dir: source, Artifacts: artifacts, Vars: vars, Output: env.Output}, runner)
	}
	if err := taskIn(source, env.Task); err != nil {
		fmt.Fprintf(env.Output, "cyborg: %v\n", err)
		return Outcome{State: publish.StateFailure, Text: tasks.Brief(err)}
	}
	secrets, refused := w.hand(env, job)
	if refused != nil {
		return *refused
	}
	writable := []string{artifacts}
	if len(secrets) > 0 {
		vars, writable = append(vars, secrets...), append(writable, filepath.Join(env.Dir, secretsDir))
	}
	offset := env.Lines()
	results := tasks.TeeResults(env.Task.Results, env.Output)
	spec := container.Spec{
		Name: job.Task + "-" + env.Nonce, Argv: append([]string{"./" + env.Task.Path}, job.Args...), Dir: source, Env: vars,
		Output: &reporting{results: results, offset: offset, report: env.Report}, Timeout: env.Task.Timeout,
		Writable: writable, Network: network(env),
	}
	switch env.Place {
	case tasks.InVM:
		spec.Image, spec.Limits, spec.Keep = diskOf(source, job), LimitsOf(env.Task), kept(env.Task)
		spec.Machines = beside(source, env.Task, job)
	case tasks.InContainer:
		spec.Image, spec.Limits = env.Task.In.Image, sandboxLimits(env.Task)
	case tasks.OnHost, tasks.AnyPlace:
	}
	result, err := runner.Run(ctx, spec)
	if ctx.Err() != nil {
		return Outcome{State: publish.StateCancelled, Err: context.Cause(ctx)}
	}
	if err != nil {
		return trouble("run "+job.Task, err)
	}
	if result.Refused != "" {
		fmt.Fprintf(env.Output, "cyborg: %s cannot be started: %s\n", env.Task.Path, result.Refused)
	}
	if err := results.Collect(source); err != nil {
		fmt.Fprintf(env.Output, "cyborg: %v\n", err)
	}
	if err := results.Close(); err != nil {
		return trouble("read the results of "+job.Task, err)
	}
	report := results.Report()
	report.Offset = offset
	env.Report(report)
	verdict := tasks.Judge(report, result, env.Task.Timeout)
	return Outcome{State: verdict.State, Text: verdict.Description}
}

// taskIn says why the task cannot be run in a work tree. The header counts as the protected branch has it; the code is the
// merge's, and there the file must still be a task.
func taskIn(source string, t *tasks.Task) error {
	root, err := os.OpenRoot(source)
	if err != nil {
		return err
	}
	defer root.Close()
	info, err := root.Lstat(filepath.FromSlash(t.Path))
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("%s is not in this commit", t.Path)
	case err != nil:
		return fmt.Errorf("%s cannot be read: %w", t.Path, err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a file in this commit", t.Path)
	case info.Mode()&0o111 == 0:
		return fmt.Errorf("%s is not executable in this commit", t.Path)
	}
	f, err := root.Open(filepath.FromSlash(t.Path))
	if err != nil {
		return fmt.Errorf("%s cannot be read: %w", t.Path, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, tasks.MaxHeader))
	if err != nil {
		return fmt.Errorf("%s cannot be read: %w", t.Path, err)
	}
	_, err = tasks.ParseHeader(t.Path, data)
	return err
}

// keep publishes the files that the task left, also after a timeout. A file that cannot be published is named in the
// log and changes nothing; but a secret in one is the end of the job: something handed it on.
func (w *Workshop) keep(ctx context.Context, env *Env, source, artifacts string, o Outcome) Outcome {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanup)
	defer cancel()
	err := env.Keep(ctx, artifacts)
	if len(env.Task.Artifacts) > 0 {
		err = errors.Join(err, env.Keep(ctx, source, env.Task.Artifacts...))
	}
	if err == nil {
		return o
	}
	fmt.Fprintf(env.Output, "cyborg: %v\n", err)
	if _, leak := errors.AsType[*publish.LeakError](err); leak && o.State != publish.StateCancelled {
		return Outcome{State: publish.StateFailure, Text: "A secret is in an artifact"}
	}
	return o
}

// reporting passes a job's output to its results and tells the page about them now and then. Writes come one at a time.
type reporting struct {
	results *tasks.Results
	offset  int
	report  func(publish.Report)
	last    time.Time
}

// Write implements io.Writer.
func (r *reporting) Write(p []byte) (int, error) {
	n, err := r.results.Write(p)
	if now := time.Now(); now.Sub(r.last) >= reportEvery {
		r.last = now
		report := r.results.Report()
		report.Offset = r.offset
		r.report(report)
	}
	return n, err
}
