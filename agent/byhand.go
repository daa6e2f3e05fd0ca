package agent

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/publish"
)

// ByHand does one job for a person, as a bot does it, and to the letter: the claim, the words, the commits and the result go
// the same way and differ in the name alone. Nothing else is looked for meanwhile. When ctx ends the job is stopped and given
// back. It gives how the job ended, and an error if it was not had (*claim.TakenError: by a peer), given back, or nobody was told.
func (a *Agent) ByHand(ctx context.Context, e Entry) (Outcome, error) {
	work, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(nil)
	r := a.start(work, e, a.c.Policy.Lease)
	a.attend(ctx, work)
	a.drain(stop)
	return r.outcome, r.err
}

// Find gives the job of an issue, or of a pull request's checklist, that asks for a task with these arguments, whoever has
// written it and whatever this bot lacks.
func (a *Agent) Find(ctx context.Context, repo hub.Repo, number int, task string, args []string) (Entry, error) {
	queue, _, err := a.Look(ctx, repo)
	if err != nil {
		return Entry{}, err
	}
	for _, e := range queue {
		if e.Issue != number {
			continue
		}
		if e.Task != task || !slices.Equal(e.Args, args) {
			return e, fmt.Errorf("#%d asks for %q first", number, e.Item)
		}
		return e, nil
	}
	return Entry{}, fmt.Errorf("#%d asks for nothing: it is closed, lacks the label for bots, or has no open item", number)
}

// output is where the output of a job goes.
func (a *Agent) output(log io.Writer) io.Writer {
	if a.c.Terminal == nil {
		return log
	}
	return io.MultiWriter(a.c.Terminal, log)
}

// shell gives the place of a task to a person: where he leaves with the exit status 0 it is as if the task had said yes.
func (w *Workshop) shell(ctx context.Context, env *Env, source string, vars []string) Outcome {
	code, err := w.Shell(ctx, source, vars)
	switch {
	case ctx.Err() != nil:
		return Outcome{State: publish.StateCancelled, Err: context.Cause(ctx)}
	case err != nil:
		return trouble("run a shell", err)
	case code != 0:
		return Outcome{State: publish.StateFailure, Text: fmt.Sprintf("Shell ended with code %d", code)}
	}
	fmt.Fprintln(env.Output, "cyborg: the work was done in a shell")
	return Outcome{State: publish.StateSuccess, Text: "Done in a shell"}
}
