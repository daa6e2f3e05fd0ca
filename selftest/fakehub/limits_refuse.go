package fakehub

import (
	"net/http"
	"strconv"
	"time"
)

const (
	primaryDocs   = "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api"
	secondaryDocs = "https://docs.github.com/free-pro-team@latest/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits"
)

// exhausted refuses for a primary limit.
func (rq *request) exhausted() *response {
	who := " for " + rq.http.RemoteAddr + ". (But here's the good news: Authenticated requests get a higher rate limit. " +
		"Check out the documentation for more details.)"
	if rq.actor.user != nil {
		who = " for user ID " + strconv.FormatInt(rq.actor.user.id, 10) +
			". If you reach out to GitHub Support for help, please include the request ID " + rq.id + "."
	}
	r := fail(http.StatusForbidden, "API rate limit exceeded"+who)
	r.body.(*errorBody).URL = primaryDocs // made by fail
	return &r
}

// A refusal is one of the ways in which GitHub refuses for a secondary limit.
type refusal struct {
	status int
	after  time.Duration // Retry-After, 0: none
	date   bool          // as the time when it ends
	bare   bool          // without the address of the documentation
}

// usualRefusal is the way that the documentation describes.
func usualRefusal() *refusal { return &refusal{status: http.StatusForbidden, after: time.Minute} }

// drawRefusal is any of the ways that were seen.
func (s *Server) drawRefusal() *refusal {
	way := &refusal{status: http.StatusForbidden, bare: s.chance(0.25)}
	if s.chance(0.5) {
		way.status = http.StatusTooManyRequests
	}
	if s.chance(0.5) {
		way.after, way.date = time.Minute, s.chance(0.25)
	}
	return way
}

// secondary refuses for a secondary limit.
func (rq *request) secondary(way *refusal, more string) *response {
	r := fail(way.status, "You have exceeded a secondary rate limit"+more+". Please wait a few minutes before you try again. "+
		"If you reach out to GitHub Support for help, please include the request ID "+rq.id+".")
	body := r.body.(*errorBody) // made by fail
	if body.bare = way.bare; !way.bare {
		body.URL = secondaryDocs
	}
	switch {
	case way.date:
		r.retryAfter = rq.now.Add(way.after).UTC().Format(http.TimeFormat)
	case way.after > 0:
		r.retryAfter = strconv.Itoa(int(way.after.Seconds()))
	}
	return &r
}
