package claim

import (
	"slices"
	"time"
)

// Decide is the fold: it says what a log comes to. It is a pure function of the set of marks; their order in the slice
// and repetitions do not matter. Every bot, the commands for people, and the tests use this one function, so all who
// have seen the same marks agree on who holds the subject and which result counts, whatever crashed, slept or raced
// (theorem T1 in doc.go).
//
// The time now is GitHub's. It decides only whether a claim looks expired, as a hint to try: whether a takeover counts
// is decided by the times that GitHub gave the two claims.
func Decide(marks []Mark, now time.Time, p Policy) Verdict {
	f := fold{policy: p, attempt: 1}
	list := inOrder(marks)
	for i := range list {
		if p.counts(list[i]) {
			f.take(list[i])
		}
	}
	v := f.verdict(now)
	v.Count = len(list)
	if len(list) > 0 {
		v.Newest = list[len(list)-1]
	}
	if v.State == Free && (v.Count >= deadAt || p.Tries > 0 && v.Tries >= p.Tries) {
		v.State = Dead
	}
	return v
}

// A fold is the state after some of the marks.
type fold struct {
	policy  Policy
	attempt int
	since   int64
	tries   int
	owner   Mark // of the current generation: its first claim; KindOther if there is no generation
	renewed Mark
	expires time.Time
	racers  []Mark
	hold    Mark
	result  Mark
	gone    []string // nonces that were released
}

func (f *fold) take(m Mark) {
	switch m.Kind {
	case KindReset:
		f.reset(m)
	case KindHold:
		f.reset(m)
		f.hold = m
	case KindClaim:
		f.claim(m)
	case KindBeat:
		if f.owns(m) && !m.At.After(f.expires) {
			f.renew(m)
		}
	case KindResult:
		f.finish(m)
	case KindRelease:
		f.release(m)
	case KindNote, KindOther:
	}
}

// reset begins a new attempt. Where nothing has happened yet there is nothing to begin anew, so that several people (or
// scanners) who ask for a new job at once ask for one.
func (f *fold) reset(m Mark) {
	if f.tries > 0 || f.done() || f.hold.Kind == KindHold {
		f.again(m)
	}
}

// again begins a new attempt, in which nothing has happened.
func (f *fold) again(m Mark) {
	f.attempt++
	f.since = m.ID
	f.tries = 0
	f.owner, f.renewed, f.racers, f.expires = Mark{}, Mark{}, nil, time.Time{}
	f.result, f.hold = Mark{}, Mark{}
}

// claim begins a new generation if the last one has expired, else it is recorded as a racer. The lowest id of a
// generation owns it.
func (f *fold) claim(m Mark) {
	switch {
	case f.done() || f.hold.Kind == KindHold || m.Nonce != "" && slices.Contains(f.gone, m.Nonce):
	case f.held() && !m.At.After(f.expires.Add(Epsilon(f.owner.Lease))):
		switch {
		case f.owns(m) && m.Nonce == "" && !m.At.After(f.expires):
			f.renew(m) // bots without beats say the same again
		case f.owns(m) || f.races(m): // the same claim, posted twice for want of an answer
		default:
			f.racers = append(f.racers, m)
		}
	default:
		f.tries++
		f.owner, f.racers = m, nil
		f.renew(m)
	}
}

func (f *fold) renew(m Mark) {
	f.renewed = m
	f.expires = m.At.Add(f.owner.Lease)
}

// finish takes the first result of the current generation. One of an older generation is ignored: that is the fence.
func (f *fold) finish(m Mark) {
	switch {
	case f.done() && m.same(f.result): // a repair
	case m.Nonce == "": // by hand, or by a bot of 2017: a person's word counts, also over a bot's
		if f.done() || f.held() && f.owner.Nonce != "" || f.hold.Kind == KindHold {
			f.again(m)
		}
		f.result = m
	case f.done():
	case f.owns(m) || f.policy.Racers && f.races(m):
		f.result = m
	}
}

func (f *fold) release(m Mark) {
	if m.Nonce != "" {
		f.gone = append(f.gone, m.Nonce)
	}
	if f.done() {
		return
	}
	if f.owns(m) {
		f.owner, f.renewed, f.racers, f.expires = Mark{}, Mark{}, nil, time.Time{}
		return
	}
	f.racers = slices.DeleteFunc(f.racers, func(r Mark) bool { return m.Nonce != "" && r.Nonce == m.Nonce })
}

func (f *fold) held() bool { return f.owner.Kind == KindClaim }
func (f *fold) done() bool { return f.result.Kind == KindResult }

// owns tells whether m speaks for the claim that has the current generation. A mark without a nonce speaks for one
// without, if it names the same bot or nobody.
func (f *fold) owns(m Mark) bool {
	return f.held() && m.Nonce == f.owner.Nonce && (m.Nonce != "" || m.Name == f.owner.Name || m.Name == "")
}

func (f *fold) races(m Mark) bool {
	return f.held() && slices.ContainsFunc(f.racers, func(r Mark) bool { return m.Nonce != "" && r.Nonce == m.Nonce })
}

func (f *fold) verdict(now time.Time) Verdict {
	v := Verdict{Owner: f.owner, Renewed: f.renewed, Attempt: f.attempt, Since: f.since, Tries: f.tries, Racers: f.racers, Result: f.result}
	switch {
	case f.done():
		v.State = Done
	case f.hold.Kind == KindHold:
		v.State, v.Owner, v.Renewed = Held, f.hold, f.hold
	case f.held():
		v.Until = f.expires
		v.Open = f.expires.Add(Epsilon(f.owner.Lease))
		if !now.After(v.Open) {
			v.State = Held
		}
	}
	return v
}
