package fakehub

import (
	"slices"
	"time"
)

// defaultLabels are what every new repository has.
func (s *Server) defaultLabels() []*label {
	var list []*label
	for _, l := range [...][3]string{
		{"bug", "d73a4a", "Something isn't working"},
		{"documentation", "0075ca", "Improvements or additions to documentation"},
		{"duplicate", "cfd3d7", "This issue or pull request already exists"},
		{"enhancement", "a2eeef", "New feature or request"},
		{"good first issue", "7057ff", "Good for newcomers"},
		{"help wanted", "008672", "Extra attention is needed"},
		{"invalid", "e4e669", "This doesn't seem right"},
		{"question", "d876e3", "Further information is requested"},
		{"wontfix", "ffffff", "This will not be worked on"},
	} {
		list = append(list, &label{id: s.nextID(), name: l[0], color: l[1], description: l[2], builtin: true})
	}
	return list
}

// addLabel makes a label of a repository, which has none of that name.
func (s *Server) addLabel(now time.Time, r *repo, name, color, description string) *label {
	l := &label{id: s.nextID(), name: name, color: color, description: description}
	r.labels.set(now, append(slices.Clone(r.labels.last()), l))
	return l
}

// namedLabels finds the labels of these names, and makes those that are missing.
func (s *Server) namedLabels(now time.Time, r *repo, names []string) []*label {
	var list []*label
	for _, name := range names {
		l := r.label(name)
		if l == nil {
			l = s.addLabel(now, r, name, "ededed", "")
		}
		if !slices.Contains(list, l) {
			list = append(list, l)
		}
	}
	return list
}

// replaceLabel puts another version of a label, or none, in its place in the
// repository and on all issues. That makes no events, as on GitHub.
func (s *Server) replaceLabel(now time.Time, r *repo, old, l *label) {
	swap := func(list []*label) []*label {
		out := make([]*label, 0, len(list))
		for _, o := range list {
			switch {
			case o.id != old.id:
				out = append(out, o)
			case l != nil:
				out = append(out, l)
			}
		}
		return out
	}
	r.labels.set(now, swap(r.labels.last()))
	for _, is := range r.issues {
		st := is.state.last()
		if slices.ContainsFunc(st.labels, func(o *label) bool { return o.id == old.id }) {
			st.labels = swap(st.labels)
			is.state.set(now, st)
		}
	}
}
