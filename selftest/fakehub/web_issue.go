package fakehub

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
)

// An issueView is an issue's page, or the conversation of a pull request.
type issueView struct {
	Number       int
	Title        string
	State, Word  string // "open", "closed", "done", "draft", "merged" with the word for it
	By           userView
	At           timeView
	Comments     int
	Labels       []labelView
	Assignees    []userView
	Participants []userView
	First        itemView
	Items        []itemView
	Locked       bool
	Pull         *pullView
}

// A pullView is what a pull request's page has beyond an issue's.
type pullView struct {
	Sub          string // "conversation", "commits" or "files"
	Base, Head   string
	HeadURL      string // "" once the branch is gone
	Count        int
	Files        int
	Commits      []*commitView
	Checks       *checksView
	Merge        string // "checking", "clean", "conflict", "merged" or "closed"
	MergedBy     userView
	MergedAt     timeView
	MergedCommit string
	Diff         *diffView
}

func (i *issueView) CommentCount() string     { return plural(i.Comments, "comment") }
func (i *issueView) ParticipantCount() string { return plural(len(i.Participants), "participant") }
func (p *pullView) CommitCount() string       { return plural(p.Count, "commit") }

// issue is the page of an issue; a pull request's number leads to its own.
func (v *viewer) issue(number string) page {
	n, err := strconv.ParseInt(number, 10, 32)
	i := v.repo.issueAt(n, v.now)
	if err != nil || i == nil {
		return v.nothing()
	}
	if i.pull != nil {
		return page{redirect: fmt.Sprintf("/%s/pull/%d", v.repo.fullName(), i.number)}
	}
	view := v.conversation(i)
	return page{name: "issue", Tab: "issues", Title: fmt.Sprintf("%s · Issue #%d · %s", view.Title, view.Number, v.repo.fullName()), Body: view}
}

// conversation gathers an issue's head, text and history.
func (v *viewer) conversation(i *issue) *issueView {
	st := i.state.last()
	view := &issueView{
		Number: i.number, Title: st.title, By: v.user(i.author), At: v.time(i.created), Labels: labelsView(st.labels),
		Locked: st.locked, Items: v.timeline(i),
	}
	body := ""
	if st.body != nil {
		body = *st.body
	}
	view.First = v.comment(i, i.author, i.created, body)
	view.First.ID = "issue-" + strconv.Itoa(i.number)
	view.First.Edited = bodyEdited(i)
	view.State, view.Word = "open", "Open"
	if st.closed {
		view.State, view.Word = "done", "Closed"
	}
	for _, u := range st.assignees {
		view.Assignees = append(view.Assignees, v.user(u))
	}
	view.Participants = append(view.Participants, view.By)
	for _, item := range view.Items {
		if item.Kind != "comment" && item.Kind != "review" {
			continue
		}
		view.Comments++
		if !slices.Contains(view.Participants, item.By) {
			view.Participants = append(view.Participants, item.By)
		}
	}
	return view
}

// bodyEdited says whether the text is not the first one.
func bodyEdited(i *issue) bool {
	first, last := i.state.versions[0].value.body, i.state.last().body
	return first != last && (first == nil || last == nil || *first != *last)
}

// pull is one of the pages of a pull request.
func (v *viewer) pull(segments []string) page {
	if len(segments) == 0 || len(segments) > 2 {
		return v.nothing()
	}
	n, err := strconv.ParseInt(segments[0], 10, 32)
	i := v.repo.issueAt(n, v.now)
	if err != nil || i == nil {
		return v.nothing()
	}
	if i.pull == nil {
		return page{redirect: fmt.Sprintf("/%s/issues/%d", v.repo.fullName(), i.number)}
	}
	sub := append(slices.Clone(segments), "conversation")[1]
	if !slices.Contains([]string{"conversation", "commits", "files"}, sub) {
		return v.nothing()
	}
	view := v.conversation(i)
	view.Pull = v.pullView(i, sub)
	ps := i.pull.state.last()
	switch {
	case ps.merged:
		view.State, view.Word = "merged", "Merged"
	case i.state.last().closed:
		view.State, view.Word = "closed", "Closed"
	case ps.draft:
		view.State, view.Word = "draft", "Draft"
	}
	return page{
		name: "pull", Tab: "pulls", Body: view,
		Title: fmt.Sprintf("%s by %s · Pull Request #%d · %s", view.Title, view.By.Login, view.Number, v.repo.fullName()),
	}
}

