package claim

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/cyborg-bots/cyborg/claim/hub"
)

// cleanup is how long a bot that was told to stop may still take to give a claim back.
const cleanup = time.Minute

// Acquire claims the subject: it looks, posts a claim, waits until GitHub's replicas have caught up, looks again, and
// has it if the lowest claim is its own. It takes Policy.Settle and a few requests, and gives
//
//   - a *Claim, whose Keep must be called next;
//   - a *TakenError if a peer or a person has the subject, it is done, or it is dead (then errors.Is(err, ErrDead));
//   - an error of the hub, wrapped, if there was trouble; a claim that may be on GitHub in spite of it is given back, or stays in
//     Policy.Journal.
//
// If ctx ends meanwhile the claim is given back, which takes at most a minute.
func Acquire(ctx context.Context, b Board, s Subject, o Owner, p Policy) (*Claim, error) {
	p = p.filled()
	if err := s.check(); err != nil {
		return nil, err
	}
	if err := p.Check(); err != nil {
		return nil, fmt.Errorf("claim %s: %w", s, err)
	}
	if err := o.Check(); err != nil {
		return nil, fmt.Errorf("claim %s: %w", s, err)
	}
	p.Settle = p.Patience.Settle(p.Settle, p.Lease, p.Elapsed())
	if x, ok := b.(Exclusive); ok && x.Exclusive() {
		p.Settle = 0
	}
	r := &runner{board: b, subject: s, policy: p, life: NewLife(o, p, p.Nonce())}
	return r.acquire(ctx)
}

// Exclusive is implemented by a Board whose Post of a claim succeeds for one of several bots only, so that no settle
// wait is needed.
type Exclusive interface{ Exclusive() bool }

// A runner does what a Life asks for.
type runner struct {
	board   Board
	subject Subject
	policy  Policy
	life    Life
	stop    atomic.Int64 // life.Stop, for the watch that runs beside it
	err     error        // of the last I/O, if it went wrong
	final   error        // the last definite no
}

func (r *runner) acquire(ctx context.Context) (*Claim, error) {
	req := r.step(Event{Kind: OnStart})
	for r.life.Phase != Working && r.life.Phase != Ended {
		if (r.life.Phase == Releasing || r.life.Phase == Reviewing) && ctx.Err() != nil {
			return nil, r.abandon(ctx, req)
		}
		req = r.step(r.perform(ctx, req, nil))
	}
	if r.life.Phase == Ended {
		if r.life.Outcome != Taken {
			r.repair(ctx, req.Verdict)
		}
		return nil, r.failed(ctx, req)
	}
	if err := r.board.Show(ctx, r.subject, req.Verdict); err != nil {
		r.policy.Log.Warn("show claim", "subject", r.subject.String(), "error", err)
	}
	return &Claim{Subject: r.subject, Nonce: r.life.Nonce, Log: r.life.terms.url, Verdict: req.Verdict, name: r.life.terms.name, run: r, next: req}, nil
}

// abandon gives a claim back after ctx has ended.
func (r *runner) abandon(ctx context.Context, req Request) error {
	short, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanup)
	defer cancel()
	for r.life.Phase != Ended {
		req = r.step(r.perform(short, req, nil))
	}
	r.repair(short, req.Verdict)
	return r.failed(ctx, req)
}

// failed is the error of an Acquire that came to nothing.
func (r *runner) failed(ctx context.Context, end Request) error {
	switch {
	case r.life.Outcome == Taken:
		return &TakenError{Subject: r.subject, Verdict: end.Verdict}
	case ctx.Err() != nil:
		return fmt.Errorf("claim %s: %w", r.subject, context.Cause(ctx))
	case r.err != nil:
		return fmt.Errorf("claim %s: %w", r.subject, r.err)
	}
	return fmt.Errorf("claim %s: github was too slow for a lease of %s", r.subject, r.policy.Lease)
}

