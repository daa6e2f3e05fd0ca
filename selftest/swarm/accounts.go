package swarm

import (
	"fmt"
	"math"
	"time"

	"github.com/cyborg-bots/cyborg/agent"
	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/selftest/fakehub"
)

// A need is how many accounts on github.com a fleet takes, and what decides that.
type need struct {
	Accounts int
	Jobs     float64 // that are done in the busiest hour, with parts of jobs
	Writes   float64 // of each: its claim, its beats, its result, and a word to people
	Bots     int
	Limits   fakehub.Limits // of an account
}

// needOf reckons what a fleet needs that is kept waiting by nothing. It asks the perfect queue when jobs would be done, and
// reckons what each writes: what an account cannot do in an hour the bots do later, and then it looks as if it were enough;
// and what they cannot say in time they do again, and then it looks as if it were far too little.
//
// What GitHub limits is what may be written in an hour. Bots that look more seldom get along with what they may read, as
// long as all of them may look each agent.LongestPoll.
func needOf(jobs []span, g Game, l fakehub.Limits) need {
	n := need{Accounts: 1, Jobs: busiest(jobs), Bots: g.Bots, Limits: l}
	p := g.policy()
	for _, j := range jobs {
		n.Writes += (2 + float64(j.end.Sub(j.begin)/claim.BeatEvery(p.Lease)) + 1/float64(g.Contexts)) / float64(len(jobs))
	}
	for n.Accounts < g.Bots && !n.enough(n.Accounts) {
		n.Accounts++
	}
	return n
}

// enough tells whether so many accounts are. Which account a job's bot has is chance: with twice the deviation that chance
// has, forty-nine accounts of fifty get no more.
func (n need) enough(accounts int) bool {
	each := n.Jobs / float64(accounts)
	writes := (each + 2*math.Sqrt(each*(1-1/float64(accounts)))) * n.Writes
	looks := float64(n.Bots) / float64(accounts) * float64(time.Hour/agent.LongestPoll)
	return (n.Limits.ContentHour == 0 || writes <= float64(n.Limits.ContentHour)) &&
		(n.Limits.GraphQL == 0 || looks <= float64(n.Limits.GraphQL))
}

// String tells it to people.
func (n need) String() string {
	return fmt.Sprintf("it takes %d: in the busiest hour %.0f jobs write %.1f times each, and an account may %d times",
		n.Accounts, n.Jobs, n.Writes, n.Limits.ContentHour)
}

// busiest is how many jobs are done in the busiest hour; one that is longer counts by its part.
func busiest(jobs []span) float64 {
	const step = 5 * time.Minute
	most := 0.0
	if len(jobs) == 0 {
		return most
	}
	first, last := jobs[0].begin, jobs[0].end
	for _, j := range jobs {
		first, last = earlier(first, j.begin), later(last, j.end)
	}
	for from := first; from.Before(last); from = from.Add(step) {
		sum := 0.0
		for _, j := range jobs {
			inside := earlier(j.end, from.Add(time.Hour)).Sub(later(j.begin, from))
			sum += max(inside.Seconds(), 0) / max(j.end.Sub(j.begin).Seconds(), 1e-9)
		}
		most = max(most, sum)
	}
	return most
}
