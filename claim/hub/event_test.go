package hub

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// An eventServer is one issue's log, oldest first, in pages, with ETags that do not cover Link, as GitHub's do not.
type eventServer struct {
	t     *testing.T
	list  []map[string]any
	asked []int
	view  func(n int, list []map[string]any) []map[string]any
}

func (s *eventServer) add(id int64, age time.Duration) {
	s.list = append(s.list, map[string]any{
		"id": id, "event": "renamed", "rename": map[string]any{"from": "a", "to": fmt.Sprintf("WIP: %d", id)},
		"created_at": time.Now().Add(-age).UTC().Truncate(time.Second), "actor": map[string]any{"login": "bot"},
	})
	slices.SortStableFunc(s.list, func(a, b map[string]any) int { return int(a["id"].(int64) - b["id"].(int64)) })
}

func (s *eventServer) RoundTrip(req *http.Request) (*http.Response, error) {
	q := req.URL.Query()
	page, _ := strconv.Atoi(q.Get("page"))
	size, _ := strconv.Atoi(q.Get("per_page"))
	s.asked = append(s.asked, page)
	list := s.list
	if s.view != nil {
		list = s.view(len(s.asked), list)
	}
	from, to := min((page-1)*size, len(list)), min(page*size, len(list))
	part := list[from:to]
	etag := fmt.Sprintf(`"%v"`, part)
	if req.Header.Get("If-None-Match") == etag {
		return reply(304, "", "Date: "+time.Now().UTC().Format(http.TimeFormat), "ETag: "+etag), nil
	}
	headers := []string{"ETag: " + etag}
	if last := (len(list) + size - 1) / size; page < last {
		headers = append(headers, fmt.Sprintf(`Link: <https://h/r/1?page=%d>; rel="next", <https://h/r/1?page=%d>; rel="last"`, page+1, last))
	}
	return jsonReply(s.t, 200, part, headers...), nil
}

func newEvents(t *testing.T, n int) (*eventServer, *Client) {
	s := &eventServer{t: t}
	for i := range n {
		s.add(int64(i+1), 10*time.Minute+time.Duration(n-i)*time.Second)
	}
	return s, testClient(t, s)
}

func mustEvents(t *testing.T, s *eventServer, c *Client, known int64, want []int64, asked ...int) {
	t.Helper()
	s.asked = nil
	list, now, err := c.IssueEvents(t.Context(), acme, 12, known)
	if err != nil {
		t.Fatal(err)
	}
	var got []int64
	for _, e := range list {
		got = append(got, e.ID)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(asked, s.asked); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	if d := time.Since(now); d > time.Second || d < -time.Second {
		t.Errorf("now is %v off", d)
	}
}

func upTo(from, to int64) []int64 {
	list := downTo(to, from)
	slices.Reverse(list)
	return list
}

func TestIssueEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newEvents(t, 0)
		mustEvents(t, s, c, 0, nil, 1)
		s.add(1, time.Hour)
		mustEvents(t, s, c, 0, upTo(1, 1), 1)
		list, _, err := c.IssueEvents(t.Context(), acme, 12, 0)
		if err != nil || list[0].To != "WIP: 1" || list[0].From != "a" || list[0].Kind != "renamed" || list[0].Actor != "bot" {
			t.Errorf("%+v, %v", list, err)
		}
	})
}

// A full page keeps its ETag when the log goes on behind it, and the 304 brings the old Link: the page after it must be asked for.
func TestIssueEventsBeyondAFullPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newEvents(t, 100)
		mustEvents(t, s, c, 0, upTo(1, 100), 1, 2)
		s.add(101, 0)
		mustEvents(t, s, c, 0, upTo(1, 101), 2, 1) // its only event is young: a lower one may still come on the page before
		<-time.After(time.Hour)
		s.add(102, time.Minute)
		mustEvents(t, s, c, 0, upTo(1, 102), 2)
	})
}

func TestIssueEventsOfALongLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newEvents(t, 950)
		mustEvents(t, s, c, 920, upTo(901, 950), 1, 10) // only the end
		mustEvents(t, s, c, 850, upTo(801, 950), 1, 10, 9)
		mustEvents(t, s, c, 0, upTo(1, 950), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
		mustEvents(t, s, c, 0, upTo(1, 950), 10) // remembered
		s.add(951, time.Hour)
		mustEvents(t, s, c, 900, upTo(1, 951), 10)
		for id := int64(952); id <= 1101; id++ {
			s.add(id, 5*time.Minute)
		}
		mustEvents(t, s, c, 0, upTo(1, 1101), 10, 11, 12)
		s.view = func(n int, list []map[string]any) []map[string]any { return list[:990] }
		if _, _, err := c.IssueEvents(t.Context(), acme, 12, 0); kindOf(err) != "stale" || !strings.Contains(err.Error(), "event 1101") {
			t.Errorf("got %v", err)
		}
	})
}

func TestIssueEventsThatWereTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newEvents(t, 150)
		mustEvents(t, s, c, 0, upTo(1, 150), 1, 2)
		s.list = s.list[:90]
		_, _, err := c.IssueEvents(t.Context(), acme, 12, 0)
		if kindOf(err) != "stale" {
			t.Errorf("got %v", err)
		}
		<-time.After(time.Hour)
		mustEvents(t, s, c, 0, upTo(1, 90), 2, 1)
		mustEvents(t, s, c, 0, upTo(1, 90), 2, 1)
	})
}

func TestIssueEventsVisibleLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newEvents(t, 98)
		s.add(100, 0)
		s.add(101, 0)
		s.add(102, 0)
		mustEvents(t, s, c, 0, append(upTo(1, 98), 100, 101, 102), 1, 2)
		s.add(99, 0) // goes onto the first page, and moves another to the second
		mustEvents(t, s, c, 0, upTo(1, 102), 2, 1)
	})
}
