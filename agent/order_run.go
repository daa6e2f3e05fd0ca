package agent

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/tasks"
)

// runTask puts a task on the checklist of the issue or pull request, and the label on it that makes bots look: what a
// person would do by hand. A task that judges pull requests needs no item; its contexts are asked for again.
func (a *Agent) runTask(ctx context.Context, o *order, c command) (string, error) {
	line, t, problem := wanted(o, c)
	if problem != "" {
		return problem, nil
	}
	if t.Asks(tasks.PullRequest) && len(line.Args) == 0 && slices.ContainsFunc(o.Queue, func(e Entry) bool { return e.Task == t.Name }) {
		return a.retest(ctx, o, command{Name: "retest", Args: []string{t.Name}, Line: c.Line})
	}
	issue, err := a.c.Hub.Issue(ctx, o.Repo, o.Comment.Number)
	if err != nil {
		return "", err
	}
	mark := fmt.Sprintf("<!-- asked for in comment %d: %s -->", o.Comment.ID, t.Name)
	if issue.State != "open" {
		return quote(c.Line) + ": it is closed. Reopen it, or file an issue with the label " + quote(o.Taught.Fleet.Labels.Bot) + ".", nil
	}
	if writer, err := a.ours(ctx, o.Repo, issue.Author); err != nil {
		return "", err
	} else if !writer {
		return quote(c.Line) + ": what stands above is by " + quote(issue.Author) + ", who has no write access, and its checklist is not followed. File an issue with this item yourself.", nil
	}
	if !strings.Contains(issue.Body, mark) {
		if _, err := a.c.Hub.EditIssue(ctx, o.Repo, issue.Number, hub.IssueEdit{Body: new(withItem(issue.Body, line.Item(), mark))}); err != nil {
			return "", err
		}
	}
	if label := o.Taught.Fleet.Labels.Bot; !slices.ContainsFunc(issue.Labels, func(l string) bool { return strings.EqualFold(l, label) }) {
		if _, err := a.c.Hub.AddLabels(ctx, o.Repo, issue.Number, label); err != nil {
			return "", err
		}
	}
	return "", nil
}

// wanted reads the line of a /run, and says what is wrong with it.
func wanted(o *order, c command) (line tasks.Line, t *tasks.Task, problem string) {
	line, err := tasks.ParseWords(c.Args)
	if err != nil {
		return line, nil, quote(c.Line) + ": " + err.Error() + "."
	}
	if !line.Bare() {
		return line, nil, quote(c.Line) + ": options are not for comments; what the command is about is where it stands."
	}
	t = o.Taught.Task(line.Task)
	switch {
	case t == nil:
		return line, nil, quote(c.Line) + ": there is no task " + quote(line.Task) + maybe(line.Task, o.Taught.Names(), "")
	case !t.Asks(tasks.Request) && !t.Asks(tasks.PullRequest) && t.Every == 0:
		return line, nil, quote(c.Line) + ": " + quote(t.Name) + " is not done on request; its header says when it is."
	}
	if err := t.CheckArgs(line.Args); err != nil {
		return line, nil, quote(c.Line) + ": " + err.Error() + "."
	}
	return line, t, ""
}

// withItem adds an item at the end of a text, below a line with the mark if there is one, unless it is there and open.
func withItem(body, item, mark string) string {
	for _, i := range tasks.ParseChecklist(body) {
		if i.Text == item && i.Open() {
			return body
		}
	}
	end := "\n"
	if strings.Contains(body, "\r\n") {
		end = "\r\n"
	}
	body = strings.TrimRight(body, " \t\r\n")
	if body != "" {
		body += end + end
	}
	if mark != "" {
		mark += end
	}
	return body + mark + " * [ ] " + item + end
}
