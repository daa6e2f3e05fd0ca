package agent

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// A choice is what a bot decided to do with the queue it saw.
type choice struct {
	Take []int         // indexes into the queue, best first
	Wait time.Duration // when nothing is taken now but something will be: how long until then; 0: nothing to wait for
}

// A chooser knows what choosing depends on beside the queue (3-claims.md 3.8).
type chooser struct {
	Me    string
	Slots int                                             // how many jobs to take at most
	Pause time.Duration                                   // what each rank waits longer than the one before it
	Age   func(e Entry) time.Duration                     // since when this bot sees the job wait
	Skip  func(e Entry) bool                              // not now: it runs here, or was lost a moment ago
	Rank  func(key string, peers []string, me string) int // place of me among the peers for a job, 0 is first
}

// choose takes from the queue. Of the most urgent class (equal priority but for the age of the pull request) it prefers
// the jobs for which this bot is ranked first among the idle bots seen lately; a job for which it is ranked r-th it
// takes only after the job has waited r pauses, so that the first ranked usually goes unopposed. Within a rank the
// older pull request goes first. It never reaches for a less urgent class while a more urgent one is only a pause away.
func (c chooser) choose(queue []Entry, idle []string) choice {
	type option struct {
		at, rank int
		wait     time.Duration
	}
	var result choice
	class := math.Inf(1)
	var options []option
	flush := func() {
		slices.SortStableFunc(options, func(a, b option) int { return cmp.Compare(a.rank, b.rank) })
		for _, o := range options {
			switch {
			case len(result.Take) >= c.Slots:
			case o.wait <= 0:
				result.Take = append(result.Take, o.at)
			case result.Wait == 0 || o.wait < result.Wait:
				result.Wait = o.wait
			}
		}
		options = options[:0]
	}
	for i, e := range queue {
		if e.Standing != Ready || c.Skip(e) {
			continue
		}
		if f := math.Floor(e.Priority); f < class {
			flush()
			if len(result.Take) >= c.Slots || result.Wait > 0 {
				return result
			}
			class = f
		}
		rank := c.Rank(subjectOf(e.Job).Key(), idle, c.Me)
		options = append(options, option{i, rank, time.Duration(rank)*c.Pause - c.Age(e)})
	}
	flush()
	return result
}
