package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/tasks"
)

// The context "verify/x@bots#12" is the context verify/x, done by the program as pull request 12 of the bots' own repository
// would make it. It exists where somebody with write access has asked for it with a status, and is done only while that
// pull request is open, its branch lies in the bots' own repository, so that somebody with write access made it, and its head was
// validated. All else waits, and says what for.

// Candidates is what a bot needs for that.
type Candidates struct {
	Repo  hub.Repo // the bots' own
	Check string   // the context that validates a pull request there

	// Task gives the task that does a context with the program of a pull request.
	Task func(candidate hub.Pull, c tasks.Context) tasks.Task
}

// A candidacy is what a bot has found out about one pull request of the bots' own repository.
type candidacy struct {
	pull hub.Pull
	bad  string // why its program may not be used; empty if it may
}

// candidacies looks at the pull requests that contexts name which wait for them. What cannot be read is not there, and waits.
func (a *Agent) candidacies(ctx context.Context, v *view) map[int]candidacy {
	found := map[int]candidacy{}
	for _, p := range v.Snapshot.Pulls {
		for _, s := range p.Contexts {
			_, n, ok := tasks.CutCandidate(s.Context)
			if _, known := found[n]; !ok || known || a.c.Candidates == nil || !strings.EqualFold(s.State, "pending") {
				continue
			}
			c, err := a.candidacy(ctx, n)
			if err != nil {
				if ctx.Err() == nil {
					a.c.Log.Warn("cannot read about a candidate", "pull", n, "error", err)
				}
				continue
			}
			found[n] = c
		}
	}
	return found
}

// candidacy reads about one.
func (a *Agent) candidacy(ctx context.Context, n int) (candidacy, error) {
	own := a.c.Candidates
	name := fmt.Sprintf("%s#%d", own.Repo, n)
	p, err := a.c.Hub.Pull(ctx, own.Repo, n)
	switch {
	case errors.Is(err, hub.ErrGone):
		return candidacy{bad: "there is no pull request " + name}, nil
	case err != nil:
		return candidacy{}, err
	case p.State != "open":
		return candidacy{bad: name + " is closed"}, nil
	case !strings.EqualFold(p.HeadRepo, own.Repo.String()):
		return candidacy{bad: name + " comes from a fork; only a branch of the bots' own repository is used"}, nil
	}
	list, _, err := a.c.Hub.Statuses(ctx, own.Repo, p.HeadSHA, 0)
	if err != nil {
		return candidacy{}, err
	}
	at := slices.IndexFunc(list, func(s hub.Status) bool { return strings.EqualFold(s.Context, own.Check) }) // the newest
	switch {
	case at < 0 || list[at].State == "pending":
		return candidacy{bad: fmt.Sprintf("%s is not validated yet (%s)", name, own.Check)}, nil
	case list[at].State != "success":
		return candidacy{bad: fmt.Sprintf("%s has failed %s", name, own.Check)}, nil
	}
	return candidacy{pull: p}, nil
}

// tried lists the jobs of a pull request for which people want a candidate.
func (v *view) tried(p hub.Pull) []Entry {
	var list []Entry
	for _, s := range p.Contexts {
		what, n, ok := tasks.CutCandidate(s.Context)
		c, taught := v.Catalogue.Lookup(what)
		if !ok || !taught || c.Task.Builtin() || !c.Task.Asks(tasks.PullRequest) {
			continue
		}
		found, known := v.Candidates[n]
		task, bad := *c.Task, found.bad
		switch {
		case v.Try == nil:
			bad = "needs a bot that knows the bots' own repository (--bots-repo)"
		case !known:
			bad = fmt.Sprintf("nobody knows yet whether #%d is validated", n)
		case bad == "" && (len(task.Images) > 0 || task.In.Kind == tasks.InVM || task.In.Image != ""):
			bad = "a candidate has no machines and no images, and " + task.Name + " wants one"
		case bad == "":
			task = v.Try(found.pull, c)
		}
		e := v.entry(p, tasks.Context{Name: s.Context, Task: &task, Axes: c.Axes}, nil)
		if bad != "" && (e.Standing == Ready || e.Standing == Waiting) {
			e.Standing, e.Waits = Waiting, bad
			e.Silent = claim.ParseStatusText(strings.ToLower(s.State), s.Description).Kind == claim.KindReset
		}
		list = append(list, e)
	}
	return list
}
