package swarm

import (
	"fmt"
	"sync"
	"time"
)

// A subject is a context of a commit.
type subject struct{ sha, context string }

// A work is the time that a performer spent on a job: from Perform's begin to its end, or to the death of its bot. Times
// in which the bot was frozen are not in it, so one run may be several works.
type work struct {
	subject    subject
	bot, nonce string
	begin, end time.Time
	last       bool   // no further work of this run follows
	state      string // how the run ended: success, failure; "" is without a word about the change
}

// A ledger keeps what the judge cannot learn from the hub: when performers were at work, and what happened to bots and
// people for the story.
type ledger struct {
	mu     sync.Mutex
	works  []*work
	events []event
}

// An event is one line of the story.
type event struct {
	at   time.Time
	bot  string // whom it happened to
	of   subject
	text string
}

// tell adds a line to the story.
func (l *ledger) tell(bot string, of subject, format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, event{time.Now(), bot, of, fmt.Sprintf(format, args...)})
}

// begin notes that a performer is at work.
func (l *ledger) begin(bot, nonce string, of subject) *work {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := &work{subject: of, bot: bot, nonce: nonce, begin: time.Now()}
	l.works = append(l.works, w)
	return w
}

// end notes that it is not any more.
func (l *ledger) end(w *work, last bool, state string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w.end.IsZero() {
		w.end = time.Now()
	}
	w.last, w.state = last, state
}
