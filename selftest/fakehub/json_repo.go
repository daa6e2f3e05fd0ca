package fakehub

import (
	"strings"
	"time"
)

// jsonMinimalRepo is what GitHub shows of a repository inside other things.
type jsonMinimalRepo struct {
	ID               int64   `json:"id"`
	NodeID           string  `json:"node_id"`
	Name             string  `json:"name"`
	FullName         string  `json:"full_name"`
	Private          bool    `json:"private"`
	Owner            any     `json:"owner"`
	HTMLURL          string  `json:"html_url"`
	Description      *string `json:"description"`
	Fork             bool    `json:"fork"`
	URL              string  `json:"url"`
	ForksURL         string  `json:"forks_url"`
	KeysURL          string  `json:"keys_url"`
	CollaboratorsURL string  `json:"collaborators_url"`
	TeamsURL         string  `json:"teams_url"`
	HooksURL         string  `json:"hooks_url"`
	IssueEventsURL   string  `json:"issue_events_url"`
	EventsURL        string  `json:"events_url"`
	AssigneesURL     string  `json:"assignees_url"`
	BranchesURL      string  `json:"branches_url"`
	TagsURL          string  `json:"tags_url"`
	BlobsURL         string  `json:"blobs_url"`
	GitTagsURL       string  `json:"git_tags_url"`
	GitRefsURL       string  `json:"git_refs_url"`
	TreesURL         string  `json:"trees_url"`
	StatusesURL      string  `json:"statuses_url"`
	LanguagesURL     string  `json:"languages_url"`
	StargazersURL    string  `json:"stargazers_url"`
	ContributorsURL  string  `json:"contributors_url"`
	SubscribersURL   string  `json:"subscribers_url"`
	SubscriptionURL  string  `json:"subscription_url"`
	CommitsURL       string  `json:"commits_url"`
	GitCommitsURL    string  `json:"git_commits_url"`
	CommentsURL      string  `json:"comments_url"`
	IssueCommentURL  string  `json:"issue_comment_url"`
	ContentsURL      string  `json:"contents_url"`
	CompareURL       string  `json:"compare_url"`
	MergesURL        string  `json:"merges_url"`
	ArchiveURL       string  `json:"archive_url"`
	DownloadsURL     string  `json:"downloads_url"`
	IssuesURL        string  `json:"issues_url"`
	PullsURL         string  `json:"pulls_url"`
	MilestonesURL    string  `json:"milestones_url"`
	NotificationsURL string  `json:"notifications_url"`
	LabelsURL        string  `json:"labels_url"`
	ReleasesURL      string  `json:"releases_url"`
	DeploymentsURL   string  `json:"deployments_url"`
}

// jsonRepo is a repository in lists and in the head and base of a pull request.
type jsonRepo struct {
	jsonMinimalRepo
	CreatedAt        time.Time        `json:"created_at"`
	UpdatedAt        time.Time        `json:"updated_at"`
	PushedAt         time.Time        `json:"pushed_at"`
	GitURL           string           `json:"git_url"`
	SSHURL           string           `json:"ssh_url"`
	CloneURL         string           `json:"clone_url"`
	SVNURL           string           `json:"svn_url"`
	Homepage         *string          `json:"homepage"`
	Size             int              `json:"size"`
	StargazersCount  int              `json:"stargazers_count"`
	WatchersCount    int              `json:"watchers_count"`
	Language         *string          `json:"language"`
	HasIssues        bool             `json:"has_issues"`
	HasProjects      bool             `json:"has_projects"`
	HasDownloads     bool             `json:"has_downloads"`
	HasWiki          bool             `json:"has_wiki"`
	HasPages         bool             `json:"has_pages"`
	HasDiscussions   bool             `json:"has_discussions"`
	ForksCount       int              `json:"forks_count"`
	MirrorURL        *string          `json:"mirror_url"`
	Archived         bool             `json:"archived"`
	Disabled         bool             `json:"disabled"`
	OpenIssuesCount  int              `json:"open_issues_count"`
	License          any              `json:"license"`
	AllowForking     bool             `json:"allow_forking"`
	IsTemplate       bool             `json:"is_template"`
	SignoffRequired  bool             `json:"web_commit_signoff_required"`
	Topics           []string         `json:"topics"`
	Visibility       string           `json:"visibility"`
	Forks            int              `json:"forks"`
	OpenIssues       int              `json:"open_issues"`
	Watchers         int              `json:"watchers"`
	DefaultBranch    string           `json:"default_branch"`
	Permissions      *jsonPermissions `json:"permissions,omitempty"`
	TempCloneToken   *string          `json:"temp_clone_token,omitempty"`
	AllowSquash      *bool            `json:"allow_squash_merge,omitempty"`
	AllowMerge       *bool            `json:"allow_merge_commit,omitempty"`
	AllowRebase      *bool            `json:"allow_rebase_merge,omitempty"`
	AllowAuto        *bool            `json:"allow_auto_merge,omitempty"`
	DeleteBranch     *bool            `json:"delete_branch_on_merge,omitempty"`
	AllowUpdate      *bool            `json:"allow_update_branch,omitempty"`
	SquashTitle      *bool            `json:"use_squash_pr_title_as_default,omitempty"`
	Organization     any              `json:"organization,omitempty"`
	Parent           *jsonRepo        `json:"parent,omitempty"`
	Source           *jsonRepo        `json:"source,omitempty"`
	NetworkCount     *int             `json:"network_count,omitempty"`
	SubscribersCount *int             `json:"subscribers_count,omitempty"`
}

// jsonPermissions is what the asking user may do.
type jsonPermissions struct {
	Admin    bool `json:"admin"`
	Maintain bool `json:"maintain"`
	Push     bool `json:"push"`
	Triage   bool `json:"triage"`
	Pull     bool `json:"pull"`
}

