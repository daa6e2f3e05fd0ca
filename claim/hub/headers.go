package hub

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// parseRetryAfter reads Retry-After, which is seconds or an HTTP date. now is the answer's own Date, so that a wrong local clock does
// not matter. It is false for what is neither, and for waits that are not above zero.
func parseRetryAfter(v string, now time.Time) (time.Duration, bool) {
	v = strings.TrimSpace(v)
	if v == "" {
		return 0, false
	}
	if n, err := strconv.ParseInt(v, 10, 64); err == nil {
		if n <= 0 {
			return 0, false
		}
		return time.Duration(min(n, int64(longestWait/time.Second))) * time.Second, true
	}
	t, err := http.ParseTime(v)
	if err != nil || !t.After(now) {
		return 0, false
	}
	return min(t.Sub(now), longestWait), true
}

// parseReset reads X-RateLimit-Reset, seconds since the epoch, as the time to wait from now.
func parseReset(v string, now time.Time) (time.Duration, bool) {
	n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
	if err != nil || n <= 0 || n > 1<<40 {
		return 0, false
	}
	left := time.Unix(n, 0).Sub(now)
	if left <= 0 {
		return time.Second, true // it is being reset
	}
	return min(left+time.Second, longestWait), true // the Date was cut to a second
}

// longestWait bounds what an answer may ask for: an hour is GitHub's longest window. Whatever says more is asked again by then.
const longestWait = time.Hour + time.Minute

// parseRate reads the X-RateLimit headers. It is false if there are none, or they make no sense.
func parseRate(h http.Header, seen time.Time) (resource string, r Rate, ok bool) {
	limit, err1 := strconv.Atoi(h.Get("X-RateLimit-Limit"))
	remaining, err2 := strconv.Atoi(h.Get("X-RateLimit-Remaining"))
	reset, err3 := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64)
	if err1 != nil || err2 != nil || err3 != nil || limit <= 0 || remaining < 0 || reset <= 0 || reset > 1<<40 {
		return "", Rate{}, false
	}
	return h.Get("X-RateLimit-Resource"), Rate{Limit: limit, Remaining: min(remaining, limit), Reset: time.Unix(reset, 0).UTC(), Seen: seen}, true
}

// parseLink gives the page numbers of a Link header by their rel: next, prev, first, last. The addresses themselves are not used: they
// name the repository by its number, and are an answer's text.
func parseLink(v string) map[string]int {
	const most = 1 << 16
	pages := map[string]int{}
	if len(v) > most {
		return pages
	}
	for link := range strings.SplitSeq(v, ",") {
		target, params, ok := strings.Cut(strings.TrimSpace(link), ">")
		target, isTarget := strings.CutPrefix(target, "<")
		if !ok || !isTarget {
			continue
		}
		u, err := url.Parse(target)
		if err != nil {
			continue
		}
		page, err := strconv.Atoi(u.Query().Get("page"))
		if err != nil || page < 1 {
			continue
		}
		for param := range strings.SplitSeq(params, ";") {
			name, value, _ := strings.Cut(strings.TrimSpace(param), "=")
			if strings.EqualFold(name, "rel") {
				pages[strings.ToLower(strings.Trim(value, `"`))] = page
			}
		}
	}
	return pages
}
