package agent

import (
	"fmt"
	"strings"

	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/tasks"
)

// An asking is an issue, or a pull request seen as one, whose checklist asks bots for something.
type asking struct {
	hub.Issue
	Editor string // who wrote the text as it is, beside ourselves; the author if nobody edited it
}

// errands lists the job of each issue that asks for one.
func (v *view) errands(issues []asking) []Entry {
	var queue []Entry
	pulls := make(map[int]hub.Pull, len(v.Snapshot.Pulls))
	for _, p := range v.Snapshot.Pulls {
		pulls[p.Number] = p
	}
	for _, i := range issues {
		item, ok := tasks.NextItem(tasks.ParseChecklist(i.Body))
		if !ok || i.Stale || i.State != "open" {
			continue
		}
		p, known := pulls[i.Number]
		if i.Pull && (!known || p.Stale) {
			continue // the next look has both
		}
		queue = append(queue, v.errand(i, p, item))
	}
	return queue
}

// errand is the job of one issue.
func (v *view) errand(i asking, p hub.Pull, item tasks.Item) Entry {
	mark := claim.ParseTitle(i.Title)
	e := Entry{Title: mark.Human, Label: v.Catalogue.Fleet.Labels.Bot, Job: tasks.Job{
		Repo: v.Repo.String(), Issue: i.Number, Item: item.Text, SHA: v.Snapshot.DefaultSHA, BaseRef: v.Snapshot.DefaultBranch,
		Priority: tasks.IssuePriority, Why: "an issue asks for it",
	}}
	if i.Pull {
		e.Pull, e.SHA, e.HeadRef, e.BaseRef, e.Why = p.Number, p.HeadSHA, p.HeadRef, p.BaseRef, "a pull request asks for it"
	}
	why, broken := v.understand(&e, item)
	switch mark.Kind {
	case claim.KindClaim, claim.KindBeat:
		e.Holder, e.Since, e.Names, e.State = mark.Name, i.UpdatedAt, []string{mark.Name}, "pending"
		e.Until = i.UpdatedAt.Add(mark.Lease + claim.Epsilon(mark.Lease)) // or earlier: the claim decides
		if v.Snapshot.Now.Before(e.Until) {
			e.Standing = Held
			return e
		}
	case claim.KindHold:
		e.Standing, e.Says = Held, i.Title
		return e
	case claim.KindOther, claim.KindResult, claim.KindRelease, claim.KindReset, claim.KindNote:
	}
	if who := v.stranger(i, p); who != "" {
		why, broken = who, true
	} else if why == "" {
		why = v.lacks(e)
	}
	e.Standing = Ready
	if why != "" {
		e.Standing, e.Waits, e.Broken, e.Silent = Waiting, why, broken, true
	}
	return e
}

// understand fills in the task that an item asks for, or says why nobody can do it.
func (v *view) understand(e *Entry, item tasks.Item) (why string, broken bool) {
	line, err := tasks.ParseLine(item.Text)
	if err != nil {
		return tasks.Brief(err), true
	}
	e.Task, e.Args = line.Task, line.Args
	if !line.Bare() {
		return "options are for the shell: an issue is its own subject", true
	}
	for _, b := range v.Catalogue.Problems {
		if b.Task.Name == line.Task {
			return tasks.Brief(b.Err), true
		}
	}
	e.Taught, err = v.Catalogue.Find(line.Task)
	if err == nil {
		err = e.Taught.CheckArgs(line.Args)
	}
	if err != nil {
		return tasks.Brief(err) + "; what people do they tick themselves", true
	}
	if !e.Taught.Holds(tasks.Request, e.BaseRef) {
		return fmt.Sprintf("%s is not done on request, its header says when", line.Task), true
	}
	e.Place = v.place(e.Taught)
	return "", false
}

// lacks says what this bot lacks for a job.
func (v *view) lacks(e Entry) string {
	return v.missing(e.Taught)
}

// stranger names, for people, who has had a hand in what an issue asks for and has no write access; empty if nobody. It takes
// nothing but write access to be heard: a form can put the label on anybody's issue.
func (v *view) stranger(i asking, p hub.Pull) string {
	switch {
	case !v.Trusted[strings.ToLower(i.Author)]:
		return nameOf(i.Author) + ", who wrote this, has no write access"
	case !v.Trusted[strings.ToLower(i.Editor)]:
		return nameOf(i.Editor) + ", who edited this, has no write access"
	case i.Pull:
		if who := v.outsider(p); who != "" {
			return who + " has no write access, and this would run the code"
		}
	}
	return ""
}

func nameOf(login string) string {
	if login == "" {
		return "a deleted account"
	}
	return "@" + login
}
