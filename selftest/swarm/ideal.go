package swarm

import (
	"cmp"
	"slices"
	"time"
)

// A span is when a job is being done.
type span struct{ begin, end time.Time }

// ideal is when each job would be done if a perfect queue gave it to the next free bot at once, and nothing went wrong.
func (w *world) ideal() []span {
	type job struct {
		since  time.Time
		length time.Duration
	}
	var jobs []job
	for _, p := range w.pulls {
		for i, h := range p.heads {
			if i < len(p.heads)-1 || !p.open {
				continue // nobody waits for it
			}
			for _, of := range w.subjects(h.sha) {
				jobs = append(jobs, job{h.since, w.length(of)})
			}
		}
	}
	slices.SortStableFunc(jobs, func(a, b job) int { return cmp.Compare(a.since.UnixNano(), b.since.UnixNano()) })
	free := make([]time.Time, len(w.bots))
	list := make([]span, 0, len(jobs))
	for _, j := range jobs {
		next := 0
		for i := range free {
			if free[i].Before(free[next]) {
				next = i
			}
		}
		begin := later(free[next], j.since)
		free[next] = begin.Add(j.length)
		list = append(list, span{begin, free[next]})
	}
	return list
}
