package fakehub

import (
	"slices"
	"time"
)

// addEvent enters an event into the history of an issue and its repository.
func (s *Server) addEvent(now time.Time, is *issue, by *user, e event) {
	e.id, e.issue, e.actor, e.created = s.nextID(), is, by, s.stamp(now)
	visible := s.visibleFrom(now)
	is.events.add(now, visible, &e)
	is.repo.events.add(now, visible, &e)
}

// pullEvent is an event that concerns a commit, "" if none.
func (s *Server) pullEvent(now time.Time, is *issue, by *user, kind, commit string) {
	if kind == "merged" {
		is.repo.contributors[is.author] = true
	}
	s.addEvent(now, is, by, event{kind: kind, commit: commit})
}

// closePull closes a pull request, after a merge with the commit that did it.
func (s *Server) closePull(now time.Time, is *issue, by *user, commit string) {
	s.setClosed(now, is, by, true, "", commit)
}

// closeIssue closes an issue as completed, by a commit if it names one.
func (s *Server) closeIssue(now time.Time, is *issue, by *user, commit string) {
	s.setClosed(now, is, by, true, "completed", commit)
}

// setClosed closes or reopens; nothing happens if it is so already.
func (s *Server) setClosed(now time.Time, is *issue, by *user, closed bool, reason, commit string) {
	was := is.state.last()
	if was.closed == closed {
		if closed && reason != "" && reason != was.reason {
			is.edit(now, func(st *issueState) { st.reason = reason })
		}
		return
	}
	kind := "closed"
	if !closed {
		kind = "reopened"
		if reason == "" && is.pull == nil {
			reason = "reopened"
		}
	}
	is.edit(now, func(st *issueState) {
		st.closed, st.reason = closed, reason
		st.closedAt, st.closedBy = time.Time{}, nil
		if closed {
			st.closedAt, st.closedBy = now, by
		}
	})
	s.addEvent(now, is, by, event{kind: kind, commit: commit})
	s.noteIssue(now, is, by, kind)
}

// setTitle renames; the same title makes no event.
func (s *Server) setTitle(now time.Time, is *issue, by *user, title string) {
	was := is.state.last().title
	if was == title {
		return
	}
	is.edit(now, func(st *issueState) { st.title = title })
	s.addEvent(now, is, by, event{kind: "renamed", from: was, to: title})
}

// setLabels replaces the labels, with an event for each that comes or goes.
func (s *Server) setLabels(now time.Time, is *issue, by *user, labels []*label) {
	was := is.state.last().labels
	same := func(l *label) func(*label) bool { return func(o *label) bool { return o.id == l.id } }
	var events []event
	for _, l := range was {
		if !slices.ContainsFunc(labels, same(l)) {
			events = append(events, event{kind: "unlabeled", label: l})
		}
	}
	for _, l := range labels {
		if !slices.ContainsFunc(was, same(l)) {
			events = append(events, event{kind: "labeled", label: l})
		}
	}
	if len(events) == 0 {
		return
	}
	slices.SortFunc(labels, func(a, b *label) int { return int(a.id - b.id) })
	is.edit(now, func(st *issueState) { st.labels = labels })
	for _, e := range events {
		s.addEvent(now, is, by, e)
	}
}

// setAssignees replaces the assignees, with an event for each.
func (s *Server) setAssignees(now time.Time, is *issue, by *user, users []*user) {
	was := is.state.last().assignees
	var events []event
	for _, u := range was {
		if !slices.Contains(users, u) {
			events = append(events, event{kind: "unassigned", assignee: u})
		}
	}
	for _, u := range users {
		if !slices.Contains(was, u) {
			events = append(events, event{kind: "assigned", assignee: u})
		}
	}
	if len(events) == 0 {
		return
	}
	is.edit(now, func(st *issueState) { st.assignees = users })
	for _, e := range events {
		s.addEvent(now, is, by, e)
	}
}

// newIssue opens an issue. Labels are set by the caller, with their events.
func (s *Server) newIssue(now time.Time, r *repo, by *user, title string, body *string) *issue {
	is := s.newNumber(now, r, by, title, body)
	s.noteIssue(now, is, by, "opened")
	return is
}

// newNumber enters an issue, which may become a pull request at once.
func (s *Server) newNumber(now time.Time, r *repo, by *user, title string, body *string) *issue {
	is := &issue{id: s.nextID(), number: len(r.issues) + 1, repo: r, author: by, created: s.stamp(now)}
	is.state.set(now, issueState{title: title, body: body, updated: now})
	r.issues = append(r.issues, is)
	return is
}

// issueAt finds an issue or pull request by number as of t.
func (r *repo) issueAt(number int64, t time.Time) *issue {
	if number < 1 || number > int64(len(r.issues)) {
		return nil
	}
	is := r.issues[number-1]
	if _, found := is.state.at(t); !found {
		return nil
	}
	return is
}

// association is what u is to r, in the words of author_association.
func association(r *repo, u *user) string {
	switch {
	case u == nil:
		return "NONE"
	case u == r.owner:
		return "OWNER"
	case r.grants[u] >= Write && r.owner.kind == "Organization":
		return "MEMBER"
	case r.grants[u] >= Read:
		return "COLLABORATOR"
	}
	if r.contributors[u] {
		return "CONTRIBUTOR"
	}
	return "NONE"
}
