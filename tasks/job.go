package tasks

import (
	"cmp"
	"slices"
)

// A Job is one task on one subject with its arguments: the unit of work, and one line of text.
type Job struct {
	Task    string   // the task's name
	Args    []string // its arguments
	Context string   // the commit status it reports to; empty for an issue's job
	Axes    []Value  // the place of Context on the task's axes

	Repo    string // "owner/name"
	Pull    int    // the pull request, or 0
	SHA     string // the commit that is judged: a head, a branch's tip, a tag's commit
	HeadRef string // the name of the branch or tag of SHA, if it has one
	BaseRef string // the branch it shall be merged into
	BaseSHA string // the commit of BaseRef that was merged with
	Issue   int    // the issue whose checklist asks, or 0
	Item    string // the text of the item, as Check wants it
	Attempt int    // 1 for the first run of this job, one more after every lost or failed claim

	Priority float64 // see Priority; higher goes first
	Why      string  // how the priority came about, for people
	Waits    string  // why it does not run now, for people; empty when it can
}

// Line is the text that asks for this job again, by hand or in an issue.
func (j *Job) Line() Line {
	l := Line{Task: j.Task, Args: slices.Clone(j.Args), Repo: j.Repo, Pull: j.Pull, Issue: j.Issue, Context: j.Context}
	switch {
	case j.Pull != 0:
		l.Issue = 0 // the same number: the checklist in the pull request's text
	case j.Issue == 0:
		l.SHA = j.SHA
	}
	return l
}

// Order sorts jobs as a bot takes them; see Compare.
func Order(jobs []Job) { slices.SortStableFunc(jobs, Compare) }

// Compare orders two jobs as a bot takes them: the highest priority first, then the oldest pull request or issue, then by
// context, so that the order is the same on every bot and every run.
func Compare(a, b Job) int {
	return cmp.Or(
		cmp.Compare(b.Priority, a.Priority),
		cmp.Compare(a.Repo, b.Repo),
		cmp.Compare(max(a.Pull, a.Issue), max(b.Pull, b.Issue)),
		cmp.Compare(a.Context, b.Context),
		cmp.Compare(a.Task, b.Task),
	)
}
