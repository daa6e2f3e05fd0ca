package hub

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A statusServer is one commit's log, newest first, in pages, with ETags.
type statusServer struct {
	t *testing.T

	mu     sync.Mutex
	list   []entry
	asked  []string
	full   int                               // answers that were not 304
	view   func(n int, list []entry) []entry // what the replica of the n-th request shows; nil: all
	before func(n int)                       // is called before the n-th request is answered
}

// An entry is one status: its id, and what is shown of it.
type entry struct {
	id  int64
	raw json.RawMessage
}

// post adds a record as if it were made so long ago.
func (s *statusServer) post(id int64, age time.Duration) {
	s.add(id, age, "pending", fmt.Sprintf("verify/%d", id%100))
}

func (s *statusServer) add(id int64, age time.Duration, state, context string) {
	at := time.Now().Add(-age).UTC().Format(time.RFC3339)
	raw := fmt.Sprintf(`{"id":%d,"state":%q,"context":%q,"description":"d","created_at":%q,"creator":{"login":"bot"}}`, id, state, context, at)
	s.list = append(s.list, entry{id, json.RawMessage(raw)})
	slices.SortStableFunc(s.list, func(a, b entry) int { return int(b.id - a.id) })
}

func (s *statusServer) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if req.Method == http.MethodPost {
		in := bodyOf(s.t, req)
		id := int64(1)
		if len(s.list) > 0 {
			id = s.list[0].id + 1
		}
		s.add(id, 0, in["state"].(string), in["context"].(string))
		return jsonReply(s.t, 201, s.list[0].raw), nil
	}
	q := req.URL.Query()
	page, _ := strconv.Atoi(q.Get("page"))
	size, _ := strconv.Atoi(q.Get("per_page"))
	s.asked = append(s.asked, fmt.Sprintf("%d/%d", page, size))
	if s.before != nil {
		s.before(len(s.asked))
	}
	list := s.list
	if s.view != nil {
		list = s.view(len(s.asked), list)
	}
	from, to := min((page-1)*size, len(list)), min(page*size, len(list))
	part, etag := []json.RawMessage{}, `"`
	for _, r := range list[from:to] {
		part, etag = append(part, r.raw), fmt.Sprint(etag, r.id, " ")
	}
	etag += `"`
	if req.Header.Get("If-None-Match") == etag {
		return reply(304, "", "Date: "+time.Now().UTC().Format(http.TimeFormat), "ETag: "+etag), nil
	}
	s.full++
	return jsonReply(s.t, 200, part, "ETag: "+etag), nil
}

func ids(list []Status) []int64 {
	var out []int64
	for _, s := range list {
		out = append(out, s.ID)
	}
	return out
}

func downTo(from, to int64) []int64 {
	var out []int64
	for id := from; id >= to; id-- {
		out = append(out, id)
	}
	return out
}

// newLog makes a server with n records, one every ten seconds up to a minute ago, and a client.
func newLog(t *testing.T, n int) (*statusServer, *Client) {
	s := &statusServer{t: t}
	for i := range n {
		s.post(int64(i+1), time.Minute+time.Duration(n-i)*10*time.Second)
	}
	return s, testClient(t, s)
}

// must reads the whole log and compares its ids.
func must(t *testing.T, c *Client, want []int64) {
	t.Helper()
	list, now, err := c.Statuses(t.Context(), acme, sha1, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := ids(list); !slices.Equal(want, got) {
		t.Fatalf("(-want +got):\n%s", cmp.Diff(want, got))
	}
	if d := time.Since(now); d < -time.Second || d > time.Second {
		t.Errorf("now is %v off", d)
	}
}

// L4: lists of more than a page were read as if they had one.
func TestStatusesOfAnyLength(t *testing.T) {
	for _, n := range []int{0, 1, 99, 100, 101, 198, 199, 200, 333, 1000} {
		synctest.Test(t, func(t *testing.T) {
			_, c := newLog(t, n)
			must(t, c, downTo(int64(n), 1))
			must(t, c, downTo(int64(n), 1))
		})
	}
}

// A commit with 100 contexts and 5,000 records: once it was read, a check costs one request, and what did not change nothing at all.
func TestStatusesReadOnlyWhatIsNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newLog(t, 5000)
		must(t, c, downTo(5000, 1))
		first := len(s.asked)
		if first > 57 {
			t.Errorf("%d requests for 50 pages", first)
		}
		<-time.After(time.Minute)
		for id := int64(5001); id < 5020; id++ {
			s.mu.Lock()
			s.post(id, 0)
			s.mu.Unlock()
			s.asked, s.full = nil, 0
			must(t, c, downTo(id, 1))
			must(t, c, downTo(id, 1))
			if got := strings.Join(s.asked, " "); got != "1/100 1/100" || s.full != 1 {
				t.Errorf("asked %s, %d of it full", got, s.full)
			}
		}
	})
}

