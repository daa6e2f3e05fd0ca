package fakehub

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// commonHeader is what is the same in every answer. The values are shared, so
// nobody may write to them.
func commonHeader() http.Header {
	return http.Header{
		"Server":                      {"GitHub.com"},
		"Access-Control-Allow-Origin": {"*"},
		"Access-Control-Expose-Headers": {"ETag, Link, Location, Retry-After, X-GitHub-OTP, X-RateLimit-Limit, X-RateLimit-Remaining, " +
			"X-RateLimit-Used, X-RateLimit-Resource, X-RateLimit-Reset, X-OAuth-Scopes, X-Accepted-OAuth-Scopes, X-Poll-Interval, " +
			"X-GitHub-Media-Type, X-GitHub-SSO, X-GitHub-Request-Id, Deprecation, Sunset"},
		"Strict-Transport-Security": {"max-age=31536000; includeSubdomains; preload"},
		"X-Frame-Options":           {"deny"},
		"X-Content-Type-Options":    {"nosniff"},
		"X-Xss-Protection":          {"0"},
		"Referrer-Policy":           {"origin-when-cross-origin, strict-origin-when-cross-origin"},
		"Content-Security-Policy":   {"default-src 'none'"},
	}
}

const jsonMedia = "application/json; charset=utf-8"

// finish encodes a response, gives it its headers and its ETag, and answers 304
// if the client has the same already.
func (s *Server) finish(rq *request, b *budget, res response, spent bool) *answer {
	a := &answer{status: res.status, header: make(http.Header, 32), slow: rq.plan.body}
	a.broken = rq.plan.lost && spent
	maps.Copy(a.header, s.common)
	if e, isError := res.body.(*errorBody); isError {
		rq.document(e, res.status)
	}
	if raw, isRaw := res.body.([]byte); isRaw {
		a.body = raw
	} else if res.body != nil {
		a.body = encode(res.body)
	}
	h := a.header
	if res.body != nil {
		h["Content-Type"] = []string{jsonMedia}
		if res.media != "" {
			h["Content-Type"] = []string{res.media}
		}
	}
	h["Date"] = []string{rq.now.UTC().Format(http.TimeFormat)}
	h["X-Github-Request-Id"] = []string{rq.id}
	h["X-Github-Media-Type"] = []string{mediaType(rq.http.Header.Get("Accept"))}
	if v := rq.http.Header.Get("X-GitHub-Api-Version"); v != "" {
		h["X-Github-Api-Version-Selected"] = []string{v}
	}
	if t := rq.actor.token; t != nil && t.installation == nil {
		h["X-Oauth-Scopes"] = []string{strings.Join(t.scopes, ", ")}
		h["X-Accepted-Oauth-Scopes"] = []string{rq.route.scopes}
	}
	set := func(key, value string) {
		if value != "" {
			h[key] = []string{value}
		}
	}
	set("Location", res.location)
	set("Link", res.link)
	set("Retry-After", res.retryAfter)
	if res.pollInterval > 0 {
		set("X-Poll-Interval", strconv.Itoa(res.pollInterval))
	}
	if s.validate(rq, &res, a) && spent {
		b.refund(rq)
	}
	s.rateHeader(rq, b, h)
	return a
}

// mediaType is what GitHub says it took the Accept header for.
func mediaType(accept string) string {
	first, _, _ := strings.Cut(accept, ",")
	name, isGitHubs := strings.CutPrefix(strings.TrimSpace(first), "application/vnd.github.")
	name = strings.TrimPrefix(strings.TrimPrefix(name, "v3"), ".")
	param, format, both := strings.Cut(name, "+")
	switch {
	case !isGitHubs || param == "" || param == "json":
		return "github.v3; format=json"
	case both:
		return "github.v3; param=" + param + "; format=" + format
	}
	return "github.v3; param=" + param
}

// document completes an error's body.
func (rq *request) document(e *errorBody, status int) {
	e.Status = strconv.Itoa(status)
	if e.URL == "" && !e.bare {
		e.URL = documentation
		if rq.route.docs != "" && status != http.StatusUnauthorized {
			e.URL += "/" + rq.route.docs
		}
	}
}

// validate gives a successful answer its ETag, which is SHA-256 of Accept,
// Authorization, Cookie and body, and turns it into a 304 if the client has it.
func (s *Server) validate(rq *request, res *response, a *answer) (notModified bool) {
	h := a.header
	h["Vary"] = []string{"Accept-Encoding, Accept, X-Requested-With"}
	if a.status >= 300 || res.body == nil {
		return false
	}
	cache, vary := "private, max-age=60, s-maxage=60", "Accept, Authorization, Cookie, X-GitHub-OTP"
	if rq.actor.user == nil {
		cache, vary = "public, max-age=60, s-maxage=60", "Accept"
	}
	h["Cache-Control"] = []string{cache}
	h["Vary"] = []string{vary, "Accept-Encoding, Accept, X-Requested-With"}
	if res.uncached {
		h["Cache-Control"] = []string{"no-cache"}
		return false
	}
	in := rq.http.Header
	sum := sha256.New()
	for _, key := range []string{"Accept", "Authorization", "Cookie"} {
		sum.Write([]byte(in.Get(key)))
		sum.Write([]byte{':'})
	}
	sum.Write(a.body)
	tag := `"` + hex.EncodeToString(sum.Sum(nil)) + `"`
	if strings.Contains(in.Get("Accept-Encoding"), "gzip") {
		h["Etag"] = []string{"W/" + tag}
	} else {
		h["Etag"] = []string{tag}
	}
	if !res.lastModified.IsZero() {
		h["Last-Modified"] = []string{res.lastModified.UTC().Format(http.TimeFormat)}
	}
	if rq.writes() || a.status != http.StatusOK || !has(in, tag, res.lastModified) {
		return false
	}
	a.status, a.body = http.StatusNotModified, nil
	delete(h, "Content-Type")
	return true
}

// has says whether the client's conditions say that it has what it asks for.
func has(in http.Header, tag string, modified time.Time) bool {
	if match := in.Get("If-None-Match"); match != "" {
		for t := range strings.SplitSeq(match, ",") {
			t = strings.TrimSpace(t)
			if t == "*" || strings.TrimPrefix(t, "W/") == tag {
				return true
			}
		}
		return false
	}
	since, err := http.ParseTime(in.Get("If-Modified-Since"))
	return err == nil && !modified.IsZero() && !modified.Truncate(time.Second).After(since)
}

// rateHeader tells the state of the primary budget.
func (s *Server) rateHeader(rq *request, b *budget, h http.Header) {
	r := rq.route.budget
	if r == freeResource {
		r = coreResource
	}
	quota := s.quota(rq.actor, r)
	if quota == 0 {
		return
	}
	w := b.primary[r].at(rq.now, r.span())
	h["X-Ratelimit-Limit"] = []string{strconv.Itoa(quota)}
	h["X-Ratelimit-Remaining"] = []string{strconv.Itoa(max(0, quota-w.used))}
	h["X-Ratelimit-Reset"] = []string{strconv.FormatInt(w.reset.Unix(), 10)}
	h["X-Ratelimit-Used"] = []string{strconv.Itoa(w.used)}
	h["X-Ratelimit-Resource"] = []string{r.String()}
}
