package hub

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// record is the outermost layer. It keeps the outcome in the call, since go-github returns a bare context error in its stead, and
// takes the rate headers off the answer: go-github would judge them by the local clock and refuse everything until the hour's end
// after some secondary limits. Both are the business of the layers below.
type record struct{ next http.RoundTripper }

var _ http.RoundTripper = record{}

// RoundTrip implements http.RoundTripper.
func (l record) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := l.next.RoundTrip(req)
	if err != nil {
		c := callOf(req)
		if c != nil {
			status, header := statusOf(err)
			c.answered(status, header, err)
		}
		return nil, err
	}
	callOf(req).answered(resp.StatusCode, resp.Header, nil)
	resp.Header = maps.Clone(resp.Header)
	for _, name := range slices.Collect(maps.Keys(resp.Header)) {
		if strings.HasPrefix(http.CanonicalHeaderKey(name), "X-Ratelimit-") {
			resp.Header.Del(name)
		}
	}
	return resp, nil
}
