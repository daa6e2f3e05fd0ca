package fakehub

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-github/v57/github"
)

// A witness holds each request and answer against GitHub's description, and
// remembers which operations it has seen.
type witness struct {
	t     *testing.T
	next  http.RoundTripper
	token string

	mu   sync.Mutex
	seen map[string]bool
}

// RoundTrip implements http.RoundTripper.
func (w *witness) RoundTrip(rq *http.Request) (*http.Response, error) {
	rq = rq.Clone(rq.Context())
	rq.Header.Set("Authorization", "Bearer "+w.token)
	var sent []byte
	if rq.Body != nil {
		var err error
		if sent, err = io.ReadAll(rq.Body); err != nil {
			return nil, err
		}
		rq.Body = io.NopCloser(bytes.NewReader(sent))
	}
	res, err := w.next.RoundTrip(rq)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(data))
	path := strings.TrimPrefix(rq.URL.Path, "/api/uploads")
	op := findOperation(w.t, rq.Method, path)
	if op == nil {
		return res, nil
	}
	w.mu.Lock()
	w.seen[op.method+" "+op.path.String()] = true
	w.mu.Unlock()
	checkRequest(w.t, op, rq, sent)
	checkAnswer(w.t, rq.Method, path, reply{res.StatusCode, res.Header, data})
	return res, nil
}

// checkRequest makes sure that what the client sends, and the server takes, is
// what GitHub would take.
func checkRequest(t *testing.T, op *operation, rq *http.Request, sent []byte) {
	t.Helper()
	body := op.what.RequestBody
	if body == nil || !strings.HasPrefix(rq.Header.Get("Content-Type"), "application/json") {
		return
	}
	media := body.Value.Content.Get("application/json")
	var v any
	if err := json.Unmarshal(sent, &v); err != nil || media == nil {
		t.Errorf("%s %s: read request: %v", rq.Method, rq.URL.Path, err)
		return
	}
	if _, isList := v.([]any); isList && strings.HasSuffix(rq.URL.Path, "/labels") {
		return // no longer described, but still taken, and what this client sends
	}
	if err := media.Schema.Value.VisitJSON(v, openapi3.VisitAsRequest()); err != nil {
		t.Errorf("%s %s: the request is not as GitHub describes it: %.500v\n%s", rq.Method, rq.URL.Path, err, sent)
	}
}

// A clientScript is a session of go-github with a server.
type clientScript struct {
	*hub
	w      *witness
	c      *github.Client
	branch string // a commit's name
	pull   int
}

// check fails the test if a call of the client fails.
func check[T any](s *clientScript) func(T, *github.Response, error) T {
	return func(v T, res *github.Response, err error) T {
		s.t.Helper()
		if err != nil {
			s.t.Fatal(err)
		}
		if res.StatusCode < 200 || res.StatusCode > 299 {
			s.t.Fatalf("status is %d", res.StatusCode)
		}
		return v
	}
}

