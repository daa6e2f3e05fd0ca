package agent

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/cyborg-bots/cyborg/agent/checkout"
	"github.com/cyborg-bots/cyborg/publish"
	"github.com/cyborg-bots/cyborg/tasks"
)

// checkOutAlone makes the work tree of an issue's job: the newest commit of the branch that the change is for, or the head of the
// pull request that asks.
func (w *Workshop) checkOutAlone(ctx context.Context, env *Env, job *tasks.Job, dir string) *Outcome {
	mirror, err := w.Mirror(job.Repo)
	if o := spoiled(env, "open the mirror of "+job.Repo, err); o != nil {
		return o
	}
	base := "refs/heads/" + job.BaseRef
	wanted := []string{base}
	if job.Pull != 0 {
		wanted = append(wanted, job.SHA)
	}
	have, err := mirror.Fetch(ctx, wanted...)
	if o := spoiled(env, "fetch "+strings.Join(wanted, " and "), err); o != nil {
		return o
	}
	job.BaseSHA = have[base]
	name := job.HeadRef
	if job.Pull == 0 {
		job.SHA, name = job.BaseSHA, job.BaseRef
	}
	err = mirror.Checkout(ctx, dir, job.SHA)
	if err == nil && env.Author != nil {
		err = mirror.Identify(ctx, dir, *env.Author)
	}
	if o := spoiled(env, "check out "+short(job.SHA), err); o != nil {
		return o
	}
	fmt.Fprintf(env.Output, "cyborg: working on %s at %s\n", name, short(job.SHA))
	return nil
}

// harvest takes out what a job has changed, as far as its header lets it.
func (w *Workshop) harvest(ctx context.Context, env *Env, job tasks.Job, source string, o Outcome) Outcome {
	mirror, err := w.Mirror(job.Repo)
	if err != nil {
		return trouble("open the mirror of "+job.Repo, err)
	}
	o.Change, err = mirror.Harvest(ctx, source, filepath.Join(env.Dir, "harvest"), checkout.Terms{
		Base: job.SHA, Allowed: env.Task.MayChange, Message: messageOf(env.Task, job, o.message), By: *env.Author,
	})
	if bad, ok := errors.AsType[*checkout.HarvestError](err); ok {
		fmt.Fprintf(env.Output, "cyborg: what %s has made is not taken: %v\n", job.Task, bad)
		return Outcome{State: publish.StateFailure, Text: "Not taken: " + bad.Error()}
	}
	if err != nil {
		return trouble("take what "+job.Task+" has changed", err)
	}
	for _, name := range o.Change.Left {
		fmt.Fprintf(env.Output, "cyborg: left out %q, which is not among the paths that %s may change\n", name, job.Task)
	}
	return o
}

// messageOf is the message of the commit for what a job has left uncommitted.
func messageOf(t *tasks.Task, job tasks.Job, own string) string {
	if own = strings.TrimSpace(own); own != "" {
		return own
	}
	line := tasks.Line{Task: job.Task, Args: job.Args}
	return line.Item() + ": " + t.Doc
}
