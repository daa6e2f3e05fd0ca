package agent

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/tasks"
)

// A view is what a bot knows when it looks at one repository: all that plan's answer depends on.
type view struct {
	Repo      hub.Repo
	Snapshot  hub.Snapshot
	Tips      []tip // of the branches that tasks want to know of
	Catalogue *tasks.Catalogue
	Has       tasks.Capabilities   // what this bot can do
	Trusted   map[string]bool      // logins in lower case with write access, as GitHub said a moment ago
	Approved  map[int]string       // pull requests of others: who with write access said that this head may be run
	Fleet     []tasks.Capabilities // what each bot can do, if that is of interest
	Askings   []asking             // issues and pull requests whose checklists ask for something

	Candidates map[int]candidacy                                    // pull requests of the bots' own repository that contexts name
	Try        func(candidate hub.Pull, c tasks.Context) tasks.Task // does a context with one; nil: nobody can here
}

// plan lists every job that the repository asks for, best first. It is pure: the same view gives the same queue on
// every bot.
func plan(v view) []Entry {
	var queue []Entry
	for _, p := range v.Snapshot.Pulls {
		if p.Stale || p.State != "" && !strings.EqualFold(p.State, "open") {
			continue // a stale answer is nothing to decide on; the next look may be better
		}
		names := namesOn(p)
		for _, c := range v.concerned(p) {
			e := v.entry(p, c, nil)
			e.Names = names
			queue = append(queue, e)
		}
		queue = append(queue, v.tried(p)...)
		for _, b := range v.Catalogue.Problems {
			if b.Awaited(p.BaseRef) { // the first context will do: it is there when the task is mended
				queue = append(queue, v.entry(p, b.Task.Contexts()[0], b.Err))
			}
		}
	}
	queue = append(queue, v.pushed(queue)...)
	queue = append(queue, v.errands(v.Askings)...)
	sortEntries(queue)
	return queue
}

// entry is the job that one context of a pull request asks for; broken is what is wrong with its task, if that is so.
func (v *view) entry(p hub.Pull, c tasks.Context, broken error) Entry {
	e := Entry{Title: p.Title, Taught: c.Task, Broken: broken != nil, Place: v.place(c.Task), Job: tasks.Job{
		Task: c.Task.Name, Context: c.Name, Axes: c.Axes,
		Repo: v.Repo.String(), Pull: p.Number, SHA: p.HeadSHA, HeadRef: p.HeadRef, BaseRef: p.BaseRef, BaseSHA: p.BaseSHA,
	}}
	e.Outsider = v.outsider(p)
	mark := v.newest(p, c.Name, &e)
	facts := tasks.PullFacts{Number: p.Number, Title: p.Title, Labels: p.Labels, Draft: p.Draft, State: e.State, Description: wish(mark)}
	e.Priority, e.Why = tasks.Priority(facts)
	switch {
	case mark.Kind == claim.KindResult:
		e.Standing = Done
	case e.Holder != "" && v.Snapshot.Now.Before(e.Until):
		e.Standing = Held
	default:
		e.Standing = Ready
		switch e.Waits = v.waits(p, c.Task, e); {
		case broken != nil:
			e.Waits = tasks.Brief(broken)
		case mark.GaveUp():
			_, e.Waits, _ = strings.Cut(mark.Human, ": ")
		}
		if e.Waits != "" {
			e.Standing = Waiting
		}
	}
	e.Silent = e.State == "" || e.Standing == Waiting && mark.Kind == claim.KindReset && !onlyTriggered(facts) || e.outdated(mark)
	return e
}

// newest fills in what the newest status of the context says. A scan sees only that one: it finds candidates, and the
// claim decides over the whole log.
func (v *view) newest(p hub.Pull, context string, e *Entry) claim.Mark {
	at := slices.IndexFunc(p.Contexts, func(s hub.Status) bool { return strings.EqualFold(s.Context, context) })
	if at < 0 {
		return claim.Mark{}
	}
	s := p.Contexts[at]
	state := strings.ToLower(s.State)
	m := claim.ParseStatusText(state, s.Description)
	e.State, e.Since, e.Says, e.URL, e.Nonce, e.By = state, s.CreatedAt, m.Human, s.TargetURL, m.Nonce, m.Name
	if m.Kind == claim.KindClaim || m.Kind == claim.KindBeat {
		e.Holder, e.Until = m.Name, s.CreatedAt.Add(m.Lease+claim.Epsilon(m.Lease))
	}
	return m
}

