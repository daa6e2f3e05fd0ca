package tasks

import (
	"slices"
	"strings"
)

// Priorities that are not computed: an issue's job goes before most pull requests and behind the urgent ones; a
// branch's tip is nobody's wait.
const (
	IssuePriority = 9.0
	PushPriority  = 7.0
)

// The texts of the statuses that decide about priorities; the wire format of the bots of 2017.
const (
	NotTested       = "Not yet tested"
	NotTestedDirect = "Not yet tested (direct trigger)"
)

// PullFacts is what the priority of one context of a pull request depends on.
type PullFacts struct {
	Number      int
	Title       string
	Labels      []string
	Draft       bool
	State       string // of the context's newest status: "", "pending", "error", "success" or "failure"
	Description string // of that status
	Names       Labels // what this repository calls the labels; zero is the usual names
}

// Priority says how urgent a context of a pull request is, higher is sooner, and why. Nothing at or below zero is done
// at all. A pull request begins at ten and a part of one that grows with its age, and so the older of two equals goes
// first; labels and state move it.
func Priority(f PullFacts) (priority float64, why string) {
	has := func(label string) bool {
		return slices.ContainsFunc(f.Labels, func(l string) bool { return strings.EqualFold(l, label) })
	}
	title, names := strings.ToLower(f.Title), f.Names.usual()
	switch {
	case f.State == "success" || f.State == "failure":
		return 0, "done: " + f.State
	case (has(names.NoTest) || strings.Contains(title, "[no-test]")) && f.Description != NotTestedDirect:
		return 0, "no-test: only a direct trigger runs it"
	}
	const most = 100_000
	number := float64(min(max(f.Number, 0), most))
	priority = 10 + (1 - number/most)
	var reasons []string
	move := func(by float64, reason string) {
		priority += by
		reasons = append(reasons, reason)
	}
	if has(names.Priority) {
		move(2, "label priority +2")
	}
	if has(names.Blocked) {
		move(-1, "label blocked -1")
	}
	switch {
	case wip(title):
		move(-3, "title WIP -3")
	case has(names.NeedsWork):
		move(-3, "label needswork -3")
	case f.Draft:
		move(-3, "draft -3")
	}
	if f.State == "error" {
		move(-6, "state error -6")
	}
	if len(reasons) == 0 {
		return priority, "pull request, older first"
	}
	return priority, strings.Join(reasons, ", ")
}

// wip reports whether a title in small letters says that work is in progress: WIP as its first word, in brackets or not.
func wip(title string) bool {
	title = strings.TrimLeft(title, " [(")
	rest, ok := strings.CutPrefix(title, "wip")
	return ok && (rest == "" || rest[0] < 'a' || rest[0] > 'z')
}
