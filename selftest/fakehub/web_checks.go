package fakehub

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A checkView is the newest status of one context.
type checkView struct {
	Context, State, Description, URL string
	At                               timeView
	By                               userView
}

// A checksView is all checks of a commit, as the box below a pull request says it.
type checksView struct {
	State, Title, Summary string
	Rows                  []checkView
	Ring                  []arcView
}

// An arcView is a part of the ring, in hundredths of it. Kind is its colour's.
type arcView struct {
	Kind           string
	Length, Offset string
}

// stateRank is the order of the rows: what needs a person comes first.
var stateRank = map[string]int{"failure": 0, "error": 0, "pending": 1, "success": 2}

// checks are those of a commit; nil if it has none.
func (v *viewer) checks(sha string) *checksView {
	log := v.repo.statuses[sha]
	if log == nil {
		return nil
	}
	newest := newestStatuses(log.list.all())
	if len(newest) == 0 {
		return nil
	}
	c := &checksView{State: combinedState(newest)}
	for _, st := range newest {
		row := checkView{Context: st.context, State: st.state, URL: webLink(st.target), At: v.time(st.created), By: v.user(st.creator)}
		if st.description != nil {
			row.Description = *st.description
		}
		c.Rows = append(c.Rows, row)
	}
	slices.SortStableFunc(c.Rows, func(a, b checkView) int {
		return cmp.Or(stateRank[a.State]-stateRank[b.State], strings.Compare(strings.ToLower(a.Context), strings.ToLower(b.Context)))
	})
	c.summarize()
	return c
}

// summarize finds the words for how many are in which state.
func (c *checksView) summarize() {
	failing, pending, passed := 0, 0, 0
	for _, r := range c.Rows {
		switch r.State {
		case "pending":
			pending++
		case "success":
			passed++
		default:
			failing++
		}
	}
	switch {
	case pending > 0:
		c.Title = "Some checks haven’t completed yet"
	case failing == 0:
		c.Title = "All checks have passed"
	case passed == 0:
		c.Title = "All checks have failed"
	default:
		c.Title = "Some checks were not successful"
	}
	var parts []string
	for _, p := range []struct {
		n    int
		word string
	}{{failing, "failing"}, {pending, "pending"}, {passed, "successful"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.word))
		}
	}
	c.Summary = sentence(parts) + " check"
	if len(c.Rows) != 1 {
		c.Summary += "s"
	}
	offset := 0.0
	for _, p := range []struct {
		kind string
		n    int
	}{{"success", passed}, {"failure", failing}, {"pending", pending}} {
		part := 100 * float64(p.n) / float64(len(c.Rows))
		if p.n > 0 {
			c.Ring = append(c.Ring, arcView{p.kind, fmt.Sprintf("%.2f 100", part), fmt.Sprintf("%.2f", -offset)})
		}
		offset += part
	}
}

// sentence joins "a", "b" and "c" as people do.
func sentence(parts []string) string {
	if len(parts) < 2 {
		return strings.Join(parts, "")
	}
	return strings.Join(parts[:len(parts)-1], ", ") + " and " + parts[len(parts)-1]
}

// Class is how the box is coloured.
func (c *checksView) Class() string {
	return map[string]string{"success": "ok", "failure": "bad", "pending": "wait"}[c.State]
}
