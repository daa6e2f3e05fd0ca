package selftest

import (
	"fmt"
	"io"
	"strings"
)

// WriteTable writes the report for people: one line a probe, with a line that
// says what to do where something is to be done, and what follows from it all.
func (r Report) WriteTable(w io.Writer) error {
	wide := len("probe")
	for _, p := range r.Probes {
		wide = max(wide, len(p.Name))
	}
	var b strings.Builder
	for _, p := range r.Probes {
		mark := "no "
		if p.OK {
			mark = "yes"
		}
		fmt.Fprintf(&b, "%-*s  %s  %s\n", wide, p.Name, mark, p.Finding)
		if p.Hint != "" {
			fmt.Fprintf(&b, "%-*s       hint: %s\n", wide, "", p.Hint)
		}
	}
	can := strings.Join(r.Capabilities, " ")
	if can == "" {
		can = "nothing that a task could need"
	}
	fmt.Fprintf(&b, "\nThis bot has: %s\n", can)
	if lacks := r.lacks(); len(lacks) > 0 {
		fmt.Fprintf(&b, "It cannot run without: %s\n", strings.Join(lacks, ", "))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// lacks names the probes that a bot cannot run without and that failed.
func (r Report) lacks() []string {
	var names []string
	for _, p := range r.Probes {
		if p.Needed && !p.OK {
			names = append(names, p.Name)
		}
	}
	return names
}