func permissionsJSON(p Permission) *jsonPermissions {
	return &jsonPermissions{Admin: p == Admin, Maintain: p == Admin, Push: p >= Write, Triage: p >= Write, Pull: p >= Read}
}

// jsonTime is a time as GitHub shows it: UTC, in whole seconds.
func jsonTime(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

// timeOrNull is the same, and null for no time.
func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return new(jsonTime(t))
}

// orNull makes an empty text null.
func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// minimalRepo is a repository inside other things, from the cache.
func (rq *request) minimalRepo(r *repo) any {
	return r.json.of(rq.site, r.name, func() any { return rq.minimal(r) })
}

func (rq *request) minimal(r *repo) jsonMinimalRepo {
	u := rq.site.repo(r)
	return jsonMinimalRepo{
		ID: r.id, NodeID: nodeID("Repository", r.id), Name: r.name, FullName: r.fullName(), Private: r.private,
		Owner: rq.user(r.owner), HTMLURL: rq.site.repoHTML(r), Description: orNull(r.description), Fork: r.parent != nil, URL: u,
		ForksURL: u + "/forks", KeysURL: u + "/keys{/key_id}", CollaboratorsURL: u + "/collaborators{/collaborator}",
		TeamsURL: u + "/teams", HooksURL: u + "/hooks", IssueEventsURL: u + "/issues/events{/number}", EventsURL: u + "/events",
		AssigneesURL: u + "/assignees{/user}", BranchesURL: u + "/branches{/branch}", TagsURL: u + "/tags",
		BlobsURL: u + "/git/blobs{/sha}", GitTagsURL: u + "/git/tags{/sha}", GitRefsURL: u + "/git/refs{/sha}",
		TreesURL: u + "/git/trees{/sha}", StatusesURL: u + "/statuses/{sha}", LanguagesURL: u + "/languages",
		StargazersURL: u + "/stargazers", ContributorsURL: u + "/contributors", SubscribersURL: u + "/subscribers",
		SubscriptionURL: u + "/subscription", CommitsURL: u + "/commits{/sha}", GitCommitsURL: u + "/git/commits{/sha}",
		CommentsURL: u + "/comments{/number}", IssueCommentURL: u + "/issues/comments{/number}",
		ContentsURL: u + "/contents/{+path}", CompareURL: u + "/compare/{base}...{head}", MergesURL: u + "/merges",
		ArchiveURL: u + "/{archive_format}{/ref}", DownloadsURL: u + "/downloads", IssuesURL: u + "/issues{/number}",
		PullsURL: u + "/pulls{/number}", MilestonesURL: u + "/milestones{/number}",
		NotificationsURL: u + "/notifications{?since,all,participating}", LabelsURL: u + "/labels{/name}",
		ReleasesURL: u + "/releases{/id}", DeploymentsURL: u + "/deployments",
	}
}

// repoJSON is a repository in lists and pull requests.
func (rq *request) repoJSON(r *repo) *jsonRepo {
	html, open := rq.site.repoHTML(r), rq.openIssues(r)
	visibility := "public"
	if r.private {
		visibility = "private"
	}
	return &jsonRepo{
		jsonMinimalRepo: rq.minimal(r),
		CreatedAt:       jsonTime(r.created), UpdatedAt: jsonTime(r.updated), PushedAt: jsonTime(r.pushed),
		GitURL: "git" + trimScheme(html) + ".git", SSHURL: sshURL(html, r), CloneURL: html + ".git", SVNURL: html,
		HasIssues: true, HasProjects: true, HasDownloads: true, HasWiki: true,
		ForksCount: len(r.forks), Forks: len(r.forks), OpenIssuesCount: open, OpenIssues: open,
		AllowForking: true, Topics: []string{}, Visibility: visibility, DefaultBranch: r.defaultBranch,
	}
}

// sshURL is what people paste into git: the host without a port, a colon, the name.
func sshURL(html string, r *repo) string {
	host, _, _ := strings.Cut(strings.TrimPrefix(trimScheme(html), "://"), "/")
	host, _, _ = strings.Cut(host, ":")
	return "git@" + host + ":" + r.fullName() + ".git"
}

// trimScheme leaves "://host/…" of an address.
func trimScheme(url string) string {
	for i := range url {
		if url[i] == ':' {
			return url[i:]
		}
	}
	return url
}

// fullRepo is a repository asked for by itself.
func (rq *request) fullRepo(r *repo) *jsonRepo {
	full := rq.repoJSON(r)
	yes, no := new(true), new(false)
	if rq.actor.user != nil {
		p := r.permission(rq.actor.user)
		if in := rq.actor.installation(); in != nil {
			p = max(p, min(in.permissions["contents"], Write))
		}
		full.Permissions = permissionsJSON(p)
		if p >= Write {
			full.AllowSquash, full.AllowMerge, full.AllowRebase = yes, yes, yes
			full.AllowAuto, full.DeleteBranch, full.AllowUpdate, full.SquashTitle = no, no, no, no
		}
		full.TempCloneToken = new("")
	}
	if r.owner.kind == "Organization" {
		full.Organization = rq.user(r.owner)
	}
	if r.parent != nil {
		full.Parent = rq.repoJSON(r.parent)
		root := r.parent
		for root.parent != nil {
			root = root.parent
		}
		full.Source = rq.repoJSON(root)
	}
	full.NetworkCount, full.SubscribersCount = new(len(r.forks)), new(1)
	return full
}

// openIssues counts issues and pull requests that are open.
func (rq *request) openIssues(r *repo) int {
	n, t := 0, rq.asOf(issueDomain)
	for _, is := range r.issues {
		if st, found := is.state.at(t); found && !st.closed {
			n++
		}
	}
	return n
}
