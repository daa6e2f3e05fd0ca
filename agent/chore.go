package agent

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/tasks"
)

// A chore is a task that is done every so often. When it is due, bots file an issue that asks for it, as a person would,
// and work on that as on any other. Nothing but what is on GitHub says when it was done last: its issues and pull
// requests, open or closed, whoever made them, and the dates of the commits that touched what it may change.
//
// All bots find out at the same time that something is due. They take turns, so that mostly one files; and whoever files
// does it in two steps, between which it lets GitHub's replicas catch up: an issue that asks for nothing yet, and then, if
// no older one is there, the item. Else it closes its own.

// A past is what the issues of a chore say of it.
type past struct {
	open []hub.Issue // issues and pull requests that are not closed, the oldest first
	last time.Time   // when one was last closed, by whomever: a person who closes one has said no
}

// lookBack is how far the history of a chore may reach beyond its period.
const lookBack = 14 * 24 * time.Hour

// chores files what is due, and tidies up what was filed twice.
func (a *Agent) chores(ctx, work context.Context, repo hub.Repo, known []string) {
	l := a.lessons[strings.ToLower(repo.String())]
	list, longest := l.chores()
	if len(list) == 0 || l.Base == "" {
		return
	}
	now := a.c.Hub.Now()
	label := l.Taught.Fleet.Labels.Bot
	issues, err := a.history(ctx, repo, label, now.Add(-longest))
	if err != nil {
		if ctx.Err() == nil {
			a.c.Log.Warn("cannot look after chores", "repo", repo.String(), "error", err)
		}
		return
	}
	full := recent(issues, now) >= l.Taught.Fleet.Limits.PullsPerHour
	for _, t := range list {
		c := chore{Repo: repo, Task: t, Label: label}
		if c.Past, err = a.pastOf(ctx, repo, t.Name, issues); err == nil {
			a.fold(work, c, known)
			var due bool
			due, err = a.due(ctx, &c, l.Base, now)
			switch {
			case !due || err != nil:
			case full:
				delete(a.dueSince, c.key()) // the turns begin anew when there is room
			case a.turnOf(c, known):
				full = true // one a round: the next look counts it
				a.begin(c.key(), func() error { return a.file(work, c) })
			}
		}
		if err != nil && ctx.Err() == nil {
			a.c.Log.Warn("cannot look after a chore", "repo", repo.String(), "chore", t.Name, "error", err)
		}
	}
}

// chores are the tasks that have a period, and the longest period.
func (l lesson) chores() (list []*tasks.Task, longest time.Duration) {
	for _, t := range l.tasks() {
		if t.Every > 0 {
			list, longest = append(list, t), max(longest, t.Every)
		}
	}
	return list, longest
}

// history lists the issues with a label: those that are open, and those that were closed since a time, or some while before it.
func (a *Agent) history(ctx context.Context, repo hub.Repo, label string, since time.Time) ([]hub.Issue, error) {
	open, err := a.c.Hub.Issues(ctx, repo, hub.IssueFilter{Labels: []string{label}})
	if err != nil {
		return nil, err
	}
	closed, err := a.c.Hub.Issues(ctx, repo, hub.IssueFilter{
		State: "closed", Labels: []string{label}, Since: since.Add(-lookBack).Truncate(24 * time.Hour), Max: 300,
	})
	return append(open, closed...), err
}

// A chore is a task that has a period, where it is to be done.
type chore struct {
	Repo  hub.Repo
	Task  *tasks.Task
	Label string
	Past  past
	Last  time.Time // when it was done last; zero if never
}

func (c *chore) key() string { return strings.ToLower(c.Repo.String()) + " every " + c.Task.Name }

// recent counts what bots have filed by themselves within the last hour.
func recent(issues []hub.Issue, now time.Time) int {
	n := 0
	for _, i := range issues {
		if _, _, ours := choreOf(i.Body); ours && now.Sub(i.CreatedAt) < time.Hour && (i.State == "open" || i.Pull || len(tasks.ParseChecklist(i.Body)) > 0) {
			n++
		}
	}
	return n
}

// pastOf finds the issues of a chore among those with the label. What people without write access have written is no part
// of it.
func (a *Agent) pastOf(ctx context.Context, repo hub.Repo, task string, issues []hub.Issue) (past, error) {
	var p past
	for _, i := range issues {
		if !asksFor(i.Body, task) {
			continue
		}
		ours, err := a.trusts(ctx, repo, i.Author)
		switch {
		case err != nil:
			return p, err
		case !ours:
		case i.State == "open":
			p.open = append(p.open, i)
		case i.ClosedAt.After(p.last) && len(tasks.ParseChecklist(i.Body)) > 0: // without an item it was a double, and says nothing
			p.last = i.ClosedAt
		}
	}
	slices.SortFunc(p.open, func(x, y hub.Issue) int { return cmp.Compare(x.Number, y.Number) })
	return p, nil
}

