package agent

import (
	"fmt"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/tasks"
)

// A Standing is how a job stands, as far as one look at GitHub tells.
type Standing string

// The standings of a job. Only a Ready one is taken.
const (
	Ready   Standing = "ready"   // this bot could take it now
	Held    Standing = "held"    // a bot or a person has it
	Done    Standing = "done"    // it has a result
	Waiting Standing = "waiting" // nobody has it, and Job.Waits says why this bot does not take it
)

// An Entry is one job of the queue with how it stands: a line of `cyborg status`, and when Ready one of `cyborg scan`.
// Everything in it was read on GitHub, so that two bots which see the same see the same queue.
type Entry struct {
	tasks.Job
	Taught   *tasks.Task     // as the protected branch teaches it
	Place    tasks.PlaceKind // where it would run here
	Standing Standing
	Outsider string    // for people: who may have made the commit without write access; empty if nobody
	Title    string    // of the pull request or issue, without a bot's name
	Label    string    // that the issue carries for bots; empty for other jobs
	Holder   string    // who has it, when Held
	Until    time.Time // when it is free again without a sign of life, when Held
	Since    time.Time // of the newest status; zero when there is none
	Says     string    // what the newest status says to people
	State    string    // the newest status: pending, success, failure, error; empty when there is none
	URL      string    // of its log
	Nonce    string    // of the claim that it speaks for; empty when it speaks for none
	By       string    // the bot that wrote it; empty when none did
	Names    []string  // bots that wrote statuses of this commit, newest word of each context
	Broken   bool      // the protected branch teaches the task wrongly: nobody can do it
	Silent   bool      // nobody has said yet that this job exists, or why it waits: people see nothing
}

// Where names the subject of a job for people: acme/widget#7, acme/widget@main.
func (e Entry) Where() string {
	switch n := max(e.Pull, e.Issue); {
	case n > 0:
		return fmt.Sprintf("%s#%d", e.Repo, n)
	case e.HeadRef != "":
		return e.Repo + "@" + e.HeadRef
	}
	return e.Repo + "@" + short(e.SHA)
}

// Subject is what bots compete for when they want the job.
func (e Entry) Subject() claim.Subject { return subjectOf(e.Job) }
