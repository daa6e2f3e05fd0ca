package fakehub

import (
	"encoding/json"
	"time"
)

// jsonPull is a pull request in a list; jsonFullPull adds what git has to say.
type jsonPull struct {
	URL                string        `json:"url"`
	ID                 int64         `json:"id"`
	NodeID             string        `json:"node_id"`
	HTMLURL            string        `json:"html_url"`
	DiffURL            string        `json:"diff_url"`
	PatchURL           string        `json:"patch_url"`
	IssueURL           string        `json:"issue_url"`
	Number             int           `json:"number"`
	State              string        `json:"state"`
	Locked             bool          `json:"locked"`
	Title              string        `json:"title"`
	User               any           `json:"user"`
	Body               *string       `json:"body"`
	CreatedAt          time.Time     `json:"created_at"`
	UpdatedAt          time.Time     `json:"updated_at"`
	ClosedAt           *time.Time    `json:"closed_at"`
	MergedAt           *time.Time    `json:"merged_at"`
	MergeCommitSHA     *string       `json:"merge_commit_sha"`
	Assignee           any           `json:"assignee"`
	Assignees          []any         `json:"assignees"`
	RequestedReviewers []any         `json:"requested_reviewers"`
	RequestedTeams     []any         `json:"requested_teams"`
	Labels             []any         `json:"labels"`
	Milestone          any           `json:"milestone"`
	Draft              bool          `json:"draft"`
	CommitsURL         string        `json:"commits_url"`
	ReviewCommentsURL  string        `json:"review_comments_url"`
	ReviewCommentURL   string        `json:"review_comment_url"`
	CommentsURL        string        `json:"comments_url"`
	StatusesURL        string        `json:"statuses_url"`
	Head               jsonBranchEnd `json:"head"`
	Base               jsonBranchEnd `json:"base"`
	Links              jsonPullSites `json:"_links"`
	AuthorAssociation  string        `json:"author_association"`
	AutoMerge          any           `json:"auto_merge"`
	ActiveLockReason   *string       `json:"active_lock_reason"`
}

// jsonFullPull is a pull request asked for by itself.
type jsonFullPull struct {
	jsonPull
	Merged              bool   `json:"merged"`
	Mergeable           *bool  `json:"mergeable"`
	Rebaseable          *bool  `json:"rebaseable"`
	MergeableState      string `json:"mergeable_state"`
	MergedBy            any    `json:"merged_by"`
	Comments            int    `json:"comments"`
	ReviewComments      int    `json:"review_comments"`
	MaintainerCanModify bool   `json:"maintainer_can_modify"`
	Commits             int    `json:"commits"`
	Additions           int    `json:"additions"`
	Deletions           int    `json:"deletions"`
	ChangedFiles        int    `json:"changed_files"`
}

// jsonBranchEnd is the head or base of a pull request.
type jsonBranchEnd struct {
	Label string `json:"label"`
	Ref   string `json:"ref"`
	SHA   string `json:"sha"`
	User  any    `json:"user"`
	Repo  any    `json:"repo"`
}

// jsonPullSites is the _links of a pull request.
type jsonPullSites struct {
	Self           jsonLink `json:"self"`
	HTML           jsonLink `json:"html"`
	Issue          jsonLink `json:"issue"`
	Comments       jsonLink `json:"comments"`
	ReviewComments jsonLink `json:"review_comments"`
	ReviewComment  jsonLink `json:"review_comment"`
	Commits        jsonLink `json:"commits"`
	Statuses       jsonLink `json:"statuses"`
}

// branchEnd encodes one side; the repository of a head may be gone.
func (rq *request) branchEnd(r *repo, ref, sha string) jsonBranchEnd {
	if r == nil || r.gone {
		return jsonBranchEnd{Label: "unknown repository", Ref: ref, SHA: sha}
	}
	return jsonBranchEnd{Label: r.owner.login + ":" + ref, Ref: ref, SHA: sha, User: rq.user(r.owner), Repo: rq.endRepo(r)}
}

// endRepo encodes a repository once for all the pull requests of an answer.
func (rq *request) endRepo(r *repo) json.RawMessage {
	raw := rq.ends[r]
	if raw == nil {
		raw = encode(rq.repoJSON(r))
		if rq.ends == nil {
			rq.ends = map[*repo]json.RawMessage{}
		}
		rq.ends[r] = raw
	}
	return raw
}

