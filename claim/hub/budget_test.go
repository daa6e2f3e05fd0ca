package hub

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestBudgetCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &clock{}
		l := newBudget(roundTrip(func(*http.Request) (*http.Response, error) { return reply(200, "{}"), nil }), c)
		send := func(n int, method, path string) {
			for range n {
				if _, err := l.RoundTrip(request(t, method, "https://hub.test"+path, "")); err != nil {
					t.Fatal(err)
				}
			}
		}
		check := func(want Budget) {
			t.Helper()
			if diff := cmp.Diff(want, l.sum()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}
		send(3, "GET", "/repos/a/b")
		send(2, "POST", "/repos/a/b/statuses/x")
		send(1, "POST", "/graphql") // a mutation, for want of a call that says otherwise
		check(Budget{Requests: 6, Points: 13, GraphPoints: 5, Writes: 3, WritesHour: 3})
		<-time.After(time.Minute)
		send(1, "GET", "/repos/a/b")
		check(Budget{Requests: 7, Points: 1, WritesHour: 3})
		<-time.After(time.Hour)
		check(Budget{Requests: 7})
	})
}

func TestBudgetTakesTheLeastOfAWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var header []string
		l := newBudget(roundTrip(func(*http.Request) (*http.Response, error) { return reply(200, "{}", header...), nil }), &clock{})
		tell := func(resource string, remaining int, reset time.Duration) {
			header = []string{
				"X-RateLimit-Limit: 5000", fmt.Sprintf("X-RateLimit-Remaining: %d", remaining),
				fmt.Sprintf("X-RateLimit-Reset: %d", start.Add(reset).Unix()), "X-RateLimit-Resource: " + resource,
			}
			if _, err := l.RoundTrip(request(t, "GET", "https://hub.test/repos/a/b", "")); err != nil {
				t.Fatal(err)
			}
		}
		for _, row := range []struct {
			name          string
			resource      string
			remaining     int
			reset         time.Duration
			core, graphql int
		}{
			{"first", "core", 4000, time.Hour, 4000, 0},
			{"an older answer that came late", "core", 4100, time.Hour, 4000, 0},
			{"a server whose window ends a second later", "core", 3990, time.Hour + time.Second, 3990, 0},
			{"another budget", "graphql", 77, time.Hour, 3990, 77},
			{"search is not kept", "search", 1, time.Minute, 3990, 77},
			{"the window before", "core", 10, time.Minute, 3990, 77},
			{"the next window", "core", 4999, 2 * time.Hour, 4999, 77},
		} {
			tell(row.resource, row.remaining, row.reset)
			if b := l.sum(); b.Core.Remaining != row.core || b.GraphQL.Remaining != row.graphql {
				t.Errorf("%s: core %d, graphql %d", row.name, b.Core.Remaining, b.GraphQL.Remaining)
			}
		}
		<-time.After(time.Hour + time.Minute)
		if b := l.sum(); b.GraphQL.Remaining != 5000 || b.Core.Remaining != 4999 {
			t.Errorf("after the window: %+v", b)
		}
	})
}
