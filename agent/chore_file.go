package agent

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/claim/hub"
)

// choreLine is the first line of an issue that bots have filed by themselves: "<!-- cyborg: chore po-refresh k7m2q9xa -->".
var choreLine = regexp.MustCompile(`^<!-- cyborg: chore ([a-z0-9][a-z0-9._-]*) ([0-9a-z]{8}) -->`)

// choreOf reads which chore an issue was filed for, and by which filing.
func choreOf(body string) (task, nonce string, ok bool) {
	if found := choreLine.FindStringSubmatch(body); found != nil {
		return found[1], found[2], true
	}
	return "", "", false
}

// file makes the issue that asks for a chore, unless there is an older one.
func (a *Agent) file(ctx context.Context, c chore) error {
	nonce := claim.NewNonce()
	body := fmt.Sprintf("<!-- cyborg: chore %s %s -->\n%s\n", c.Task.Name, nonce, choreText(&c))
	made, lost := a.c.Hub.CreateIssue(ctx, c.Repo, hub.NewIssue{Title: choreTitle(c.Task), Body: body, Labels: []string{c.Label}})
	if _, unknown := errors.AsType[*hub.AmbiguousError](lost); lost != nil && !unknown {
		return lost
	}
	if lost == nil && !slices.ContainsFunc(made.Labels, func(l string) bool { return strings.EqualFold(l, c.Label) }) {
		// Without the label no bot would find it again, and all would file it for ever.
		_, err := a.c.Hub.EditIssue(ctx, c.Repo, made.Number, hub.IssueEdit{State: new("closed"), Reason: new("not_planned")})
		return errors.Join(fmt.Errorf("file %s: the account may not set the label %q", c.Task.Name, c.Label), err)
	}
	if err := pause(ctx, a.c.Policy.Settle); err != nil {
		return err
	}
	issues, err := a.c.Hub.Issues(ctx, c.Repo, hub.IssueFilter{Labels: []string{c.Label}})
	if err != nil {
		return err
	}
	mine, first := made.Number, 0
	for _, i := range issues {
		if _, n, ok := choreOf(i.Body); ok && n == nonce {
			mine = i.Number
		}
		if !asksFor(i.Body, c.Task.Name) || first != 0 && i.Number > first {
			continue
		}
		ours, err := a.ours(ctx, c.Repo, i.Author)
		if err != nil {
			return err
		}
		if ours {
			first = i.Number
		}
	}
	switch {
	case mine == 0:
		return lost
	case first != 0 && first != mine:
		return a.withdrawIssue(ctx, c, mine, first)
	}
	a.c.Log.Info("filed a chore", "repo", c.Repo.String(), "chore", c.Task.Name, "issue", mine)
	return a.ask(ctx, c, mine, nonce)
}

// ask puts the item on the checklist of a chore's issue: from now on bots work on it.
func (a *Agent) ask(ctx context.Context, c chore, number int, nonce string) error {
	i, err := a.c.Hub.Issue(ctx, c.Repo, number)
	if err != nil {
		return err
	}
	if _, n, ok := choreOf(i.Body); !ok || n != nonce || i.State != "open" {
		return nil // people have made it theirs
	}
	body := withItem(i.Body, c.Task.Name, "")
	if body == i.Body {
		return nil
	}
	_, err = a.c.Hub.EditIssue(ctx, c.Repo, number, hub.IssueEdit{Body: &body})
	return err
}

// withdrawIssue closes an issue that was filed beside an older one, without a word that would notify anybody.
func (a *Agent) withdrawIssue(ctx context.Context, c chore, number, older int) error {
	i, err := a.c.Hub.Issue(ctx, c.Repo, number)
	if err != nil || i.State != "open" {
		return err
	}
	line, _, _ := strings.Cut(i.Body, "\n")
	body := fmt.Sprintf("%s\nThis is #%d already.\n", line, older)
	_, err = a.c.Hub.EditIssue(ctx, c.Repo, number, hub.IssueEdit{State: new("closed"), Reason: new("not_planned"), Body: &body})
	return err
}
