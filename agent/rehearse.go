package agent

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/cyborg-bots/cyborg/agent/checkout"
	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/claim/hub"
)

// A Rehearsal is work on one issue without a trace: what would be written is printed, and remembered, so that everything that
// reads afterwards sees it. All else is read on GitHub.
type Rehearsal struct {
	Hub   *hub.Client
	Out   io.Writer
	Login string // who would write

	mu       sync.Mutex
	edit     hub.IssueEdit
	events   []hub.Event
	comments []hub.Comment
}

var (
	_ Desk         = (*Rehearsal)(nil)
	_ Scribe       = (*Rehearsal)(nil)
	_ Outlet       = (*Rehearsal)(nil)
	_ claim.Issues = (*Rehearsal)(nil)
)

func (h *Rehearsal) would(format string, args ...any) {
	text := strings.ReplaceAll(strings.TrimRight(fmt.Sprintf(format, args...), "\n"), "\n", "\ncyborg:   ")
	fmt.Fprintf(h.Out, "cyborg: would %s\n", text)
}

// Issue implements Desk.
func (h *Rehearsal) Issue(ctx context.Context, repo hub.Repo, n int) (hub.Issue, error) {
	i, err := h.Hub.Issue(ctx, repo, n)
	h.mu.Lock()
	defer h.mu.Unlock()
	apply := func(to, from *string) {
		if from != nil {
			*to = *from
		}
	}
	apply(&i.Title, h.edit.Title)
	apply(&i.Body, h.edit.Body)
	apply(&i.State, h.edit.State)
	return i, err
}

// IssueEvents implements claim.Issues.
func (h *Rehearsal) IssueEvents(ctx context.Context, repo hub.Repo, n int, known int64) ([]hub.Event, time.Time, error) {
	list, now, err := h.Hub.IssueEvents(ctx, repo, n, known)
	h.mu.Lock()
	defer h.mu.Unlock()
	return append(list, h.events...), now, err
}

// EditIssue implements claim.Issues.
func (h *Rehearsal) EditIssue(ctx context.Context, repo hub.Repo, n int, e hub.IssueEdit) (hub.Issue, error) {
	was, err := h.Issue(ctx, repo, n)
	if err != nil {
		return was, err
	}
	h.mu.Lock()
	if e.Title != nil && *e.Title != was.Title {
		h.would("call #%d %q", n, *e.Title)
		// Behind all that is there: GitHub's ids are smaller.
		h.events = append(h.events, hub.Event{ID: 1<<62 + int64(len(h.events)), Kind: "renamed", Actor: h.Login, From: was.Title, To: *e.Title, CreatedAt: h.Hub.Now()})
		h.edit.Title = e.Title
	}
	if e.Body != nil && *e.Body != was.Body {
		h.would("change the text of #%d:\n%s", n, changedLines(was.Body, *e.Body))
		h.edit.Body = e.Body
	}
	if e.State != nil && *e.State != was.State {
		h.would("make #%d %s", n, *e.State)
		h.edit.State = e.State
	}
	h.mu.Unlock()
	return h.Issue(ctx, repo, n)
}

// changedLines are the lines that differ between two texts of which lines were changed, or more were put behind them.
func changedLines(was, is string) string {
	var b strings.Builder
	before, after := strings.Split(was, "\n"), strings.Split(is, "\n")
	for i, line := range after {
		switch {
		case i >= len(before):
			fmt.Fprintf(&b, "+%s\n", line)
		case before[i] != line:
			fmt.Fprintf(&b, "-%s\n+%s\n", before[i], line)
		}
	}
	return b.String()
}

// AddLabels implements claim.Issues.
func (h *Rehearsal) AddLabels(_ context.Context, _ hub.Repo, n int, labels ...string) ([]string, error) {
	h.would("put the label %s on #%d", strings.Join(labels, " and "), n)
	return labels, nil
}

// Texts implements claim.Issues: a rehearsal writes over nothing.
func (h *Rehearsal) Texts(context.Context, hub.Repo, int) ([]hub.TextEdit, error) { return nil, nil }

// RemoveLabel implements claim.Issues.
func (h *Rehearsal) RemoveLabel(_ context.Context, _ hub.Repo, n int, label string) error {
	h.would("take the label %s off #%d", label, n)
	return nil
}

// Comments implements Desk.
func (h *Rehearsal) Comments(ctx context.Context, repo hub.Repo, n int, since time.Time) ([]hub.Comment, error) {
	list, err := h.Hub.Comments(ctx, repo, n, since)
	h.mu.Lock()
	defer h.mu.Unlock()
	return append(list, h.comments...), err
}

// Comment implements Desk.
func (h *Rehearsal) Comment(_ context.Context, _ hub.Repo, n int, body string) (hub.Comment, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.would("comment on #%d:\n%s", n, body)
	c := hub.Comment{ID: 1<<62 + int64(len(h.comments)), Body: body, Author: h.Login, CreatedAt: h.Hub.Now()}
	h.comments = append(h.comments, c)
	return c, nil
}

// EditComment implements Desk.
func (h *Rehearsal) EditComment(_ context.Context, _ hub.Repo, id int64, body string) (hub.Comment, error) {
	h.would("change a comment to:\n%s", body)
	return hub.Comment{ID: id, Body: body, Author: h.Login}, nil
}

// ConvertIssue implements Desk.
func (h *Rehearsal) ConvertIssue(_ context.Context, _ hub.Repo, n int, in hub.NewPull) (hub.Pull, error) {
	h.would("turn #%d into the pull request of %s into %s", n, in.Head, in.Base)
	return hub.Pull{Number: n}, nil
}

// Pull implements Desk.
func (h *Rehearsal) Pull(ctx context.Context, repo hub.Repo, n int) (hub.Pull, error) {
	return h.Hub.Pull(ctx, repo, n)
}

// Push implements Outlet.
func (h *Rehearsal) Push(_ context.Context, repo hub.Repo, c checkout.Harvest, branch string) (Branch, error) {
	h.would("push the branch %s with %s to the fork of @%s:\n%s", branch, count(c.Commits, "commit"), h.Login, strings.Join(c.Files, "\n"))
	return Branch{Head: h.Login + ":" + branch, URL: h.Login + "/" + repo.Name + "/commits/" + branch}, nil
}

// Onto implements Outlet.
func (h *Rehearsal) Onto(_ context.Context, _ hub.Repo, c checkout.Harvest, p hub.Pull) error {
	h.would("push %s onto #%d:\n%s", count(c.Commits, "commit"), p.Number, strings.Join(c.Files, "\n"))
	return nil
}
