package hub

import (
	"cmp"
	"container/list"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/go-github/v57/github"
)

// IssueEvents reads an issue's log of events, oldest first. now is GitHub's time when the reading began.
//
// Known is the highest id that the caller has dealt with, 0 for none. GitHub lists events oldest first and has no filter, so it is read
// from the last page backwards until an id at or below known; else the list is whole. What this client read before it remembers and
// adds. A list without an event that was seen before comes with a *StaleError, on which nothing may be decided.
func (c *Client) IssueEvents(ctx context.Context, repo Repo, n int, known int64) (list []Event, now time.Time, err error) {
	if err := checkNumber(repo, n); err != nil {
		return nil, time.Time{}, fmt.Errorf("list events: %w", err)
	}
	key := issueKey(repo, n)
	for try := 0; ; try++ {
		list, now, err = c.readEvents(ctx, repo, n, known)
		_, stale := err.(*StaleError)
		if !stale || try == len(rereads) {
			break
		}
		if e := pause(ctx, rereads[try]); e != nil {
			err = fmt.Errorf("%w (%w)", err, e)
			break
		}
	}
	if err != nil {
		err = fmt.Errorf("list events of %s: %w", key, err)
	}
	return list, now, err
}

// An eventPage is one page with what its Link says.
type eventPage struct {
	list []Event
	link map[string]int
	date time.Time
}

func (c *Client) eventPage(ctx context.Context, repo Repo, n, page int) (eventPage, error) {
	in, call, resp, err := read(ctx, func(ctx context.Context) ([]*github.IssueEvent, *github.Response, error) {
		return c.gh.Issues.ListIssueEvents(ctx, repo.Owner, repo.Name, n, &github.ListOptions{Page: page, PerPage: fullPage})
	})
	if err != nil {
		return eventPage{}, err
	}
	p := eventPage{link: parseLink(resp.Header.Get("Link")), date: call.date()}
	for _, e := range in {
		if e.GetID() != 0 {
			p.list = append(p.list, eventOf(e))
		}
	}
	return p, nil
}

// readEvents makes one pass: forward from where the log ended last time to its end, then backward until what is known.
func (c *Client) readEvents(ctx context.Context, repo Repo, n int, known int64) ([]Event, time.Time, error) {
	log := c.events.of(issueKey(repo, n))
	before, end := log.state()
	first, err := c.eventPage(ctx, repo, n, end)
	if err != nil {
		return nil, time.Time{}, err
	}
	got, last := first.list, end
	oldest := end // the lowest page in got
	if end == 1 && first.link["last"] > 2 && known > 0 {
		// A long log of which only the end is wanted: leave out what lies between.
		got, last = nil, first.link["last"]-1
		oldest = last + 1
	}
	next := first.link["next"]
	for next > 0 && next <= mostPages || last > end && oldest > last {
		page, err := c.eventPage(ctx, repo, n, last+1)
		if err != nil {
			return nil, first.date, err
		}
		got, last, next = append(got, page.list...), last+1, page.link["next"]
	}
	for oldest > 1 && !eventsJoin(got, before, known, first.date) {
		oldest--
		page, err := c.eventPage(ctx, repo, n, oldest)
		if err != nil {
			return nil, first.date, err
		}
		got = append(got, page.list...)
	}
	return log.keep(issueKey(repo, n), got, oldest == 1, last, known, first.date)
}

// eventsJoin tells whether what was read reaches down to what is known already, or to what the caller knows, and far enough back in
// time that no lower id can still become visible.
func eventsJoin(got, before []Event, known int64, now time.Time) bool {
	const settled = 2 * time.Minute
	for _, e := range got {
		if now.Sub(e.CreatedAt) < settled {
			continue
		}
		if known > 0 && e.ID <= known {
			return true
		}
		if _, ok := slices.BinarySearchFunc(before, e.ID, func(e Event, id int64) int { return cmp.Compare(e.ID, id) }); ok {
			return true
		}
	}
	return false
}

// eventLogs keeps the logs that were read whole, the least recently used dropped when they grow too many.
type eventLogs struct {
	mu    sync.Mutex
	order *list.List // of *eventLog
	byKey map[string]*list.Element
	size  int
}

type eventLog struct {
	all     *eventLogs
	key     string
	list    []Event // whole, oldest first; nil if not read yet
	last    int     // the page where it ended
	highest int64
}

const mostEvents = 100_000

func newEventLogs() *eventLogs {
	return &eventLogs{order: list.New(), byKey: map[string]*list.Element{}}
}

func (l *eventLogs) of(key string) *eventLog {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e, ok := l.byKey[key]; ok {
		l.order.MoveToFront(e)
		return e.Value.(*eventLog)
	}
	log := &eventLog{all: l, key: key, last: 1}
	l.byKey[key] = l.order.PushFront(log)
	l.size++
	l.drop()
	return log
}

func (l *eventLogs) drop() {
	for l.size > mostEvents && l.order.Len() > 1 {
		old := l.order.Remove(l.order.Back()).(*eventLog)
		delete(l.byKey, old.key)
		l.size -= 1 + len(old.list)
	}
}

func (e *eventLog) state() ([]Event, int) {
	e.all.mu.Lock()
	defer e.all.mu.Unlock()
	return e.list, e.last
}

// keep adds what was read to what was known. Whole says that reading went down to the first page.
func (e *eventLog) keep(key string, got []Event, whole bool, last int, known int64, now time.Time) ([]Event, time.Time, error) {
	e.all.mu.Lock()
	defer e.all.mu.Unlock()
	merged := mergeEvents(got, e.list)
	var newest int64
	for _, g := range got {
		newest = max(newest, g.ID)
	}
	if newest < e.highest {
		return merged, now, &StaleError{Subject: key, Seen: fmt.Sprintf("event %d", e.highest), Got: fmt.Sprintf("event %d", newest)}
	}
	e.highest = newest
	if whole || len(e.list) > 0 {
		if in, ok := e.all.byKey[e.key]; ok && in.Value.(*eventLog) == e {
			e.all.size += len(merged) - len(e.list)
			e.list, e.last = merged, max(e.last, last)
			e.all.drop()
		}
	}
	return slices.Clone(merged), now, nil
}

func mergeEvents(a, b []Event) []Event {
	all := slices.Concat(a, b)
	slices.SortStableFunc(all, func(x, y Event) int { return cmp.Compare(x.ID, y.ID) })
	return slices.CompactFunc(all, func(x, y Event) bool { return x.ID == y.ID })
}

func eventOf(in *github.IssueEvent) Event {
	return Event{
		ID: in.GetID(), Kind: in.GetEvent(), Actor: in.GetActor().GetLogin(),
		From: in.GetRename().GetFrom(), To: in.GetRename().GetTo(), Label: in.GetLabel().GetName(),
		Commit: in.GetCommitID(), CreatedAt: in.GetCreatedAt().Time.UTC(),
	}
}
