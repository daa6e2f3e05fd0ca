package hub

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// go-github 2.2.3: given a secondary limit without Retry-After, go-github refuses every call for the 50 minutes to the reset, and with
// "remaining: 0" on a good answer it does by the local clock. Through this stack it does neither.
func TestRecordKeepsGoGithubFromBlocking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := 0
		c := testClient(t, roundTrip(func(*http.Request) (*http.Response, error) {
			if sent++; sent == 1 {
				return reply(403, saysAbuse, resetIn("4987", fiftyMinute)...), nil
			}
			return reply(200, "[]", resetIn("0", fiftyMinute)...), nil
		}))
		_, err := c.Labels(t.Context(), acme, 1)
		e, ok := errors.AsType[*LimitedError](err)
		if !ok || time.Until(e.Until) != time.Minute {
			t.Fatalf("got %v", err)
		}
		<-time.After(time.Until(e.Until))
		for range 3 {
			if _, err := c.Labels(t.Context(), acme, 1); err != nil {
				t.Fatalf("a minute later: %v", err)
			}
		}
		if b := c.Budget(); b.Core.Remaining != 0 || b.Core.Limit != 5000 || !b.Stopped.IsZero() {
			t.Errorf("budget %+v", b)
		}
	})
}

// go-github gives a bare context error for whatever happened when the context is over; a write must still be known as ambiguous.
func TestRecordKeepsWhatHappened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testClient(t, roundTrip(func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, fmt.Errorf("read: %w", req.Context().Err())
		}))
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		_, err := c.PostStatus(ctx, acme, sha1, Status{State: "pending", Context: "verify"})
		if kindOf(err) != "ambiguous" || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		_, err = c.PostStatus(ctx, acme, sha1, Status{State: "pending", Context: "verify"})
		if kindOf(err) != "not sent" {
			t.Errorf("with a context that is over: %v", err)
		}
	})
}
