package agent

import (
	"context"
	"slices"
	"strings"

	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/tasks"
)

// mostBranches bounds how many branches of a repository are looked after: each costs a request in every round, though one
// that GitHub does not count while nothing changes there.
const mostBranches = 50

// A tip is a branch that some task wants to know of, with what is said of its newest commit.
type tip struct {
	hub.Branch
	Contexts []hub.Status
}

// tips reads the branches for whose pushes a task is taught ("on: push main"). A branch that moves while a job runs for its
// former tip does not stop that: each push deserves its answer. But a push that nobody has begun to test when the next one
// comes is passed over, and the newest alone is tested.
func (a *Agent) tips(ctx context.Context, repo hub.Repo, snapshot hub.Snapshot, catalogue *tasks.Catalogue) ([]tip, error) {
	var list []tip
	for _, pattern := range catalogue.Patterns(tasks.Push) {
		branches := []hub.Branch{{Name: snapshot.DefaultBranch, SHA: snapshot.DefaultSHA}}
		if pattern != snapshot.DefaultBranch {
			var err error
			if branches, err = a.c.Hub.Branches(ctx, repo, tasks.Literal(pattern)); err != nil {
				return nil, err
			}
		}
		for _, b := range branches {
			known := slices.ContainsFunc(list, func(t tip) bool { return t.Name == b.Name })
			if !known && tasks.Match(pattern, b.Name) {
				list = append(list, tip{Branch: b})
			}
		}
	}
	if main := (hub.Branch{Name: snapshot.DefaultBranch, SHA: snapshot.DefaultSHA}); len(settings(catalogue)) > 0 && !slices.ContainsFunc(list, func(t tip) bool { return t.Branch == main }) {
		list = append([]tip{{Branch: main}}, list...)
	}
	if len(list) > mostBranches {
		a.c.Log.Warn("too many branches: the first ones by name are looked after", "repo", repo.String(), "branches", len(list), "at_most", mostBranches)
		slices.SortFunc(list, func(a, b tip) int { return strings.Compare(a.Name, b.Name) })
		list = list[:mostBranches]
	}
	for i := range list {
		contexts, err := a.c.Hub.Contexts(ctx, repo, list[i].SHA)
		if err != nil {
			return nil, err
		}
		list[i].Contexts = contexts
	}
	return list, nil
}

// asPull is the tip as the queue sees it: like a pull request that has no number and nothing to be merged into.
func (t tip) asPull(repo hub.Repo) hub.Pull {
	return hub.Pull{Title: "push to " + t.Name, HeadSHA: t.SHA, HeadRef: t.Name, HeadRepo: repo.String(), Contexts: t.Contexts}
}

// pushed lists the jobs that the tips of branches ask for, beside those that are wanted already. Nobody waits for them as for a pull request, and so they come
// after those.
func (v *view) pushed(wanted []Entry) []Entry {
	var queue []Entry
	listed := make(map[string]bool, len(wanted))
	for _, e := range wanted {
		listed[subjectOf(e.Job).Key()] = true
	}
	for _, t := range v.Tips {
		p := t.asPull(v.Repo)
		names := namesOn(p)
		if t.Name == v.Snapshot.DefaultBranch {
			for _, b := range settings(v.Catalogue) {
				queue = append(queue, v.entry(p, b.Task.Contexts()[0], b.Err))
			}
		}
		for _, c := range v.Catalogue.ContextsFor(tasks.Push, t.Name) {
			e := v.entry(p, c, nil)
			if e.Names = names; e.Priority > tasks.PushPriority {
				e.Priority, e.Why = tasks.PushPriority, p.Title
			}
			if key := subjectOf(e.Job).Key(); !listed[key] { // a head that is a tip too, or two tips at one commit, are one job
				listed[key] = true
				queue = append(queue, e)
			}
		}
	}
	return queue
}

// settings are what is wrong with fleet.toml. It is said of the tip of the default branch, which has it: there whoever merged it
// sees it, and the commit that mends it is another.
func settings(c *tasks.Catalogue) []tasks.Problem {
	return slices.DeleteFunc(slices.Clone(c.Problems), func(p tasks.Problem) bool { return !p.Settings() })
}

// hearTips looks for words that end a run for a branch: somebody has asked for its job again.
func (a *Agent) hearTips(ctx context.Context, repo hub.Repo, tips []tip) {
	for _, r := range a.runsOn(repo) {
		for _, t := range tips {
			if r.entry.Pull == 0 && r.entry.SHA == t.SHA {
				a.hear(ctx, r, t.Contexts)
			}
		}
	}
}
