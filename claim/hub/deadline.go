package hub

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// deadline gives each request as it is sent at most limit, and never more than its context has left. GitHub ends a request
// after 10 seconds itself, so an answer later than that does not come. The time that a write waits for its turn is not part of it.
type deadline struct {
	next  http.RoundTripper
	limit time.Duration
}

var _ http.RoundTripper = deadline{}

// RoundTrip implements http.RoundTripper.
func (l deadline) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := context.Cause(req.Context()); err != nil {
		return nil, &NotSentError{Reason: "send", Err: err}
	}
	ctx, cancel := context.WithTimeout(req.Context(), l.limit)
	defer cancel() // the body is in memory by then
	resp, err := l.next.RoundTrip(req.WithContext(ctx))
	if err != nil && ctx.Err() != nil && req.Context().Err() == nil {
		return nil, fmt.Errorf("no answer within %v: %w", l.limit, err)
	}
	return resp, err
}
