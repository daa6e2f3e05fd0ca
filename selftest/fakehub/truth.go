package fakehub

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Truth is what the server itself knows: without lag, late ids or skew. Tests
// compare with it what a client believes.
type Truth struct{ s *Server }

// Truth gives the server's own knowledge.
func (s *Server) Truth() Truth { return Truth{s} }

// A Status is a commit status as the server received it.
type Status struct {
	ID          int64
	SHA         string
	State       string
	Context     string
	Description string
	TargetURL   string
	Creator     string    // login
	Received    time.Time // real time
	Visible     time.Time // from when on reads find it, apart from the lag of their replica
	CreatedAt   time.Time // as it is shown, which may be wrong by a fault
}

// Statuses are the statuses of a commit in the order in which they arrived.
func (t Truth) Statuses(repository, sha string) []Status {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	r := t.s.repos[strings.ToLower(repository)]
	if r == nil || r.statuses[sha] == nil {
		return nil
	}
	return r.statuses[sha].truth()
}

// AllStatuses are the statuses of all commits of a repository, oldest first.
func (t Truth) AllStatuses(repository string) []Status {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	r := t.s.repos[strings.ToLower(repository)]
	if r == nil {
		return nil
	}
	var list []Status
	for _, l := range r.statuses {
		list = append(list, l.truth()...)
	}
	slices.SortFunc(list, func(a, b Status) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

func (l *statusLog) truth() []Status {
	list := make([]Status, 0, len(l.list.all()))
	for i, st := range l.list.all() {
		list = append(list, Status{
			ID: st.id, SHA: st.sha, State: st.state, Context: st.context, Description: orEmpty(st.description),
			TargetURL: orEmpty(st.target), Creator: st.creator.login, Received: st.received, CreatedAt: st.created,
			Visible: l.list.visible[i],
		})
	}
	return list
}

// A Rename is a title that an issue was given, the first one included.
type Rename struct {
	Title string
	Actor string // login
	Time  time.Time
}

// Titles are all titles an issue or pull request ever had, oldest first.
func (t Truth) Titles(repository string, number int) []Rename {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	is := t.s.issue(repository, number)
	if is == nil {
		return nil
	}
	first := is.state.versions[0]
	list := []Rename{{first.value.title, is.author.login, first.since}}
	for i, e := range is.events.all() {
		if e.kind == "renamed" {
			list = append(list, Rename{e.to, e.actor.login, is.events.received[i]})
		}
	}
	return list
}

// An Issue is an issue or pull request as it is now.
type Issue struct {
	Number             int
	Title, Body, State string
	Labels             []string
	Author             string
	Pull, Merged       bool
	Converted          bool   // a pull request that began as an issue
	HeadSHA            string // of a pull request
	Comments           []Comment
}

// A Comment is one of an issue's conversation.
type Comment struct {
	ID           int64
	Author, Body string
}

// Issues are all issues and pull requests of a repository, by number.
func (t Truth) Issues(repository string) []Issue {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	r := t.s.repos[strings.ToLower(repository)]
	if r == nil {
		return nil
	}
	list := make([]Issue, 0, len(r.issues))
	for _, is := range r.issues {
		list = append(list, is.truth())
	}
	return list
}

func (i *issue) truth() Issue {
	st := i.state.last()
	out := Issue{
		Number: i.number, Title: st.title, Body: orEmpty(st.body), State: stateWord(st.closed), Author: i.author.login,
		Pull: i.pull != nil, Converted: i.converted,
	}
	for _, l := range st.labels {
		out.Labels = append(out.Labels, l.name)
	}
	if i.pull != nil {
		p := i.pull.state.last()
		out.Merged, out.HeadSHA = p.merged, p.headSHA
	}
	for _, c := range i.comments.all() {
		if cs := c.state.last(); !cs.deleted {
			out.Comments = append(out.Comments, Comment{c.id, c.author.login, cs.body})
		}
	}
	return out
}

// Ref is the object a full reference name has now, "" if none.
func (t Truth) Ref(repository, name string) string {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	if r := t.s.repos[strings.ToLower(repository)]; r != nil {
		return r.refAt(name, time.Now())
	}
	return ""
}

// Usage is what a user has used since the server began.
func (t Truth) Usage(login string) (Usage, error) {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	u := t.s.users[strings.ToLower(login)]
	if u == nil {
		return Usage{}, fmt.Errorf("read usage: there is no user %s", login)
	}
	return u.budget.usage, nil
}

// issue finds an issue. The caller holds the mutex.
func (s *Server) issue(repository string, number int) *issue {
	r := s.repos[strings.ToLower(repository)]
	if r == nil {
		return nil
	}
	return r.issueAt(int64(number), time.Now())
}
