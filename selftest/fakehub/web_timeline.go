package fakehub

import (
	"cmp"
	"html/template"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An itemView is one entry of a conversation.
type itemView struct {
	Kind   string // names the template's branch
	ID     string
	By     userView
	At     timeView
	Body   template.HTML
	Blank  bool // of a comment without a text
	Tags   []string
	Edited bool
	Faces  []string // the reactions

	Added, Removed []labelView
	From, To       string
	Other          userView // who was assigned
	Self           bool     // it was the actor
	Text           string   // of a kind without words of its own
	Commit         *commitView

	when  time.Time // the order
	id    int64
	actor *user
	pull  bool
}

// Icon is the picture of an event.
func (i itemView) Icon() string {
	switch i.Kind {
	case "labels":
		return "tag"
	case "renamed":
		return "pencil"
	case "assigned", "unassigned":
		return "person"
	case "closed":
		if i.pull {
			return "pull-closed"
		}
		return "issue-closed"
	case "reopened":
		return "issue"
	case "merged":
		return "merge"
	case "head_ref_force_pushed":
		return "push"
	case "head_ref_deleted", "head_ref_restored":
		return "branch"
	case "locked", "unlocked":
		return "lock"
	}
	return "dot"
}

// Dot is the class of the disc around it.
func (i itemView) Dot() string {
	switch i.Kind {
	case "merged":
		return "solid-purple"
	case "reopened":
		return "solid-green"
	case "closed":
		if i.pull {
			return "solid-red"
		}
		return "solid-purple"
	}
	return ""
}

// LabelWord ends the sentence about labels.
func (i itemView) LabelWord() string {
	if len(i.Added)+len(i.Removed) == 1 {
		return "label"
	}
	return "labels"
}

func (i itemView) FromShort() string { return short(i.From) }
func (i itemView) ToShort() string   { return short(i.To) }

// timeline is the conversation of an issue below its text, oldest first.
func (v *viewer) timeline(i *issue) []itemView {
	var items []itemView
	for n, c := range i.comments.all() {
		st := c.state.last()
		if !st.deleted {
			item := v.comment(i, c.author, c.created, st.body)
			item.ID, item.id, item.when = "issuecomment-"+strconv.FormatInt(c.id, 10), c.id, i.comments.received[n]
			item.Faces = facesOf(c.reacted.last())
			item.Edited = st.updated.After(i.comments.received[n])
			items = append(items, item)
		}
	}
	for n, r := range i.reviews.all() {
		item := v.comment(i, r.author, r.created, r.body)
		item.Kind, item.Text, item.Blank = "review", r.state, r.body == ""
		item.ID, item.id, item.when = "pullrequestreview-"+strconv.FormatInt(r.id, 10), r.id, i.reviews.received[n]
		items = append(items, item)
	}
	for n, e := range i.events.all() {
		if item, shown := v.event(i, e); shown {
			item.ID, item.id, item.when = "event-"+strconv.FormatInt(e.id, 10), e.id, i.events.received[n]
			items = append(items, item)
		}
	}
	if i.pull != nil {
		items = append(items, v.pushed(i)...)
	}
	slices.SortStableFunc(items, func(a, b itemView) int { return cmp.Or(a.when.Compare(b.when), cmp.Compare(a.id, b.id)) })
	return group(items)
}

// comment is a text that somebody wrote.
func (v *viewer) comment(i *issue, by *user, at time.Time, body string) itemView {
	item := itemView{Kind: "comment", By: v.user(by), At: v.time(at), Body: i.repo.markdown(body), Blank: strings.TrimSpace(body) == ""}
	if a := association(i.repo, by); a != "NONE" {
		item.Tags = append(item.Tags, a[:1]+strings.ToLower(a[1:]))
	}
	if by == i.author {
		item.Tags = append(item.Tags, "Author")
	}
	return item
}

// event is an entry of the issue's history; some are not shown, as on GitHub.
func (v *viewer) event(i *issue, e *event) (itemView, bool) {
	item := itemView{Kind: e.kind, By: v.user(e.actor), At: v.time(e.created), actor: e.actor, pull: i.pull != nil}
	switch e.kind {
	case "labeled":
		item.Kind, item.Added = "labels", labelsView([]*label{e.label})
	case "unlabeled":
		item.Kind, item.Removed = "labels", labelsView([]*label{e.label})
	case "renamed":
		item.From, item.To = e.from, e.to
	case "assigned", "unassigned":
		item.Other, item.Self = v.user(e.assignee), e.assignee == e.actor
	case "closed", "merged", "reopened", "referenced":
		if e.commit != "" {
			item.Commit = v.commitView(e.commit)
		}
		if i.pull != nil && e.kind == "closed" && i.pull.state.last().merged {
			return item, false // merged says it
		}
	case "head_ref_force_pushed":
		item.From, item.To = headBefore(i.pull, e.commit), e.commit
	case "subscribed", "mentioned":
		return item, false
	default:
		item.Kind, item.Text = "other", strings.ReplaceAll(e.kind, "_", " ")
	}
	return item, true
}

// headBefore is the head which a force-push replaced by sha.
func headBefore(p *pull, sha string) string {
	before := ""
	for n, version := range p.state.versions {
		if n > 0 && version.value.headSHA == sha && p.state.versions[n-1].value.headSHA != sha {
			before = p.state.versions[n-1].value.headSHA
		}
	}
	return before
}

// pushed are the commits of a pull request, each at the time at which its head
// first had it.
func (v *viewer) pushed(i *issue) []itemView {
	commits := v.pullCommits(i)
	items := make([]itemView, 0, len(commits))
	for _, version := range i.pull.state.versions {
		at := slices.IndexFunc(commits, func(c *commitView) bool { return c.SHA == version.value.headSHA })
		for n := len(items); n <= at; n++ {
			when := version.since
			if !when.After(i.created) {
				when = i.created
			}
			items = append(items, itemView{
				Kind: "commit", ID: "commit-" + commits[n].SHA, By: commits[n].By, At: v.time(when), Commit: commits[n],
				when: when, id: 1 << 62, // after the force-push that brought it
			})
		}
	}
	return items
}

// groupSpan is within which time label changes of one person are one entry.
const groupSpan = time.Minute

// group makes one entry of label changes that belong together.
func group(items []itemView) []itemView {
	var out []itemView
	for _, item := range items {
		if n := len(out) - 1; n >= 0 && item.Kind == "labels" && out[n].Kind == "labels" &&
			item.actor == out[n].actor && item.when.Sub(out[n].when) < groupSpan {
			out[n].Added = append(out[n].Added, item.Added...)
			out[n].Removed = append(out[n].Removed, item.Removed...)
			continue
		}
		out = append(out, item)
	}
	return out
}
