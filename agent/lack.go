package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/container"
	"github.com/cyborg-bots/cyborg/publish"
)

// What a job needs beside what its header says is known only in its work tree: the disk that a commit's images name. A bot
// that cannot have it gives the job back at once, for a peer to take, says what it is, and does not claim the job again
// until it can. That is no trouble of the bot's own: it goes on to take other jobs.

// lackFor is how many polls a bot keeps away from a job that could not have what it needs.
const lackFor = 4

// lackOf is what a job could not have, if that is why it did not begin.
func lackOf(o Outcome) *container.LackError {
	lack, _ := errors.AsType[*container.LackError](o.Err)
	return lack
}

// lacks tells whether a job still cannot have what it needs, as far as this bot has seen before.
func (a *Agent) lacks(ctx context.Context, e Entry) bool {
	key := subjectOf(e.Job).Key()
	a.mu.Lock()
	lack := a.lacked[key]
	a.mu.Unlock()
	if lack == nil {
		return false
	}
	if a.c.Had != nil && !a.c.Had(ctx, lack.Name) {
		a.c.Log.Debug("not claimed", "job", e.Line().String(), "why", lack.Error())
		return true
	}
	a.mu.Lock()
	delete(a.lacked, key)
	a.mu.Unlock()
	return false
}

// lacking remembers what a job could not have and says so, unless somebody has said something since.
func (a *Agent) lacking(ctx context.Context, e Entry, lack *container.LackError) {
	subject := subjectOf(e.Job)
	a.mu.Lock()
	a.lacked[subject.Key()] = lack
	a.mu.Unlock()
	a.c.Log.Warn("given back", "job", e.Line().String(), "why", lack.Error())
	if e.Issue != 0 {
		return // its log says why
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	marks, _, err := a.c.Board.Marks(ctx, subject)
	if n := len(marks); err == nil && n > 0 && marks[n-1].Kind == claim.KindRelease {
		note := claim.Mark{Kind: claim.KindNote, State: "pending", Human: claim.Waiting("needs " + lack.Thing), URL: marks[n-1].URL}
		_, err = a.c.Board.Post(ctx, subject, note)
	}
	if err != nil {
		a.c.Log.Warn("cannot say why a job waits", "job", e.Line().String(), "error", err)
	}
}

// unready puts into a job's log why it did not begin.
func (a *Agent) unready(attempt *publish.Attempt, line string, o Outcome) Outcome {
	if lack := lackOf(o); lack != nil {
		fmt.Fprintf(attempt, "\ncyborg: this bot does not have what it needs, a peer may: %v\n", lack)
		o.State, o.Text = publish.StateError, "Needs "+lack.Thing
		return o
	}
	fmt.Fprintf(attempt, "\ncyborg: our own trouble, a peer will try again: %v\n", o.Err)
	a.ail(o.Err, line)
	o.State, o.Text = publish.StateError, "Our own trouble, a peer will try again"
	return o
}
