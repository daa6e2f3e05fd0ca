package hub

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

// wire is the innermost layer of ours. It signs requests with our name, reads every answer whole, within a limit, and keeps GitHub's
// clock. An answer that breaks off is therefore an error here, before any layer has taken it for one.
type wire struct {
	next  http.RoundTripper
	agent string
	most  int64
	clock *clock
}

var _ http.RoundTripper = (*wire)(nil)

// A brokenError is an answer whose body did not come whole.
type brokenError struct {
	status int
	header http.Header
	err    error
}

func (e *brokenError) Error() string {
	return fmt.Sprintf("read answer %d: %v", e.status, e.err)
}

func (e *brokenError) Unwrap() error { return e.err }

// errTooLong is an answer longer than the limit.
var errTooLong = errors.New("longer than is accepted")

// RoundTrip implements http.RoundTripper.
func (l *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	var connected atomic.Bool
	ctx := httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	req = req.Clone(ctx)
	req.Header.Set("User-Agent", l.agent)
	req.Header.Set("X-GitHub-Api-Version", "2022-11-28")
	resp, err := l.next.RoundTrip(req)
	if err != nil {
		if _, real := l.next.(*http.Transport); (real && !connected.Load()) || neverConnected(err) {
			return nil, &NotSentError{Reason: "connect to " + req.URL.Host, Err: err}
		}
		return nil, err
	}
	l.clock.note(dateOf(resp.Header), time.Now())
	body, err := io.ReadAll(io.LimitReader(resp.Body, l.most+1))
	_ = resp.Body.Close() // read only
	switch {
	case err != nil:
		return nil, &brokenError{status: resp.StatusCode, header: resp.Header, err: err}
	case int64(len(body)) > l.most:
		return nil, &brokenError{status: resp.StatusCode, header: resp.Header, err: fmt.Errorf("%w: %d bytes", errTooLong, l.most)}
	}
	setBody(resp, body)
	return resp, nil
}

// neverConnected tells whether an error is of a time before there was a connection.
func neverConnected(err error) bool {
	if op, ok := errors.AsType[*net.OpError](err); ok && (op.Op == "dial" || op.Op == "proxyconnect") {
		return true
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return true
	}
	_, ok := errors.AsType[*tls.CertificateVerificationError](err)
	return ok
}

// A wholeBody is an answer's body in memory.
type wholeBody struct {
	bytes.Reader
	data []byte
}

func (*wholeBody) Close() error { return nil }

func setBody(resp *http.Response, data []byte) {
	b := &wholeBody{data: data}
	b.Reset(data)
	resp.Body, resp.ContentLength = b, int64(len(data))
}

// peek gives the whole body and leaves it unread.
func peek(resp *http.Response) []byte {
	if b, ok := resp.Body.(*wholeBody); ok {
		return b.data
	}
	return nil
}
