package selftest

import (
	"io/fs"
	"os"
)

// Given is what a bot was given, for the probes to look at. What is not set is
// not asked about.
type Given struct {
	State  string   // directory
	GitHub GitHub   // signed in
	Repos  []string // "owner/name"
	Logs   Store
	Where  string // the log store's name for people
}

// Standard returns the probes of every bot, in the order of the table.
func Standard(g Given) []Probe { return standard(g, os.DirFS("/")) }

func standard(g Given, root fs.FS) []Probe {
	list := []Probe{System(), CPUs(root), Memory(root)}
	if g.State != "" {
		list = append(list, Disk(g.State))
	}
	list = append(list, Git(), Containers(), KVM())
	if g.GitHub != nil {
		list = append(list, Clock(g.GitHub), Token(g.GitHub))
		for _, repo := range g.Repos {
			list = append(list, Permission(g.GitHub, repo))
		}
	}
	if g.Logs != nil {
		list = append(list, Logs(g.Logs, g.Where))
	}
	return list
}