// trusts tells whether an account is the bots' or may write.
func (a *Agent) trusts(ctx context.Context, repo hub.Repo, login string) (bool, error) {
	if me, err := a.me(ctx); err != nil || me != "" && strings.EqualFold(me, login) {
		return err == nil, err
	}
	return a.writes(ctx, repo, login)
}

// asksFor tells whether an issue is about a task: by an item of its checklist, or by what a bot has written above it.
func asksFor(body, task string) bool {
	if name, _, ok := choreOf(body); ok && name == task {
		return true
	}
	return slices.ContainsFunc(tasks.ParseChecklist(body), func(i tasks.Item) bool {
		line, err := tasks.ParseLine(i.Text)
		return err == nil && line.Task == task
	})
}

// due tells whether it is time for a chore, and since when it was done last.
func (a *Agent) due(ctx context.Context, c *chore, base string, now time.Time) (bool, error) {
	c.Last = c.Past.last
	if len(c.Past.open) > 0 || now.Sub(c.Last) < c.Task.Every {
		delete(a.dueSince, c.key())
		return false, nil
	}
	for _, path := range c.Task.Paths {
		folder := literal(path)
		if folder == "" {
			continue // it may change anything, and every commit does
		}
		changed, err := a.c.Hub.LastChange(ctx, c.Repo, base, folder)
		if err != nil {
			return false, err
		}
		if changed.After(c.Last) {
			c.Last = changed
		}
	}
	if now.Sub(c.Last) < c.Task.Every {
		delete(a.dueSince, c.key())
		return false, nil
	}
	return true, nil
}

// literal is the part of a pattern of files that names a folder or a file.
func literal(pattern string) string {
	if at := strings.IndexAny(pattern, "*?["); at >= 0 {
		pattern = pattern[:at]
		pattern = pattern[:strings.LastIndexByte(pattern, '/')+1]
	}
	return strings.Trim(pattern, "/")
}

// turnOf tells whether it is this bot's turn to file what is due.
func (a *Agent) turnOf(c chore, known []string) bool {
	since, seen := a.dueSince[c.key()]
	if !seen {
		since = time.Now()
		a.dueSince[c.key()] = since
	}
	return time.Since(since) >= a.turn(c.key(), known)
}

// fold closes all but the oldest of several open issues of a chore, those only that bots have filed, and completes one
// whose bot has died in between. Two bots do it, as the first may be gone.
func (a *Agent) fold(work context.Context, c chore, known []string) {
	if len(c.Past.open) == 0 || claim.Rank(c.key(), known, a.c.Name) >= auditors {
		return
	}
	const patience = 2 * time.Minute
	old := func(i hub.Issue) bool { return a.c.Hub.Now().Sub(i.CreatedAt) > patience }
	first := c.Past.open[0]
	if _, nonce, ours := choreOf(first.Body); ours && old(first) && len(tasks.ParseChecklist(first.Body)) == 0 {
		a.begin(c.key(), func() error { return a.ask(work, c, first.Number, nonce) })
	}
	for _, i := range c.Past.open[1:] {
		if _, _, ours := choreOf(i.Body); ours && !i.Pull && old(i) {
			a.begin(c.key(), func() error { return a.withdrawIssue(work, c, i.Number, first.Number) })
			return // the next with the next round
		}
	}
}

// begin does something beside the rounds, one thing of a kind at a time.
func (a *Agent) begin(key string, do func() error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.beside[key] {
		return
	}
	a.beside[key] = true
	a.group.Go(func() {
		err := do()
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.beside, key)
		if err != nil {
			a.c.Log.Warn("cannot do this beside", "what", key, "error", err)
		}
	})
}

// choreTitle is the title of a chore's issue: what the task's file says of it.
func choreTitle(t *tasks.Task) string {
	r, size := utf8.DecodeRuneInString(t.Doc)
	title := string(unicode.ToUpper(r)) + t.Doc[size:]
	if size == 0 {
		title = "Do " + t.Name
	}
	const most = 200
	return string([]rune(title)[:min(len([]rune(title)), most)])
}

// choreText is what a chore's issue says above its checklist.
func choreText(c *chore) string {
	text := fmt.Sprintf("`%s` is done every %s", c.Task.Name, tasks.FormatDuration(c.Task.Every))
	if c.Last.IsZero() {
		return text + ", and there is no trace of a time before."
	}
	return text + ", last on " + c.Last.UTC().Format("2 January 2006") + "."
}
