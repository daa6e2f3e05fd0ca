package selftest

import (
	"io/fs"
	"maps"
	"os"
	"slices"
)

// Given is what a bot was given, for the probes to look at. What is not set is
// not asked about.
type Given struct {
	State  string   // directory
	GitHub GitHub   // signed in
	Repos  []string // "owner/name"
	Logs   Store
	Where  string // the log store's name for people

	Secrets  func() (map[string]string, error) // that may be handed to tasks, by name
	Networks map[string]string                 // by name, an address in each
}

// Standard returns the probes of every bot, in the order of the table.
func Standard(g Given) []Probe { return standard(g, os.DirFS("/")) }

func standard(g Given, root fs.FS) []Probe {
	list := []Probe{System(), CPUs(root), Memory(root)}
	if g.State != "" {
		list = append(list, Disk(g.State))
	}
	list = append(list, Git(), KVM())
	if g.GitHub != nil {
		list = append(list, Clock(g.GitHub), Token(g.GitHub))
		for _, repo := range g.Repos {
			list = append(list, Permission(g.GitHub, repo))
		}
	}
	if g.Logs != nil {
		list = append(list, Logs(g.Logs, g.Where))
	}
	if g.Secrets != nil {
		list = append(list, Secrets(g.Secrets))
	}
	for _, name := range slices.Sorted(maps.Keys(g.Networks)) {
		list = append(list, Network(name, g.Networks[name]))
	}
	return list
}
