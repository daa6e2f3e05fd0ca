package hub

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// redirect follows where an answer points to, by rules of its own rather than net/http's: there, a POST that is answered 301 becomes a
// GET without a body, whose 200 looks like success.
//
//   - A read is followed up to 5 times. To another host it goes without the token (auth sees to that), and never from https to http.
//   - A write is followed on 307 and 308 alone, with its method and body, and only on the same host: what GitHub answers for a
//     repository that was renamed.
//   - Any other redirect of a write is a refusal, which was not carried out.
type redirect struct{ next http.RoundTripper }

var _ http.RoundTripper = redirect{}

const mostHops = 5

// RoundTrip implements http.RoundTripper.
func (l redirect) RoundTrip(req *http.Request) (*http.Response, error) {
	first := req
	for hop := 0; ; hop++ {
		resp, err := l.next.RoundTrip(req)
		if err != nil || !isRedirect(resp.StatusCode) || resp.Header.Get("Location") == "" {
			return resp, err
		}
		if !followed(first, resp.StatusCode) {
			return resp, nil // verdict makes it a refusal
		}
		to, err := target(req, resp, hop)
		if err != nil {
			return nil, refuseHop(resp, err)
		}
		if isWrite(first) && !sameHost(first.URL, to) {
			return nil, refuseHop(resp, fmt.Errorf("a write is not sent on to another host, %s", to.Host))
		}
		if req, err = replay(first); err != nil {
			return nil, refuseHop(resp, err)
		}
		req.URL, req.Host = to, ""
	}
}

// followed tells whether a redirect keeps the request what it is.
func followed(req *http.Request, status int) bool {
	if status == http.StatusTemporaryRedirect || status == http.StatusPermanentRedirect {
		return true
	}
	return req.Method == http.MethodGet || req.Method == http.MethodHead
}

func isRedirect(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

func target(req *http.Request, resp *http.Response, hop int) (*url.URL, error) {
	if hop >= mostHops {
		return nil, fmt.Errorf("more than %d redirects", mostHops)
	}
	to, err := req.URL.Parse(resp.Header.Get("Location"))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read Location: %w", err)
	case to.Scheme != "https" && to.Scheme != "http" || to.Host == "":
		return nil, errors.New("the Location is no web address")
	case req.URL.Scheme == "https" && to.Scheme != "https":
		return nil, errors.New("it leads from https to http")
	}
	to.User, to.Fragment = nil, ""
	return to, nil
}

func refuseHop(resp *http.Response, err error) error {
	e := refusal(resp, nil)
	e.Message, e.Hint = "redirect not followed: "+err.Error(), ""
	return e
}

func sameHost(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && a.Host == b.Host
}
