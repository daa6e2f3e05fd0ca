package agent

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/tasks"
)

// A hand is who wrote an issue's text, as it was read at one version of the issue.
type hand struct {
	version time.Time // the issue's UpdatedAt
	editor  string
}

// askings lists the issues that carry the label, with who has had a hand in them. Logins that have write access are added to
// trusted. An answer that is unchanged costs nothing.
func (a *Agent) askings(ctx context.Context, repo hub.Repo, label string, trusted map[string]bool) ([]asking, error) {
	issues, err := a.c.Hub.Issues(ctx, repo, hub.IssueFilter{Labels: []string{label}})
	if err != nil {
		return nil, err
	}
	list := make([]asking, 0, len(issues))
	hands := make(map[string]hand, len(issues))
	for _, i := range issues {
		ask := asking{Issue: i, Editor: i.Author}
		if _, open := tasks.NextItem(tasks.ParseChecklist(i.Body)); open && !i.Stale {
			if err := a.attribute(ctx, repo, &ask, trusted, hands); err != nil {
				return nil, err
			}
		}
		list = append(list, ask)
	}
	for key, h := range a.hands { // of the other repositories
		if !strings.HasPrefix(key, repo.String()+"#") {
			hands[key] = h
		}
	}
	a.hands = hands
	return list, nil
}

// attribute finds out who wrote an issue's text, and what they may.
func (a *Agent) attribute(ctx context.Context, repo hub.Repo, ask *asking, trusted map[string]bool, hands map[string]hand) error {
	writer, err := a.writes(ctx, repo, ask.Author)
	if err != nil {
		return err
	}
	trusted[strings.ToLower(ask.Author)] = writer
	if !writer {
		return nil // who edited it changes nothing
	}
	key := fmt.Sprintf("%s#%d", repo, ask.Number)
	h, known := a.hands[key]
	if !known || !h.version.Equal(ask.UpdatedAt) {
		h.version = ask.UpdatedAt
		if h.editor, err = a.editor(ctx, repo, ask.Issue); err != nil {
			return err
		}
	}
	hands[key], ask.Editor = h, h.editor
	if writer, err = a.writes(ctx, repo, h.editor); err != nil {
		return err
	}
	trusted[strings.ToLower(h.editor)] = writer
	return nil
}

// editor tells who wrote the text of an issue as it is, beside ourselves: we tick boxes, and would lend our name to whatever
// somebody else had put beside them.
func (a *Agent) editor(ctx context.Context, repo hub.Repo, i hub.Issue) (string, error) {
	edits, err := a.c.Hub.TextEdits(ctx, repo, i.Number)
	if err != nil {
		return "", err
	}
	for _, e := range edits {
		if !strings.EqualFold(e.Editor, a.c.Errands.Login) {
			return e.Editor, nil
		}
	}
	return i.Author, nil
}
