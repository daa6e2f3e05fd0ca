package swarm

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// story tells what happened to a subject, so that a person can follow it.
func (j *judge) story(what string) string {
	type line struct {
		at   time.Time
		text string
	}
	var lines []line
	bots := map[string]bool{"hub": true}
	for _, r := range j.log {
		bots[r.mark.Name] = true
		late := ""
		if d := r.CreatedAt.Sub(r.Received.Truncate(time.Second)); d != 0 {
			late = fmt.Sprintf(" (says %s)", r.CreatedAt.Format("15:04:05"))
		}
		lines = append(lines, line{r.Received, fmt.Sprintf("%-8s status %d %s %q%s", r.Creator, r.ID, r.State, r.Description, late)})
	}
	for _, k := range j.works {
		bots[k.bot] = true
		lines = append(lines, line{k.begin, fmt.Sprintf("%-8s works for %s", k.bot, k.nonce)})
		end := "is interrupted"
		if k.last {
			end = fmt.Sprintf("ends with %q", k.state)
		}
		lines = append(lines, line{k.end, fmt.Sprintf("%-8s for %s %s", k.bot, k.nonce, end)})
	}
	for _, e := range j.world.ledger.events {
		if bots[e.bot] || e.of.sha == j.of.sha {
			lines = append(lines, line{e.at, fmt.Sprintf("%-8s %s", e.bot, e.text)})
		}
	}
	slices.SortStableFunc(lines, func(a, b line) int { return cmp.Compare(a.at.UnixNano(), b.at.UnixNano()) })
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d: %.8s %s: %s\n", j.world.game.Seed, j.of.sha, j.of.context, what)
	for _, l := range lines {
		fmt.Fprintf(&b, "  %s  %s\n", clock(l.at), l.text)
	}
	return b.String()
}
