package hub

import (
	"cmp"
	"container/list"
	"context"
	"errors"
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
		_, stale := errors.AsType[*StaleError](err)
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

// An eventPage is one page and whether there may be another.
type eventPage struct {
	list []Event
	more bool
	last int // the number of the last page, if it says
	date time.Time
}

func (c *Client) eventPage(ctx context.Context, repo Repo, n, page int) (eventPage, error) {
	in, call, resp, err := read(ctx, func(ctx context.Context) ([]*github.IssueEvent, *github.Response, error) {
		return c.gh.Issues.ListIssueEvents(ctx, repo.Owner, repo.Name, n, &github.ListOptions{Page: page, PerPage: fullPage})
	})
	if err != nil {
		return eventPage{}, err
	}
	p := eventPage{more: hasMore(resp.Header, page, len(in), fullPage), last: parseLink(resp.Header.Get("Link"))["last"], date: call.date()}
	for _, e := range in {
		if e.GetID() != 0 {
			p.list = append(p.list, eventOf(e))
		}
	}
	return p, nil
}

// readEvents makes one pass: from where the log ended last time forward to its end, then backward until what is known.
func (c *Client) readEvents(ctx context.Context, repo Repo, n int, known int64) ([]Event, time.Time, error) {
	log := c.events.of(issueKey(repo, n))
	before, start, highest := log.state()
	page, err := c.eventPage(ctx, repo, n, start)
	now := page.date
	if err == nil && start == 1 && known > 0 && page.last > 2 && page.last <= mostPages {
		start = page.last // a long log of which only the end is wanted
		page, err = c.eventPage(ctx, repo, n, start)
	}
	got, end := page.list, start
	for err == nil && page.more {
		if end++; end > mostPages {
			return nil, now, fmt.Errorf("the list has more than %d pages", mostPages)
		}
		page, err = c.eventPage(ctx, repo, n, end)
		got = append(got, page.list...)
	}
	for err == nil && start > 1 && !eventsJoin(got, before, known, now) {
		start--
		page, err = c.eventPage(ctx, repo, n, start)
		got = append(got, page.list...)
	}
	if err != nil {
		return nil, now, err
	}
	list, err := log.keep(got, highest, start == 1, end)
	return list, now, err
}

// eventsJoin tells whether what was read reaches down to what this client knows already, or else to what the caller knows; and far
// enough back in time that no lower id can still become visible.
func eventsJoin(got, before []Event, known int64, now time.Time) bool {
	return slices.ContainsFunc(got, func(e Event) bool {
		if now.Sub(e.CreatedAt) < settled {
			return false
		}
		if len(before) == 0 {
			return known > 0 && e.ID <= known
		}
		_, ok := slices.BinarySearchFunc(before, e.ID, func(e Event, id int64) int { return cmp.Compare(e.ID, id) })
		return ok
	})
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
	stale   patient
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

func (e *eventLog) state() (list []Event, last int, highest int64) {
	e.all.mu.Lock()
	defer e.all.mu.Unlock()
	return e.list, e.last, e.highest
}

// keep adds what was read to what was known, and gives both. Highest is the id that was known before; whole says that reading went down to
// the first page; end is the last.
func (e *eventLog) keep(got []Event, highest int64, whole bool, end int) ([]Event, error) {
	e.all.mu.Lock()
	defer e.all.mu.Unlock()
	merged := mergeEvents(got, e.list)
	var newest int64
	for _, g := range got {
		newest = max(newest, g.ID)
	}
	if newest < highest && !e.stale.over() {
		return merged, &StaleError{Subject: e.key, Seen: fmt.Sprintf("event %d", highest), Got: fmt.Sprintf("event %d", newest)}
	}
	if newest < highest { // for an hour: GitHub has taken it back
		merged = mergeEvents(got, nil)
		e.all.size -= len(e.list)
		e.list, e.last, e.highest = nil, 1, 0
	}
	e.stale = patient{}
	e.highest = max(e.highest, newest)
	in, ok := e.all.byKey[e.key]
	if ok && in.Value.(*eventLog) == e && (whole || len(e.list) > 0) {
		e.all.size += len(merged) - len(e.list)
		e.list, e.last = merged, max(e.last, end)
		e.all.drop()
	}
	return slices.Clone(merged), nil
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
