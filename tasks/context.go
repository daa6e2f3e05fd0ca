package tasks

import (
	"slices"
	"strings"
)

// A Value is a point on one axis: image=fedora-42.
type Value struct{ Axis, Value string }

// A Context is one commit status that a task reports to: its name and the point on the task's axes that it stands for.
type Context struct {
	Name string // "verify/fedora-42/firefox"
	Task *Task
	Axes []Value
}

// Contexts lists the contexts of a task, in the order of its header, the last axis changing fastest. A task without
// axes has one context, its name.
func (t *Task) Contexts() []Context {
	list := []Context{{Name: t.Name, Task: t}}
	for _, axis := range t.AllAxes() {
		var longer []Context
		for _, c := range list {
			for _, v := range axis.Values {
				axes := append(slices.Clone(c.Axes), Value{axis.Name, v})
				longer = append(longer, Context{c.Name + "/" + v, t, axes})
			}
		}
		list = longer
	}
	return list
}

// Holds reports whether the task is asked for by an event on a branch (a base branch for pull requests, a tag's name
// for tags; requests hold on every branch).
func (h *Header) Holds(kind EventKind, branch string) bool {
	for _, e := range h.On {
		switch {
		case e.Kind != kind:
		case kind == PullRequest && (len(h.Branches) == 0 || matchAny(h.Branches, branch)):
			return true
		case kind == Request:
			return true
		case (kind == Push || kind == Tag) && Match(e.Pattern, branch):
			return true
		}
	}
	return false
}

// ContextsFor lists the contexts that an event on a branch asks for, in the order of the catalogue.
func (c *Catalogue) ContextsFor(kind EventKind, branch string) []Context {
	var list []Context
	for _, t := range c.Tasks {
		if t.Holds(kind, branch) {
			list = append(list, t.Contexts()...)
		}
	}
	return list
}

// Patterns lists the patterns of branches or tags whose events some task wants to know of, sorted.
func (c *Catalogue) Patterns(kind EventKind) []string {
	var list []string
	for _, t := range c.Tasks {
		for _, e := range t.On {
			if e.Kind == kind {
				list = append(list, e.Pattern)
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Lookup finds the context of a name, in any case as GitHub compares them. It knows all tasks, whatever asks for them.
func (c *Catalogue) Lookup(context string) (Context, bool) {
	name, _, _ := strings.Cut(context, "/")
	for _, t := range c.Tasks {
		if strings.EqualFold(t.Name, name) {
			for _, ctx := range t.Contexts() {
				if strings.EqualFold(ctx.Name, context) {
					return ctx, true
				}
			}
		}
	}
	return Context{}, false
}
