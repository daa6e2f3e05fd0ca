package fakehub

import (
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

type jsonCommit struct {
	SHA         string           `json:"sha"`
	NodeID      string           `json:"node_id"`
	Commit      jsonCommitDetail `json:"commit"`
	URL         string           `json:"url"`
	HTMLURL     string           `json:"html_url"`
	CommentsURL string           `json:"comments_url"`
	Author      any              `json:"author"`
	Committer   any              `json:"committer"`
	Parents     []jsonParent     `json:"parents"`
	Stats       *jsonStats       `json:"stats,omitempty"`
	Files       *[]jsonFile      `json:"files,omitempty"`
}

type jsonCommitDetail struct {
	Author       jsonPerson       `json:"author"`
	Committer    jsonPerson       `json:"committer"`
	Message      string           `json:"message"`
	Tree         jsonTreeRef      `json:"tree"`
	URL          string           `json:"url"`
	CommentCount int              `json:"comment_count"`
	Verification jsonVerification `json:"verification"`
}

type jsonStats struct {
	Total     int `json:"total"`
	Additions int `json:"additions"`
	Deletions int `json:"deletions"`
}

type jsonFile struct {
	SHA         string `json:"sha"`
	Filename    string `json:"filename"`
	Status      string `json:"status"`
	Additions   int    `json:"additions"`
	Deletions   int    `json:"deletions"`
	Changes     int    `json:"changes"`
	BlobURL     string `json:"blob_url"`
	RawURL      string `json:"raw_url"`
	ContentsURL string `json:"contents_url"`
	Patch       string `json:"patch,omitempty"`
	Previous    string `json:"previous_filename,omitempty"`
}

// commitJSON encodes a commit as the repository's API shows it, without files.
func (rq *request) commitJSON(c gitCommit) *jsonCommit {
	url := rq.site.repo(rq.repo) + "/commits/"
	return &jsonCommit{
		SHA: c.SHA, NodeID: gitNodeID("Commit", rq.repo, c.SHA),
		Commit: jsonCommitDetail{
			Author: personJSON(c.Author), Committer: personJSON(c.Committer), Message: strings.ToValidUTF8(c.Message, "\uFFFD"),
			Tree: rq.treeRef(c.Tree), URL: rq.gitURL("commits/" + c.SHA), Verification: verificationOf(c),
		},
		URL: url + c.SHA, HTMLURL: rq.site.repoHTML(rq.repo) + "/commit/" + c.SHA, CommentsURL: url + c.SHA + "/comments",
		Author: rq.user(rq.s.userByEmail(c.Author.Email)), Committer: rq.user(rq.s.userByEmail(c.Committer.Email)),
		Parents: rq.parents(c, url),
	}
}

// commitsJSON encodes several by name.
func (rq *request) commitsJSON(names []string) ([]*jsonCommit, error) {
	list := make([]*jsonCommit, 0, len(names))
	for _, sha := range names {
		c, err := rq.repo.commit(rq.ctx, sha)
		if err != nil {
			return nil, err
		}
		list = append(list, rq.commitJSON(c))
	}
	return list, nil
}

// userByEmail finds the account that a commit's address belongs to; nil if none.
func (s *Server) userByEmail(email string) *user {
	if email == "" {
		return nil
	}
	var found *user
	for _, u := range s.users {
		// Several accounts cannot share an address on GitHub; here the oldest wins.
		if strings.EqualFold(u.email, email) && (found == nil || u.id < found.id) {
			found = u
		}
	}
	return found
}

// filesJSON encodes the difference that ends in commit.
func (rq *request) filesJSON(changes []fileChange, commit string) []jsonFile {
	html, api := rq.site.repoHTML(rq.repo), rq.site.repo(rq.repo)
	list := make([]jsonFile, 0, len(changes))
	for _, c := range changes {
		path := escapePath(c.path)
		list = append(list, jsonFile{
			SHA: c.sha, Filename: c.path, Status: c.status,
			Additions: c.additions, Deletions: c.deletions, Changes: c.additions + c.deletions,
			BlobURL: html + "/blob/" + commit + "/" + path, RawURL: html + "/raw/" + commit + "/" + path,
			ContentsURL: api + "/contents/" + path + "?ref=" + commit, Patch: c.patch, Previous: c.previous,
		})
	}
	return list
}

func statsOf(changes []fileChange) *jsonStats {
	var s jsonStats
	for _, c := range changes {
		s.Additions += c.additions
		s.Deletions += c.deletions
	}
	s.Total = s.Additions + s.Deletions
	return &s
}

// escapePath writes a path of a repository into an address.
func escapePath(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return strings.Join(parts, "/")
}

// noCommit is what GitHub answers for a name that is no commit.
func noCommit(ref string) response {
	return unprocessable("No commit found for SHA: " + ref)
}

func getCommit(rq *request) response {
	at := rq.asOf(refDomain)
	if rq.repo.empty(at) {
		return emptyRepo()
	}
	sha, err := rq.repo.resolve(rq.ctx, rq.param("ref"), at)
	if errors.Is(err, errNoObject) {
		return rq.belowCommit()
	}
	if err != nil {
		return rq.broken(err)
	}
	if media := rq.accepts("sha"); media != "" {
		return inForm(media, []byte(sha))
	}
	c, err := rq.repo.commit(rq.ctx, sha)
	if err != nil {
		return rq.broken(err)
	}
	from := ""
	if len(c.Parents) > 0 {
		from = c.Parents[0]
	}
	changes, err := rq.repo.git.diff(rq.ctx, from, sha)
	if err != nil {
		return rq.broken(err)
	}
	out := rq.commitJSON(c)
	out.Stats = statsOf(changes)
	files := rq.filesJSON(changes, sha)
	out.Files = &files
	return ok(out)
}

// belowCommit answers what lies below a commit whose name has slashes in it,
// such as commits/feature/x/status, which the patterns of those routes do not
// take.
func (rq *request) belowCommit() response {
	at := slices.Index(rq.route.names, "ref")
	ref := rq.params[at]
	if name, ok := strings.CutSuffix(ref, "/statuses"); ok {
		rq.params[at] = name
		return listStatuses(rq)
	}
	if name, ok := strings.CutSuffix(ref, "/status"); ok {
		rq.params[at] = name
		return combinedStatus(rq)
	}
	return noCommit(ref)
}

// pageOfCommits answers the page that was asked for.
func (rq *request) pageOfCommits(names []string) response {
	from, to, link := rq.page(len(names))
	list, err := rq.commitsJSON(names[from:to])
	if err != nil {
		return rq.broken(err)
	}
	res := ok(list)
	res.link = link
	return res
}

// pullCommits answers GET /pulls/{n}/commits: oldest first, 250 at most.
func pullCommits(rq *request) response {
	st, no := rq.pullGit()
	if no != nil {
		return *no
	}
	names, err := rq.repo.git.commits(rq.ctx, st.headSHA, []string{rq.pullBase(st)}, 0)
	if err != nil {
		return rq.broken(err)
	}
	slices.Reverse(names)
	return rq.pageOfCommits(names[:min(len(names), 250)])
}

// pullFiles answers GET /pulls/{n}/files: what the head changed since it left
// the base, 3,000 at most.
func pullFiles(rq *request) response {
	st, no := rq.pullGit()
	if no != nil {
		return *no
	}
	base, err := rq.repo.git.mergeBase(rq.ctx, rq.pullBase(st), st.headSHA)
	if err != nil {
		return rq.broken(err)
	}
	changes, err := rq.repo.git.diff(rq.ctx, base, st.headSHA)
	if err != nil {
		return rq.broken(err)
	}
	from, to, link := rq.page(min(len(changes), 3000))
	res := ok(rq.filesJSON(changes[from:to], st.headSHA))
	res.link = link
	return res
}

// pullBase is what a pull request is compared with: its base branch as it is
// now, and once it is merged, as it was before.
func (rq *request) pullBase(st pullState) string {
	if now := rq.repo.refAt("refs/heads/"+st.baseRef, rq.asOf(refDomain)); now != "" && !st.merged {
		return now
	}
	return st.baseSHA
}

// pullGit finds the git side of the pull request of the route.
func (rq *request) pullGit() (pullState, *response) {
	n, err := strconv.ParseInt(rq.param("number"), 10, 64)
	at := rq.asOf(pullDomain)
	is := rq.repo.issueAt(n, rq.asOf(issueDomain))
	if err != nil || is == nil || !is.isPull(at) {
		return pullState{}, new(notFound())
	}
	st, found := is.pull.state.at(at)
	if !found {
		return pullState{}, new(notFound())
	}
	return st, nil
}
