package agent

import (
	"fmt"
	"math"
	"time"

	"github.com/cyborg-bots/cyborg/claim/hub"
)

// The leases that a bot chooses from, when it may (Config.AutoLease). A short one frees a dead bot's job soon; a long one
// costs fewer heartbeats.
const (
	ShortLease = 10 * time.Minute
	LongLease  = 30 * time.Minute
)

// window is the time for which GitHub counts.
const window = time.Hour

// reservedPart is the part of the whole (a tenth) that polls leave alone: it is for the claims that are held, and for what
// many bots ask at the same moment before they learn how little is left.
const reservedPart = 10

// LongestPoll bounds how seldom a bot looks, however little is left. A thousand bots of one account look four thousand
// times an hour then, which it has.
const LongestPoll = 15 * time.Minute

// A Pace is how quickly a bot may live on what is left of GitHub's budgets. They are counted for the account, so all bots
// with one token read the same numbers and slow down together, and none of them runs the others dry.
type Pace struct {
	Slow  float64       // by how much polls are stretched, 1 is not at all
	Crowd float64       // and by how much because many share the account
	Lease time.Duration // for new claims
	Save  bool          // take nothing new and do not look: what is left is for the claims that are held
	Reset time.Duration // how long until GitHub counts anew; with Save
	Why   string        // for people; empty while nothing is slowed
}

// PaceOf judges a budget, at a time on GitHub's clock. Of the two budgets (requests and GraphQL points) the scarcer one
// counts. What is left above the reserve is compared with what would be left if the hour's whole were used evenly:
//
//   - more than that: no slowing, and the lease is short;
//   - less: polls are stretched by the square of how much too quick it went, so that the pace falls below the even one
//     and recovers;
//   - less than the reserve: no look and nothing new before the window ends.
//
// That comes late when many bots share the account: of 500 each has looked twice when half of the hour is gone. So round
// says what all of them together use while a bot goes once round its poll, and polls are stretched at once to the time for
// which that much is there.
func PaceOf(b hub.Budget, round Use, poll time.Duration, now time.Time) Pace {
	worst := Pace{Slow: 1, Lease: ShortLease}
	haste := 0.0
	for _, r := range []struct {
		name string
		rate hub.Rate
		use  float64
	}{{"requests", b.Core, round.Core}, {"GraphQL points", b.GraphQL, round.GraphQL}} {
		left := r.rate.Reset.Sub(now)
		if r.rate.Limit <= 0 || left <= 0 {
			continue // GitHub has no limit, or has said nothing, or a new window has begun
		}
		reserve := float64(r.rate.Limit) / reservedPart
		above := math.Max(float64(r.rate.Remaining)-reserve, 1)
		even := (float64(r.rate.Limit) - reserve) * min(left.Seconds()/window.Seconds(), 1)
		crowd := r.use * left.Seconds() / above / poll.Seconds()
		save := r.rate.Remaining < r.rate.Limit/reservedPart
		if save { // the round is one of the next window
			crowd = r.use * window.Seconds() / (float64(r.rate.Limit) - reserve) / poll.Seconds()
		}
		h := math.Max(even/above, math.Sqrt(crowd))
		if h <= haste {
			continue
		}
		haste = h
		worst = Pace{Slow: math.Max(h*h, 1), Crowd: math.Max(crowd, 1), Lease: leaseFor(h), Save: save, Reset: left}
		if worst.Slow > 1 || worst.Save {
			worst.Why = fmt.Sprintf("%d of %d %s are left for %s", r.rate.Remaining, r.rate.Limit, r.name, left.Round(time.Minute))
		}
	}
	return worst
}

// A Use is how much of the two budgets all who share the account use in some time.
type Use struct{ Core, GraphQL float64 }

// A meter measures what the account uses while this bot goes once round its poll. What bots of one account know of each
// other, names, does not tell whose account they use; what GitHub says is left does. The zero value has seen nothing.
type meter struct {
	since time.Time  // of the last measurement
	was   hub.Budget // then
	round Use
}

