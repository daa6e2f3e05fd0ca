package world

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/tasks"
)

// A Lesson is the story of `cyborg demo --tasks DIR`: the example project is taught the tasks of a folder, and bots do each
// of them, as they would in a project of one's own.
type Lesson struct {
	Demo
	Files []tasks.File // bots/NAME
	lines map[string]string
}

// A thing is what a task is done to, and what became of it.
type thing struct {
	task   *tasks.Task
	number int    // of the pull request or issue
	chore  bool   // bots file its issue
	end    string // how it ended; empty while it goes on
	ok     bool
}

// Play tells the story. It gives an error if a task said no, or was not done.
func (l *Lesson) Play(ctx context.Context) error {
	l.began, l.lines = time.Now(), map[string]string{}
	taught, err := tasks.Load(slices.Values(l.Files))
	if err != nil {
		return err
	}
	w := l.World
	if err := w.AddRepo(ctx, Widget); err != nil {
		return err
	}
	l.say("a GitHub of our own is at %s/%s", w.URL, Widget)
	if err := l.teach(ctx); err != nil {
		return err
	}
	things, err := l.begin(ctx, taught)
	if err != nil {
		return err
	}
	bots, stop := context.WithCancel(ctx)
	defer w.bots.Wait()
	defer stop()
	for i := range l.Bots {
		if err := w.StartBot(bots, fmt.Sprintf("bot-%c", 'a'+i), Widget, Quick()); err != nil {
			return err
		}
	}
	l.say("%d bots start", l.Bots)
	f := &follower{demo: &l.Demo, shown: map[string]string{}}
	err = f.every(ctx, func() (bool, error) { return l.look(ctx, f, things) })
	if err != nil {
		return err
	}
	return l.verdict(things)
}

// teach pushes the example with the tasks in it, instead of its own.
func (l *Lesson) teach(ctx context.Context) error {
	c, err := l.World.Clone(ctx, Owner, Widget)
	if err != nil {
		return err
	}
	if err := unpack(c.Dir); err != nil {
		return err
	}
	for _, old := range []string{"lint", "verify"} {
		if err := os.Remove(filepath.Join(c.Dir, tasks.Folder, old)); err != nil {
			return err
		}
	}
	for _, f := range l.Files {
		if err := os.WriteFile(filepath.Join(c.Dir, filepath.FromSlash(f.Path)), f.Data, f.Mode.Perm()); err != nil {
			return err
		}
	}
	if err := c.Commit(ctx, "Say hello, and count"); err != nil {
		return err
	}
	l.say("ada pushes the example project, with %d files in %s/", len(l.Files), tasks.Folder)
	return c.Git(ctx, "push", "-q", "origin", "main")
}

// begin makes what the tasks are done to: a pull request, and an issue for each that is done on request.
func (l *Lesson) begin(ctx context.Context, taught *tasks.Catalogue) ([]*thing, error) {
	var things []*thing
	pull := 0
	for _, t := range taught.Tasks {
		var err error
		switch {
		case t.Builtin():
			continue
		case t.Asks(tasks.PullRequest):
			if pull == 0 {
				pull, err = l.openPull(ctx)
			}
			things = append(things, &thing{task: t, number: pull})
		case t.Every > 0:
			things = append(things, &thing{task: t, chore: true})
		case t.Asks(tasks.Request):
			var made struct{ Number int }
			body := map[string]any{"title": "Please: " + t.Doc, "body": " * [ ] " + t.Name, "labels": []string{"bot"}}
			err = l.World.Person(Owner).Do(ctx, "POST", "repos/"+Widget+"/issues", body, &made)
			l.say("ada asks for %s in #%d", t.Name, made.Number)
			things = append(things, &thing{task: t, number: made.Number})
		default:
			l.say("%s is asked for by a push or a tag, which nobody makes here", t.Name)
		}
		if err != nil {
			return nil, err
		}
	}
	if len(things) == 0 {
		return nil, fmt.Errorf("none of the tasks is one for pull requests, on request or done every so often")
	}
	return things, nil
}

