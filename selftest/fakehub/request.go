package fakehub

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// A request is one request to the API on its way to a handler. Handlers run
// with the server's mutex held; they neither sleep nor write to the network.
type request struct {
	s       *Server
	ctx     context.Context
	http    *http.Request
	method  string // GET also for HEAD
	path    string // below the API's root
	route   *route
	params  []string // in the order of the pattern's names
	body    []byte
	actor   actor
	repo    *repo // of patterns which begin with /repos/{owner}/{repo}
	now     time.Time
	plan    plan    // which faults this request meets
	id      string  // X-GitHub-Request-Id
	site    address // the addresses to put into the answer
	crowded bool    // too many of the user's requests were running when it came

	query    url.Values
	ends     map[*repo]json.RawMessage // encoded already, see json_pull.go
	cost     int                       // GraphQL points, set by its handler; they count separately
	mutation bool                      // of GraphQL, set by its handler
}

// A handler answers a request. It is called with the server's mutex held.
type handler func(*request) response

// A response is what a handler answers.
type response struct {
	status       int
	body         any    // nil: no content; []byte: as it is; else becomes JSON
	media        string // the content type of a []byte; "" is JSON
	location     string
	link         string // the Link header
	lastModified time.Time
	retryAfter   string // the Retry-After header
	pollInterval int    // seconds, the X-Poll-Interval header
	uncached     bool   // Cache-Control: no-cache, as search answers
}

// param is the value of a {name} in the route's pattern.
func (rq *request) param(name string) string {
	for i, n := range rq.route.names {
		if n == name {
			return rq.params[i]
		}
	}
	return ""
}

// number is a numeric parameter; 0 if it is no positive number.
func (rq *request) number(name string) int64 {
	n, err := strconv.ParseInt(rq.param(name), 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// arg is a parameter of the query.
func (rq *request) arg(name string) string {
	if rq.query == nil {
		if rq.http.URL.RawQuery == "" {
			return ""
		}
		rq.query = rq.http.URL.Query()
	}
	return rq.query.Get(name)
}

// asOf is the time as of which this request reads a domain: now for writes, and
// for reads the state of the replica that serves it.
func (rq *request) asOf(d domain) time.Time {
	if rq.mutation || rq.writes() && rq.path != graphqlPath { // the primary answers
		return rq.now
	}
	return rq.now.Add(-rq.plan.lag[d])
}

// writes says whether the request may change something.
func (rq *request) writes() bool { return rq.method != http.MethodGet && rq.method != http.MethodHead }

// decode reads the JSON body into v. The answer is nil, or what to answer.
func (rq *request) decode(v any) *response {
	if len(bytes.TrimSpace(rq.body)) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(rq.body))
	err := d.Decode(v)
	if err == nil {
		if _, err = d.Token(); err == io.EOF {
			return nil
		}
	}
	r := fail(http.StatusBadRequest, "Problems parsing JSON")
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		r = rq.invalid(wrongType(wrong))
	}
	if errors.Is(err, errNoNames) {
		r = rq.invalid(fieldError{Resource: "Issue", Field: "labels", Code: "invalid"})
	}
	return &r
}

// ok answers 200 with a body.
func ok(body any) response { return response{status: http.StatusOK, body: body} }

// created answers 201 with a body and where it is.
func created(body any, location string) response {
	return response{status: http.StatusCreated, body: body, location: location}
}

// noContent answers 204.
func noContent() response { return response{status: http.StatusNoContent} }
