package hub

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const (
	saysAbuse   = `{"message":"You have exceeded a secondary rate limit. Please wait a few minutes before you try again.","documentation_url":"https://docs.github.com/x"}`
	saysHourly  = `{"message":"API rate limit exceeded for user ID 1.","documentation_url":"https://docs.github.com/x"}`
	saysMayNot  = `{"message":"Resource not accessible by integration","documentation_url":"https://docs.github.com/rest"}`
	fiftyMinute = 50 * time.Minute
)

// resetIn gives the rate headers of an answer of now.
func resetIn(remaining string, d time.Duration) []string {
	return []string{
		"Date: " + time.Now().UTC().Format(http.TimeFormat), "X-RateLimit-Limit: 5000", "X-RateLimit-Remaining: " + remaining,
		fmt.Sprintf("X-RateLimit-Reset: %d", time.Now().Add(d).Unix()),
	}
}

// GitHub's moods about limits, each row named after where it was seen.
func TestLimitsAreRecognised(t *testing.T) {
	for _, row := range []struct {
		name      string
		path      string
		status    int
		body      string
		headers   func() []string
		limited   bool
		secondary bool
		resource  string
		wait      time.Duration
	}{
		{
			"primary, documented: 403, remaining 0, reset", "/repos/a/b", 403, saysHourly,
			func() []string { return resetIn("0", 10*time.Minute) }, true, false, "core", 10*time.Minute + time.Second,
		},
		{
			"primary as 429, documented since 2023", "/repos/a/b", 429, saysHourly,
			func() []string { return resetIn("0", 10*time.Minute) }, true, false, "core", 10*time.Minute + time.Second,
		},
		{
			"search has a budget of its own", "/search/issues", 403, saysHourly,
			func() []string { return append(resetIn("0", 30*time.Second), "X-RateLimit-Resource: search") },
			true, false, "search", 31 * time.Second,
		},
		{
			"secondary with Retry-After in seconds", "/repos/a/b", 403, saysAbuse,
			func() []string { return append(resetIn("4987", fiftyMinute), "Retry-After: 7") }, true, true, "", 7 * time.Second,
		},
		{
			"hub4j AbuseLimitHandlerTest: Retry-After as a date", "/repos/a/b", 403, saysAbuse,
			func() []string {
				return append(resetIn("4987", fiftyMinute), "Retry-After: "+time.Now().Add(90*time.Second).UTC().Format(http.TimeFormat))
			}, true, true, "", 90 * time.Second,
		},
		{
			"go-github 2.2.3: secondary without Retry-After is a minute, not the 50 to the reset", "/repos/a/b", 403, saysAbuse,
			func() []string { return resetIn("4987", fiftyMinute) }, true, true, "", time.Minute,
		},
		{
			"go-github 2.2.2: secondary as 429", "/repos/a/b", 429, saysAbuse,
			func() []string { return resetIn("4987", fiftyMinute) }, true, true, "", time.Minute,
		},
		{
			"go-github 2.2.4: only words, no documentation_url", "/repos/a/b", 403, `{"message":"You have triggered an abuse detection mechanism."}`,
			func() []string { return resetIn("4987", fiftyMinute) }, true, true, "", time.Minute,
		},
		{
			"hub4j: only the gh-limited-by header", "/repos/a/b", 403, `{"message":"Forbidden"}`,
			func() []string { return append(resetIn("4987", fiftyMinute), "Gh-Limited-By: user") }, true, true, "", time.Minute,
		},
		{
			"only the documentation_url", "/repos/a/b", 403, `{"message":"Wait.","documentation_url":"https://docs.github.com/x#abuse-rate-limits"}`,
			func() []string { return nil }, true, true, "", time.Minute,
		},
		{
			"a page of HTML", "/repos/a/b", 429, "<html>Too many requests</html>",
			func() []string { return nil }, true, true, "", time.Minute,
		},
		{
			"an empty 403 with remaining 0", "/repos/a/b", 403, "",
			func() []string { return resetIn("0", 5*time.Minute) }, true, false, "core", 5*time.Minute + time.Second,
		},
		{
			"Retry-After of ten years", "/repos/a/b", 429, saysAbuse,
			func() []string { return []string{"Retry-After: 315360000"} }, true, true, "", longestWait,
		},
		{
			"GraphQL says it with 200", "/graphql", 200, `{"data":null,"errors":[{"type":"RATE_LIMITED","message":"API rate limit exceeded for user ID 1."}]}`,
			func() []string { return resetIn("0", 20*time.Minute) }, true, false, "graphql", 20*time.Minute + time.Second,
		},
		{
			"GraphQL, secondary, with 200", "/graphql", 200, `{"errors":[{"message":"You have exceeded a secondary rate limit."}]}`,
			func() []string { return resetIn("4000", fiftyMinute) }, true, true, "", time.Minute,
		},
		{
			"a permission is no limit", "/repos/a/b", 403, saysMayNot,
			func() []string { return resetIn("4987", fiftyMinute) }, false, false, "", 0,
		},
		{
			"nor is it with the last request of the hour", "/repos/a/b", 403, saysMayNot,
			func() []string { return resetIn("0", fiftyMinute) }, false, false, "", 0,
		},
		{
			"a title that speaks of limits is only a title", "/graphql", 200, `{"data":{"title":"API rate limit exceeded","type":"RATE_LIMITED","errors":[]}}`,
			func() []string { return nil }, false, false, "", 0,
		},
		{
			"an issue too", "/repos/a/b/issues/1", 200, `{"number":1,"title":"secondary rate limit"}`,
			func() []string { return resetIn("0", fiftyMinute) }, false, false, "", 0,
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLimits(roundTrip(func(*http.Request) (*http.Response, error) {
					return reply(row.status, row.body, row.headers()...), nil
				}))
				_, err := l.RoundTrip(request(t, "POST", "https://hub.test"+row.path, "{}"))
				e, limited := errors.AsType[*LimitedError](err)
				if limited != row.limited {
					t.Fatalf("got %v, want limited %v", err, row.limited)
				}
				if !limited {
					if l.until() != (time.Time{}) {
						t.Error("stopped without a limit")
					}
					return
				}
				if e.Secondary != row.secondary || e.Resource != row.resource || time.Until(e.Until) != row.wait || e.Local || e.Status != row.status {
					t.Errorf("got %+v in %v", e, time.Until(e.Until))
				}
			})
		})
	}
}

