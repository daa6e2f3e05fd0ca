package s3

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const (
	firstPause = time.Second      // after the first "slow down"
	longPause  = 30 * time.Second // and at most, unless the server asks for more
	askedPause = 5 * time.Minute  // but not more than that
)

// gate is a transport that all requests of a store pass. A server that says
// "slow down" closes it for a while. Requests that fail in other ways pass:
// whoever sent them knows best when to try again.
type gate struct {
	next http.RoundTripper

	mu    sync.Mutex
	until time.Time     // closed until then
	pause time.Duration // the last one; 0 in good times
}

func newGate(next http.RoundTripper) *gate { return &gate{next: next} }

// RoundTrip waits until the gate is open, or the request's context ends.
func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	for wait := g.closed(); wait > 0; wait = g.closed() {
		t := time.NewTimer(wait + rand.N(wait/4+1)) // not all at once
		select {
		case <-t.C:
		case <-r.Context().Done():
			t.Stop()
			if r.Body != nil {
				r.Body.Close()
			}
			return nil, r.Context().Err()
		}
	}
	resp, err := g.next.RoundTrip(r)
	if err == nil {
		g.learn(resp)
	}
	return resp, err
}

// closed tells for how long the gate stays closed.
func (g *gate) closed() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return time.Until(g.until)
}

// learn closes the gate when the server asks for it. Answers to what was sent
// before it closed do not close it again.
func (g *gate) learn(resp *http.Response) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	switch {
	case resp.StatusCode != http.StatusServiceUnavailable && resp.StatusCode != http.StatusTooManyRequests:
		if resp.StatusCode < 300 && now.After(g.until) {
			g.pause = 0
		}
	case now.After(g.until):
		g.pause = min(max(2*g.pause, firstPause), longPause)
		g.until = now.Add(max(g.pause, asked(resp)))
	}
}

// asked is what the server asks for in Retry-After, in seconds; 0 if nothing.
func asked(resp *http.Response) time.Duration {
	n, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	if err != nil || n < 0 {
		return 0
	}
	return min(time.Duration(n)*time.Second, askedPause)
}
