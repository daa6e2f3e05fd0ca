package hub

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"
)

// limits recognises GitHub's rate limits in all the forms that were seen, and from then on refuses requests here until the time that
// GitHub named: asking on "may result in the banning of your integration". It never waits itself, as a write that left late could
// leave after its claim had run out.
//
// A primary limit stops the requests of its own budget; a secondary one stops all. Without a word about when, it is a minute, and
// twice that each time it comes again, up to 16.
type limits struct {
	next http.RoundTripper

	mu      sync.Mutex
	stops   map[string]stop // by resource; "" is all
	strikes int             // secondary limits in a row that did not say how long
}

type stop struct {
	until     time.Time
	secondary bool
	message   string
	requestID string
}

var _ http.RoundTripper = (*limits)(nil)

func newLimits(next http.RoundTripper) *limits {
	return &limits{next: next, stops: map[string]stop{}}
}

// RoundTrip implements http.RoundTripper.
func (l *limits) RoundTrip(req *http.Request) (*http.Response, error) {
	resource := resourceOf(req.URL.Path)
	if err := l.stopped(resource); err != nil {
		return nil, err
	}
	asked := time.Now()
	resp, err := l.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	found, ok := findLimit(resp, peek(resp), resource, asked)
	if !ok {
		l.passed()
		return resp, nil
	}
	return nil, l.remember(found, resp)
}

// stopped tells whether GitHub wants no request of this kind now.
func (l *limits) stopped(resource string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range []string{"", resource} {
		if s, ok := l.stops[r]; ok {
			if time.Now().Before(s.until) {
				return &LimitedError{
					Until: s.until, Secondary: s.secondary, Resource: r, Local: true,
					Message: s.message, RequestID: s.requestID,
				}
			}
			delete(l.stops, r)
		}
	}
	return nil
}

// passed forgets earlier refusals, unless one is in force that came while this request was under way.
func (l *limits) passed() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.stops) == 0 {
		l.strikes = 0
	}
}

// remember keeps a limit that was met. Of two, the later end counts; of several requests that were under way at once and all met it, the
// first alone makes the next wait longer.
func (l *limits) remember(f limit, resp *http.Response) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	wait := f.wait
	if old := l.stops[f.resource]; wait == 0 && time.Now().Before(old.until) {
		wait = time.Until(old.until)
	}
	if wait == 0 { // GitHub: "wait for at least one minute", then "an exponentially increasing amount of time"
		wait = time.Minute << min(l.strikes, 4)
		l.strikes++
	}
	s := stop{until: time.Now().Add(wait), secondary: f.secondary, message: f.message, requestID: resp.Header.Get(headerRequestID)}
	if old := l.stops[f.resource]; old.until.After(s.until) {
		s = old
	}
	l.stops[f.resource] = s
	return &LimitedError{
		Until: s.until, Secondary: f.secondary, Resource: f.resource,
		Status: resp.StatusCode, Message: f.message, RequestID: s.requestID,
	}
}

// until is when the last stop ends, zero if there is none.
func (l *limits) until() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	var last time.Time
	for _, s := range l.stops {
		if s.until.After(last) && time.Now().Before(s.until) {
			last = s.until
		}
	}
	return last
}

// A limit is what an answer says of one.
type limit struct {
	wait      time.Duration // 0: not said
	secondary bool
	resource  string
	message   string
}

// findLimit reads an answer. The wait it names is reckoned from the answer's own Date; asked is used if it has none.
func findLimit(resp *http.Response, body []byte, resource string, asked time.Time) (limit, bool) {
	message, ok := limitMessage(resp, body, resource)
	if !ok {
		return limit{}, false
	}
	h := resp.Header
	now := dateOf(h)
	if now.IsZero() {
		now = asked
	}
	if named := h.Get("X-RateLimit-Resource"); named == "core" || named == "graphql" || named == "search" {
		resource = named
	}
	f := limit{message: cut(message, bodyShown)}
	empty := h.Get("X-RateLimit-Remaining") == "0"
	f.secondary = saysSecondary(message) || h.Get("Gh-Limited-By") != "" || !empty && !saysPrimary(message)
	if !f.secondary {
		f.resource = resource
	}
	if wait, ok := parseRetryAfter(h.Get("Retry-After"), now); ok {
		f.wait = wait
	} else if empty { // only then does the reset mean this limit
		f.wait, _ = parseReset(h.Get("X-RateLimit-Reset"), now)
	}
	return f, true
}

// limitMessage tells whether an answer is a limit, and gives its words.
func limitMessage(resp *http.Response, body []byte, resource string) (string, bool) {
	switch resp.StatusCode {
	case http.StatusTooManyRequests:
		message, _ := messageOf(body)
		return message, true
	case http.StatusForbidden:
		message, doc := messageOf(body)
		h := resp.Header
		limited := h.Get("Retry-After") != "" || h.Get("Gh-Limited-By") != "" || saysLimit(message) ||
			strings.HasSuffix(doc, "#abuse-rate-limits") || strings.HasSuffix(doc, "secondary-rate-limits") ||
			message == "" && h.Get("X-RateLimit-Remaining") == "0"
		return message, limited
	case http.StatusOK:
		if resource == "graphql" {
			return graphLimit(body)
		}
	}
	return "", false
}

// messageOf gives the message of an error's body, or its beginning if it is no JSON.
func messageOf(body []byte) (message, doc string) {
	var said struct {
		Message string
		Doc     string `json:"documentation_url"`
	}
	if json.Unmarshal(body, &said) != nil {
		return string(body[:min(len(body), 4096)]), ""
	}
	return said.Message, said.Doc
}

// graphLimit looks into the list of errors alone: the data is other people's text.
func graphLimit(body []byte) (string, bool) {
	var said struct {
		Errors []struct{ Type, Message string }
	}
	if !bytes.Contains(body, []byte(`"errors"`)) {
		return "", false // most answers: they are not read for this
	}
	if json.Unmarshal(body, &said) != nil {
		return "", false
	}
	for _, e := range said.Errors {
		if e.Type == "RATE_LIMITED" || e.Type == "RATE_LIMIT" || e.Type == "" && saysLimit(e.Message) {
			return e.Message, true
		}
	}
	return "", false
}

func saysPrimary(message string) bool {
	return strings.Contains(strings.ToLower(message), "api rate limit exceeded")
}

func saysSecondary(message string) bool {
	m := strings.ToLower(message)
	return strings.Contains(m, "secondary rate limit") || strings.Contains(m, "abuse detection")
}

func saysLimit(message string) bool {
	return saysPrimary(message) || saysSecondary(message) || strings.Contains(strings.ToLower(message), "rate limit")
}

// resourceOf tells whose budget a path is of.
func resourceOf(path string) string {
	switch {
	case strings.HasSuffix(path, "/graphql"):
		return "graphql"
	case strings.Contains(path, "/search/"):
		return "search"
	}
	return "core"
}
