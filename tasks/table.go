package tasks

import (
	"cmp"
	"fmt"
	"strings"
	"text/tabwriter"
)

// Table prints the tasks of a catalogue for people, one a line under a heading: the name, what asks for it, where it
// runs, what a bot must have, and what it does.
func Table(list []*Task) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	write(w, "TASK", "ASKED BY", "WHERE", "NEEDS", "WHAT IT DOES")
	for _, t := range list {
		name := t.Name
		if n := len(t.Contexts()); n > 1 {
			name += fmt.Sprintf(" (%d contexts)", n)
		}
		where := t.In.String()
		if t.Builtin() {
			where = "built in"
		}
		write(w, name, t.AskedBy(), cmp.Or(where, "-"), cmp.Or(t.Needs.String(), "-"), t.Doc)
	}
	// The builder takes everything: Flush cannot fail.
	_ = w.Flush()
	return b.String()
}

// write writes the cells of one row. The last one is not followed by blanks.
func write(w *tabwriter.Writer, cells ...string) {
	for i, c := range cells {
		cells[i] = cleanText(c, false)
	}
	_, _ = fmt.Fprintln(w, strings.Join(cells, "\t"))
}

// AskedBy says in words what asks for a task: "pull request, push main", "every 7 days, request", "after source".
func (h *Header) AskedBy() string {
	var list []string
	if h.Every > 0 {
		list = append(list, "every "+FormatDuration(h.Every))
	}
	for _, e := range h.On {
		list = append(list, e.String())
	}
	if len(h.After) > 0 {
		list = append(list, "after "+strings.Join(h.After, " "))
	}
	return strings.Join(list, ", ")
}

// Explain says what a task's header was understood to mean, a line for each thing that it says: the answer of "cyborg
// tasks check FILE" to a good file. Contexts are listed up to ten.
func (t *Task) Explain() string {
	var b strings.Builder
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "  %-11s%s\n", name, value)
		}
	}
	fmt.Fprintf(&b, "%s: ok: %s\n", cmp.Or(t.Path, t.Name), t.Doc)
	line("asked by", t.AskedBy())
	line("branches", strings.Join(t.Branches, " "))
	line("contexts", t.contextText())
	line("runs in", cmp.Or(t.In.String(), "the strictest place that the bot has"))
	line("beside it", t.machineText())
	line("bot needs", t.Requires().String())
	line("timeout", FormatDuration(t.Timeout))
	line("results", cmp.Or(t.Results.String(), "exit code"))
	line("artifacts", strings.Join(t.Artifacts, " "))
	line("may change", strings.Join(t.Paths, " "))
	line("network", strings.Join(t.Network, " "))
	if t.Push == "head" {
		line("pushes to", "the pull request's own branch")
	}
	return b.String()
}

// contextText lists the contexts that a task reports to.
func (t *Task) contextText() string {
	if !t.Asks(PullRequest) && !t.Asks(Push) && len(t.AllAxes()) == 0 {
		return ""
	}
	const most = 10
	var names []string
	list := t.Contexts()
	for _, c := range list[:min(len(list), most)] {
		names = append(names, c.Name)
	}
	if n := len(list) - most; n > 0 {
		names = append(names, fmt.Sprintf("and %d more", n))
	}
	return strings.Join(names, " ")
}
