package swarm

import (
	"cmp"
	"slices"
	"time"
)

// ideal is when the last job would be done if a perfect queue gave each job to the next free bot at once, and nothing went
// wrong; from the first job on.
func (w *world) ideal() time.Duration {
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
	end := w.begun
	for _, j := range jobs {
		next := 0
		for i := range free {
			if free[i].Before(free[next]) {
				next = i
			}
		}
		free[next] = later(free[next], j.since).Add(j.length)
		end = later(end, free[next])
	}
	return end.Sub(w.begun)
}
