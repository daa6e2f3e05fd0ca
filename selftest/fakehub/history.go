package fakehub

import (
	"slices"
	"time"
)

// A history is a value that changes, together with all it was before. Reads as
// of a time in the past are how replica lag is made.
type history[T any] struct {
	versions []version[T] // rising in time
}

type version[T any] struct {
	since time.Time
	value T
}

// set makes v the value from now on. Times must not fall.
func (h *history[T]) set(now time.Time, v T) {
	h.versions = append(h.versions, version[T]{now, v})
}

// last is the newest value; the zero value if there is none.
func (h *history[T]) last() T {
	if len(h.versions) == 0 {
		var zero T
		return zero
	}
	return h.versions[len(h.versions)-1].value
}

// at is the value as of t, and whether there was one yet.
func (h *history[T]) at(t time.Time) (T, bool) {
	// Almost all reads are of the newest or near it.
	for i := len(h.versions) - 1; i >= 0; i-- {
		if !h.versions[i].since.After(t) {
			return h.versions[i].value, true
		}
	}
	var zero T
	return zero, false
}

// records is a list that can only be added to. Each entry has the time at which
// the server received it and the time from which reads find it: the two differ
// when an id is given out before the record can be seen.
type records[T any] struct {
	received  []time.Time // rising
	visible   []time.Time
	values    []T
	lateUntil time.Time // from then on all present entries are visible
}

// add appends v, received now, to be seen from visible on.
func (l *records[T]) add(now, visible time.Time, v T) {
	l.received = append(l.received, now)
	l.visible = append(l.visible, visible)
	l.values = append(l.values, v)
	if visible.After(now) && visible.After(l.lateUntil) {
		l.lateUntil = visible
	}
}

// upTo gives the entries which a read as of t finds, oldest first. The slice is
// the list's own unless entries are late, and must not be written to.
func (l *records[T]) upTo(t time.Time) []T {
	n := len(l.received)
	if n > 0 && l.received[n-1].After(t) {
		n, _ = slices.BinarySearchFunc(l.received, t, func(e, t time.Time) int {
			if e.After(t) {
				return 1
			}
			return -1
		})
	}
	if !l.lateUntil.After(t) {
		return l.values[:n:n]
	}
	seen := make([]T, 0, n)
	for i := range n {
		if !l.visible[i].After(t) {
			seen = append(seen, l.values[i])
		}
	}
	return seen
}

// all gives every entry, visible or not, oldest first.
func (l *records[T]) all() []T { return l.values }