// After a limit nothing is sent until its time is over, and then it is, on the dot.
func TestLimitsRefuseHereAndNoLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := 0
		good := false
		l := newLimits(roundTrip(func(*http.Request) (*http.Response, error) {
			if sent++; good {
				return reply(200, "{}"), nil
			}
			return reply(403, saysAbuse, resetIn("4987", fiftyMinute)...), nil
		}))
		ask := func(path string) error {
			_, err := l.RoundTrip(request(t, "GET", "https://hub.test"+path, ""))
			return err
		}
		if ask("/repos/a/b") == nil {
			t.Fatal("not limited")
		}
		for _, path := range []string{"/repos/a/b", "/graphql", "/search/issues"} { // a secondary limit stops all
			if e, ok := errors.AsType[*LimitedError](ask(path)); !ok || !e.Local || e.Status != 0 || !strings.Contains(e.Error(), "not asked") {
				t.Errorf("%s: got %v", path, e)
			}
		}
		<-time.After(time.Minute - time.Millisecond)
		if ask("/repos/a/b") == nil || sent != 1 {
			t.Errorf("sent %d before the time", sent)
		}
		<-time.After(time.Millisecond)
		good = true
		if err := ask("/repos/a/b"); err != nil || sent != 2 {
			t.Errorf("sent %d, got %v after the time", sent, err)
		}
	})
}

func TestLimitsOfOneBudgetLeaveTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimits(roundTrip(func(req *http.Request) (*http.Response, error) {
			if resourceOf(req.URL.Path) == "core" {
				return reply(403, saysHourly, resetIn("0", fiftyMinute)...), nil
			}
			return reply(200, `{"data":{}}`), nil
		}))
		ask := func(path string) error {
			_, err := l.RoundTrip(request(t, "GET", "https://hub.test"+path, ""))
			return err
		}
		if ask("/repos/a/b") == nil || ask("/graphql") != nil || ask("/search/issues") != nil || ask("/repos/a/b") == nil {
			t.Error("the wrong ones were stopped")
		}
	})
}

// "If you continue to receive secondary limits, wait an exponentially increasing amount of time."
func TestLimitsGrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good := false
		l := newLimits(roundTrip(func(*http.Request) (*http.Response, error) {
			if good {
				return reply(200, "{}"), nil
			}
			return reply(403, saysAbuse, resetIn("4987", fiftyMinute)...), nil
		}))
		next := func() time.Duration {
			_, err := l.RoundTrip(request(t, "GET", "https://hub.test/repos/a/b", ""))
			e, ok := errors.AsType[*LimitedError](err)
			if !ok {
				return 0
			}
			wait := time.Until(e.Until)
			<-time.After(wait)
			return wait
		}
		for _, want := range []time.Duration{1, 2, 4, 8, 16, 16} {
			if got := next(); got != want*time.Minute {
				t.Errorf("got %v, want %v minutes", got, want)
			}
		}
		good = true
		next()
		good = false
		if got := next(); got != time.Minute {
			t.Errorf("after a good answer: %v, want a minute again", got)
		}
	})
}

// Several requests under way at once meet one limit, not five in a row.
func TestLimitsOfOneWave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimits(roundTrip(func(*http.Request) (*http.Response, error) {
			<-time.After(time.Second)
			return reply(403, saysAbuse, resetIn("4987", fiftyMinute)...), nil
		}))
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				_, err := l.RoundTrip(request(t, "GET", "https://hub.test/repos/a/b", ""))
				if e, ok := errors.AsType[*LimitedError](err); !ok || time.Until(e.Until) != time.Minute {
					t.Errorf("got %v", err)
				}
			})
		}
		wg.Wait()
	})
}

// A wrong local clock changes nothing: waits are reckoned from the answer's Date.
func TestLimitsWithAWrongClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := time.Now().Add(-3 * time.Hour)
		l := newLimits(roundTrip(func(*http.Request) (*http.Response, error) {
			return reply(403, saysHourly, "Date: "+server.UTC().Format(http.TimeFormat), "X-RateLimit-Remaining: 0",
				fmt.Sprintf("X-RateLimit-Reset: %d", server.Add(10*time.Minute).Unix())), nil
		}))
		_, err := l.RoundTrip(request(t, "GET", "https://hub.test/repos/a/b", ""))
		if e, ok := errors.AsType[*LimitedError](err); !ok || time.Until(e.Until) != 10*time.Minute+time.Second {
			t.Errorf("got %v", err)
		}
	})
}

func FuzzLimits(f *testing.F) {
	f.Add(403, saysAbuse, "60", "0", "1785585600", true)
	f.Add(200, `{"errors":[{"type":"RATE_LIMITED"}]}`, "", "", "", true)
	f.Add(429, "\xff", "-1", "x", "99999999999999", false)
	f.Fuzz(func(t *testing.T, status int, body, retry, remaining, reset string, graph bool) {
		path := map[bool]string{true: "/graphql", false: "/repos/a/b"}[graph]
		resp := reply(status, body)
		resp.Header.Set("Retry-After", retry)
		resp.Header.Set("X-RateLimit-Remaining", remaining)
		resp.Header.Set("X-RateLimit-Reset", reset)
		found, ok := findLimit(resp, []byte(body), resourceOf(path), noon)
		if ok && (found.wait < 0 || found.wait > longestWait || len(found.message) > 2*bodyShown) {
			t.Errorf("found %+v", found)
		}
		if ok && status != 403 && status != 429 && (status != 200 || !graph) {
			t.Errorf("%d on %s is taken for a limit", status, path)
		}
	})
}
