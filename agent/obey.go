package agent

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/tasks"
)

// obeyers are the commands that bots know.
func obeyers() map[string]obeyer {
	return map[string]obeyer{
		"cancel":     (*Agent).cancel,
		"ok-to-test": (*Agent).okToTest,
		"retest":     (*Agent).retest,
		"run":        (*Agent).runTask,
	}
}

// usages tell people what there is.
func usages() []string {
	return []string{
		"`/retest [CONTEXT…|failed]` does the tests of a pull request again: all, those named, or those that did not pass",
		"`/cancel [CONTEXT…]` stops what runs for a pull request or an issue",
		"`/ok-to-test` lets the code of somebody without write access be tested, the commit that is there now",
		"`/run TASK ARGS` puts a task on the checklist of an issue or a pull request",
	}
}

// foreign are words with which people speak to other bots; an answer to them would be noise.
func foreign() []string {
	return []string{
		"approve", "area", "assign", "backport", "bors", "build", "cc", "cherry-pick", "cherrypick", "close", "copr-build", "deploy", "describe",
		"easycla", "fixup", "format", "gemini", "help", "hold", "kind", "label", "lgtm", "lifecycle", "merge", "milestone", "override",
		"packit", "priority", "rebase", "remind", "remove-label", "reopen", "retitle", "review", "shrug", "skip", "squash", "test", "triage",
		"unassign", "uncc", "unhold", "update",
	}
}

// commandsOf are the commands of a comment, without those that are for other bots.
func commandsOf(body string) []command {
	return slices.DeleteFunc(parseCommands(body), func(c command) bool {
		_, known := obeyers()[c.Name]
		return !known && slices.Contains(foreign(), c.Name)
	})
}

// obey does what one command asks for.
func (a *Agent) obey(ctx context.Context, o *order, c command) (problem string, err error) {
	known := obeyers()
	do, ok := known[c.Name]
	switch {
	case !ok:
		return quote(c.Line) + " is no command of the bots" + maybe(c.Name, slices.Sorted(maps.Keys(known)), "/"), nil
	case c.Err != nil:
		return quote(c.Line) + " cannot be read: " + c.Err.Error(), nil
	}
	return do(a, ctx, o, c)
}

// retest asks for contexts again, whatever the labels say, as a person does with a status. Without names it leaves those
// alone that are under way.
func (a *Agent) retest(ctx context.Context, o *order, c command) (string, error) {
	if len(o.Queue) == 0 {
		return quote(c.Line) + ": nothing is tested here. It is for open pull requests into branches that a task in " + tasks.Folder + "/ is for.", nil
	}
	chosen, problem := again(o.Queue, c)
	for _, e := range chosen {
		subject := subjectOf(e.Job)
		marks, _, err := a.c.Board.Marks(ctx, subject)
		if err != nil {
			return "", err
		}
		if slices.ContainsFunc(marks, func(m claim.Mark) bool { return m.Kind == claim.KindReset && !m.At.Before(o.Comment.CreatedAt) }) {
			continue // it has been asked for since, maybe by a peer that died
		}
		_, err = a.c.Board.Post(ctx, subject, claim.Mark{Kind: claim.KindReset, State: "pending", Human: claim.Triggered})
		if errors.Is(err, hub.ErrStatusLimit) {
			problem = quote(c.Line) + ": this commit has all the statuses that GitHub allows for " + quote(e.Context) + "; push a new one."
		} else if err != nil {
			return "", err
		}
	}
	return problem, nil
}

// okToTest answers an approval. The comment itself is the approval, see approve.go; what can be said here is that it is about
// no commit which could be tested.
func (a *Agent) okToTest(_ context.Context, o *order, c command) (string, error) {
	if len(c.Args) == 0 && len(o.Queue) > 0 {
		return "", nil
	}
	for _, e := range o.Queue {
		if len(c.Args) == 1 && len(c.Args[0]) >= 7 && strings.HasPrefix(e.SHA, strings.ToLower(c.Args[0])) {
			return "", nil
		}
	}
	if len(o.Queue) == 0 {
		return quote(c.Line) + ": nothing is tested here.", nil
	}
	return quote(c.Line) + ": the head of this pull request is " + quote(o.Queue[0].SHA) + "; of another one nothing is tested.", nil
}

// again chooses the jobs that a /retest is about.
func again(queue []Entry, c command) (chosen []Entry, problem string) {
	if len(c.Args) == 0 {
		for _, e := range queue {
			if e.Standing == Done || e.Standing == Waiting && e.Priority <= 0 {
				chosen = append(chosen, e)
			}
		}
		return chosen, ""
	}
	for _, arg := range c.Args {
		found := false
		for _, e := range queue {
			failed := strings.EqualFold(arg, "failed")
			if failed && e.Standing == Done && e.State != "success" || !failed && named([]string{arg}, e) {
				chosen = append(chosen, e)
			}
			found = found || failed || named([]string{arg}, e)
		}
		if !found {
			var contexts []string
			for _, e := range queue {
				contexts = append(contexts, e.Context)
			}
			problem = quote(c.Line) + ": there is no context " + quote(arg) + maybe(arg, append(contexts, "failed"), "")
		}
	}
	return chosen, problem
}

// named tells whether one of the words is the job's context, its task, or a pattern of contexts.
func named(words []string, e Entry) bool {
	return slices.ContainsFunc(words, func(w string) bool {
		w = strings.ToLower(w)
		context := strings.ToLower(e.Context)
		return w == context || w == strings.ToLower(e.Task) || context != "" && tasks.Match(w, context)
	})
}

// cancel waits until nothing of what it is about runs any more: each bot stops its own, see listen.
func (a *Agent) cancel(ctx context.Context, o *order, c command) (string, error) {
	for _, e := range o.Queue {
		if e.Standing != Held || len(c.Args) > 0 && !named(c.Args, e) {
			continue
		}
		gone, err := a.gone(ctx, o, e)
		if err != nil {
			return "", err
		}
		if !gone {
			return fmt.Sprintf("%s: %s has %s and does not answer; its claim ends by itself.", quote(c.Line), e.Holder, quote(e.Context)), nil
		}
	}
	return "", nil
}

// gone waits until a job's claim is none of before the comment, for as long as a bot that lives can take for it.
func (a *Agent) gone(ctx context.Context, o *order, e Entry) (bool, error) {
	began := a.c.Hub.Now()
	for {
		marks, now, err := a.c.Board.Marks(ctx, subjectOf(e.Job))
		if err != nil {
			return false, err
		}
		v := claim.Decide(marks, now, a.c.Policy)
		if v.State != claim.Held || v.Owner.At.After(o.Comment.CreatedAt) {
			return true, nil
		}
		if a.c.Hub.Now().Sub(began) > eyesFor/2 {
			return false, nil
		}
		if err := pause(ctx, a.jitter(a.c.Poll/2)); err != nil {
			return false, err
		}
	}
}

// quote shows hostile text as code, on one line.
func quote(text string) string {
	text = strings.Map(func(r rune) rune {
		if r == '`' || r < ' ' {
			return '\''
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	const most = 100
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	return "`" + text + "`"
}

// maybe says what was meant, or what there is.
func maybe(word string, known []string, prefix string) string {
	if s := tasks.Suggest(word, known); s != "" {
		return ": did you mean " + quote(prefix+s) + "?"
	}
	var list []string
	for _, k := range known {
		list = append(list, quote(prefix+k))
	}
	const most = 20
	if more := len(list) - most; more > 0 {
		list = append(list[:most], fmt.Sprintf("%d more", more))
	}
	return ". There is " + strings.Join(list, ", ") + "."
}
