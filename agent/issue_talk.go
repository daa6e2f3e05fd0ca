package agent

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/claim/hub"
)

// waits is the kind of the sticky comment which says why an issue waits.
const waits = "waits"

// abortedMark begins the end of a comment about work that came to nothing, in the words of 2017.
const abortedMark = "\n\nTask aborted"

// announce says that the work begins. If the newest word of ours is about this very job (why it waited, an attempt that came to
// nothing), it is edited, which notifies nobody: an issue that bots have a hard time with is not a place of noise.
func (j *errand) announce(ctx context.Context) {
	body := claim.InProgress(j.entry.Task, j.agent.c.Name, j.address())
	desk := j.agent.c.Errands.Desk
	last, _, err := j.agent.sticky(ctx, j.repo, j.entry.Issue, waits)
	if err == nil && last.ID == 0 {
		last, err = j.agent.lastWord(ctx, j.repo, j.entry.Issue)
		if !strings.HasPrefix(last.Body, j.entry.Task+" in progress on ") {
			last = hub.Comment{}
		}
	}
	if err == nil && last.ID != 0 {
		j.note, err = desk.EditComment(ctx, j.repo, last.ID, body)
		if err == nil {
			return
		}
	}
	if j.note = j.say(ctx, body); j.note.ID == 0 && err != nil {
		j.agent.c.Log.Warn("cannot read the comments of an issue", "issue", j.entry.Issue, "error", err)
	}
}

// aborted says, in the comment that said where the log is, why the work came to nothing. It takes a context of its own, as the
// work's has ended.
func (j *errand) aborted(ctx context.Context, why string) {
	if j.note.ID == 0 || why == "" {
		return
	}
	short, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	if _, err := j.agent.c.Errands.Desk.EditComment(short, j.repo, j.note.ID, j.note.Body+abortedMark+": "+why+"."); err != nil {
		j.agent.c.Log.Warn("cannot say why work on an issue ended", "issue", j.entry.Issue, "error", err)
	}
}

// say comments on the issue, once. A comment whose answer was lost is looked for, when it must be there if it ever will, and
// said again only if it is not.
func (j *errand) say(ctx context.Context, body string) hub.Comment {
	const tries = 3
	desk := j.agent.c.Errands.Desk
	var err error
	for range tries {
		var c hub.Comment
		if c, err = desk.Comment(ctx, j.repo, j.entry.Issue, body); err == nil {
			return c
		}
		if _, unknown := errors.AsType[*hub.AmbiguousError](err); !unknown || pause(ctx, j.agent.doubt()) != nil {
			break
		}
		list, e := desk.Comments(ctx, j.repo, j.entry.Issue, time.Time{})
		if e != nil {
			err = errors.Join(err, e)
			break
		}
		if at := slices.IndexFunc(list, func(c hub.Comment) bool { return c.Body == body && j.agent.byUs(c) }); at >= 0 {
			return list[at]
		}
	}
	j.agent.c.Log.Warn("cannot comment on an issue", "issue", j.entry.Issue, "error", err)
	return hub.Comment{}
}

// lastWord is the newest comment of our account on an issue, sticky ones apart; the zero value if there is none.
func (a *Agent) lastWord(ctx context.Context, repo hub.Repo, n int) (hub.Comment, error) {
	list, err := a.c.Errands.Desk.Comments(ctx, repo, n, time.Time{})
	for _, c := range slices.Backward(list) {
		if err == nil && a.byUs(c) && !strings.HasPrefix(c.Body, "<!-- cyborg: ") {
			return c, nil
		}
	}
	return hub.Comment{}, err
}

func (a *Agent) byUs(c hub.Comment) bool { return strings.EqualFold(c.Author, a.c.Errands.Login) }

// doubt is how long a write without an answer may still be on its way: GitHub ends a request after ten seconds.
func (a *Agent) doubt() time.Duration { return min(30*time.Second, a.c.Policy.Lease/6) }

// sayIssue tells on an issue why nothing is done about it: in one comment, which is edited when the reason changes. What a bot
// lacks is said only where nothing is said yet, as bots differ.
func (a *Agent) sayIssue(ctx context.Context, e Entry) error {
	key := subjectOf(e.Job).Key()
	if a.told[key] == e.Waits {
		return nil
	}
	repo, err := hub.ParseRepo(e.Repo)
	if err != nil {
		return err
	}
	err = a.stick(ctx, repo, e.Issue, waits, func(text string) string {
		if text != "" && !e.Broken {
			return text
		}
		return "Not done yet: " + e.Waits + "."
	})
	if err == nil {
		if a.told == nil {
			a.told = map[string]string{}
		}
		a.told[key] = e.Waits
	}
	return err
}
