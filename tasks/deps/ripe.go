package deps

import (
	"cmp"
	"context"
	"fmt"
	"time"
)

// A candidate is a dependency that has newer versions.
type candidate struct {
	update
	versions []string // the newest first
}

// A release is what a registry says of one version.
type release struct {
	published string // RFC 3339
	source    string
	broken    string // why it cannot be had
}

// rounds is how many releases of one dependency are looked at: who publishes more within the age that releases must have is
// left alone.
const rounds = 20

// ripe finds the newest version of each candidate that is old enough. ask tells of several versions at once, "name@version".
func ripe(ctx context.Context, w *Work, list []candidate, ask func(context.Context, []string) (map[string]release, error)) ([]update, error) {
	var due []update
	for round := 0; len(list) > 0 && round < rounds; round++ {
		var names []string
		for _, c := range list {
			names = append(names, c.name+"@"+c.versions[0])
		}
		known, err := ask(ctx, names)
		if err != nil {
			return nil, err
		}
		var again []candidate
		for i, c := range list {
			r, ok := known[names[i]]
			at, err := time.Parse(time.RFC3339, r.published)
			switch {
			case ok && r.broken == "" && err == nil && w.Now.Sub(at) >= w.Settings.Age:
				c.to, c.published, c.source, c.between = c.versions[0], at.UTC().Format("2 January 2006"), r.source, len(c.versions)-1
				due = append(due, c.update)
				continue
			case ok && r.broken == "" && err == nil:
				fmt.Fprintf(w.Log, "cyborg: %s is too new, of %s\n", names[i], at.UTC().Format(time.DateTime))
			default:
				fmt.Fprintf(w.Log, "cyborg: %s: %s\n", names[i], cmp.Or(r.broken, "not known when it was published"))
			}
			if c.versions = c.versions[1:]; len(c.versions) > 0 {
				again = append(again, c)
			}
		}
		list = again
	}
	return due, nil
}
