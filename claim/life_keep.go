package claim

import (
	"time"
)

// keep is a claim that is held: beat, look whether it still is, and stop in time if GitHub does not answer. Only a
// positive sign loses a claim; an error does not, until the lease is over.
func (l Life) keep(e Event) (Life, Request) {
	if e.Elapsed >= l.Stop {
		return l.end(Lost, Verdict{}, "it could not be renewed in time")
	}
	switch l.Phase {
	case Working:
		return l.turn(e)
	case Beating:
		return l.beaten(e)
	case Watching:
		return l.watch(e)
	default:
		return l, Request{Do: DoEnd}
	}
}

// turn comes when a beat is due: first the look whether the claim still is, then the beat. In this order the read need
// not show a record that was written a moment ago, which with lagging replicas it would not.
func (l Life) turn(e Event) (Life, Request) {
	if e.Kind == OnFinish {
		l.Result = e.Result
		if e.Result.State == "" {
			return l.giveBack(Returned)
		}
		return l.to(Proving, Request{Do: DoRead})
	}
	return l.to(Watching, Request{Do: DoRead})
}

func (l Life) watch(e Event) (Life, Request) {
	if e.Kind == OnMissed {
		l.Barred = l.Barred || e.Fault == FaultBarred
		return l.beat(e)
	}
	v, old := l.list(e)
	if old {
		return l.beat(e)
	}
	if !v.Mine(l.Nonce) {
		if v.State == Held && v.Owner.ID < l.ID {
			l.Lags++ // a lower id came to light after the settle wait
		}
		return l.end(Lost, v, v.Why())
	}
	l.Barred, l.Quiet = false, v.Count >= quietAt
	if r := v.Renewed; r.Kind == KindBeat && l.Asked > l.Beaten && r.Beat == l.offset() {
		l.renew(v.Until) // it had no answer, and is there
	}
	return l.beat(e)
}

// beat sends a beat if one is due and may be sent, else waits.
func (l Life) beat(e Event) (Life, Request) {
	switch {
	case l.Quiet:
		return l.rest(e, e.Elapsed+BeatEvery(l.lease()))
	case l.Barred:
		return l.rest(e, e.Elapsed+l.retry(e))
	case e.Elapsed < l.Beaten+BeatEvery(l.lease()):
		return l.rest(e, l.Beaten+BeatEvery(l.lease()))
	}
	l.Asked = e.Elapsed
	return l.to(Beating, l.post(Mark{Kind: KindBeat, Beat: l.offset()}))
}

// offset is how far the claim is in its run when a beat is sent; it tells one beat from another.
func (l Life) offset() time.Duration {
	grain := time.Second
	if l.lease() < time.Minute {
		grain = time.Millisecond
	}
	return (l.Asked - l.Sent).Truncate(grain)
}

func (l Life) beaten(e Event) (Life, Request) {
	if e.Kind == OnPosted {
		if e.Mark.At.UnixNano() > l.expires {
			return l.rest(e, e.Elapsed+l.retry(e)) // it does not count; the next read will show why
		}
		l.renew(e.Mark.At.Add(l.lease()))
		return l.rest(e, l.Beaten+BeatEvery(l.lease()))
	}
	switch e.Fault {
	case FaultAmbiguous:
		return l.rest(e, e.Elapsed+max(l.retry(e), l.Settle)) // then the read shows whether it is there
	case FaultBarred:
		l.Barred = true
		return l.rest(e, e.Elapsed+BeatEvery(l.lease())/2)
	case FaultFull:
		l.Quiet = true
	case FaultNeutral, FaultRefused, FaultBeaten:
	}
	return l.rest(e, e.Elapsed+l.retry(e))
}

// renew moves the end: GitHub has the beat that was sent at Asked.
func (l *Life) renew(expires time.Time) {
	l.Beaten = l.Asked
	l.Stop = max(l.Stop, l.Asked+StopAfter(l.lease()))
	l.expires = max(l.expires, expires.UnixNano())
}

// rest goes back to work until the next beat, and not beyond the end.
func (l Life) rest(e Event, due time.Duration) (Life, Request) {
	return l.to(Working, Request{Do: DoPause, For: max(min(due, l.Stop)-e.Elapsed, 0)})
}