// pull encodes a pull request as a list shows it.
func (rq *request) pull(is *issue) *jsonPull {
	st, _ := is.state.at(rq.asOf(issueDomain))
	p, _ := is.pull.state.at(rq.asOf(pullDomain))
	url, html, issue, repo := rq.site.pull(is), rq.site.issueHTML(is, true), rq.site.issue(is), rq.site.repo(is.repo)
	statuses := repo + "/statuses/" + p.headSHA
	out := &jsonPull{
		URL: url, ID: is.pull.id, NodeID: nodeID("PullRequest", is.pull.id), HTMLURL: html, DiffURL: html + ".diff",
		PatchURL: html + ".patch", IssueURL: issue, Number: is.number, State: stateWord(st.closed), Locked: st.locked,
		Title: st.title, User: rq.user(is.author), Body: st.body, CreatedAt: jsonTime(is.created), UpdatedAt: jsonTime(st.updated),
		ClosedAt: timeOrNull(st.closedAt), MergedAt: timeOrNull(p.mergedAt), MergeCommitSHA: orNull(p.mergeSHA),
		Assignees: rq.users(st.assignees), RequestedReviewers: []any{}, RequestedTeams: []any{}, Labels: rq.labels(is.repo, st.labels),
		Draft: p.draft, CommitsURL: url + "/commits", ReviewCommentsURL: url + "/comments",
		ReviewCommentURL: repo + "/pulls/comments{/number}", CommentsURL: issue + "/comments", StatusesURL: statuses,
		Head: rq.branchEnd(is.pull.headRepo, is.pull.headRef, p.headSHA), Base: rq.branchEnd(is.repo, p.baseRef, p.baseSHA),
		Links: jsonPullSites{
			Self: jsonLink{url}, HTML: jsonLink{html}, Issue: jsonLink{issue}, Comments: jsonLink{issue + "/comments"},
			ReviewComments: jsonLink{url + "/comments"}, ReviewComment: jsonLink{repo + "/pulls/comments{/number}"},
			Commits: jsonLink{url + "/commits"}, Statuses: jsonLink{statuses},
		},
		AuthorAssociation: association(is.repo, is.author),
	}
	if len(st.assignees) > 0 {
		out.Assignee = rq.user(st.assignees[0])
	}
	return out
}

// fullPull encodes a pull request asked for by itself. The error is git's.
func (rq *request) fullPull(is *issue) (*jsonFullPull, error) {
	p, _ := is.pull.state.at(rq.asOf(pullDomain))
	size, err := rq.pullSize(is, p)
	if err != nil {
		return nil, err
	}
	out := &jsonFullPull{
		jsonPull: *rq.pull(is), Merged: p.merged, MergeableState: rq.mergeableState(is, p), MergedBy: rq.user(p.mergedBy),
		Comments: len(rq.comments(is)), MaintainerCanModify: p.modify,
		Commits: size.commits, Additions: size.additions, Deletions: size.deletions, ChangedFiles: size.files,
	}
	if p.checked && !p.merged {
		out.Mergeable, out.Rebaseable = new(p.clean), new(p.clean)
	}
	return out, nil
}

// mergeableState is GitHub's word for what stands in the way of a merge.
func (rq *request) mergeableState(is *issue, p pullState) string {
	switch {
	case p.merged || !p.checked:
		return "unknown"
	case !p.clean:
		return "dirty"
	case p.draft:
		return "draft"
	}
	newest := is.repo.statuses[p.headSHA].newestAt(rq.asOf(statusDomain))
	if len(newest) > 0 && combinedState(newest) != "success" {
		return "unstable"
	}
	return "clean"
}

// A pullSize is how much a pull request changes, of one head on one base.
type pullSize struct {
	head, base                           string
	commits, additions, deletions, files int
}

// pullSize counts, or remembers, what git has to be asked for.
func (rq *request) pullSize(is *issue, p pullState) (pullSize, error) {
	was := rq.repo
	rq.repo = is.repo
	base := rq.pullBase(p)
	rq.repo = was
	if is.pull.size.head == p.headSHA && is.pull.size.base == base {
		return is.pull.size, nil
	}
	size, git := pullSize{head: p.headSHA, base: base}, is.repo.git
	ahead, err := git.commits(rq.ctx, p.headSHA, []string{base}, 0)
	if err != nil {
		return size, err // says itself what it lists
	}
	from, err := git.mergeBase(rq.ctx, base, p.headSHA)
	if err != nil {
		return size, err // says itself what it looks for
	}
	changes, err := git.diff(rq.ctx, from, p.headSHA)
	if err != nil {
		return size, err // says itself what it compares
	}
	stats := statsOf(changes)
	size.commits, size.additions, size.deletions, size.files = len(ahead), stats.Additions, stats.Deletions, len(changes)
	is.pull.size = size
	return size, nil
}

// jsonPullMinimal is what an activity shows of a pull request.
type jsonPullMinimal struct {
	URL    string         `json:"url"`
	ID     int64          `json:"id"`
	Number int            `json:"number"`
	Head   jsonMinimalEnd `json:"head"`
	Base   jsonMinimalEnd `json:"base"`
}

type jsonMinimalEnd struct {
	Ref  string            `json:"ref"`
	SHA  string            `json:"sha"`
	Repo *jsonActivityRepo `json:"repo"`
}

func (rq *request) pullMinimal(is *issue) *jsonPullMinimal {
	p, _ := is.pull.state.at(rq.asOf(pullDomain))
	end := func(r *repo, ref, sha string) jsonMinimalEnd {
		out := jsonMinimalEnd{Ref: ref, SHA: sha}
		if r != nil {
			out.Repo = &jsonActivityRepo{r.id, r.name, rq.site.repo(r)}
		}
		return out
	}
	return &jsonPullMinimal{
		URL: rq.site.pull(is), ID: is.pull.id, Number: is.number,
		Head: end(is.pull.headRepo, is.pull.headRef, p.headSHA), Base: end(is.repo, p.baseRef, p.baseSHA),
	}
}
