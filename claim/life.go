package claim

import (
	"time"
)

// A Life is one claim from the wish to have a subject to the end, as a pure state machine: Step takes what has happened
// and gives the next state and the one thing to do. It reads no clock and does no I/O, so Acquire runs it against
// GitHub, and the explorer of claimtest against every order of events. Lives can be compared with ==.
//
//	Fresh ─► Checking ─► Noting ─► Claiming ─► Settling ─► Deciding ─► Working ─► Watching ─► Beating ─► Working …
//	            │                    │  ▲                   ▲   │         │
//	            │ taken              ▼  │ not there         │   │ taken   │ finished
//	            ▼                 Doubting ─► Searching ────┘   ▼         ▼
//	          Ended                            there          Ended    Proving ─► Publishing ◄─► Confirming
//	                                                                   or Releasing
type Life struct {
	Phase   Phase
	Outcome Outcome // once Ended; before, of Releasing, what it will be
	Nonce   string
	ID      int64         // of the claim's record, once known
	Sent    time.Duration // when the claim was first sent, on Policy.Elapsed; so are all durations here but Settle
	Beaten  time.Duration // when the last claim or beat was sent that GitHub is known to have
	Asked   time.Duration // when the beat under way was sent
	Stop    time.Duration // from then on no work may go on and nothing be published
	Settle  time.Duration // the wait before the decisive read
	Lags    int           // how many times GitHub was seen to lag more than Settle
	Barred  bool          // GitHub answered 401, 403 or 404: no beats until a read works again
	Before  int           // how many claims of this attempt brought no result before this one; for people
	Quiet   bool          // too many records for further beats
	Result  Result        // to publish
	seen    int64         // the highest id seen: a list without it is older than what is known
	expires int64         // when the claim expires, as far as known, in GitHub's time (Unix, ns)
	again   int           // how many times the present thing was tried
	terms   *terms
}

// terms are what does not change in a life.
type terms struct {
	policy Policy
	name   string
	url    string
}

// NewLife is a claim that is wished for. Of the policy it uses the lease, the settle wait, and what Decide needs.
func NewLife(o Owner, p Policy, nonce string) Life {
	t := &terms{policy: p, name: o.Name}
	if o.Log != nil {
		t.url = o.Log(nonce)
	}
	return Life{Nonce: nonce, Settle: p.Settle, terms: t}
}

// A Phase is where a Life is: what it waits for.
type Phase int8

// The phases; the comment says which event ends it.
const (
	Fresh      Phase = iota // Start
	Checking                // the read before a claim
	Noting                  // the journal has the nonce
	Claiming                // the answer to the claim
	Doubting                // the time after which a claim without an answer is there or will never be
	Searching               // the read that shows which
	Settling                // the settle wait
	Deciding                // the decisive read
	Working                 // the time of the next beat, or the end of the work
	Watching                // the read before a beat
	Beating                 // the answer to a beat
	Proving                 // the read before a result
	Publishing              // the answer to a result
	Confirming              // the read that shows whether a result without an answer is there
	Releasing               // the answer to a release
	Reviewing               // the read that shows what people see after a release that came late
	Ended                   // nothing
)

// An Outcome is how a Life ended.
type Outcome int8

// The outcomes.
const (
	Undecided Outcome = iota // it has not
	Taken                    // a peer (or a person) has the subject, or it is done, or dead
	Lost                     // it had the subject, and lost it before it published
	Published                // its result is there
	Returned                 // it gave the subject back
	Failed                   // it never had the subject, for trouble with GitHub or the journal
	Cancelled                // the bot did not want it any more
)

// An Event is what has happened. Elapsed is always set.
type Event struct {
	Kind    EventKind
	Elapsed time.Duration // now, on Policy.Elapsed
	Marks   []Mark        // of OnListed
	Now     time.Time     // of OnListed: GitHub's clock
	Mark    Mark          // of OnPosted
	Fault   Fault         // of OnMissed
	After   time.Duration // of OnMissed: GitHub wants to be left alone for so long
	Result  Result        // of OnFinish
}

// An EventKind says which event.
type EventKind int8

// The events.
const (
	OnStart  EventKind = iota // begin
	OnListed                  // the read gave Marks
	OnNoted                   // the journal has it
	OnPosted                  // the post was answered, with Mark
	OnMissed                  // the read, post or journal did not work, with Fault
	OnWake                    // the wait is over
	OnFinish                  // the work is done, with Result; only while Working, in place of Wake
	OnCancel                  // the bot does not want to go on; only in place of Wake
)

// A Fault is what kind of trouble an I/O had.
type Fault int8

// The faults.
const (
	FaultNeutral   Fault = iota // nothing was changed, and nothing is known: a later try may work
	FaultAmbiguous              // a write that may have been applied
	FaultBarred                 // 401, 403, 404: the bot may not (any more)
	FaultFull                   // GitHub's ceiling of records
	FaultRefused                // GitHub understood and said no
	FaultBeaten                 // the board itself knows that a peer has it (ErrTaken)
)

