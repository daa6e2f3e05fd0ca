package agent

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/cyborg-bots/cyborg/claim/hub"
)

// A Due tells when a chore is to be done, for people.
type Due struct {
	Repo, Task string
	Every      time.Duration
	Last       time.Time // when it was done last; zero if never
	At         time.Time // when it is due, or was; zero while one is open, and if it was never done
	Issue      int       // the issue or pull request that asks for it; 0 if none is open
	Why        string    // why none is filed, or what comes next
}

// Dues lists the chores of a repository that was looked at, as bots see them: it reads what they read, and files nothing.
func (a *Agent) Dues(ctx context.Context, repo hub.Repo) ([]Due, error) {
	l := a.lessons[strings.ToLower(repo.String())]
	list, longest := l.chores()
	if len(list) == 0 || l.Base == "" {
		return nil, nil
	}
	now, fleet := a.c.Hub.Now(), l.Taught.Fleet
	issues, err := a.history(ctx, repo, fleet.Labels.Bot, now.Add(-longest))
	if err != nil {
		return nil, err
	}
	full := recent(issues, now) >= fleet.Limits.PullsPerHour
	var dues []Due
	for _, t := range list {
		c := chore{Repo: repo, Task: t, Label: fleet.Labels.Bot}
		if c.Past, err = a.pastOf(ctx, repo, t.Name, issues); err != nil {
			return nil, err
		}
		due, err := a.due(ctx, &c, l.Base, now)
		if err != nil {
			return nil, err
		}
		d := Due{Repo: repo.String(), Task: t.Name, Every: t.Every, Last: c.Last}
		if !c.Last.IsZero() {
			d.At = c.Last.Add(t.Every)
		}
		switch {
		case len(c.Past.open) > 0:
			d.Issue, d.At = c.Past.open[0].Number, time.Time{}
			d.Why = fmt.Sprintf("#%d is open already", d.Issue)
		case !due:
			d.Why = "done lately"
		case full:
			d.Why = fmt.Sprintf("bots may file %d an hour, and have", fleet.Limits.PullsPerHour)
		default:
			d.Why = "a bot files it next"
		}
		dues = append(dues, d)
	}
	return dues, nil
}