// A caller with a log of its own asks for the end alone.
func TestStatusesDownToAKnownID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newLog(t, 1000)
		list, _, err := c.Statuses(t.Context(), acme, sha1, 950)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(downTo(1000, 901), ids(list)); diff != "" || len(s.asked) != 1 {
			t.Errorf("asked %q (-want +got):\n%s", s.asked, diff)
		}
		must(t, c, downTo(1000, 1)) // which is not taken for the whole
		for id := int64(1001); id <= 1150; id++ {
			s.post(id, 0)
		}
		s.asked = nil
		list, _, err = testClient(t, s).Statuses(t.Context(), acme, sha1, 1100)
		if err != nil || len(list) != 198 || len(s.asked) != 2 { // the first page has only young ones
			t.Errorf("%d records of %q, %v", len(list), s.asked, err)
		}
	})
}

// The list grows while it is read: what moves to the next page is met there again, and nothing is missed or double.
func TestStatusesThatGrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newLog(t, 450)
		s.before = func(n int) {
			for range 7 {
				s.post(s.list[0].id+1, 0)
			}
		}
		list, _, err := c.Statuses(t.Context(), acme, sha1, 0)
		if err != nil {
			t.Fatal(err)
		}
		got := ids(list)
		if diff := cmp.Diff(downTo(457, 1), got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// The next page comes from a replica that lacks the newest 30: pages that only touch would have a hole of 30, and nobody would see it.
func TestStatusesNeverHaveAHole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newLog(t, 250)
		s.view = func(n int, list []entry) []entry {
			if n == 2 {
				return list[30:]
			}
			return list
		}
		must(t, c, downTo(250, 1))
		if got := strings.Join(s.asked, " "); !strings.HasPrefix(got, "1/100 2/99 1/100 2/99") {
			t.Errorf("asked %s; want it read again", got)
		}
		s.view = func(n int, list []entry) []entry {
			if strings.HasPrefix(s.asked[n-1], "1/") {
				return list
			}
			return list[30:]
		}
		fresh := testClient(t, s)
		begun := time.Now()
		list, _, err := fresh.Statuses(t.Context(), acme, sha1, 0)
		if kindOf(err) != "stale" || len(list) != 0 || time.Since(begun) != 3*time.Second {
			t.Errorf("%v after %v, %d records", err, time.Since(begun), len(list))
		}
		<-time.After(2 * time.Hour) // there is nothing to forget that would help
		if _, _, err := fresh.Statuses(t.Context(), acme, sha1, 0); kindOf(err) != "stale" {
			t.Errorf("hours later: %v", err)
		}
	})
}

// A replica that lags does not show what was seen, or what this client posted itself; then nothing may be decided.
func TestStatusesGoingBackwards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newLog(t, 10)
		must(t, c, downTo(10, 1))
		lag := 0
		s.view = func(n int, list []entry) []entry { return list[min(lag, len(list)):] }
		if _, err := c.PostStatus(t.Context(), acme, sha1, Status{State: "pending", Context: "verify"}); err != nil {
			t.Fatal(err)
		}
		lag = 1
		list, _, err := c.Statuses(t.Context(), acme, sha1, 0)
		if kindOf(err) != "stale" || !strings.Contains(err.Error(), "status 11") || len(list) != 10 {
			t.Errorf("own record not visible: %v, %d records", err, len(list))
		}
		lag = 0
		must(t, c, downTo(11, 1))
		for _, lag = range []int{1, 5, 11} {
			if _, _, err := c.Statuses(t.Context(), acme, sha1, 0); kindOf(err) != "stale" {
				t.Errorf("%d behind: %v", lag, err)
			}
		}
		asked := len(s.asked)
		s.view = func(n int, list []entry) []entry {
			if n == asked+1 {
				return list[1:] // one bad server of many
			}
			return list
		}
		must(t, c, downTo(11, 1))
	})
}

// What is missing for an hour was deleted, or was never there; a bot must not be stuck for ever.
func TestStatusesThatWereTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newLog(t, 10)
		must(t, c, downTo(10, 1))
		s.list = s.list[2:]
		begun := time.Now()
		var err error
		for time.Since(begun) < 2*time.Hour {
			if _, _, err = c.Statuses(t.Context(), acme, sha1, 0); err == nil {
				break
			}
			<-time.After(time.Minute)
		}
		if took := time.Since(begun); err != nil || took < time.Hour || took > time.Hour+3*time.Minute {
			t.Errorf("after %v: %v", took, err)
		}
		must(t, c, downTo(8, 1))
	})
}

