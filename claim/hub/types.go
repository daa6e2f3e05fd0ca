package hub

import "time"

// A Status is one record of a commit's log of statuses. A record is never changed and never goes away.
type Status struct {
	ID          int64  // 0 where GitHub does not tell it: in a Scan
	State       string // pending, success, failure, error (and expected, in a Scan)
	Context     string // GitHub compares contexts without regard to case
	Description string // at most 140 characters
	TargetURL   string
	Creator     string // login
	CreatedAt   time.Time
}

// A Pull is a pull request.
type Pull struct {
	Number      int
	Title       string
	Body        string // empty in a Scan, which would be megabytes long otherwise
	State       string // open, closed
	Merged      bool
	Draft       bool
	Labels      []string
	Author      string // login; empty for a deleted account
	Association string // OWNER, MEMBER, COLLABORATOR, CONTRIBUTOR, NONE …
	HeadSHA     string
	HeadRef     string // the branch's name, without refs/heads/
	HeadRepo    string // owner/name; empty if the fork was deleted
	BaseRef     string
	BaseSHA     string
	URL         string // for people
	CreatedAt   time.Time
	UpdatedAt   time.Time
	Contexts    []Status // newest of each context, only in a Scan
	Stale       bool     // in a list: older than an answer had before, so nothing may be decided on it
}

// A Snapshot is what Scan saw.
type Snapshot struct {
	DefaultBranch string
	DefaultSHA    string // its head; both are empty in an empty repository
	Pulls         []Pull // the open ones, oldest first
	Now           time.Time
}

// A Repository is what the bots need to know of one.
type Repository struct {
	ID            int64
	NodeID        string // GraphQL's name for it
	Name          Repo   // as it is called now, if it was renamed
	DefaultBranch string
	Private       bool
	Archived      bool
	Permission    string // of the one who asks: admin, maintain, write, triage, read, none; empty if not told
	CloneURL      string
	URL           string
	Parent        string // owner/name of the repository that this is a fork of; empty if it is none
}

// A TextEdit is a change of an issue's text.
type TextEdit struct {
	Editor string // login; empty for a deleted account
	At     time.Time
	Text   string // the whole text after it, from Texts; empty if GitHub does not have it any more
}

// A User is who the credentials belong to.
type User struct {
	Login string
	ID    int64
	App   bool // an installation of a GitHub App; Login is "slug[bot]"

	// Scopes are what a classic token may do, in GitHub's words with commas between. They are empty for other credentials,
	// whose rights are bound to repositories.
	Scopes string
}

// An Issue is an issue, or a pull request seen as one.
type Issue struct {
	Number      int
	Title       string
	Body        string
	State       string // open, closed
	Labels      []string
	Author      string
	Association string
	Pull        bool // it is a pull request
	Locked      bool
	Comments    int // how many
	URL         string
	CreatedAt   time.Time
	UpdatedAt   time.Time
	ClosedAt    time.Time
	Stale       bool // in a list: older than an answer had before, so nothing may be decided on it
}

// An IssueFilter chooses issues. The zero value means the open ones.
type IssueFilter struct {
	State   string   // open (default), closed, all
	Labels  []string // all of them
	Creator string
	Since   time.Time // updated at or after
	Max     int       // at most so many, newest first; 0: all
}

// A NewIssue is what CreateIssue makes.
type NewIssue struct {
	Title, Body string
	Labels      []string
}

// An IssueEdit says what to change; nil leaves a field as it is. All fields change in one request. There is no precondition on
// GitHub: the last writer wins.
type IssueEdit struct {
	Title, Body *string
	State       *string // open, closed
	Reason      *string // completed, not_planned
	Labels      *[]string
}

// An Event is one of an issue's log: renamed, labeled, unlabeled, closed, reopened, assigned, head_ref_force_pushed …
// Ids ascend; an event never changes.
type Event struct {
	ID        int64
	Kind      string
	Actor     string
	From, To  string // titles, of renamed
	Label     string // of labeled, unlabeled
	Commit    string
	CreatedAt time.Time
}

// A Comment is one on an issue or a pull request.
type Comment struct {
	ID          int64
	Number      int // of the issue or pull request
	Body        string
	Author      string
	Association string
	URL         string
	Reactions   int // how many
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// A NewPull is what CreatePull and ConvertIssue make.
type NewPull struct {
	Title, Body string // ConvertIssue takes the issue's
	Head        string // branch, or owner:branch of a fork
	Base        string
	Draft       bool
	Maintain    bool // maintainers may push to the fork's branch
}

// A PullFilter chooses pull requests. The zero value means the open ones.
type PullFilter struct {
	State string // open (default), closed, all
	Head  string // owner:branch
	Base  string // branch
}

// A NewCommit is what CreateCommit makes.
type NewCommit struct {
	Message string
	Tree    string   // "" means the empty tree
	Parents []string // none for a fresh root
}

// A RefUpdate moves one ref from Before to After if it is at Before. NoObject as Before means that it must not exist; as After, that
// it is deleted.
type RefUpdate struct {
	Name          string // full: refs/claims/…
	Before, After string
	Force         bool // After need not descend from Before
}

// NoObject is git's id for nothing.
const NoObject = "0000000000000000000000000000000000000000"

// EmptyTree is git's id of the tree without entries.
const EmptyTree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

// A Write is a request that was sent and might have changed something, for Options.Journal.
type Write struct {
	Time      time.Time // when it was sent, local
	Method    string
	Path      string // without the API's root: "repos/acme/widget/issues"
	Body      []byte
	Status    int // 0 if no answer came
	RequestID string
	Err       error // nil if it was carried out
}
