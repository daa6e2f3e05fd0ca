package swarm

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/selftest/fakehub"
)

// A Game is one fleet and its troubles. Two games with equal values go the same way. Zero values are drawn from the
// seed, but for Faults.
type Game struct {
	Seed     uint64
	Bots     int
	Jobs     int           // contexts of pull requests that are asked for by opening them; people ask for more later
	Contexts int           // of each pull request
	Span     time.Duration // within which the pull requests are opened and people do what they do
	Mean     time.Duration // how long a job takes, on average: most are short, some long, a few ten times as long
	Even     bool          // none takes less than two sevenths of that or more than twelve: 10 to 60 minutes with a mean of 35
	Accounts int           // over which the bots are spread
	Limits   fakehub.Limits
	Poll     time.Duration
	Settle   time.Duration // below 0: none
	Lease    time.Duration
	Merge    bool // people close what is done, so that open pull requests do not pile up
	Claims   bool // claims alone, without agents around them: twenty times as many in the same time
	Faults   Faults
}

// Faults is what goes wrong in a game. Rates are of one bot in an hour; the rest are probabilities.
type Faults struct {
	Hub     fakehub.Faults `json:"hub"`     // all the time
	Outages int            `json:"outages"` // of the hub, up to five minutes each
	Revoked int            `json:"revoked"` // times that a bot's token is not good, up to half an hour each

	Skew     float64 `json:"skew"`     // how wrong a bot's clock is at most, as a part: 0.1
	Suspends float64 `json:"suspends"` // a bot is frozen, for up to three leases, and goes on
	Crashes  float64 `json:"crashes"`  // a bot is killed and starts again, most times with its journal
	Stops    float64 `json:"stops"`    // a bot is asked to stop, and starts again later
	Cuts     float64 `json:"cuts"`     // a bot does not reach the hub for up to two leases
	Sick     float64 `json:"sick"`     // a job meets trouble of the bot's own
	Twins    bool    `json:"twins"`    // two bots have one name

	Pushes   float64 `json:"pushes"`   // a pull request gets a new head
	Renames  float64 `json:"renames"`  // and a new title
	Closes   float64 `json:"closes"`   // and is closed
	Triggers float64 `json:"triggers"` // and somebody asks for a context again
}

// NoFaults is a good day.
func NoFaults(*rand.Rand, time.Duration) Faults { return Faults{Hub: fakehub.Faults{Latency: ms(100)}} }

// SomeFaults is a usual day: GitHub lags and hiccups, laptops sleep, people push.
func SomeFaults(r *rand.Rand, settle time.Duration) Faults {
	f := Faults{
		Hub:  fakehub.Faults{Latency: ms(100 + r.IntN(400)), FailBefore: 0.002, FailAfter: 0.002, LostAcks: 0.002, SkewCreated: ms(1000)},
		Skew: 0.01, Suspends: 0.05, Crashes: 0.05, Stops: 0.1, Sick: 0.01, Pushes: 0.2, Renames: 0.2, Closes: 0.05, Triggers: 0.1,
	}
	share(r, &f.Hub, settle/2)
	return f
}

// AllFaults is a day on which everything goes wrong that the assumptions of the claims allow. Each game draws its own
// mixture: a fault that is always there hides others.
func AllFaults(r *rand.Rand, settle time.Duration) Faults {
	some := func(most float64) float64 {
		if r.IntN(3) == 0 {
			return 0
		}
		return most * r.Float64()
	}
	f := Faults{
		Hub: fakehub.Faults{
			Latency: ms(20 + r.IntN(1000)), FailBefore: some(0.05), FailAfter: some(0.05), LostAcks: some(0.1), Killed: some(0.02),
			Limited: some(0.002), SlowBodies: some(0.05), SlowBy: ms(100 + r.IntN(9000)), SkewCreated: ms(r.IntN(25_000)),
		},
		Outages: r.IntN(2), Revoked: r.IntN(3), Skew: 0.1,
		Suspends: some(1), Crashes: some(1), Stops: some(0.5), Cuts: some(0.7), Sick: some(0.1), Twins: r.IntN(4) == 0,
		Pushes: some(0.5), Renames: some(0.5), Closes: some(0.2), Triggers: some(0.7),
	}
	share(r, &f.Hub, settle-settle/20)
	return f
}

// share draws how the time within which everything becomes visible is used up: by replicas that lag, some more than
// others, and by ids that are given out before their records can be seen.
func share(r *rand.Rand, f *fakehub.Faults, whole time.Duration) {
	part := func(of time.Duration) time.Duration { return time.Duration(r.Float64() * float64(of)) }
	late := part(whole)
	back := part(whole - late)
	lag := part(whole - late - back)
	if r.IntN(3) > 0 && late > 0 {
		f.LateIDs, f.LateBy = r.Float64(), fakehub.Duration(late)
	}
	if r.IntN(3) > 0 && back > 0 {
		f.BackwardReads, f.BackwardBy = r.Float64()/2, fakehub.Duration(back)
	}
	f.Lag = fakehub.EvenLag(fakehub.Duration(lag))
	f.Lag.Jitter = fakehub.Duration(part(whole - late - back - lag))
}

func ms(n int) fakehub.Duration { return fakehub.Duration(time.Duration(n) * time.Millisecond) }

// Draw fills in from the seed what is not set. The faults come from level, or are as they are if it is nil.
func (g Game) Draw(level func(*rand.Rand, time.Duration) Faults) Game {
	r := die(g.Seed).of("game").rand()
	set := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	span := func(p *time.Duration, v time.Duration) {
		if *p == 0 {
			*p = v
		}
	}
	set(&g.Bots, 2+r.IntN(5))
	set(&g.Contexts, 1+r.IntN(4))
	set(&g.Jobs, 2*g.Bots+r.IntN(4*g.Bots))
	set(&g.Accounts, 1+r.IntN(2))
	span(&g.Settle, between(r, 2*time.Second, 6*time.Second))
	span(&g.Lease, []time.Duration{5, 10, 15, 30}[r.IntN(4)]*time.Minute)
	span(&g.Span, between(r, g.Lease, 4*g.Lease))
	load := 0.3 + 0.9*r.Float64() // of the fleet's time
	span(&g.Mean, max(time.Duration(load*float64(g.Bots)*float64(g.Span)/float64(g.Jobs)), time.Second))
	span(&g.Poll, min(max(time.Duration((0.3+0.7*r.Float64())*float64(g.Mean)), 15*time.Second), 2*time.Minute))
	if level != nil {
		g.Faults = level(r, g.Settle)
	}
	return g
}

// String tells a game that was drawn in one line.
func (g Game) String() string {
	return fmt.Sprintf("%d bots of %d accounts, %d contexts of %s each on average, %d to a pull request, within %s; poll %s, settle %s, lease %s",
		g.Bots, g.Accounts, g.Jobs, round(g.Mean), g.Contexts, round(g.Span), round(g.Poll), round(max(g.Settle, 0)), round(g.Lease))
}

// Check says what cannot be played of a game that was drawn.
func (g Game) Check() error {
	if g.Bots < 1 || g.Jobs < 1 || g.Contexts < 1 || g.Accounts < 1 || g.Span <= 0 || g.Poll <= 0 || g.Mean <= 0 {
		return errors.New("bots, jobs, contexts, accounts, span, poll and mean are above zero")
	}
	return g.policy().Check()
}

// policy is the claims' of all bots, as far as they agree.
func (g *Game) policy() claim.Policy {
	p := claim.DefaultPolicy()
	p.Settle, p.Lease, p.Tries = max(g.Settle, 0), g.Lease, 0
	return p
}
