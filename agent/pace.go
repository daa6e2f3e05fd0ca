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

// longestPoll bounds how seldom a bot looks, however little is left.
const longestPoll = 10 * time.Minute

// A Pace is how quickly a bot may live on what is left of GitHub's budgets. They are counted for the account, so all bots
// with one token read the same numbers and slow down together, and none of them runs the others dry.
type Pace struct {
	Slow  float64       // by how much polls are stretched, 1 is not at all
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
func PaceOf(b hub.Budget, now time.Time) Pace {
	worst := Pace{Slow: 1, Lease: ShortLease}
	haste := 0.0
	for _, r := range []struct {
		name string
		rate hub.Rate
	}{{"requests", b.Core}, {"GraphQL points", b.GraphQL}} {
		left := r.rate.Reset.Sub(now)
		if r.rate.Limit <= 0 || left <= 0 {
			continue // GitHub has no limit, or has said nothing, or a new window has begun
		}
		reserve := float64(r.rate.Limit) / reservedPart
		even := (float64(r.rate.Limit) - reserve) * min(left.Seconds()/window.Seconds(), 1)
		h := even / math.Max(float64(r.rate.Remaining)-reserve, 1)
		if h <= haste {
			continue
		}
		haste = h
		worst = Pace{Slow: math.Max(h*h, 1), Lease: leaseFor(h), Save: r.rate.Remaining < r.rate.Limit/reservedPart, Reset: left}
		if worst.Slow > 1 || worst.Save {
			worst.Why = fmt.Sprintf("%d of %d %s are left for %s", r.rate.Remaining, r.rate.Limit, r.name, left.Round(time.Minute))
		}
	}
	return worst
}

// Slowly tells whether bots at this pace say so: less than that is a matter of a few seconds.
func (p Pace) Slowly() bool { return p.Save || p.Slow >= 2 }

// leaseFor is the lease at a haste: short up to the even pace, long from twice that on.
func leaseFor(haste float64) time.Duration {
	share := min(max(haste-1, 0), 1)
	return (ShortLease + time.Duration(share*float64(LongLease-ShortLease))).Round(time.Minute)
}

// stretch is a wait at this pace.
func (p Pace) stretch(d time.Duration) time.Duration {
	if p.Save {
		return p.Reset + d
	}
	return time.Duration(min(float64(d)*p.Slow, math.Max(float64(longestPoll), float64(d))))
}
