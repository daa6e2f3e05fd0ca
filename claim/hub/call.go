package hub

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// A call is what the layers of the transport tell about one request, past the client library between them and us: it drops the
// answer's error when a context is over, and knows nothing of GitHub's clock.
type call struct {
	write bool // it might change something: a POST of GraphQL is told apart by this alone
	asApp bool // signed by the App itself, not by its installation
	later bool // 202 is the answer: GitHub makes what was asked for after it

	mu     sync.Mutex
	status int
	header http.Header
	err    error
}

type callKey struct{}

func withCall(ctx context.Context, c *call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

func callOf(req *http.Request) *call {
	c, _ := req.Context().Value(callKey{}).(*call)
	return c
}

// isWrite tells whether a request might change something.
func isWrite(req *http.Request) bool {
	if c := callOf(req); c != nil {
		return c.write
	}
	return req.Method != http.MethodGet && req.Method != http.MethodHead
}

// takesLater tells whether an answer that something will be done is as good as one that it is done.
func (c *call) takesLater() bool { return c != nil && c.later }

// answered notes what came, of the last try.
func (c *call) answered(status int, header http.Header, err error) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status, c.header, c.err = status, header, err
}

func (c *call) outcome() (status int, header http.Header, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.status, c.header, c.err
}

// date is GitHub's time of the answer, zero if there was none.
func (c *call) date() time.Time {
	_, header, _ := c.outcome()
	return dateOf(header)
}

func dateOf(header http.Header) time.Time {
	t, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return time.Time{}
	}
	return t
}
