package agent

import (
	"maps"
	"slices"
	"time"
)

// peers are the bots whose words were seen, and when: only who is known can be given place at a job. A bot that rests is
// known by its last words, which are gone from the queue when a pull request is merged or asked for again. The zero value
// knows nobody.
type peers map[string]time.Time

// peersFor is how long a bot is taken for alive after it was last seen. One that is gone costs the others a pause at the
// jobs that would be its own; one that is not known collides.
const peersFor = 24 * time.Hour

// meet notes who is seen now, and gives all who are known, sorted.
func (p *peers) meet(seen []string, now time.Time) []string {
	if *p == nil {
		*p = peers{}
	}
	for _, name := range seen {
		(*p)[name] = now
	}
	maps.DeleteFunc(*p, func(_ string, last time.Time) bool { return now.Sub(last) > peersFor })
	return slices.Sorted(maps.Keys(*p))
}

// merge gives the names of both lists, sorted.
func merge(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}
