package fakehub

import (
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestPrimaryLimit: the hour's requests are per user, whatever the token; the
// answer tells when it ends, and then it does.
func TestPrimaryLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{Limits: Limits{Primary: 10, Anonymous: 3}})
		h.must(h.s.AddToken("bot", "second-token"))
		for i := range 10 {
			r := h.want(200, []string{"bot", "second"}[i%2], get, widget, nil)
			if got := r.header.Get("X-RateLimit-Remaining"); got != strconv.Itoa(9-i) {
				t.Errorf("request %d: remaining %s", i, got)
			}
		}
		r := h.want(403, "bot", post, widget+"/issues", dict{"title": "x"})
		if !strings.HasPrefix(r.str("message"), "API rate limit exceeded for user ID ") || r.str("documentation_url") != primaryDocs ||
			r.header.Get("X-RateLimit-Remaining") != "0" || r.header.Get("Retry-After") != "" {
			t.Errorf("at the limit: %s %v", r, r.header)
		}
		if len(h.s.Truth().Issues("acme/widget")) != 0 {
			t.Error("a refused write was applied")
		}
		h.want(200, "owner", get, widget, nil)
		h.want(200, "bot", get, "/rate_limit", nil)
		for range 3 {
			h.want(200, "", get, widget, nil)
		}
		h.want(403, "", get, widget, nil)
		reset, err := strconv.ParseInt(r.header.Get("X-RateLimit-Reset"), 10, 64)
		h.must(err)
		h.pass(time.Until(time.Unix(reset, 0)) - time.Second)
		h.want(403, "bot", get, widget, nil)
		h.pass(2 * time.Second)
		h.want(200, "bot", get, widget, nil)
		if u, err := h.s.Truth().Usage("bot"); err != nil || u.Refused != 2 || u.Primary != 11 || u.Requests != 14 {
			t.Errorf("usage %+v, %v", u, err)
		}
	})
}

// TestSecondaryPoints: a read costs one point and a write five, over the last
// minute.
func TestSecondaryPoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{Limits: Limits{Points: 20}})
		issue := h.newIssue("bot", "x") // 5
		for range 5 {                   // 10
			h.want(200, "bot", get, issue, nil)
		}
		h.pass(30 * time.Second)
		h.want(200, "bot", patch, issue, dict{"title": "y"}) // 15
		h.want(200, "bot", patch, issue, dict{"title": "z"}) // 20
		r := h.want(403, "bot", get, issue, nil)
		if !strings.HasPrefix(r.str("message"), "You have exceeded a secondary rate limit. Please wait a few minutes") ||
			r.header.Get("Retry-After") != "60" || r.str("documentation_url") != secondaryDocs {
			t.Errorf("over: %s %v", r, r.header)
		}
		h.want(200, "owner", get, issue, nil)
		h.pass(30 * time.Second) // the first ten are over a minute old
		h.want(200, "bot", patch, issue, dict{"title": "1"})
		h.want(200, "bot", patch, issue, dict{"title": "2"})
		h.want(403, "bot", get, issue, nil)
	})
}

// TestContentLimit: what notifies people is limited by the minute and the hour.
func TestContentLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{Limits: Limits{Content: 4, ContentHour: 10}})
		for minute := range 3 {
			for i := range []int{4, 4, 2}[minute] {
				if i%2 == 0 {
					h.newIssue("bot", "x")
				} else if r := h.post("bot", "c", "success", ""); r.status != 201 {
					t.Fatal(r)
				}
			}
			r := h.want(403, "bot", post, widget+"/issues", dict{"title": "x"})
			if !strings.Contains(r.str("message"), "temporarily blocked from content creation") {
				t.Errorf("over: %s", r)
			}
			h.want(200, "bot", get, widget, nil)
			h.want(200, "bot", patch, widget+"/issues/1", dict{"title": "y"})
			h.pass(61 * time.Second)
		}
		h.want(403, "bot", post, widget+"/issues", dict{"title": "x"})
		h.pass(time.Hour)
		h.newIssue("bot", "x")
	})
}

// TestConcurrencyLimit: a user has so many requests at one time.
func TestConcurrencyLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{Limits: Limits{Concurrent: 100}, Faults: Faults{Latency: Duration(4 * time.Second)}})
		var wg sync.WaitGroup
		var mu sync.Mutex
		statuses := map[int]int{}
		for range 130 {
			wg.Go(func() {
				r := h.do("bot", get, widget, nil)
				mu.Lock()
				defer mu.Unlock()
				statuses[r.status]++
			})
		}
		wg.Wait()
		if statuses[200] < 100 || statuses[403] == 0 || statuses[200]+statuses[403] != 130 {
			t.Errorf("answers: %v", statuses)
		}
		h.want(200, "bot", get, widget, nil)
	})
}

// TestSearchLimit: searches have a budget of their own.
func TestSearchLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{Limits: GitHubLimits()})
		for range 30 {
			h.want(200, "bot", get, "/search/issues?q=is:open+repo:acme/widget", nil)
		}
		h.want(403, "bot", get, "/search/issues?q=x", nil)
		h.want(200, "bot", get, widget, nil)
		h.pass(time.Minute)
		h.want(200, "bot", get, "/search/issues?q=x", nil)
	})
}

// TestLimitsOff: an Enterprise server has no budgets and no headers of them.
func TestLimitsOff(t *testing.T) {
	h := newHub(t, Options{})
	for range 1200 {
		h.want(200, "", get, widget, nil)
	}
	if r := h.want(200, "bot", get, widget, nil); r.header.Get("X-RateLimit-Limit") != "" {
		t.Errorf("headers of a limit: %v", r.header)
	}
}

// TestRolling compares the rolling count with one that remembers everything.
func TestRolling(t *testing.T) {
	start := time.Unix(1_700_000_000, 0)
	r := rolling{slot: time.Second}
	type use struct{ slot, n int64 }
	var all []use
	for i, step := range []int{0, 1, 1, 0, 5, 59, 1, 1, 30, 29, 31, 200, 0, 60, 61, 3} {
		start = start.Add(time.Duration(step) * time.Second)
		r.add(start, i+1)
		all = append(all, use{start.Unix(), int64(i + 1)})
		want := int64(0)
		for _, u := range all {
			if start.Unix()-u.slot < 60 {
				want += u.n
			}
		}
		if got := int64(r.total(start)); got != want {
			t.Errorf("step %d: total %d, want %d", i, got, want)
		}
	}
}
