package hub

import (
	"net/http"
	"sync"
	"time"
)

// A Rate is one of GitHub's budgets, shared by all who use the account.
type Rate struct {
	Limit     int       // an hour; 0 if no answer told
	Remaining int       // as last seen; the whole again once Reset is over
	Reset     time.Time // by GitHub's clock
	Seen      time.Time // by the local clock, when it was told
}

// A Budget is what is left, and what this client has used of the limits that GitHub does not count for us. The limits are 900 points
// a minute (a read is 1, a write 5; GraphQL apart: 2,000), and 80 content writes a minute, 500 an hour.
type Budget struct {
	Core, GraphQL Rate
	Requests      int       // sent so far, those answered 304 and redirects too
	Points        int       // of REST, in the last minute
	GraphPoints   int       // of GraphQL's secondary limit, in the last minute
	Writes        int       // in the last minute; each is taken for content, since GitHub does not say which are
	WritesHour    int       // in the last hour
	Stopped       time.Time // until when GitHub wants no request, by the local clock; zero if it takes them
}

// budget counts each request that is really sent.
type budget struct {
	next  http.RoundTripper
	clock *clock

	mu       sync.Mutex
	requests int
	rates    map[string]Rate
	spent    []spending // of the last hour for writes, of the last minute for the rest
}

type spending struct {
	at     time.Time
	points int
	graph  bool
	write  bool
}

var _ http.RoundTripper = (*budget)(nil)

func newBudget(next http.RoundTripper, clock *clock) *budget {
	return &budget{next: next, clock: clock, rates: map[string]Rate{}}
}

// RoundTrip implements http.RoundTripper.
func (l *budget) RoundTrip(req *http.Request) (*http.Response, error) {
	s := spending{at: time.Now(), points: 1, write: isWrite(req), graph: resourceOf(req.URL.Path) == "graphql"}
	if s.write {
		s.points = 5
	}
	l.mu.Lock()
	l.requests++
	l.spent = append(l.spent, s)
	l.forget(s.at)
	l.mu.Unlock()
	resp, err := l.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if resource, rate, ok := parseRate(resp.Header, time.Now()); ok {
		if resource == "" {
			resource = resourceOf(req.URL.Path)
		}
		l.note(resource, rate)
	}
	return resp, nil
}

// note takes over what an answer says, unless a later one has said less: answers overtake each other.
func (l *budget) note(resource string, r Rate) {
	if resource != "core" && resource != "graphql" {
		return
	}
	const wobble = 5 * time.Second // servers differ a little about the end of one window
	l.mu.Lock()
	defer l.mu.Unlock()
	old, ok := l.rates[resource]
	switch {
	case !ok, r.Reset.After(old.Reset.Add(wobble)):
	case r.Reset.Before(old.Reset.Add(-wobble)):
		return
	case r.Limit == old.Limit:
		r.Remaining = min(r.Remaining, old.Remaining)
	}
	l.rates[resource] = r
}

// forget drops what no window reaches any more.
func (l *budget) forget(now time.Time) {
	keep := l.spent[:0]
	for _, s := range l.spent {
		if age := now.Sub(s.at); age < time.Minute || s.write && age < time.Hour {
			keep = append(keep, s)
		}
	}
	l.spent = keep
}

func (l *budget) sum() Budget {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.forget(now)
	b := Budget{Core: l.rate("core"), GraphQL: l.rate("graphql"), Requests: l.requests}
	for _, s := range l.spent {
		recent := now.Sub(s.at) < time.Minute
		if s.write {
			b.WritesHour++
		}
		switch {
		case !recent:
		case s.graph:
			b.GraphPoints += s.points
		default:
			b.Points += s.points
		}
		if recent && s.write {
			b.Writes++
		}
	}
	return b
}

func (l *budget) rate(resource string) Rate {
	r := l.rates[resource]
	if r.Limit > 0 && l.clock.now().After(r.Reset) {
		r.Remaining = r.Limit
	}
	return r
}