// A Request is the one thing to do next.
type Request struct {
	Do      Do
	Mark    Mark          // of DoPost
	For     time.Duration // of DoPause
	Jitter  time.Duration // of DoPause: up to so much longer
	Verdict Verdict       // of DoEnd, and of the first DoPause of Working: what the last list came to
	Why     string        // of DoEnd: for people
	Forget  bool          // of DoEnd: the journal need not know the claim any more
}

// A Do says what.
type Do int8

// The requests.
const (
	DoRead  Do = iota // read the marks: answer Listed or Missed
	DoNote            // write the nonce to the journal: Noted or Missed
	DoPost            // post Mark: Posted or Missed
	DoPause           // wait: Wake, or Finish or Cancel if they come first
	DoEnd             // nothing; the life is over
)

// Step is the protocol.
func (l Life) Step(e Event) (Life, Request) {
	switch e.Kind {
	case OnPosted, OnListed:
		l.seen = max(l.seen, e.Mark.ID)
	case OnCancel:
		return l.cancel()
	case OnStart, OnNoted, OnMissed, OnWake, OnFinish:
	}
	switch l.Phase {
	case Fresh:
		return l.to(Checking, Request{Do: DoRead})
	case Checking, Noting, Claiming, Doubting, Searching, Settling, Deciding:
		return l.win(e)
	case Working, Beating, Watching:
		return l.keep(e)
	case Proving, Publishing, Confirming, Releasing, Reviewing:
		return l.close(e)
	case Ended:
	}
	return l, Request{Do: DoEnd}
}

// Holds tells whether work may go on now.
func (l Life) Holds(elapsed time.Duration) bool {
	switch l.Phase {
	case Working, Beating, Watching:
		return elapsed < l.Stop
	default:
		return false
	}
}

func (l Life) to(p Phase, r Request) (Life, Request) {
	if p != l.Phase {
		l.again = 0
	}
	l.Phase = p
	return l, r
}

// pause stays in the phase; the Wake after it repeats what the phase does.
func (l Life) pause(d, jitter time.Duration) (Life, Request) {
	l.again++
	return l, Request{Do: DoPause, For: max(d, 0), Jitter: jitter}
}

func (l Life) end(o Outcome, v Verdict, why string) (Life, Request) {
	l.Phase, l.Outcome = Ended, o
	return l, Request{Do: DoEnd, Verdict: v, Why: why, Forget: true}
}

// leave ends without forgetting: the claim may be on GitHub, and the next start shall look after it.
func (l Life) leave(o Outcome, why string) (Life, Request) {
	l.Phase, l.Outcome = Ended, o
	return l, Request{Do: DoEnd, Why: why}
}

// giveBack posts a release and ends with the outcome.
func (l Life) giveBack(o Outcome) (Life, Request) {
	l.Outcome = o
	return l.to(Releasing, l.post(Mark{Kind: KindRelease}))
}

func (l Life) cancel() (Life, Request) {
	switch l.Phase {
	case Doubting, Searching, Settling, Deciding, Working, Beating, Watching:
		return l.giveBack(Cancelled)
	case Proving, Publishing, Confirming:
		return l.leave(Lost, "the bot was stopped before the result could be published")
	case Releasing, Reviewing:
		return l.leave(l.Outcome, "")
	case Fresh, Checking, Noting, Claiming, Ended:
	}
	return l.leave(Cancelled, "")
}

// list folds what was read. It is old if it lacks a record that was seen before: then nothing may be decided on it.
func (l *Life) list(e Event) (v Verdict, old bool) {
	newest := int64(0)
	for _, m := range e.Marks {
		newest = max(newest, m.ID)
	}
	if newest < l.seen {
		return v, true
	}
	l.seen = newest
	return Decide(e.Marks, e.Now, l.terms.policy), false
}

// post completes a mark of this life.
func (l Life) post(m Mark) Request {
	m.Name, m.Nonce, m.State = l.terms.name, l.Nonce, "pending"
	m.URL = l.terms.url
	switch m.Kind {
	case KindClaim, KindBeat:
		m.Lease, m.Human = l.lease(), trying(l.Before+1, l.terms.policy.Tries)
	case KindResult:
		m.State, m.Human = l.Result.State, l.Result.Text
		if l.Result.URL != "" {
			m.URL = l.Result.URL
		}
	case KindRelease:
	case KindOther, KindReset, KindNote, KindHold:
	}
	return Request{Do: DoPost, Mark: m}
}

func (l Life) lease() time.Duration { return l.terms.policy.Lease }

// retry is the pause before trying the same again.
func (l Life) retry(e Event) time.Duration { return max(retryAfter(l.lease()), e.After) }

func holds(marks []Mark, want func(Mark) bool) (Mark, bool) {
	for _, m := range marks {
		if want(m) {
			return m, true
		}
	}
	return Mark{}, false
}