// look takes in what is left now. A bot looks out of turn as well, when a job ends or a peer's turn is over: then nothing
// is measured, as half a round says little. Before the first round is over the account's use since the window began stands
// for it.
func (m *meter) look(b hub.Budget, round time.Duration, now time.Time) Use {
	ago := now.Sub(m.since)
	switch {
	case m.since.IsZero():
		m.round = Use{sofar(b.Core, round, now), sofar(b.GraphQL, round, now)}
	case ago < round/2:
		return m.round
	default:
		part := float64(round) / float64(ago)
		m.round = Use{between(m.was.Core, b.Core, m.round.Core, part), between(m.was.GraphQL, b.GraphQL, m.round.GraphQL, part)}
	}
	m.since, m.was = now, b
	return m.round
}

// sofar is what is used in a round, if all goes on as since the window began. What a bot asks at its start is not what it
// asks in each round, if that is a short one.
func sofar(r hub.Rate, round time.Duration, now time.Time) float64 {
	left := r.Reset.Sub(now)
	if r.Limit <= 0 || left <= 0 {
		return 0
	}
	return float64(r.Limit-r.Remaining) * round.Seconds() / max(window-left, round, DefaultPoll).Seconds()
}

// between is what was used of a budget in a part of a round, made whole; what was known before, if a new window began.
func between(was, is hub.Rate, known, part float64) float64 {
	if is.Limit <= 0 || is.Limit != was.Limit || is.Remaining > was.Remaining || is.Reset.Sub(was.Reset) > time.Minute {
		return known
	}
	return float64(was.Remaining-is.Remaining) * part
}

// pace is how quickly this bot may live on.
func (a *Agent) pace() Pace {
	budget, now := a.c.Hub.Budget(), a.c.Hub.Now()
	round := stretched(a.c.Poll, math.Max(a.slow, 1))
	p := PaceOf(budget, a.meter.look(budget, round, now), a.c.Poll, now)
	a.slow = p.Slow
	if p.Save {
		a.slow = p.Crowd
	}
	if slowly := p.Slowly(); slowly != a.slowly {
		a.slowly = slowly
		a.c.Log.Info("changed pace", "slowly", slowly, "why", p.Why, "poll", p.stretch(a.c.Poll).Round(time.Second).String(), "taking_jobs", !p.Save)
	}
	return p
}

// crowded is the time between two looks from which on a bot that was just started lets the others go first. Of a thousand
// that begin in the same half minute the first hundred and fifty find little used; GitHub would refuse what a first look
// takes if all of them went on.
const crowded = 2 * time.Minute

// A crowdedError says that a bot is to come again when it is its turn.
type crowdedError struct {
	pace Pace
	wait time.Duration
}

func (e *crowdedError) Error() string { return "many bots share the account: " + e.pace.Why }

// enter is for the first look, when the first answer has told what is left: nil tells to go on.
func (a *Agent) enter() error {
	if a.inside || a.c.Once {
		return nil
	}
	a.inside = true
	p := a.pace()
	between := stretched(a.c.Poll, p.Crowd)
	if between < crowded && !p.Save {
		return nil
	}
	wait := a.random(between)
	if p.Save {
		wait += p.Reset
	}
	return &crowdedError{p, wait}
}

// Slowly tells whether bots at this pace say so: less than that is a matter of a few seconds.
func (p Pace) Slowly() bool { return p.Save || p.Slow >= 2 }

// leaseFor is the lease at a haste: short up to the even pace, long from twice that on.
func leaseFor(haste float64) time.Duration {
	share := min(max(haste-1, 0), 1)
	return (ShortLease + time.Duration(share*float64(LongLease-ShortLease))).Round(time.Minute)
}

// stretch is a wait at this pace. Bots that wait for a new window do not all come when it begins.
func (p Pace) stretch(d time.Duration) time.Duration {
	if p.Save {
		return p.Reset + stretched(d, p.Crowd)
	}
	return stretched(d, p.Slow)
}

func stretched(d time.Duration, by float64) time.Duration {
	return time.Duration(min(float64(d)*by, math.Max(float64(LongestPoll), float64(d))))
}

// apart shortens the pause that one bot leaves to another at a job: bots that look more seldom meet more seldom.
func (p Pace) apart(pause time.Duration) time.Duration {
	return time.Duration(float64(pause) / min(math.Max(p.Slow, 1), float64(LongestPoll/DefaultPoll)))
}
