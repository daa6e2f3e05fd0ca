package world

import (
	"context"
	"strings"

	"github.com/cyborg-bots/cyborg/selftest/fakehub"
)

// maxShown is how much of a person's comment is told, in bytes.
const maxShown = 60

// Keep goes on telling what happens to the pull requests, after Play, until ctx ends: for people who play with the
// world. It looks behind the API, where nobody's budget counts.
func (d *Demo) Keep(ctx context.Context) {
	k := &keeper{follower: follower{demo: d, shown: map[string]string{}}, known: map[int]fakehub.Issue{}, quiet: true}
	_ = k.every(ctx, func() (bool, error) { // ends with ctx alone
		k.look()
		k.quiet = false
		return false, nil
	})
}

// A keeper follows what people and bots do.
type keeper struct {
	follower
	known map[int]fakehub.Issue // as it was seen last
	last  int64                 // the newest status seen
	quiet bool                  // the first look learns only
}

// look tells what is new since the last look.
func (k *keeper) look() {
	truth := k.demo.World.Hub.Truth()
	heads := map[string]pull{}
	for _, now := range truth.Issues(Widget) {
		before, known := k.known[now.Number]
		k.known[now.Number] = now
		if now.Pull && now.State == "open" {
			p := pull{Number: now.Number, Title: now.Title}
			p.Head.SHA = now.HeadSHA
			heads[now.HeadSHA] = p
		}
		if !k.quiet {
			k.compare(before, now, known)
		}
	}
	for _, s := range truth.AllStatuses(Widget) {
		if s.ID <= k.last {
			continue
		}
		k.last = s.ID
		if p, open := heads[s.SHA]; open && !k.quiet {
			k.tell(p, status{State: s.State, Description: s.Description, Context: s.Context, TargetURL: s.TargetURL})
		}
	}
}

// compare tells what people did to an issue or pull request.
func (k *keeper) compare(before, now fakehub.Issue, known bool) {
	switch {
	case !known:
		k.demo.say("%s opens #%d: %s", now.Author, now.Number, now.Title)
	case before.HeadSHA != now.HeadSHA:
		k.demo.say("#%d is pushed anew", now.Number)
	case before.State != now.State && now.Merged:
		k.demo.say("#%d is merged", now.Number)
	case before.State != now.State:
		k.demo.say("#%d is %s now", now.Number, now.State)
	}
	for _, c := range now.Comments[min(len(before.Comments), len(now.Comments)):] {
		text, _, _ := strings.Cut(c.Body, "\n")
		k.demo.say("%s says to #%d: %.*q", c.Author, now.Number, maxShown, text)
	}
}