func (v *viewer) pullView(i *issue, sub string) *pullView {
	ps := i.pull.state.last()
	p := &pullView{
		Sub: sub, Base: ps.baseRef, Head: i.pull.headRef, Checks: v.checks(ps.headSHA), Commits: v.pullCommits(i),
		MergedBy: v.user(ps.mergedBy), MergedAt: v.time(ps.mergedAt), MergedCommit: ps.mergeSHA,
	}
	p.Count = len(p.Commits)
	if head := i.pull.headRepo; head != nil {
		if head != i.repo {
			p.Base, p.Head = i.repo.owner.login+":"+p.Base, head.owner.login+":"+p.Head
		}
		if !head.gone && head.refAt("refs/heads/"+i.pull.headRef, v.now) != "" {
			p.HeadURL = "/" + head.fullName() + "/tree/" + i.pull.headRef
		}
	}
	switch {
	case ps.merged:
		p.Merge = "merged"
	case i.state.last().closed:
		p.Merge = "closed"
	case !ps.checked:
		p.Merge = "checking"
	case ps.clean:
		p.Merge = "clean"
	default:
		p.Merge = "conflict"
	}
	base, err := i.repo.git.mergeBase(v.ctx, ps.baseSHA, ps.headSHA)
	if err == nil {
		diff := v.diff(base, ps.headSHA)
		p.Files = len(diff.Files)
		if sub == "files" {
			p.Diff = diff
		}
	}
	return p
}

// An issueRow is a line of a list of issues or pull requests.
type issueRow struct {
	Number      int
	Title       string
	State, Icon string
	By          userView
	At          timeView
	Done        string // "opened", "merged" or "closed"
	Labels      []labelView
	Comments    int
	Checks      *checksView
	URL         string
}

// A listView is a list of issues or pull requests.
type listView struct {
	Pulls        bool
	Closed       bool // these are shown
	Open, Shut   int
	Rows         []issueRow
	Label, Path  string
	Newer, Older string
}

const webPage = 50

// issueList is the list of issues or of pull requests, newest first.
func (v *viewer) issueList(pulls bool) page {
	arg := func(name string) string { return cmp.Or(append(v.args[name], "")...) }
	view := &listView{Pulls: pulls, Closed: arg("state") == "closed", Label: arg("label"), Path: "issues"}
	title, tab := "Issues", "issues"
	if pulls {
		view.Path, title, tab = "pulls", "Pull requests", "pulls"
	}
	for _, i := range slices.Backward(v.repo.issues) {
		st := i.state.last()
		if (i.pull != nil) != pulls || view.Label != "" && !hasLabels(st.labels, &[]string{view.Label}) {
			continue
		}
		if st.closed {
			view.Shut++
		} else {
			view.Open++
		}
		if st.closed == view.Closed {
			view.Rows = append(view.Rows, v.issueRow(i, st))
		}
	}
	at := natural(arg("page"), 1)
	from := min((at-1)*webPage, len(view.Rows))
	to := min(from+webPage, len(view.Rows))
	query := "?state=" + map[bool]string{true: "closed", false: "open"}[view.Closed] + "&page="
	if at > 1 {
		view.Newer = query + strconv.Itoa(at-1)
	}
	if to < len(view.Rows) {
		view.Older = query + strconv.Itoa(at+1)
	}
	view.Rows = view.Rows[from:to]
	return page{name: "issues", Tab: tab, Title: title + " · " + v.repo.fullName(), Body: view}
}

func (v *viewer) issueRow(i *issue, st issueState) issueRow {
	row := issueRow{
		Number: i.number, Title: st.title, State: "open", Icon: "issue", By: v.user(i.author), At: v.time(i.created),
		Done: "opened", Labels: labelsView(st.labels), URL: fmt.Sprintf("/%s/issues/%d", v.repo.fullName(), i.number),
	}
	for _, c := range i.comments.all() {
		if !c.state.last().deleted {
			row.Comments++
		}
	}
	if st.closed {
		row.State, row.Icon, row.Done, row.At = "done", "issue-closed", "closed", v.time(st.closedAt)
	}
	if i.pull == nil {
		return row
	}
	ps := i.pull.state.last()
	row.URL = fmt.Sprintf("/%s/pull/%d", v.repo.fullName(), i.number)
	row.Checks = v.checks(ps.headSHA)
	row.Icon = "pull"
	switch {
	case ps.merged:
		row.State, row.Icon, row.Done, row.At = "merged", "merge", "merged", v.time(ps.mergedAt)
	case st.closed:
		row.State, row.Icon = "closed", "pull-closed"
	case ps.draft:
		row.State = "draft"
	}
	return row
}

// A labelRow is a line of the list of labels.
type labelRow struct {
	labelView
	Open int
}

func (v *viewer) labelList() page {
	var rows []labelRow
	for _, l := range labelsView(v.repo.labels.last()) {
		row := labelRow{labelView: l}
		for _, i := range v.repo.issues {
			if st := i.state.last(); !st.closed && hasLabels(st.labels, &[]string{l.Name}) {
				row.Open++
			}
		}
		rows = append(rows, row)
	}
	return page{name: "labels", Tab: "issues", Title: "Labels · " + v.repo.fullName(), Body: rows}
}
