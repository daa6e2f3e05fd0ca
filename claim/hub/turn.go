package hub

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// turns lets one write through at a time and keeps them apart, as GitHub asks. A write whose time would be over before its turn
// is not sent. What was sent goes into the journal.
type turns struct {
	next    http.RoundTripper
	every   time.Duration
	root    string // of the API's paths
	journal func(Write)
	busy    chan struct{} // holds one while a write is under way
	last    time.Time     // when the last was sent; under busy
}

var _ http.RoundTripper = (*turns)(nil)

func newTurns(next http.RoundTripper, every time.Duration, root string, journal func(Write)) *turns {
	return &turns{next: next, every: every, root: root, journal: journal, busy: make(chan struct{}, 1)}
}

// RoundTrip implements http.RoundTripper.
func (l *turns) RoundTrip(req *http.Request) (*http.Response, error) {
	if !isWrite(req) {
		return l.next.RoundTrip(req)
	}
	ctx := req.Context()
	select {
	case <-ctx.Done():
		return nil, notMyTurn(context.Cause(ctx))
	case l.busy <- struct{}{}:
	}
	defer func() { <-l.busy }()
	if err := l.wait(ctx); err != nil {
		return nil, err
	}
	sent := time.Now()
	resp, err := l.next.RoundTrip(req)
	if wasSent(err) {
		l.last = sent
		l.tell(req, sent, resp, err)
	}
	return resp, err
}

// wait passes the time that is left until the next write, or fails at once if it is longer than ctx lasts.
func (l *turns) wait(ctx context.Context) error {
	if err := context.Cause(ctx); err != nil {
		return notMyTurn(err)
	}
	if l.last.IsZero() {
		return nil
	}
	left := l.every - time.Since(l.last)
	if left <= 0 {
		return nil
	}
	if end, ok := ctx.Deadline(); ok && time.Until(end) <= left {
		return notMyTurn(context.DeadlineExceeded)
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return notMyTurn(context.Cause(ctx))
	case <-timer.C:
		return nil
	}
}

func notMyTurn(err error) error {
	return &NotSentError{Reason: "wait for the turn to write", Err: err}
}

// tell writes the journal.
func (l *turns) tell(req *http.Request, sent time.Time, resp *http.Response, err error) {
	if l.journal == nil {
		return
	}
	w := Write{Time: sent, Method: req.Method, Path: strings.TrimPrefix(req.URL.EscapedPath(), l.root), Err: err}
	if req.GetBody != nil {
		if body, e := req.GetBody(); e == nil {
			w.Body, _ = io.ReadAll(body) // of memory
			w.Body = bytes.TrimSuffix(w.Body, []byte("\n"))
		}
	}
	if err != nil {
		status, header := statusOf(err)
		w.Status, w.RequestID = status, header.Get(headerRequestID)
	} else {
		w.Status, w.RequestID = resp.StatusCode, resp.Header.Get(headerRequestID)
	}
	l.journal(w)
}

// wasSent tells whether a request left, by how it ended.
func wasSent(err error) bool {
	if err == nil {
		return true
	}
	if _, ok := errors.AsType[*NotSentError](err); ok {
		return false
	}
	e, ok := errors.AsType[*LimitedError](err)
	return !ok || !e.Local
}
