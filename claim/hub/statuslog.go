package hub

import (
	"cmp"
	"container/list"
	"slices"
	"sync"
	"time"
)

// statusLogs keeps the logs that were read whole, newest first, the least recently used commits dropped when they grow too many. A log
// only grows, so that reading it again ends where it meets what is known.
type statusLogs struct {
	mu    sync.Mutex
	order *list.List // of *statusLog, newest first
	byKey map[string]*list.Element
	size  int
}

// A statusLog is one commit's.
type statusLog struct {
	all *statusLogs
	key string

	list   []Status // whole, newest first; nil if it was not read yet. Never written to, only replaced
	posted []int64  // by this client, and not seen in a list yet
	stale  patient
}

// A view is what was known when a reading began; the list that comes must have it all.
type view struct {
	list   []Status
	posted []int64
}

// missing gives an id that must be in a list which reaches down to oldest, and is not; 0 if there is none.
func (v view) missing(got []Status) int64 {
	oldest := oldestID(got)
	for _, id := range v.posted {
		if _, ok := findStatus(got, id); !ok && id >= oldest {
			return id
		}
	}
	for _, s := range v.list {
		if s.ID < oldest {
			break
		}
		if _, ok := findStatus(got, s.ID); !ok {
			return s.ID
		}
	}
	return 0
}

// highest is the newest id that is known.
func (v view) highest() int64 {
	var id int64
	if len(v.list) > 0 {
		id = v.list[0].ID
	}
	for _, p := range v.posted {
		id = max(id, p)
	}
	return id
}

const mostRemembered = 200_000 // statuses of all commits, some 60 MB

func newStatusLogs() *statusLogs {
	return &statusLogs{order: list.New(), byKey: map[string]*list.Element{}}
}

func (l *statusLogs) of(key string) *statusLog {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e, ok := l.byKey[key]; ok {
		l.order.MoveToFront(e)
		return e.Value.(*statusLog)
	}
	log := &statusLog{all: l, key: key}
	l.byKey[key] = l.order.PushFront(log)
	l.size++
	l.drop()
	return log
}

// drop forgets the logs not used for longest. A log in use that is dropped is only read again.
func (l *statusLogs) drop() {
	for l.size > mostRemembered && l.order.Len() > 1 {
		old := l.order.Remove(l.order.Back()).(*statusLog)
		delete(l.byKey, old.key)
		l.size -= 1 + len(old.list)
	}
}

func (s *statusLog) view() view {
	s.all.mu.Lock()
	defer s.all.mu.Unlock()
	return view{list: s.list, posted: slices.Clone(s.posted)}
}

// post notes a record that must be in every list from now on.
func (s *statusLog) post(id int64) {
	const most = 1000
	s.all.mu.Lock()
	defer s.all.mu.Unlock()
	s.posted = append(s.posted, id)
	s.posted = s.posted[max(0, len(s.posted)-most):]
}

// forgets tells whether a list has been stale for so long that what was known must be wrong, and then forgets it.
func (s *statusLog) forgets() bool {
	s.all.mu.Lock()
	defer s.all.mu.Unlock()
	if !s.stale.over() {
		return false
	}
	s.all.size -= len(s.list)
	s.list, s.posted, s.stale = nil, nil, patient{}
	return true
}

// keep adds what was read to what was known, remembers the whole, and gives it. Two readers may finish in any order: nothing is lost.
func (s *statusLog) keep(got, before []Status) []Status {
	s.all.mu.Lock()
	defer s.all.mu.Unlock()
	if len(before) == 0 || len(s.list) == 0 || &before[0] != &s.list[0] { // read by somebody else meanwhile, or forgotten
		got = mergeStatuses(got, before)
	}
	whole := mergeStatuses(got, s.list)
	if e, ok := s.all.byKey[s.key]; ok && e.Value.(*statusLog) == s {
		s.all.size += len(whole) - len(s.list)
		s.list = whole
		s.all.drop()
	}
	s.posted = slices.DeleteFunc(s.posted, func(id int64) bool {
		_, ok := findStatus(whole, id)
		return ok
	})
	s.stale = patient{}
	return slices.Clone(whole)
}

// settled is how old a record is when nothing with a lower id can still become visible. GitHub's replicas lag by seconds.
const settled = 2 * time.Minute

// joins tells whether what was read reaches into what is known: an id that both have, and that is old enough that no lower one can
// still become visible below it.
func joins(got, before []Status, now time.Time) bool {
	if len(before) == 0 {
		return false
	}
	for _, s := range slices.Backward(got) {
		if now.Sub(s.CreatedAt) < settled {
			return false
		}
		if _, ok := findStatus(before, s.ID); ok {
			return true
		}
	}
	return false
}

// reaches tells whether what was read goes down to what the caller knows, and as far back as joins wants it.
func reaches(got []Status, known int64, now time.Time) bool {
	if known <= 0 || len(got) == 0 {
		return false
	}
	last := got[len(got)-1]
	return last.ID <= known && now.Sub(last.CreatedAt) >= settled
}

func findStatus(list []Status, id int64) (int, bool) {
	return slices.BinarySearchFunc(list, id, func(s Status, id int64) int { return cmp.Compare(id, s.ID) })
}

// mergeStatuses gives both lists as one, newest first, each id once.
func mergeStatuses(a, b []Status) []Status {
	if !slices.IsSortedFunc(a, newerStatus) {
		a = slices.SortedStableFunc(slices.Values(a), newerStatus)
	}
	if !slices.IsSortedFunc(b, newerStatus) {
		b = slices.SortedStableFunc(slices.Values(b), newerStatus)
	}
	all := make([]Status, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if newerStatus(a[0], b[0]) <= 0 {
			all, a = append(all, a[0]), a[1:]
		} else {
			all, b = append(all, b[0]), b[1:]
		}
	}
	return slices.CompactFunc(append(append(all, a...), b...), func(x, y Status) bool { return x.ID == y.ID })
}

func newerStatus(a, b Status) int { return cmp.Compare(b.ID, a.ID) }

// overlaps tells whether a page shows something that was read already.
func overlaps(got, page []Status) bool {
	return slices.ContainsFunc(page, func(s Status) bool {
		_, ok := findStatus(got, s.ID)
		return ok
	})
}

func newestID(list []Status) int64 {
	var id int64
	for _, s := range list {
		id = max(id, s.ID)
	}
	return id
}

func oldestID(list []Status) int64 {
	if len(list) == 0 {
		return 0
	}
	return list[len(list)-1].ID
}
