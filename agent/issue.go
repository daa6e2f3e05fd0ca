package agent

import (
	"context"
	"time"

	"github.com/cyborg-bots/cyborg/agent/checkout"
	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/tasks"
)

// An errand is the job that an issue's checklist asks for: the first item that is neither ticked nor marked FAIL, of an open
// issue with the label bot. All that happens can be read on the issue, and can be stopped there:
//
//	Update translations                              somebody writes it, with the label and " * [ ] po-refresh"
//	WIP: bot-a [k7m2q9xa]: Update translations       the claim; package claim has the protocol
//	  "po-refresh in progress on bot-a. Log: …"      a comment
//	                                                 a fresh work tree, the task, and what it changed as commits
//	                                                 a branch po-refresh-k7m2q9xa, of a fork or of the repository
//	                                                 the issue becomes the pull request of it
//	  "po-refresh done: …/commits/po-refresh-…"      a comment
//	Update translations                              the box is ticked, the title is people's again
//
// A task that says no brings a comment and FAIL: in front of its item; one that changes nothing says so, and the box is ticked.
// When all boxes are ticked an issue closes; a pull request is closed by who merges it.
//
// The same checklist in a pull request's text is worked on at that head. What comes of it is a branch from which people
// pick, or with "push: head" in the task's header goes onto the pull request itself.
//
// Before each step that somebody outside can see, the issue is read again: closed, without its label, with another title or
// text, it is the people's, and the work ends. What people change meanwhile is never written over.

// Errands is what a bot needs to work on issues.
type Errands struct {
	Board  claim.Board // claims in titles, see claim.IssueBoard and Tick
	Scribe Scribe      // nil: nothing but titles and boxes is changed
	Desk   Desk
	Outlet Outlet
	Login  string          // whose account the bot uses
	Author checkout.Person // who commits
	ByHand bool            // a person does it, and has looked at what he does: whose words they are is his business
}

// A Desk is where a bot talks about an issue, and turns it into a pull request. *hub.Client is one.
type Desk interface {
	Issue(ctx context.Context, repo hub.Repo, n int) (hub.Issue, error)
	Comments(ctx context.Context, repo hub.Repo, n int, since time.Time) ([]hub.Comment, error)
	Comment(ctx context.Context, repo hub.Repo, n int, body string) (hub.Comment, error)
	EditComment(ctx context.Context, repo hub.Repo, id int64, body string) (hub.Comment, error)
	ConvertIssue(ctx context.Context, repo hub.Repo, n int, in hub.NewPull) (hub.Pull, error)
	Pull(ctx context.Context, repo hub.Repo, n int) (hub.Pull, error)
}

var _ Desk = (*hub.Client)(nil)

// A Scribe changes the text of an issue or pull request.
type Scribe interface {
	EditIssue(ctx context.Context, repo hub.Repo, n int, e hub.IssueEdit) (hub.Issue, error)
}

var _ Scribe = (*hub.Client)(nil)

// Tick is the claim.Tick of an issue's checklist. Complete means that every box is ticked: an item marked FAIL is not done.
func Tick(body, item string, ok bool) (changed string, complete bool) {
	changed, err := tasks.Check(body, item, ok)
	if err != nil {
		return body, false
	}
	for _, i := range tasks.ParseChecklist(changed) {
		if !i.Checked {
			return changed, false
		}
	}
	return changed, true
}
