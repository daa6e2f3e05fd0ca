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
	Slots int                                        // how many jobs to take at most
	Pause time.Duration                              // what each rank waits longer than the one before it
	Age   func(e Entry) time.Duration                // since when this bot sees the job wait
	Skip  func(e Entry) bool                         // not now: it runs here, or was lost a moment ago
	Place func(keys, idle []string, me string) []int // place of me for each job, see claim.Places
}

// choose takes from the queue. Of the most urgent class (equal priority but for the age of the pull request) it prefers
// the jobs at which this bot has place 0 among the idle bots seen lately: every idle bot has another job there. A job at
// which it has place n it takes only after the job has waited n pauses, so that the first usually goes unopposed. Within
// a place the older pull request goes first. It never reaches for a less urgent class while a more urgent one is only a
// pause away. Two pull requests with one head ask for the same job, which is taken once.
func (c chooser) choose(queue []Entry, idle []string) choice {
	var result choice
	var class []int
	urgency := math.Inf(1)
	for i, e := range queue {
		if e.Standing != Ready || c.Skip(e) {
			continue
		}
		if f := math.Floor(e.Priority); f < urgency {
			c.pick(queue, class, idle, &result)
			if len(result.Take) >= c.Slots || result.Wait > 0 {
				return result
			}
			urgency, class = f, nil
		}
		class = append(class, i)
	}
	c.pick(queue, class, idle, &result)
	return result
}

// pick takes from one class, given by its indexes in the queue.
func (c chooser) pick(queue []Entry, class []int, idle []string, result *choice) {
	keys := make([]string, len(class))
	for i, at := range class {
		keys[i] = subjectOf(queue[at].Job).Key()
	}
	taken := map[string]bool{}
	for _, at := range result.Take {
		taken[subjectOf(queue[at].Job).Key()] = true
	}
	places := c.Place(keys, idle, c.Me)
	order := make([]int, len(class))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(places[a], places[b]) })
	for _, i := range order {
		e := queue[class[i]]
		wait := time.Duration(places[i])*c.Pause - c.Age(e)
		switch {
		case len(result.Take) >= c.Slots:
			return
		case taken[keys[i]]:
		case wait <= 0:
			taken[keys[i]] = true
			result.Take = append(result.Take, class[i])
		case result.Wait == 0 || wait < result.Wait:
			result.Wait = wait
		}
	}
}
