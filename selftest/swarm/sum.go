package swarm

import (
	"cmp"
	"slices"
	"time"

	"github.com/cyborg-bots/cyborg/selftest/fakehub"
)

// mostStories bounds what is told of all that went wrong.
const mostStories = 20

// A Sum is what came of one game, or of many.
type Sum struct {
	Games    int
	Subjects int // contexts of commits that were asked for
	Jobs     int // results that counted
	Records  int // statuses
	Claims   int
	Wasted   int // claims that never held

	Doubles, Effects, Flips, Lost, Wrong, Phantoms int
	Stories                                        []string // of the first few that went wrong

	Usage    fakehub.Usage // of all bots' accounts
	Spread   int           // over how many accounts, where limits were kept; 0: they were not
	Need     need          // of the game that takes most
	Pickup   []time.Duration
	Makespan time.Duration // from the first pull request to the last result, all games together
	Ideal    time.Duration // the same with a perfect queue
	Virtual  time.Duration // how long the games took in their own time
	Real     time.Duration // and in ours
}

// Bad is how much went wrong.
func (s *Sum) Bad() int { return s.Doubles + s.Effects + s.Flips + s.Lost + s.Wrong + s.Phantoms }

// Add takes in another game.
func (s *Sum) Add(o *Sum) {
	s.Games += o.Games
	s.Subjects += o.Subjects
	s.Jobs += o.Jobs
	s.Records += o.Records
	s.Claims += o.Claims
	s.Wasted += o.Wasted
	s.Doubles += o.Doubles
	s.Effects += o.Effects
	s.Flips += o.Flips
	s.Lost += o.Lost
	s.Wrong += o.Wrong
	s.Phantoms += o.Phantoms
	s.Stories = append(s.Stories, o.Stories...)
	s.Stories = s.Stories[:min(len(s.Stories), mostStories)]
	addUsage(&s.Usage, o.Usage)
	s.Spread = max(s.Spread, o.Spread)
	if o.Need.Accounts > s.Need.Accounts {
		s.Need = o.Need
	}
	s.Pickup = append(s.Pickup, o.Pickup...)
	s.Makespan += o.Makespan
	s.Ideal += o.Ideal
	s.Virtual += o.Virtual
	s.Real += o.Real
}

func addUsage(s *fakehub.Usage, o fakehub.Usage) {
	s.Requests += o.Requests
	s.Writes += o.Writes
	s.NotModified += o.NotModified
	s.Primary += o.Primary
	s.Points += o.Points
	s.GraphQL += o.GraphQL
	s.Content += o.Content
	s.Refused += o.Refused
}

// percentile is the value below which a part of all lies.
func percentile(list []time.Duration, part float64) time.Duration {
	if len(list) == 0 {
		return 0
	}
	slices.SortFunc(list, cmp.Compare)
	return list[min(int(part*float64(len(list))), len(list)-1)]
}