// wish is what the newest status says for the job's priority. A bot that has had the job was asked to do it, and when it
// gave the job back or died its words stand over the wish, which is as good as before.
func wish(newest claim.Mark) string {
	switch newest.Kind {
	case claim.KindClaim, claim.KindBeat, claim.KindRelease:
		return claim.Triggered
	case claim.KindOther, claim.KindResult, claim.KindReset, claim.KindNote, claim.KindHold:
	}
	return newest.Text
}

// onlyTriggered tells whether a job is done for the wish in its newest status alone: then no word may stand over that.
func onlyTriggered(f tasks.PullFacts) bool {
	f.Description = ""
	priority, _ := tasks.Priority(f)
	return priority <= 0
}

// waits says why this bot does not take a job that nobody has; empty when it does.
func (v *view) waits(p hub.Pull, t *tasks.Task, e Entry) string {
	if e.Priority <= 0 {
		return e.Why
	}
	switch {
	case e.Outsider == "":
	case t.In.Kind == tasks.OnHost:
		return e.Outsider + " has no write access, and this task runs on the host"
	case v.Approved[p.Number] == "":
		return needsOK
	case e.Place == tasks.OnHost:
		return "needs vm or container, as " + e.Outsider + " has no write access"
	}
	return v.missing(t)
}

// Lacks says what a bot that can do so much lacks for a task, in words for people; empty if nothing.
func Lacks(t *tasks.Task, has tasks.Capabilities) string { return (&view{Has: has}).missing(t) }

// missing is Lacks, with how many bots of the fleet have what this one lacks, where that is known.
func (v *view) missing(t *tasks.Task) string {
	if missing := lacking(t.Requires(), v.Has, v.Fleet); len(missing) > 0 {
		return strings.Join(missing, ", ")
	}
	if place := v.place(t); !v.offers(string(place)) && (t.In.Kind != tasks.AnyPlace || place != tasks.InContainer) {
		return fmt.Sprintf("needs %s", place)
	}
	return ""
}

// place is where a task would run here: the strictest place that this bot offers, unless the header names one.
func (v *view) place(t *tasks.Task) tasks.PlaceKind {
	if t.In.Kind != tasks.AnyPlace {
		return t.In.Kind
	}
	switch {
	case v.offers(string(tasks.InVM)) && len(t.Images) > 0: // a machine wants a disk
		return tasks.InVM
	case v.offers(sandbox): // with the machine's own programs; a container wants an image
		return tasks.InContainer
	}
	return tasks.OnHost
}

// sandbox is the capability of a bot that can hold jobs back without an image.
const sandbox = "sandbox"

func (v *view) offers(capability string) bool {
	return slices.ContainsFunc(v.Has, func(c tasks.Capability) bool { return c.Name == capability })
}

// outsider names, for people, who may have made the head of a pull request without write access to the repository; empty
// if nobody. A head in the repository itself could only be pushed by someone who has it. Into any other pushes the owner
// of the fork, who need not be the author of the pull request: everybody can open one of everybody's branch. What GitHub
// calls the author's association is not enough: a member of the organisation need not have write access.
func (v *view) outsider(p hub.Pull) string {
	if strings.EqualFold(p.HeadRepo, v.Repo.String()) {
		return ""
	}
	owner, _, _ := strings.Cut(p.HeadRepo, "/")
	switch {
	case p.Author == "":
		return "the author"
	case !v.Trusted[strings.ToLower(p.Author)]:
		return "@" + p.Author
	case owner == "":
		return "the owner of a deleted fork"
	case !v.Trusted[strings.ToLower(owner)]:
		return "@" + owner + ", whose fork this is,"
	}
	return ""
}

// namesOn lists the bots whose words stand on a pull request's head, sorted.
func namesOn(p hub.Pull) []string {
	var names []string
	for _, s := range p.Contexts {
		if m := claim.ParseStatusText(strings.ToLower(s.State), s.Description); m.Name != "" && m.Nonce != "" {
			names = append(names, m.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// sortEntries puts the queue into the order of tasks.Order.
func sortEntries(queue []Entry) {
	slices.SortStableFunc(queue, func(a, b Entry) int { return tasks.Compare(a.Job, b.Job) })
}

// busy lists the bots that hold a claim somewhere in the queue, and seen all that wrote within the last day.
func busy(queue []Entry, now time.Time) (holders, seen []string) {
	for _, e := range queue {
		if e.Standing == Held {
			holders = append(holders, e.Holder)
		}
		if now.Sub(e.Since) < 24*time.Hour {
			seen = append(seen, e.Names...)
		}
	}
	slices.Sort(holders)
	slices.Sort(seen)
	return slices.Compact(holders), slices.Compact(seen)
}
