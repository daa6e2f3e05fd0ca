package hub

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-github/v57/github"
)

// Options say which GitHub, as whom, and with what habits. The zero value is api.github.com without credentials.
type Options struct {
	URL        string            // the REST API's root; "" is https://api.github.com; https://HOST/api/v3 for Enterprise
	Token      Secret            // a personal token, classic or fine-grained
	App        *App              // instead of a token
	Dir        string            // a folder of this package for answers that outlive the process; "" keeps them in memory
	Transport  http.RoundTripper // what sends in the end; nil is TCP with sane timeouts
	Log        *slog.Logger      // nil is none
	WriteEvery time.Duration     // the time between two writes; 0 is a second, as GitHub asks for; below 0 is none
	Journal    func(Write)       // is told each write that was sent, after its answer, one at a time
	Version    string            // of the program, for the User-Agent
	Random     func() float64    // from 0 to 1, for the waits between tries of a read; safe for concurrent use; nil is any
}

// A Client speaks to one GitHub as one account. It is safe for concurrent use.
type Client struct {
	gh     *github.Client
	http   *http.Client
	graph  string // GraphQL's address
	log    *slog.Logger
	who    credentials
	isApp  bool
	clock  *clock
	budget *budget
	limits *limits
	guard  *guard
	logs   *statusLogs
	events *eventLogs
	ids    *nodeIDs
	idle   func()
}

// Close ends the connections that are idle. The client can be used on.
func (c *Client) Close() { c.idle() }

// Format prints where the client speaks to, under any verb, and nothing of what it holds.
func (c *Client) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "hub.Client(%s)", c.gh.BaseURL)
}

const (
	requestTime  = 10 * time.Second // GitHub ends a request then
	longestBody  = 32 << 20
	memoryBytes  = 32 << 20
	diskBytes    = 256 << 20
	diskAge      = 30 * 24 * time.Hour
	readTries    = 3 // after the first
	defaultEvery = time.Second
)

// New makes a client. It sends nothing; a wrong token shows at the first request.
func New(o Options) (*Client, error) {
	root, err := apiRoot(o.URL)
	if err != nil {
		return nil, err
	}
	if o.App != nil && o.Token != "" {
		return nil, errors.New("sign in to github: both a token and an App are set; use one")
	}
	c := &Client{
		graph: graphURL(root), log: o.Log, isApp: o.App != nil, clock: &clock{},
		guard: newGuard(), logs: newStatusLogs(), events: newEventLogs(), ids: newNodeIDs(),
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	store := answers(newMemory(memoryBytes))
	if o.Dir != "" {
		if store, err = openDisk(filepath.Join(o.Dir, "answers"), diskBytes, diskAge); err != nil {
			return nil, err
		}
	}
	stack, err := c.stack(o, root, store)
	if err != nil {
		return nil, err
	}
	c.http = &http.Client{
		Transport:     stack,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	c.gh = github.NewClient(c.http)
	c.gh.BaseURL = root
	return c, nil
}

// stack builds the transport, from the wire outwards. The package comment says why it is in this order.
func (c *Client) stack(o Options, root *url.URL, store answers) (http.RoundTripper, error) {
	base := o.Transport
	if base == nil {
		base = newTransport()
	}
	c.idle = func() { // as http.Client does it, which does not see through the layers
		if t, ok := base.(interface{ CloseIdleConnections() }); ok {
			t.CloseIdleConnections()
		}
	}
	inner := &wire{next: base, agent: "cyborg/" + orDev(o.Version), most: longestBody, clock: c.clock}
	c.who = tokenAuth{o.Token}
	if o.App != nil {
		app, err := newAppAuth(*o.App, strings.TrimSuffix(root.String(), "/"), inner)
		if err != nil {
			return nil, err
		}
		c.who = app
	}
	every := o.WriteEvery
	if every == 0 {
		every = defaultEvery
	}
	signed := &auth{next: inner, api: root, who: c.who}
	c.budget = newBudget(signed, c.clock)
	revalidated := &etags{next: redirect{c.budget}, store: store, who: c.who.identity, log: c.log}
	c.limits = newLimits(revalidated)
	judged := verdict{deadline{c.limits, requestTime}}
	return record{patience{newTurns(judged, every, root.Path, o.Journal), readTries, o.Random}}, nil
}

func orDev(version string) string {
	if version == "" {
		return "devel"
	}
	return version
}

// apiRoot reads Options.URL.
func apiRoot(s string) (*url.URL, error) {
	if s == "" {
		s = "https://api.github.com"
	}
	u, err := url.Parse(s)
	if strings.Contains(s, "@") {
		return nil, errors.New("read the API's address: it has a user in it; set the token instead")
	}
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("read the API's address %q: not of the form https://api.github.com or https://HOST/api/v3", s)
	}
	if !strings.HasSuffix(u.Path, "/") {
		u.Path += "/"
	}
	return u, nil
}

// graphURL is beside REST on github.com, and at /api/graphql on Enterprise.
func graphURL(root *url.URL) string {
	u := *root
	if before, ok := strings.CutSuffix(u.Path, "/api/v3/"); ok {
		u.Path = before + "/api/graphql"
	} else {
		u.Path += "graphql"
	}
	return u.String()
}

// Addresses are where REST, which ends in a slash, and GraphQL answer.
func (c *Client) Addresses() (rest, graph string) { return c.gh.BaseURL.String(), c.graph }

// Budget tells what is left of GitHub's limits as last seen, and what this client has used. It asks nothing.
func (c *Client) Budget() Budget {
	b := c.budget.sum()
	b.Stopped = c.limits.until()
	return b
}

// Now is GitHub's time, from the last answer's Date (which has seconds) and the time gone since then; before the first answer it is
// the local clock's. After the machine slept it lags until the next answer.
func (c *Client) Now() time.Time { return c.clock.now() }

// Skew is how far the local clock was ahead of GitHub's at the last answer, to about a second; false before the first.
func (c *Client) Skew() (time.Duration, bool) { return c.clock.skew() }

// read carries out a read through go-github.
func read[T any](ctx context.Context, f func(context.Context) (T, *github.Response, error)) (T, *call, *github.Response, error) {
	return do(ctx, &call{}, f)
}

// write carries out a write through go-github. An answer that says success and cannot be read is ambiguous.
func write[T any](ctx context.Context, f func(context.Context) (T, *github.Response, error)) (T, error) {
	v, _, _, err := do(ctx, &call{write: true}, f)
	return v, err
}

func do[T any](ctx context.Context, c *call, f func(context.Context) (T, *github.Response, error)) (T, *call, *github.Response, error) {
	v, resp, err := f(withCall(ctx, c))
	if err == nil {
		return v, c, resp, nil
	}
	var none T
	status, header, e := c.outcome()
	switch {
	case e != nil:
		return none, c, resp, e
	case c.write && status != 0:
		a := &AmbiguousError{Status: status, RequestID: header.Get(headerRequestID), Err: fmt.Errorf("read the answer: %w", err)}
		if resp != nil && resp.Request != nil {
			a.Method, a.Path = resp.Request.Method, resp.Request.URL.Path
		}
		return none, c, resp, a
	}
	return none, c, resp, err
}

// unasked is the error of a write whose answer says success but is about something else.
func unasked(method, path, format string, args ...any) error {
	return &AmbiguousError{Method: method, Path: path, Status: http.StatusOK, Err: fmt.Errorf("the answer is not about what was asked: "+format, args...)}
}