// openPull opens a pull request with a small change.
func (l *Lesson) openPull(ctx context.Context) (int, error) {
	grace := l.World.Person(Writer)
	c, err := l.World.Clone(ctx, Writer, Widget)
	if err != nil {
		return 0, err
	}
	if err := c.Git(ctx, "checkout", "-q", "-b", "welcome", "origin/main"); err != nil {
		return 0, err
	}
	if err := c.Edit("README.md", "Says hello, and counts.", "Welcomes everybody, and counts."); err != nil {
		return 0, err
	}
	if err := c.Commit(ctx, "Welcome the world"); err != nil {
		return 0, err
	}
	if err := c.Git(ctx, "push", "-q", "origin", "welcome"); err != nil {
		return 0, err
	}
	var made struct{ Number int }
	in := map[string]any{"title": "Welcome the world", "head": "welcome", "base": "main"}
	err = grace.Do(ctx, "POST", "repos/"+Widget+"/pulls", in, &made)
	l.say("grace opens #%d: Welcome the world", made.Number)
	return made.Number, err
}

// look reads how everything stands, tells what is new, and whether all is over.
func (l *Lesson) look(ctx context.Context, f *follower, things []*thing) (bool, error) {
	pulls, statuses, err := f.read(ctx)
	if err != nil {
		return false, err
	}
	var issues []issue
	if err := l.World.Person(Visitor).Do(ctx, "GET", "repos/"+Widget+"/issues?state=all&per_page=100", nil, &issues); err != nil {
		return false, err
	}
	slices.Reverse(issues)
	for _, i := range issues {
		if line := i.line(); l.lines[fmt.Sprint(i.Number)] != line {
			l.lines[fmt.Sprint(i.Number)] = line
			l.say("%s", line)
		}
	}
	done := true
	for _, t := range things {
		if t.task.Asks(tasks.PullRequest) {
			t.judge(pulls, statuses)
		} else {
			t.follow(issues)
		}
		done = done && t.end != ""
	}
	return done, nil
}

// An issue is an issue or a pull request, as the API gives it.
type issue struct {
	Number             int
	Title, Body, State string
	PullRequest        *struct{} `json:"pull_request"`
}

func (i issue) line() string {
	kind := "issue"
	if i.PullRequest != nil {
		kind = "pull request"
	}
	var boxes []string
	for _, item := range tasks.ParseChecklist(i.Body) {
		box := "[ ] "
		if item.Checked {
			box = "[x] "
		} else if item.Failed {
			box = "[ ] FAIL: "
		}
		boxes = append(boxes, box+item.Text)
	}
	return strings.TrimSpace(fmt.Sprintf("#%d is a %s, %s: %s  %s", i.Number, kind, i.State, i.Title, strings.Join(boxes, ", ")))
}

// judge sees how the contexts of a task ended on its pull request.
func (t *thing) judge(pulls []pull, statuses map[int][]status) {
	ended, waits, ok := 0, 0, true
	for _, p := range pulls {
		for _, s := range statuses[p.Number] {
			at := slices.ContainsFunc(t.task.Contexts(), func(c tasks.Context) bool { return c.Name == s.Context })
			if p.Number != t.number || !at {
				continue
			}
			reason, waiting := strings.CutPrefix(s.Description, claim.NotTested+": ")
			switch {
			case s.State != "pending":
				ended++
				ok = ok && s.State == "success"
			case waiting && reason != "waiting for a bot":
				waits++
			}
		}
	}
	if ended+waits == len(t.task.Contexts()) {
		t.end, t.ok = fmt.Sprintf("%d of %d contexts done", ended, ended+waits), ok && waits == 0
	}
}

// follow sees how the item of a task ended on its issue.
func (t *thing) follow(issues []issue) {
	for _, i := range issues {
		for _, item := range tasks.ParseChecklist(i.Body) {
			line, err := tasks.ParseLine(item.Text)
			if err != nil || line.Task != t.task.Name || strings.HasPrefix(i.Title, "WIP: ") || t.number != 0 && i.Number != t.number {
				continue
			}
			t.number = i.Number
			switch {
			case item.Failed:
				t.end, t.ok = "it said no", false
			case item.Checked && i.PullRequest != nil:
				t.end, t.ok = fmt.Sprintf("what it changed is pull request #%d", i.Number), true
			case item.Checked:
				t.end, t.ok = fmt.Sprintf("it changed nothing, and #%d is %s", i.Number, i.State), true
			}
		}
	}
}

// verdict tells how all ended.
func (l *Lesson) verdict(things []*thing) error {
	var bad []string
	for _, t := range things {
		l.say("%s: %s", t.task.Name, t.end)
		if !t.ok {
			bad = append(bad, t.task.Name)
		}
	}
	if len(bad) > 0 {
		return fmt.Errorf("not all went well: %s", strings.Join(bad, ", "))
	}
	return nil
}