// That a list is stale shows on its first page, and costs no more than that.
func TestStatusesStaleAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newLog(t, 450)
		if _, err := c.PostStatus(t.Context(), acme, sha1, Status{State: "pending", Context: "verify"}); err != nil {
			t.Fatal(err)
		}
		s.view = func(n int, list []entry) []entry { return list[1:] }
		if _, _, err := c.Statuses(t.Context(), acme, sha1, 0); kindOf(err) != "stale" || len(s.asked) != 3 {
			t.Errorf("%v; asked %q", err, s.asked)
		}
	})
}

// Not only the newest of one's own must be there: ids become visible in any order.
func TestStatusesLackOneInTheMiddle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newLog(t, 10)
		if _, err := c.PostStatus(t.Context(), acme, sha1, Status{State: "pending", Context: "verify"}); err != nil {
			t.Fatal(err)
		}
		s.post(12, 0)
		hide := 1
		s.view = func(n int, list []entry) []entry {
			return append(slices.Clone(list[:hide]), list[hide+1:]...)
		}
		if _, _, err := c.Statuses(t.Context(), acme, sha1, 0); kindOf(err) != "stale" || !strings.Contains(err.Error(), "status 11") {
			t.Errorf("own record: %v", err)
		}
		s.view = nil
		must(t, c, downTo(12, 1))
		hide = 5
		s.view = func(n int, list []entry) []entry {
			return append(slices.Clone(list[:hide]), list[hide+1:]...)
		}
		if _, _, err := c.Statuses(t.Context(), acme, sha1, 0); kindOf(err) != "stale" || !strings.Contains(err.Error(), "status 7") {
			t.Errorf("one that was seen: %v", err)
		}
	})
}

// A record can get its id before it is seen: a lower one then shows up below those that are known.
func TestStatusesVisibleLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newLog(t, 300)
		for id := int64(302); id <= 440; id++ {
			s.post(id, 0)
		}
		must(t, c, append(downTo(440, 302), downTo(300, 1)...))
		s.mu.Lock()
		s.post(301, 0) // below 139 others, on the second page
		s.mu.Unlock()
		must(t, c, downTo(440, 1))
	})
}

// Several goroutines read one log while it grows; each list is whole.
func TestStatusesConcurrently(t *testing.T) {
	s, c := newLog(t, 120)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 20 {
				list, _, err := c.Statuses(t.Context(), acme, sha1, 0)
				if err != nil {
					t.Error(err)
					return
				}
				if got := ids(list); len(got) < 120 || !slices.Equal(got, downTo(got[0], 1)) {
					t.Errorf("got %d, from %d", len(got), got[0])
				}
				s.mu.Lock()
				s.post(s.list[0].id+1, 0)
				s.mu.Unlock()
			}
		})
	}
	wg.Wait()
}

func TestPostStatus(t *testing.T) {
	for _, row := range []struct {
		name   string
		in     Status
		answer map[string]any
		want   string
		says   string
	}{
		{"taken", Status{State: "pending", Context: "Verify/F42"}, map[string]any{"id": 7, "state": "pending", "context": "verify/f42"}, "", ""},
		{"no id", Status{State: "pending", Context: "a"}, map[string]any{"state": "pending", "context": "a"}, "ambiguous", "not about what was asked"},
		{"of another context", Status{State: "pending", Context: "a"}, map[string]any{"id": 7, "state": "pending", "context": "b"}, "ambiguous", "not about what was asked"},
		{"of another state", Status{State: "success", Context: "a"}, map[string]any{"id": 7, "state": "pending", "context": "a"}, "ambiguous", "not about what was asked"},
		{"a list", Status{State: "pending", Context: "a"}, nil, "ambiguous", "read the answer"},
		{"140 characters", Status{State: "pending", Context: "a", Description: strings.Repeat("ü", 140)}, map[string]any{"id": 7, "state": "pending", "context": "a"}, "", ""},
		{"141 characters", Status{State: "pending", Context: "a", Description: strings.Repeat("ü", 141)}, map[string]any{"id": 7}, "*fmt.wrapError", "141 characters"},
	} {
		t.Run(row.name, func(t *testing.T) {
			sent := 0
			c := testClient(t, roundTrip(func(req *http.Request) (*http.Response, error) {
				sent++
				if row.answer == nil {
					return reply(201, "[]"), nil
				}
				return jsonReply(t, 201, row.answer), nil
			}))
			got, err := c.PostStatus(t.Context(), acme, sha1, row.in)
			if kindOf(err) != row.want || err != nil && !strings.Contains(err.Error(), row.says) {
				t.Errorf("%+v, %s %v", got, kindOf(err), err)
			}
			if row.want == "*fmt.wrapError" && sent != 0 {
				t.Error("it was sent")
			}
		})
	}
	if _, err := testClient(t, nil).PostStatus(t.Context(), acme, "../../x", Status{}); err == nil {
		t.Error("a sha that is none was taken")
	}
}
