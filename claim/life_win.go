package claim

import (
	"fmt"
	"time"
)

// win is the way to a claim: look, write the nonce down, claim, settle, look again.
func (l Life) win(e Event) (Life, Request) {
	switch l.Phase {
	case Checking:
		return l.check(e)
	case Noting:
		if e.Kind != OnNoted {
			return l.end(Failed, Verdict{}, "the journal cannot be written")
		}
		l.Sent, l.Beaten = e.Elapsed, e.Elapsed
		l.Stop = e.Elapsed + StopAfter(l.lease())
		return l.to(Claiming, l.post(Mark{Kind: KindClaim}))
	case Claiming:
		return l.claimed(e)
	case Doubting:
		return l.to(Searching, Request{Do: DoRead})
	case Settling:
		return l.to(Deciding, Request{Do: DoRead})
	case Searching, Deciding:
		return l.look(e)
	default:
		return l, Request{Do: DoEnd}
	}
}

func (l Life) check(e Event) (Life, Request) {
	if e.Kind == OnWake {
		return l, Request{Do: DoRead}
	}
	if e.Kind == OnMissed {
		return l.end(Failed, Verdict{}, "the records cannot be read")
	}
	v, old := l.list(e)
	switch {
	case old:
		return l.pause(l.retry(e), 0)
	case v.State != Free:
		return l.end(Taken, v, v.Why())
	}
	l.Before = v.Tries
	return l.to(Noting, Request{Do: DoNote})
}

func (l Life) claimed(e Event) (Life, Request) {
	if e.Kind == OnPosted {
		l.own(e.Mark)
		if l.ID == 0 {
			l.ID = unknownID
		}
		l.again = 0
		l.Phase = Settling
		return l.pause(l.Settle, l.Settle/4)
	}
	switch e.Fault {
	case FaultAmbiguous:
		l.Phase = Doubting
		return l.pause(doubtFor(l.lease())+l.Settle, l.Settle/4)
	case FaultBeaten:
		return l.end(Taken, Verdict{State: Held}, "a peer has it")
	case FaultFull:
		return l.end(Taken, Verdict{State: Dead, Count: ceiling}, "GitHub takes no more records")
	case FaultNeutral, FaultBarred, FaultRefused:
	}
	if l.again > 0 {
		return l.leave(Failed, "the claim cannot be posted") // an earlier try had no answer
	}
	return l.end(Failed, Verdict{}, "the claim cannot be posted")
}

// unknownID is the id of a claim that was posted, on a board that does not tell it.
const unknownID = -1

// own notes what is known of the claim's own record.
func (l *Life) own(m Mark) {
	l.ID = m.ID
	l.expires = m.At.Add(l.lease()).UnixNano()
}

// look is the read after the settle wait, or after the time of doubt: it decides. It began at least Settle after GitHub
// had the claim, so by assumption A2 every record with a lower id is in it.
func (l Life) look(e Event) (Life, Request) {
	if e.Kind == OnWake {
		return l, Request{Do: DoRead}
	}
	late := e.Elapsed >= l.Stop
	if e.Kind == OnMissed {
		switch {
		case e.Fault == FaultBarred:
			return l.leave(Failed, "the records cannot be read any more")
		case late:
			return l.giveBack(Failed)
		}
		return l.pause(l.retry(e), 0)
	}
	v, old := l.list(e)
	mine, there := holds(e.Marks, func(m Mark) bool { return m.Kind == KindClaim && m.Nonce == l.Nonce })
	switch {
	case late:
		return l.giveBack(Failed)
	case old || !there && l.ID != 0:
		return l.lagging()
	case !there && v.State != Free:
		return l.end(Taken, v, v.Why())
	case !there: // the claim without an answer was not applied: the same again
		l.again++
		l.Phase = Claiming
		return l, l.post(Mark{Kind: KindClaim})
	}
	if l.ID <= 0 {
		l.own(mine)
	}
	switch {
	case v.Mine(l.Nonce):
		l.Quiet = v.Count >= quietAt
		l, r := l.rest(e, l.Beaten+BeatEvery(l.lease()))
		r.Verdict = v
		return l, r
	case v.Owner.Nonce == l.Nonce: // expired on GitHub's clock before it began
		return l.giveBack(Failed)
	}
	return l.end(Taken, v, v.Why())
}

// lagging is what to do when GitHub does not show what it has: assumption A2 does not hold for this Settle. Wait
// longer, and never start.
func (l Life) lagging() (Life, Request) {
	l.Lags++
	l.Settle = l.longer()
	return l.pause(l.Settle, 0)
}

func (l Life) longer() time.Duration {
	return min(max(2*l.Settle, retryAfter(l.lease())), max(l.lease()/3, l.Settle))
}

// String is for logs.
func (l Life) String() string {
	return fmt.Sprintf("%s %s (claim %d)", l.Nonce, l.Phase, l.ID)
}

// String names the phase.
func (p Phase) String() string {
	names := [...]string{"fresh", "checking", "noting", "claiming", "doubting", "searching", "settling", "deciding", "working", "watching",
		"beating", "proving", "publishing", "confirming", "releasing", "reviewing", "ended"}
	if p < 0 || int(p) >= len(names) {
		return "unknown"
	}
	return names[p]
}

// String names the outcome.
func (o Outcome) String() string {
	names := [...]string{"undecided", "taken", "lost", "published", "returned", "failed", "cancelled"}
	if o < 0 || int(o) >= len(names) {
		return "unknown"
	}
	return names[o]
}
