package claim

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"
)

// The timings that every bot of a fleet must derive alike. They are functions of the lease in a claim's own text and of
// nothing that can be configured, so that bots with different settings, or of different versions, agree on every claim
// they see.
const (
	DefaultLease = 30 * time.Minute
	// ForeignLease is how long a claim without a lease in its text is respected. The bots of 2017 write none, never renew
	// a claim, and run for up to two hours.
	ForeignLease = 2 * time.Hour
	minLease     = 100 * time.Millisecond
	maxLease     = 24 * time.Hour
)

// Epsilon is by how much the times that GitHub gives two records may differ from the order of things (assumption A3): a
// claim is taken over only when it has been expired for so long. A minute for leases of ten minutes and more; never
// under a second, since GitHub's times are whole seconds.
func Epsilon(lease time.Duration) time.Duration { return min(max(lease/10, time.Second), time.Minute) }

// BeatEvery is the pace of heartbeats: three to a lease.
func BeatEvery(lease time.Duration) time.Duration { return lease / 3 }

// StopAfter is how long after sending its last acknowledged claim or beat a bot may work: nine tenths of the lease (27
// of 30 minutes), so that a clock which is slow by a tenth (assumption A4) still stops in time.
func StopAfter(lease time.Duration) time.Duration { return lease - lease/10 }

// doubtFor is how long after a write without an answer it may still be carried out (assumption A5: GitHub ends a
// request after 10 s; three times that). Less with the short leases of tests and demonstrations, whose hub is near.
func doubtFor(lease time.Duration) time.Duration { return min(30*time.Second, lease/6) }

// retryAfter is the pace of asking again, after an error, for what the claim needs.
func retryAfter(lease time.Duration) time.Duration { return min(lease/60, 30*time.Second) }

// GitHub keeps 1,000 statuses for a commit and context. Beats end first, then new claims, so that the result finds its
// place.
const (
	quietAt = 900
	deadAt  = 980
	ceiling = 1000
)

// A Policy is how a bot claims. Bots with different Lease, Settle, or Tries work together safely; Allowed and Racers
// decide what counts, so a fleet must agree on them.
type Policy struct {
	Lease  time.Duration // of new claims; written into them
	Settle time.Duration // W: how long after a claim nothing may be decided; above GitHub's replication lag (assumption A2)

	// Allowed tells whose marks count, by the login of their creator. Nil: everybody's who can write them.
	Allowed func(creator string) bool
	// Racers accepts a result also from a claim that lost the race, if it comes first: two tests of one commit are as good
	// as each other. False where a job has side effects.
	Racers bool
	// Tries is how many claims without a result an attempt may see, until somebody asks again; 0: any number.
	Tries int

	// Elapsed is a clock that only measures durations, and goes on while the machine sleeps. Nil: the kernel's since-boot
	// clock.
	Elapsed func() time.Duration
	// Jitter gives a random duration below its argument. Nil: uniformly random.
	Jitter func(time.Duration) time.Duration
	// Nonce names claims. Nil: NewNonce.
	Nonce func() string
	// Patience remembers, for all claims of a bot, that GitHub lagged more than Settle. Nil: each claim learns for itself.
	Patience *Patience
	// Journal keeps the nonces of claims that are not finished, for the next start. Nil: none, and a crash costs a lease.
	Journal Journal
	// Log is the bot's own log. Nil: none.
	Log *slog.Logger
}

// DefaultPolicy suits github.com and tests of pull requests.
func DefaultPolicy() Policy {
	return Policy{Lease: DefaultLease, Settle: 5 * time.Second, Racers: true, Tries: 20}
}

// Check says what is wrong with a policy, in words for the person who set the flags.
func (p Policy) Check() error {
	switch {
	case p.Lease < minLease || p.Lease > maxLease:
		return fmt.Errorf("lease %s: must be between %s and %s", p.Lease, minLease, maxLease)
	case p.Lease != p.Lease.Truncate(time.Millisecond):
		return fmt.Errorf("lease %s: must be whole milliseconds", p.Lease)
	case p.Settle < 0 || p.Settle > p.Lease/3:
		return fmt.Errorf("settle %s: must be at most a third of the lease (%s), or nobody could start in time", p.Settle, p.Lease)
	}
	return nil
}

// counts tells whether the fold sees the mark.
func (p Policy) counts(m Mark) bool { return p.Allowed == nil || p.Allowed(m.Creator) }

// filled has every function and object set.
func (p Policy) filled() Policy {
	if p.Elapsed == nil {
		p.Elapsed = SinceBoot
	}
	if p.Jitter == nil {
		p.Jitter = func(d time.Duration) time.Duration { return rand.N(max(d, 1)) }
	}
	if p.Nonce == nil {
		p.Nonce = NewNonce
	}
	if p.Patience == nil {
		p.Patience = new(Patience)
	}
	if p.Journal == nil {
		p.Journal = noJournal{}
	}
	if p.Log == nil {
		p.Log = slog.New(slog.DiscardHandler)
	}
	return p
}
