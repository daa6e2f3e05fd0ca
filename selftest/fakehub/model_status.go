package fakehub

import (
	"slices"
	"strings"
	"time"
)

// maxStatuses is how many statuses a commit can have for one context.
const maxStatuses = 1000

// addStatus enters a status. It says no at the ceiling.
func (s *Server) addStatus(now time.Time, r *repo, st status) *status {
	l := r.statuses[st.sha]
	if l == nil {
		l = &statusLog{counts: map[string]int{}}
		r.statuses[st.sha] = l
	}
	st.key = contextKey(st.context)
	if l.counts[st.key] >= maxStatuses {
		return nil
	}
	l.counts[st.key]++
	st.id, st.received, st.created = s.nextID(), now, s.stamp(now)
	l.list.add(now, s.visibleFrom(now), &st)
	l.newest = slices.DeleteFunc(slices.Clone(l.newest), func(o *status) bool { return o.key == st.key })
	l.newest = append(l.newest, &st)
	return &st
}

// newestAt is the newest status of each context as a read as of t finds them,
// in the order of their ids.
func (l *statusLog) newestAt(t time.Time) []*status {
	if l == nil {
		return nil
	}
	seen := l.list.upTo(t)
	if len(seen) == len(l.list.all()) {
		return l.newest
	}
	return newestStatuses(seen)
}

// contextKey is what two contexts that GitHub takes for one have in common.
func contextKey(context string) string { return strings.ToLower(context) }

// newestStatuses keeps the newest of each context out of a list which is oldest
// first, and keeps that order.
func newestStatuses(list []*status) []*status {
	newest := make([]*status, 0, 8)
	seen := make(map[string]bool, 8)
	for _, st := range slices.Backward(list) {
		if !seen[st.key] {
			seen[st.key] = true
			newest = append(newest, st)
		}
	}
	slices.Reverse(newest)
	return newest
}

// combinedState is the state of all: failure if any is an error or a failure,
// pending if there is none or any is pending, else success.
func combinedState(newest []*status) string {
	pending := len(newest) == 0
	for _, st := range newest {
		switch st.state {
		case "error", "failure":
			return "failure"
		case "pending":
			pending = true
		}
	}
	if pending {
		return "pending"
	}
	return "success"
}
