package hub

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// patience asks again, a few times and within the context, when GitHub could not answer a read: a 5xx, a connection that broke, an
// answer that did not come. It never does so for a write, which may have been carried out.
type patience struct {
	next   http.RoundTripper
	tries  uint64         // after the first
	random func() float64 // from 0 to 1; nil: any
}

var _ http.RoundTripper = patience{}

// RoundTrip implements http.RoundTripper.
func (l patience) RoundTrip(req *http.Request) (*http.Response, error) {
	if isWrite(req) {
		return l.next.RoundTrip(req)
	}
	wait := &jittered{random: l.random, BackOff: backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(500*time.Millisecond),
		backoff.WithMaxInterval(4*time.Second),
		backoff.WithMaxElapsedTime(0), // the context and the number of tries say when
		backoff.WithRandomizationFactor(0),
	)}
	var resp *http.Response
	var last error
	err := backoff.Retry(func() error {
		again, err := replay(req)
		if err != nil {
			return backoff.Permanent(err)
		}
		resp, last = l.next.RoundTrip(again) //nolint:bodyclose // it is the caller's
		if last != nil && !passes(last) {
			return backoff.Permanent(last)
		}
		return last
	}, backoff.WithContext(backoff.WithMaxRetries(wait, l.tries), req.Context()))
	if err != nil && last != nil && !errors.Is(err, last) {
		err = errors.Join(err, last) // the context was over while waiting; say also what was waited for
	}
	if err != nil {
		return nil, err
	}
	return resp, nil
}

// A jittered backoff waits half as long to half as long again, by a source of chance that can be given.
type jittered struct {
	backoff.BackOff
	random func() float64
}

// NextBackOff implements backoff.BackOff.
func (b *jittered) NextBackOff() time.Duration {
	d := b.BackOff.NextBackOff()
	if d == backoff.Stop {
		return d
	}
	random := b.random
	if random == nil {
		random = rand.Float64
	}
	return d/2 + time.Duration(random()*float64(d))
}

// replay gives the request with a body to read from its start.
func replay(req *http.Request) (*http.Request, error) {
	again := req.Clone(req.Context())
	if req.Body == nil || req.GetBody == nil {
		return again, nil
	}
	body, err := req.GetBody()
	if err != nil {
		return nil, err
	}
	again.Body = body
	return again, nil
}

// passes tells whether trouble is of the kind that goes away by itself in a moment.
func passes(err error) bool {
	if _, ok := errors.AsType[*UnavailableError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*LimitedError](err); ok {
		return false
	}
	if _, ok := errors.AsType[*RefusedError](err); ok {
		return false
	}
	if errors.Is(err, errTooLong) || errors.Is(err, context.Canceled) {
		return false
	}
	if e, ok := errors.AsType[*NotSentError](err); ok {
		return neverConnected(e.Err) || errors.Is(e.Err, io.EOF)
	}
	return true
}
