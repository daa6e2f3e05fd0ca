package hub

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestDeadline(t *testing.T) {
	never := roundTrip(func(req *http.Request) (*http.Response, error) {
		<-req.Context().Done()
		return nil, req.Context().Err()
	})
	for _, row := range []struct {
		name string
		ctx  time.Duration // what the caller has; 0 is no end
		want time.Duration
		says string
	}{
		{"GitHub's own 10 seconds", 0, 10 * time.Second, "no answer within 10s"},
		{"more than 10 seconds left", time.Minute, 10 * time.Second, "no answer within 10s"},
		{"a lease that ends sooner", 3 * time.Second, 3 * time.Second, "context deadline exceeded"},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if row.ctx > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, row.ctx)
					defer cancel()
				}
				begun := time.Now()
				_, err := deadline{never, 10 * time.Second}.RoundTrip(request(t, "GET", "https://hub.test/", "").WithContext(ctx))
				if got := time.Since(begun); got != row.want {
					t.Errorf("ended after %v, want %v", got, row.want)
				}
				if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), row.says) {
					t.Errorf("got %v, want %q", err, row.says)
				}
			})
		})
	}
}

func TestDeadlineThatIsOverSendsNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	sent := false
	l := deadline{roundTrip(func(*http.Request) (*http.Response, error) { sent = true; return reply(200, ""), nil }), time.Second}
	_, err := l.RoundTrip(request(t, "POST", "https://hub.test/", "x").WithContext(ctx))
	if _, ok := errors.AsType[*NotSentError](err); !ok || sent {
		t.Errorf("got %v, sent %v", err, sent)
	}
}
