package claimtest

import (
	"time"

	"github.com/cyborg-bots/cyborg/claim"
)

// A Model says what Explore tries: how many bots want one subject, for how long, and what may go wrong how often. Time
// goes in ticks of three seconds; a lease is three ticks, so that a bot may work for three and its claim may be taken
// over after four.
//
// What is always tried: any order of the bots' steps; any step delayed by any number of ticks (a bot that is paused, a
// request that is slow); reads that miss any of the records of the last tick, the bot's own among them, and do not miss
// them the next moment, and miss them again (replicas, ids that become visible late); work that ends at any moment, or
// never.
type Model struct {
	Bots   int
	Ticks  int // the end of time
	Settle int // ticks; 1 is right, since records may stay invisible for less than one tick

	// How often each may happen, at any moment.
	Beats    int // a bot renews its claim; when there are no more, bots act as if they were paused
	LostAcks int // a record is written, and the bot does not learn of it
	Drops    int // a record is not written, and the bot does not learn of that
	Ghosts   int // the same, and it is written later, within the tick
	Crashes  int // a bot ends, and starts again, gives its orphan back and wants the subject again
	Releases int // a bot gives the subject back
	Cancels  int // a bot stops wanting it while it waits
	Resets   int // a person asks for the job again

	// Beyond the assumptions: what still must hold then are I1, I3, I4 and I5, and not that only one bot works at a time.
	Leaps int // GitHub's clock jumps ahead by more than a lease: every claim has expired, whatever its owner believes
	Stale int // a read may miss any of so many of the last records, however old

	// To see that the check finds what it should find:
	Alone   bool                                                   // I2 must hold also beyond the assumptions
	Distort func(marks []claim.Mark, life claim.Life) []claim.Mark // what a bot reads instead
	Slow    bool                                                   // the first bot's clock stands still

	Limit int // stop after so many states; 0: never
}

// A Report is what Explore found.
type Report struct {
	States   int            // how many were seen
	Complete bool           // all that there are
	Broken   string         // the invariant that does not hold; empty if all do
	Story    string         // how it came to that, step by step
	Met      map[string]int // in how many states there was: "work", "race", "takeover", "result", "late result", "rest"
}

const (
	tick     = 3 * time.Second
	lease    = 3 * tick
	maxBots  = 3
	maxLog   = 14
	maxLives = 4 // of one bot, with restarts; the last is for the healthy bot at the end
)

var (
	epoch   = time.Date(2026, time.November, 27, 12, 0, 0, 0, time.UTC)
	contest = claim.Subject{Repo: "acme/widget", SHA: "0123456789012345678901234567890123456789", Context: "verify"}
)

// within tells whether the model keeps to the assumptions under which only one bot works at a time.
func (m Model) within() bool { return m.Alone || m.Leaps == 0 && m.Stale == 0 && m.Resets == 0 }

func (m Model) policy() claim.Policy {
	return claim.Policy{Lease: lease, Settle: time.Duration(m.Settle) * tick, Racers: true}
}

// A line is one record of the log, small and comparable.
type line struct {
	bot, life int8  // whose; -1: a person's
	kind      int8  // claim.Kind
	state     int8  // index in states
	tick      int8  // when it was written
	beat      int16 // seconds
	at        int16 // GitHub's time, seconds after epoch
}

var states = [...]string{"pending", "success", "failure"}

// A bot is one agent: its life, and what the life asks for.
type bot struct {
	life  claim.Life
	num   int8 // of its lives
	do    claim.Do
	kind  claim.Kind // of DoPost
	state string
	beat  time.Duration
	due   int8 // of DoPause
	ended bool
}

// A ghost is a write that is under way though its bot has given up waiting for the answer.
type ghost struct {
	rec  line
	some bool
}

// A world is one state of everything.
type world struct {
	now     int8
	leaped  time.Duration
	log     [maxLog]line
	n       int8
	bots    [maxBots]bot
	ghost   ghost
	left    budget
	moved   bool // something has happened
	settled int8 // 1 + the index of the record that is the effective result
}

// A budget is what may still go wrong.
type budget struct{ beats, lostAcks, drops, ghosts, crashes, releases, cancels, resets, leaps int8 }

func (w *world) elapsed() time.Duration { return time.Duration(w.now) * tick }

func (w *world) server() time.Duration { return w.elapsed() + w.leaped }