// equal fails the test unless two values are the same.
func equal[T comparable](s *clientScript, what string, got, want T) {
	s.t.Helper()
	if got != want {
		s.t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// TestClientSession runs a client that others wrote through every operation of the
// slice of GitHub's description, and validates all of its requests and answers.
func TestClientSession(t *testing.T) {
	h := newHub(t, Options{Limits: GitHubLimits()})
	w := &witness{t: t, next: h.s.Transport(), token: "owner-token", seen: map[string]bool{}}
	client, err := github.NewClient(&http.Client{Transport: w}).WithEnterpriseURLs("http://hub.test", "http://hub.test")
	h.must(err)
	client.UploadURL = must(client.UploadURL.Parse("/api/uploads/"))
	s := &clientScript{hub: h, w: w, c: client}
	s.people()
	s.code()
	s.objects()
	s.issues()
	s.pulls()
	s.statuses()
	s.releases()
	s.app()
	list, err := operations()
	h.must(err)
	for _, op := range list {
		if name := op.method + " " + op.path.String(); !w.seen[name] {
			t.Errorf("the session never did %s", name)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func (s *clientScript) people() {
	ctx := s.t.Context()
	equal(s, "viewer", check[*github.User](s)(s.c.Users.Get(ctx, "")).GetLogin(), "owner")
	equal(s, "user", check[*github.User](s)(s.c.Users.Get(ctx, "bot")).GetType(), "User")
	check[*github.APIMeta](s)(s.c.Meta.Get(ctx))
	limits := check[*github.RateLimits](s)(s.c.RateLimit.Get(ctx))
	equal(s, "limit", limits.GetCore().Limit, 5000)
	equal(s, "permission", check[*github.RepositoryPermissionLevel](s)(s.c.Repositories.GetPermissionLevel(ctx, "acme", "widget", "bot")).GetPermission(), "write")
	if n := len(check[[]*github.User](s)(s.c.Repositories.ListCollaborators(ctx, "acme", "widget", nil))); n < 4 {
		s.t.Errorf("%d collaborators", n)
	}
}

func (s *clientScript) code() {
	ctx := s.t.Context()
	repo := check[*github.Repository](s)(s.c.Repositories.Get(ctx, "acme", "widget"))
	equal(s, "default branch", repo.GetDefaultBranch(), "main")
	file := check[*github.RepositoryContentResponse](s)(s.c.Repositories.CreateFile(ctx, "acme", "widget", "dir/file.txt", &github.RepositoryContentFileOptions{
		Message: github.String("add a file"), Content: []byte("one\n"), Branch: github.String("main"),
	}))
	s.branch = file.GetSHA()
	got, _, _, err := s.c.Repositories.GetContents(ctx, "acme", "widget", "dir/file.txt", nil)
	s.must(err)
	equal(s, "content", must(got.GetContent()), "one\n")
	_, dir, _, err := s.c.Repositories.GetContents(ctx, "acme", "widget", "dir", nil)
	s.must(err)
	equal(s, "entries", len(dir), 1)
	equal(s, "branches", len(check[[]*github.Branch](s)(s.c.Repositories.ListBranches(ctx, "acme", "widget", nil))), 1)
	equal(s, "branch", check[*github.Branch](s)(s.c.Repositories.GetBranch(ctx, "acme", "widget", "main", 1)).GetCommit().GetSHA(), s.branch)
	commit := check[*github.RepositoryCommit](s)(s.c.Repositories.GetCommit(ctx, "acme", "widget", "main", nil))
	equal(s, "message", commit.GetCommit().GetMessage(), "add a file")
	diff := check[*github.CommitsComparison](s)(s.c.Repositories.CompareCommits(ctx, "acme", "widget", s.sha, "main", nil))
	equal(s, "ahead", diff.GetAheadBy(), 1)
	fork, _, err := s.c.Repositories.CreateFork(ctx, "acme", "widget", nil)
	var accepted *github.AcceptedError
	if !errors.As(err, &accepted) {
		s.t.Errorf("fork is answered with %v", err)
	}
	equal(s, "fork", fork.GetFullName(), "owner/widget")
	equal(s, "forks", len(check[[]*github.Repository](s)(s.c.Repositories.ListForks(ctx, "acme", "widget", nil))), 1)
	if n := len(check[[]*github.Event](s)(s.c.Activity.ListRepositoryEvents(ctx, "acme", "widget", nil))); n == 0 {
		s.t.Error("no activity")
	}
}

func (s *clientScript) objects() {
	ctx := s.t.Context()
	blob := check[*github.Blob](s)(s.c.Git.CreateBlob(ctx, "acme", "widget", &github.Blob{Content: github.String("two\n"), Encoding: github.String("utf-8")}))
	tree := check[*github.Tree](s)(s.c.Git.CreateTree(ctx, "acme", "widget", s.branch, []*github.TreeEntry{
		{Path: github.String("other"), Mode: github.String("100644"), Type: github.String("blob"), SHA: blob.SHA},
	}))
	parent := check[*github.Commit](s)(s.c.Git.GetCommit(ctx, "acme", "widget", s.branch))
	commit := check[*github.Commit](s)(s.c.Git.CreateCommit(ctx, "acme", "widget", &github.Commit{
		Message: github.String("by hand"), Tree: tree, Parents: []*github.Commit{parent},
	}, nil))
	ref := &github.Reference{Ref: github.String("refs/heads/feature/x"), Object: &github.GitObject{SHA: &s.sha}}
	check[*github.Reference](s)(s.c.Git.CreateRef(ctx, "acme", "widget", ref))
	ref.Object.SHA = commit.SHA
	equal(s, "moved", check[*github.Reference](s)(s.c.Git.UpdateRef(ctx, "acme", "widget", ref, false)).GetObject().GetSHA(), commit.GetSHA())
	equal(s, "ref", check[*github.Reference](s)(s.c.Git.GetRef(ctx, "acme", "widget", "heads/feature/x")).GetObject().GetSHA(), commit.GetSHA())
	if refs := check[[]*github.Reference](s)(s.c.Git.ListMatchingRefs(ctx, "acme", "widget", &github.ReferenceListOptions{Ref: "heads/feat"})); len(refs) != 1 {
		s.t.Errorf("matching refs are %v", refs)
	}
	_, _, err := s.c.Git.CreateRef(ctx, "acme", "widget", ref)
	var refused *github.ErrorResponse
	if !errors.As(err, &refused) || refused.Response.StatusCode != 422 || refused.Message != "Reference already exists" {
		s.t.Errorf("a second creation: %v", err)
	}
	when := github.Timestamp{Time: time.Now().UTC().Truncate(time.Second)}
	tag := check[*github.Tag](s)(s.c.Git.CreateTag(ctx, "acme", "widget", &github.Tag{
		Tag: github.String("v1"), Message: github.String("one"), Object: &github.GitObject{Type: github.String("commit"), SHA: commit.SHA},
		Tagger: &github.CommitAuthor{Name: github.String("A"), Email: github.String("a@x.test"), Date: &when},
	}))
	equal(s, "tag", check[*github.Tag](s)(s.c.Git.GetTag(ctx, "acme", "widget", tag.GetSHA())).GetMessage(), "one")
	check[*github.Reference](s)(s.c.Git.CreateRef(ctx, "acme", "widget", &github.Reference{Ref: github.String("refs/tags/v1"), Object: &github.GitObject{SHA: tag.SHA}}))
	equal(s, "tags", len(check[[]*github.RepositoryTag](s)(s.c.Repositories.ListTags(ctx, "acme", "widget", nil))), 1)
	check[*github.Reference](s)(s.c.Git.CreateRef(ctx, "acme", "widget", &github.Reference{Ref: github.String("refs/heads/gone"), Object: &github.GitObject{SHA: &s.sha}}))
	_, err = s.c.Git.DeleteRef(ctx, "acme", "widget", "heads/gone")
	s.must(err)
}

func (s *clientScript) issues() {
	ctx := s.t.Context()
	issue := check[*github.Issue](s)(s.c.Issues.Create(ctx, "acme", "widget", &github.IssueRequest{
		Title: github.String("Update translations"), Body: github.String(" * [ ] po-refresh"), Labels: &[]string{"bug"},
	}))
	n := issue.GetNumber()
	check[*github.Label](s)(s.c.Issues.CreateLabel(ctx, "acme", "widget", &github.Label{Name: github.String("bot"), Color: github.String("5319e7")}))
	equal(s, "labels", len(check[[]*github.Label](s)(s.c.Issues.AddLabelsToIssue(ctx, "acme", "widget", n, []string{"bot"}))), 2)
	equal(s, "labels", len(check[[]*github.Label](s)(s.c.Issues.ListLabelsByIssue(ctx, "acme", "widget", n, nil))), 2)
	check[[]*github.Label](s)(s.c.Issues.ReplaceLabelsForIssue(ctx, "acme", "widget", n, []string{"bot", "question"}))
	_, err := s.c.Issues.RemoveLabelForIssue(ctx, "acme", "widget", n, "question")
	s.must(err)
	if all := check[[]*github.Label](s)(s.c.Issues.ListLabels(ctx, "acme", "widget", nil)); len(all) < 9 {
		s.t.Errorf("%d labels", len(all))
	}
	check[*github.Issue](s)(s.c.Issues.Edit(ctx, "acme", "widget", n, &github.IssueRequest{Title: github.String("WIP: host: Update translations")}))
	equal(s, "title", check[*github.Issue](s)(s.c.Issues.Get(ctx, "acme", "widget", n)).GetTitle(), "WIP: host: Update translations")
	comment := check[*github.IssueComment](s)(s.c.Issues.CreateComment(ctx, "acme", "widget", n, &github.IssueComment{Body: github.String("hello")}))
	check[*github.IssueComment](s)(s.c.Issues.EditComment(ctx, "acme", "widget", comment.GetID(), &github.IssueComment{Body: github.String("bye")}))
	equal(s, "comment", check[*github.IssueComment](s)(s.c.Issues.GetComment(ctx, "acme", "widget", comment.GetID())).GetBody(), "bye")
	equal(s, "comments", len(check[[]*github.IssueComment](s)(s.c.Issues.ListComments(ctx, "acme", "widget", n, nil))), 1)
	renames := 0
	for _, e := range check[[]*github.IssueEvent](s)(s.c.Issues.ListIssueEvents(ctx, "acme", "widget", n, nil)) {
		if e.GetEvent() == "renamed" && e.GetRename().GetFrom() == "Update translations" {
			renames++
		}
	}
	equal(s, "renames", renames, 1)
	check[[]*github.Timeline](s)(s.c.Issues.ListIssueTimeline(ctx, "acme", "widget", n, nil))
	_, err = s.c.Issues.DeleteComment(ctx, "acme", "widget", comment.GetID())
	s.must(err)
	equal(s, "issues", len(check[[]*github.Issue](s)(s.c.Issues.ListByRepo(ctx, "acme", "widget", &github.IssueListByRepoOptions{Labels: []string{"bot"}}))), 1)
	found := check[*github.IssuesSearchResult](s)(s.c.Search.Issues(ctx, "repo:acme/widget is:issue translations", nil))
	equal(s, "found", found.GetTotal(), 1)
	s.pull = n
}

func (s *clientScript) pulls() {
	ctx := s.t.Context()
	pull := check[*github.PullRequest](s)(s.c.PullRequests.Create(ctx, "acme", "widget", &github.NewPullRequest{
		Issue: &s.pull, Head: github.String("feature/x"), Base: github.String("main"), MaintainerCanModify: github.Bool(false),
	}))
	equal(s, "number", pull.GetNumber(), s.pull)
	equal(s, "title", pull.GetTitle(), "WIP: host: Update translations")
	check[*github.PullRequest](s)(s.c.PullRequests.Edit(ctx, "acme", "widget", s.pull, &github.PullRequest{Title: github.String("Update translations")}))
	got := check[*github.PullRequest](s)(s.c.PullRequests.Get(ctx, "acme", "widget", s.pull))
	equal(s, "mergeable", got.GetMergeable(), true)
	s.branch = got.GetHead().GetSHA()
	equal(s, "pulls", len(check[[]*github.PullRequest](s)(s.c.PullRequests.List(ctx, "acme", "widget", nil))), 1)
	equal(s, "commits", len(check[[]*github.RepositoryCommit](s)(s.c.PullRequests.ListCommits(ctx, "acme", "widget", s.pull, nil))), 1)
	equal(s, "files", len(check[[]*github.CommitFile](s)(s.c.PullRequests.ListFiles(ctx, "acme", "widget", s.pull, nil))), 1)
	check[[]*github.PullRequestReview](s)(s.c.PullRequests.ListReviews(ctx, "acme", "widget", s.pull, nil))
}

func (s *clientScript) statuses() {
	ctx := s.t.Context()
	for _, state := range []string{"pending", "success"} {
		check[*github.RepoStatus](s)(s.c.Repositories.CreateStatus(ctx, "acme", "widget", s.branch, &github.RepoStatus{
			State: &state, Context: github.String("verify/a"), Description: github.String("Tests"), TargetURL: github.String("https://logs.test/"),
		}))
	}
	list := check[[]*github.RepoStatus](s)(s.c.Repositories.ListStatuses(ctx, "acme", "widget", s.branch, nil))
	equal(s, "statuses", len(list), 2)
	equal(s, "newest", list[0].GetState(), "success")
	equal(s, "combined", check[*github.CombinedStatus](s)(s.c.Repositories.GetCombinedStatus(ctx, "acme", "widget", s.branch, nil)).GetState(), "success")
}

func (s *clientScript) releases() {
	ctx := s.t.Context()
	made := check[*github.RepositoryRelease](s)(s.c.Repositories.CreateRelease(ctx, "acme", "widget", &github.RepositoryRelease{
		TagName: github.String("v1"), Name: github.String("One"), Draft: github.Bool(true),
	}))
	file, err := os.Create(filepath.Join(s.t.TempDir(), "widget.tar"))
	s.must(err)
	_, err = file.WriteString("data")
	s.must(err)
	_, err = file.Seek(0, io.SeekStart)
	s.must(err)
	asset := check[*github.ReleaseAsset](s)(s.c.Repositories.UploadReleaseAsset(ctx, "acme", "widget", made.GetID(), &github.UploadOptions{Name: "widget.tar"}, file))
	s.must(file.Close())
	equal(s, "asset", asset.GetSize(), 4)
	check[*github.RepositoryRelease](s)(s.c.Repositories.EditRelease(ctx, "acme", "widget", made.GetID(), &github.RepositoryRelease{Draft: github.Bool(false)}))
	equal(s, "release", check[*github.RepositoryRelease](s)(s.c.Repositories.GetReleaseByTag(ctx, "acme", "widget", "v1")).GetID(), made.GetID())
	equal(s, "releases", len(check[[]*github.RepositoryRelease](s)(s.c.Repositories.ListReleases(ctx, "acme", "widget", nil))), 1)
}

func (s *clientScript) app() {
	ctx := s.t.Context()
	key, app, installation := s.addApp(0, map[string]Permission{"issues": Write})
	now := time.Now().Unix()
	s.w.token = jwt(s.t, key, "RS256", dict{"iss": app, "iat": now - 10, "exp": now + 500})
	equal(s, "app", check[*github.App](s)(s.c.Apps.Get(ctx, "")).GetSlug(), "cyborg")
	found := check[*github.Installation](s)(s.c.Apps.FindRepositoryInstallation(ctx, "acme", "widget"))
	equal(s, "installation", found.GetID(), installation)
	token := check[*github.InstallationToken](s)(s.c.Apps.CreateInstallationToken(ctx, installation, &github.InstallationTokenOptions{
		Repositories: []string{"widget"}, Permissions: &github.InstallationPermissions{Issues: github.String("write")},
	}))
	s.w.token = token.GetToken()
	issue := check[*github.Issue](s)(s.c.Issues.Create(ctx, "acme", "widget", &github.IssueRequest{Title: github.String("by an app")}))
	equal(s, "author", issue.GetUser().GetLogin(), "cyborg[bot]")
}
