package fakehub

import (
	"net/http"
	"strconv"
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

// secondary refuses for a secondary limit in one of GitHub's ways.
func (rq *request) secondary(how *refusal, more string) *response {
	r := fail(how.status, "You have exceeded a secondary rate limit"+more+". Please wait a few minutes before you try again. "+
		"If you reach out to GitHub Support for help, please include the request ID "+rq.id+".")
	r.body.(*errorBody).URL = secondaryDocs // made by fail
	r.retryAfter = how.after
	return &r
}