// step tells the life what happened and keeps what belongs to it up to date.
func (r *runner) step(e Event) Request {
	e.Elapsed = r.policy.Elapsed()
	switch e.Kind {
	case OnListed, OnPosted:
		r.err = nil
	case OnStart, OnNoted, OnMissed, OnWake, OnFinish, OnCancel:
	}
	was := r.life
	next, req := was.Step(e)
	r.life = next
	r.stop.Store(int64(next.Stop))
	if next.Lags > was.Lags {
		r.policy.Patience.Violated(e.Elapsed)
		r.policy.Log.Warn("github lags more than the settle wait", "subject", r.subject.String(), "nonce", next.Nonce, "settle", was.Settle)
	}
	if req.Do == DoEnd && req.Forget {
		if err := r.policy.Journal.End(next.Nonce); err != nil {
			r.policy.Log.Warn("forget claim", "subject", r.subject.String(), "nonce", next.Nonce, "error", err)
		}
	}
	if next.Phase != was.Phase {
		r.policy.Log.Debug("claim", "subject", r.subject.String(), "nonce", next.Nonce, "phase", next.Phase.String(), "why", req.Why)
	}
	return req
}

// perform does one thing and says what came of it. A pause ends early if ctx ends, or with a result from finish.
func (r *runner) perform(ctx context.Context, req Request, finish <-chan Result) Event {
	switch req.Do {
	case DoRead:
		ctx, cancel := context.WithTimeout(ctx, min(max(r.policy.Lease/3, 10*time.Second), 2*time.Minute))
		defer cancel()
		marks, now, err := r.board.Marks(ctx, r.subject)
		if err != nil {
			return r.missed(err, false)
		}
		return Event{Kind: OnListed, Marks: marks, Now: now}
	case DoPost:
		return r.post(ctx, req.Mark)
	case DoNote:
		if err := r.policy.Journal.Begin(Entry{Subject: r.subject, Name: r.life.terms.name, Nonce: r.life.Nonce}); err != nil {
			return r.missed(fmt.Errorf("write journal: %w", err), false)
		}
		return Event{Kind: OnNoted}
	case DoPause:
		return r.pause(ctx, req, finish)
	case DoEnd:
	}
	return Event{Kind: OnCancel}
}

func (r *runner) pause(ctx context.Context, req Request, finish <-chan Result) Event {
	d := req.For
	if req.Jitter > 0 {
		d += r.policy.Jitter(req.Jitter)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return Event{Kind: OnWake}
	case result := <-finish:
		return Event{Kind: OnFinish, Result: result}
	case <-ctx.Done():
		return Event{Kind: OnCancel}
	}
}

// post writes a mark. No write may arrive after the lease, so none waits longer than that; a release may.
func (r *runner) post(ctx context.Context, m Mark) Event {
	if m.Kind != KindRelease {
		left := r.life.Stop - r.policy.Elapsed()
		if left <= 0 {
			return r.missed(errLate, false)
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, left)
		defer cancel()
	}
	posted, err := r.board.Post(ctx, r.subject, m)
	if err != nil {
		return r.missed(err, true)
	}
	return Event{Kind: OnPosted, Mark: posted}
}

var errLate = errors.New("the lease is over")

func (r *runner) missed(err error, wrote bool) Event {
	r.err = err
	e := Event{Kind: OnMissed}
	e.Fault, e.After = faultOf(err, wrote)
	if e.Fault == FaultRefused || e.Fault == FaultBarred {
		r.final = err
	}
	r.policy.Log.Debug("claim", "subject", r.subject.String(), "nonce", r.life.Nonce, "phase", r.life.Phase.String(), "error", err)
	return e
}

// faultOf sorts the hub's errors. A write with an error that nobody has classified may have been applied.
func faultOf(err error, wrote bool) (Fault, time.Duration) {
	if limited, ok := errors.AsType[*hub.LimitedError](err); ok {
		return FaultNeutral, max(time.Until(limited.Until), 0)
	}
	if _, ok := errors.AsType[*hub.NotSentError](err); ok {
		return FaultNeutral, 0
	}
	if _, ok := errors.AsType[*hub.AmbiguousError](err); ok && wrote {
		return FaultAmbiguous, 0
	}
	switch {
	case errors.Is(err, ErrTaken):
		return FaultBeaten, 0
	case errors.Is(err, hub.ErrStatusLimit):
		return FaultFull, 0
	case errors.Is(err, hub.ErrUnauthorized), errors.Is(err, hub.ErrForbidden), errors.Is(err, hub.ErrGone):
		return FaultBarred, 0
	case errors.Is(err, errLate):
		return FaultNeutral, 0
	}
	if _, ok := errors.AsType[*hub.RefusedError](err); ok {
		return FaultRefused, 0
	}
	if wrote {
		return FaultAmbiguous, 0
	}
	return FaultNeutral, 0
}
