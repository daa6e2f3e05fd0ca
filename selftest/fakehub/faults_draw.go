package fakehub

import (
	"slices"
	"time"
)

// A plan is the faults that one request meets, drawn before it is served.
type plan struct {
	lag     [domainCount]time.Duration
	outage  bool
	before  bool // 5xx without effect
	after   bool // 5xx in spite of the effect
	lost    bool // effect, but no answer
	killed  bool // 502 after ten seconds
	limited *refusal
	pause   [2]time.Duration // before and after the request is applied
	body    time.Duration    // how long the body takes
}

// name is the fault as the journal shows it.
func (p *plan) name() string {
	switch {
	case p.outage:
		return "outage"
	case p.killed:
		return "killed"
	case p.before:
		return "fail-before"
	case p.after:
		return "fail-after"
	case p.lost:
		return "lost-ack"
	case p.limited != nil:
		return "limited"
	case p.body > 0:
		return "slow-body"
	}
	return ""
}

// SetFaults changes what goes wrong from now on. The error names the field that
// makes no sense; nothing is changed then.
func (s *Server) SetFaults(f Faults) error {
	if err := f.check(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.OutageFor > 0 {
		f.OutageUntil, f.OutageFor = time.Now().Add(time.Duration(f.OutageFor)), 0
	}
	s.faults = f
	return nil
}

// Faults is what goes wrong now.
func (s *Server) Faults() Faults {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.faults
	f.RevokedTokens = slices.Clone(f.RevokedTokens) // the caller may decode into it
	return f
}

// chance draws a yes with probability p. It draws only if there is a choice, so
// that a fault which is off changes nothing of the others.
func (s *Server) chance(p float64) bool { return p > 0 && s.rand.Float64() < p }

// upTo draws a duration between nothing and d.
func (s *Server) upTo(d Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return time.Duration(s.rand.Int64N(int64(d) + 1))
}

// draw decides what a request meets. The caller holds the mutex.
func (s *Server) draw(writes bool, now time.Time) plan {
	f := &s.faults
	p := plan{outage: now.Before(f.OutageUntil)}
	if f.Latency > 0 {
		whole := time.Duration(f.Latency)
		if s.chance(0.5) {
			whole += s.upTo(f.Latency)
		}
		p.pause = [2]time.Duration{whole / 2, whole - whole/2}
	}
	if p.outage {
		return p
	}
	switch {
	case s.chance(f.FailBefore):
		p.before = true
	case s.chance(f.FailAfter):
		p.after = true
	case writes && s.chance(f.LostAcks):
		p.lost = true
	case s.chance(f.Killed):
		p.killed, p.before = true, s.chance(0.5)
		p.pause = [2]time.Duration{0, 10 * time.Second}
	case s.chance(f.Limited):
		p.limited = s.drawRefusal()
	case s.chance(f.SlowBodies):
		p.body = time.Duration(f.SlowBy)
	}
	return p
}

// drawLag decides how old the state is that a read sees in each domain: reads do
// not go backwards unless that is a fault too. The caller holds the mutex.
func (s *Server) drawLag(p *plan, now time.Time) {
	f := &s.faults
	if f.Lag == (Lag{}) && f.BackwardReads <= 0 {
		return
	}
	base := [domainCount]Duration{
		issueDomain: f.Lag.Issues, pullDomain: f.Lag.Pulls, statusDomain: f.Lag.Statuses,
		refDomain: f.Lag.Refs, commentDomain: f.Lag.Comments, eventDomain: f.Lag.Events,
	}
	back := s.chance(f.BackwardReads)
	for d := issueDomain; d < domainCount; d++ {
		lag := time.Duration(base[d])
		if lag > 0 {
			lag += s.upTo(f.Lag.Jitter)
		}
		at := now.Add(-lag)
		if back {
			p.lag[d] = lag + s.upTo(f.BackwardBy)
			continue
		}
		if at.Before(s.freshest[d]) {
			at = s.freshest[d]
		}
		s.freshest[d] = at
		p.lag[d] = now.Sub(at)
	}
}

// visibleFrom is when reads begin to find a record that is received now.
func (s *Server) visibleFrom(now time.Time) time.Time {
	if s.chance(s.faults.LateIDs) {
		return now.Add(s.upTo(s.faults.LateBy))
	}
	return now
}

// stamp is what the created_at of something made now says.
func (s *Server) stamp(now time.Time) time.Time {
	if skew := s.faults.SkewCreated; skew > 0 {
		now = now.Add(s.upTo(2*skew) - time.Duration(skew))
	}
	return now.UTC().Truncate(time.Second)
}
