package claim

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// A Claim is a subject that this bot has. Keep must be called at once, and its release exactly when the work is over.
type Claim struct {
	Subject Subject
	Nonce   string
	Log     string  // the address in the claim's record
	Verdict Verdict // when it was won: which attempt it is, and which try

	name string
	run  *runner
	next Request
	once sync.Once
}

// Keep keeps the claim alive until release is called. The context that it gives is for the work: it ends with ctx, and
// with the cause ErrLost as soon as the claim is lost: a peer or a person has it, or GitHub could not be reached for
// most of the lease. Errors while keeping are no reason by themselves.
//
// Release ends the claim and must be called, whatever happened; it may be called again, which does nothing. With a
// Result that has a State it publishes it, if the claim still holds; without, it gives the subject back to the peers.
// It returns nil if that worked, and an error that wraps ErrLost if nothing could or may be published. Publishing is
// tried until the lease is over, but only for a minute after ctx has ended.
//
// A process that is stopped or whose machine sleeps past the lease finds the context ended within seconds after it goes
// on, and cannot publish.
func (c *Claim) Keep(ctx context.Context) (work context.Context, release func(Result) error) {
	work, cancel := context.WithCancelCause(ctx)
	k := &keeper{claim: c, cancel: cancel, finish: make(chan Result, 1), done: make(chan struct{})}
	c.once.Do(func() {
		go k.watch(work)
		go k.keep(ctx)
	})
	return work, k.release
}

// Check asks GitHub whether the claim still holds, for use before an effect on the outside world. The answer is a
// filter, not a fence: what must never happen twice needs Refs, or an effect that can be done only once. It returns
// nil, an error that wraps ErrLost, or the trouble it had with asking.
func (c *Claim) Check(ctx context.Context) error {
	marks, now, err := c.run.board.Marks(ctx, c.Subject)
	if err != nil {
		return fmt.Errorf("check claim %s: %w", c.Subject, err)
	}
	v := Decide(marks, now, c.run.policy)
	switch {
	case !v.Mine(c.Nonce):
		return lost(c.Subject, v.Why())
	case c.run.policy.Elapsed() >= time.Duration(c.run.stop.Load()):
		return lost(c.Subject, "it could not be renewed in time")
	}
	return nil
}

func lost(s Subject, why string) error { return fmt.Errorf("claim %s: %w: %s", s, ErrLost, why) }

// A keeper is a Claim that is kept.
type keeper struct {
	claim  *Claim
	cancel context.CancelCauseFunc
	finish chan Result
	done   chan struct{} // closed when the life has ended; err is set before
	err    error
	asked  sync.Once
}

func (k *keeper) release(r Result) error {
	var err error
	switch r.State {
	case "", "success", "failure", "error":
	default: // a mark with it would be no result, and the claim never end
		r.Text, r.State = fmt.Sprintf("Unknown state %s", r.State), "error"
	}
	k.asked.Do(func() {
		k.finish <- r
		<-k.done
		err = k.err
	})
	return err
}

// keep runs the life to its end. What it says to GitHub does not end with ctx: a claim is kept until the work has
// really stopped.
func (k *keeper) keep(ctx context.Context) {
	defer close(k.done)
	io, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	r, req := k.claim.run, k.claim.next
	closing := false
	for r.life.Phase != Ended {
		e := r.perform(io, req, k.finish)
		if e.Kind == OnFinish && !closing {
			closing = true
			k.cancel(errFinished)
			// From now on the end of ctx leaves a minute. If it has ended already, the minute begins here.
			off := context.AfterFunc(ctx, func() { limit(io, stop, cleanup) })
			defer off()
		}
		req = r.step(e)
	}
	r.repair(io, req.Verdict) // who made a mess, by coming late, cleans it up
	k.err = k.verdict(req)
	k.cancel(k.err)
}

// repair tries a few times: the next scan may take what is seen for the truth.
func (r *runner) repair(ctx context.Context, v Verdict) {
	for range proofs {
		err := repair(ctx, r.board, r.subject, v)
		if err == nil {
			return
		}
		r.policy.Log.Warn("repair what is shown", "subject", r.subject.String(), "error", err)
		_, after := faultOf(err, true)
		if rest(ctx, max(after, retryAfter(r.policy.Lease))) != nil {
			return
		}
	}
}

var errFinished = errors.New("the work is done")

// limit calls stop after d, or when ctx ends.
func limit(ctx context.Context, stop func(), d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		stop()
	case <-ctx.Done():
	}
}

func (k *keeper) verdict(end Request) error {
	r := k.claim.run
	switch r.life.Outcome {
	case Published, Returned:
		return nil
	case Failed, Cancelled:
		return fmt.Errorf("end claim %s: %w", r.subject, errors.Join(r.final, r.err))
	case Undecided, Taken, Lost:
	}
	if r.err != nil {
		return fmt.Errorf("claim %s: %w: %s: %w", r.subject, ErrLost, end.Why, r.err)
	}
	return lost(r.subject, end.Why)
}

// watch ends the work when the lease is over, whatever the keeper is busy with. Timers stop while a machine sleeps, so
// it looks at the clock that does not, every few seconds.
func (k *keeper) watch(work context.Context) {
	r := k.claim.run
	t := time.NewTicker(min(max(r.policy.Lease/180, 10*time.Millisecond), 10*time.Second))
	defer t.Stop()
	for {
		if r.policy.Elapsed() >= time.Duration(r.stop.Load()) {
			k.cancel(lost(r.subject, "it could not be renewed in time"))
			return
		}
		select {
		case <-t.C:
		case <-work.Done():
			return
		}
	}
}
