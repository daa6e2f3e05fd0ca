package hub

import (
	"context"
	"errors"
	"net"
	"net/http"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestPatience(t *testing.T) {
	reset := &net.OpError{Op: "read", Err: syscall.ECONNRESET}
	for _, row := range []struct {
		name   string
		method string
		fails  []error // then success
		sent   int
		ok     bool
	}{
		{"a good day", "GET", nil, 1, true},
		{"one 502", "GET", []error{&UnavailableError{Status: 502}}, 2, true},
		{"L13 the connection broke twice", "GET", []error{reset, reset}, 3, true},
		{"no answer in time", "GET", []error{context.DeadlineExceeded}, 2, true},
		{"dial refused", "GET", []error{&NotSentError{Err: &net.OpError{Op: "dial"}}}, 2, true},
		{"an outage", "GET", []error{reset, reset, reset, reset, reset}, 4, false},
		{"a limit is not waited for", "GET", []error{&LimitedError{}}, 1, false},
		{"a refusal stays one", "GET", []error{&RefusedError{Status: 404}}, 1, false},
		{"too long is too long", "GET", []error{&brokenError{err: errTooLong}}, 1, false},
		{"probot#921 a write is never repeated", "POST", []error{&AmbiguousError{Status: 502}}, 1, false},
		{"not even one that broke", "PATCH", []error{reset}, 1, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sent := 0
				l := patience{roundTrip(func(req *http.Request) (*http.Response, error) {
					sent++
					if b := req.Body; b != nil && bodyOf(t, req)["q"] != "x" {
						t.Error("the body is not what it was")
					}
					if sent <= len(row.fails) {
						return nil, row.fails[sent-1]
					}
					return reply(200, "{}"), nil
				}), readTries, nil}
				_, err := l.RoundTrip(request(t, row.method, "https://hub.test/", `{"q":"x"}`))
				if sent != row.sent || (err == nil) != row.ok {
					t.Errorf("sent %d times, error %v; want %d, success %v", sent, err, row.sent, row.ok)
				}
				if !row.ok && !errors.Is(err, row.fails[0]) {
					t.Errorf("the cause is lost: %v", err)
				}
			})
		})
	}
}

func TestPatienceEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		begun := time.Now()
		l := patience{roundTrip(func(*http.Request) (*http.Response, error) { return nil, &UnavailableError{Status: 503} }), readTries, nil}
		_, err := l.RoundTrip(request(t, "GET", "https://hub.test/", "").WithContext(ctx))
		if _, ok := errors.AsType[*UnavailableError](err); !ok || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want both causes", err)
		}
		if got := time.Since(begun); got > 200*time.Millisecond {
			t.Errorf("took %v", got)
		}
	})
}
