package claim

import "time"

// proofs is how many reads before a result may go wrong. What the last good read said stands then: the read is a filter
// that saves needless records; the proof is in the fold, which ignores a result that comes too late.
const proofs = 3

// close publishes, or gives back.
func (l Life) close(e Event) (Life, Request) {
	switch l.Phase {
	case Proving:
		return l.prove(e)
	case Publishing:
		return l.published(e)
	case Confirming:
		return l.confirm(e)
	case Releasing:
		return l.returned(e)
	case Reviewing:
		return l.review(e)
	default:
		return l, Request{Do: DoEnd}
	}
}

func (l Life) prove(e Event) (Life, Request) {
	late := e.Elapsed >= l.Stop
	switch {
	case late:
		return l.end(Lost, Verdict{}, "the work ended after the lease")
	case e.Kind == OnWake:
		return l, Request{Do: DoRead}
	case e.Kind == OnMissed && e.Fault == FaultBarred:
		return l.end(Lost, Verdict{}, "GitHub does not let the bot in any more")
	case e.Kind == OnMissed && l.again < proofs:
		return l.pause(l.retry(e), 0)
	case e.Kind == OnMissed:
		return l.to(Publishing, l.post(Mark{Kind: KindResult}))
	}
	v, old := l.list(e)
	switch {
	case old && l.again < proofs:
		return l.pause(l.retry(e), 0)
	case !old && (v.Owner.Nonce != l.Nonce || v.State == Done):
		return l.end(Lost, v, v.Why())
	}
	return l.to(Publishing, l.post(Mark{Kind: KindResult}))
}

func (l Life) published(e Event) (Life, Request) {
	late := e.Elapsed >= l.Stop
	switch {
	case e.Kind == OnPosted && e.Mark.At.UnixNano() > l.expires:
		// The bot was held up between the look and the write. A peer may have had the subject meanwhile, and then people
		// see this result in front of the one that counts.
		return l.doubt(l.Settle)
	case e.Kind == OnPosted:
		return l.end(Published, Verdict{}, "")
	case e.Kind == OnWake && !late:
		return l, l.post(Mark{Kind: KindResult})
	case late && e.Kind == OnMissed && e.Fault == FaultAmbiguous:
		return l.doubt(doubtFor(l.lease()) + l.Settle)
	case late:
		return l.end(Lost, Verdict{}, "the result could not be published before the lease was over")
	}
	switch e.Fault {
	case FaultAmbiguous:
		l.Phase = Confirming
		return l.pause(l.retry(e), 0)
	case FaultBarred:
		return l.end(Lost, Verdict{}, "GitHub does not let the bot in any more")
	case FaultFull:
		return l.end(Lost, Verdict{State: Dead, Count: ceiling}, "GitHub takes no more records")
	case FaultBeaten:
		return l.end(Lost, Verdict{}, "a peer has published")
	case FaultRefused:
		return l.giveBack(Failed)
	case FaultNeutral:
	}
	return l.pause(l.retry(e), 0)
}

// doubt waits, and then looks what became of a result that may have been written after the lease.
func (l Life) doubt(d time.Duration) (Life, Request) {
	l.Phase, l.again = Confirming, 0
	return l.pause(d, 0)
}

// confirm looks whether a result that had no answer is there. If not it is posted again: the fold takes the first, so a
// repetition does no harm.
func (l Life) confirm(e Event) (Life, Request) {
	late := e.Elapsed >= l.Stop
	if e.Kind == OnWake {
		return l, Request{Do: DoRead}
	}
	if e.Kind == OnListed {
		v, old := l.list(e)
		switch {
		case old:
		case v.State == Done && v.Result.Nonce == l.Nonce:
			return l.end(Published, v, "")
		case v.State == Done || v.Owner.Nonce != l.Nonce:
			return l.end(Lost, v, v.Why())
		case !late:
			return l.to(Publishing, l.post(Mark{Kind: KindResult}))
		}
	}
	if late && l.again > proofs {
		return l.leave(Lost, "the result had no answer before the lease was over; it may or may not be there")
	}
	return l.pause(l.retry(e), 0)
}

// returned repeats a release a few times; it names the nonce, so a repetition does no harm.
func (l Life) returned(e Event) (Life, Request) {
	switch {
	case e.Kind == OnPosted && e.Mark.At.UnixNano() > l.expires:
		// A peer may have had the subject meanwhile, and then people see this in front of its result.
		l.Phase, l.again = Reviewing, 0
		return l.pause(l.Settle, 0)
	case e.Kind == OnPosted:
		return l.end(l.Outcome, Verdict{}, "")
	case e.Kind == OnWake:
		return l, l.post(Mark{Kind: KindRelease})
	case l.again < proofs && (e.Fault == FaultAmbiguous || e.Fault == FaultNeutral):
		return l.pause(l.retry(e), 0)
	}
	return l.leave(l.Outcome, "the release could not be posted; the lease will end by itself")
}

// review looks what people see after a release that came after the lease; who ends the life repairs it.
func (l Life) review(e Event) (Life, Request) {
	if e.Kind == OnWake {
		return l, Request{Do: DoRead}
	}
	if e.Kind == OnListed {
		if v, old := l.list(e); !old {
			return l.end(l.Outcome, v, "the release came after the lease")
		}
	}
	if l.again > proofs {
		return l.end(l.Outcome, Verdict{}, "the release came after the lease")
	}
	return l.pause(l.retry(e), 0)
}
