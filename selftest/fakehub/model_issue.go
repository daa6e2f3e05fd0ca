package fakehub

import (
	"time"
)

// An issue is an issue or, if pull is set, a pull request with its conversation.
type issue struct {
	id      int64
	number  int
	repo    *repo
	author  *user
	created time.Time // as shown; may be skewed
	state   history[issueState]

	comments records[*comment] // oldest first
	events   records[*event]
	reviews  records[*review]

	pull      *pull // nil for a mere issue
	converted bool  // a pull request which began as an issue

}

// An issueState is one version of what can be edited. It is copied, changed and
// set; its slices are never written to.
type issueState struct {
	title     string
	body      *string // nil is JSON's null
	closed    bool
	reason    string // "completed", "not_planned", "reopened" or ""
	labels    []*label
	assignees []*user
	locked    bool
	updated   time.Time
	closedAt  time.Time
	closedBy  *user
	edits     []textEdit // of body after it was written, oldest first
}

// A textEdit is one change of an issue's text.
type textEdit struct {
	id   int64
	by   *user
	at   time.Time
	text string // the whole of it, as it was then
}

// A pull is what a pull request has beyond an issue.
type pull struct {
	id       int64
	issue    *issue
	since    time.Time // when it became a pull request
	headRepo *repo
	headRef  string // branch, without refs/heads/
	state    history[pullState]
	size     pullSize // as last counted
}

// A pullState is one version of a pull request's git side.
type pullState struct {
	headSHA  string
	baseRef  string // branch, without refs/heads/
	baseSHA  string
	draft    bool
	modify   bool   // maintainer_can_modify
	checked  bool   // mergeable is known
	clean    bool   // it merges
	mergeSHA string // the test merge while open, the merge commit when merged
	merged   bool
	mergedAt time.Time
	mergedBy *user
}

// A comment is a comment of an issue's conversation.
type comment struct {
	id      int64
	issue   *issue
	author  *user
	created time.Time
	state   history[commentState]
	reacted history[[]*reaction]
}

type commentState struct {
	body    string
	updated time.Time
	deleted bool
}

// An event is an entry of an issue's history; it never changes.
type event struct {
	id       int64
	issue    *issue
	kind     string // "renamed", "labeled", "unlabeled", "closed", "reopened", "assigned", "head_ref_force_pushed", "merged", …
	actor    *user
	created  time.Time
	from, to string // of a renaming
	label    *label
	assignee *user
	commit   string // of closed, merged, referenced
}

// A review is a pull request's review.
type review struct {
	id      int64
	author  *user
	body    string
	state   string // "APPROVED", "CHANGES_REQUESTED", "COMMENTED", "DISMISSED"
	commit  string
	created time.Time
}

// A status is a commit status; it never changes.
type status struct {
	id          int64
	sha         string
	state       string
	context     string
	key         string // contextKey(context)
	description *string
	target      *string
	creator     *user
	received    time.Time // real time of receipt
	created     time.Time // as shown; may be skewed
	json        cached
	simple      cached // as the combined status shows it, without a creator
}

// A statusLog is the statuses of one commit.
type statusLog struct {
	list   records[*status]
	newest []*status      // of each context, in the order of their ids
	counts map[string]int // by lower-case context, for the ceiling
}

// A release is a release of a tag, with its assets.
type release struct {
	id         int64
	tag        string
	target     string
	name       *string
	body       *string
	draft      bool
	prerelease bool
	author     *user
	created    time.Time
	published  time.Time
	assets     []*asset
}

// An asset is a file of a release.
type asset struct {
	id       int64
	name     string
	label    *string
	media    string
	data     []byte
	uploader *user
	created  time.Time
	updated  time.Time
	fetched  int
}

// isPull says whether the issue was a pull request as of t.
func (i *issue) isPull(t time.Time) bool { return i.pull != nil && !i.pull.since.After(t) }

// edit makes a new version of the issue's state.
func (i *issue) edit(now time.Time, change func(*issueState)) {
	s := i.state.last()
	change(&s)
	s.updated = now
	i.state.set(now, s)
}

// edit makes a new version of the pull request's git side.
func (p *pull) edit(now time.Time, change func(*pullState)) {
	s := p.state.last()
	change(&s)
	p.state.set(now, s)
}
