package fakehub

import (
	"encoding/base64"
	"errors"
	"time"
)

func gitObjectRoutes() []route {
	const root = "/repos/{owner}/{repo}/git/"
	reads, writes := contentsRight(Read), contentsRight(Write)
	return []route{
		{method: get, pattern: root + "commits/{sha}", handle: getGitCommit, right: reads, scopes: "repo", docs: "git/commits#get-a-commit-object"},
		{method: post, pattern: root + "commits", handle: createGitCommit, right: writes, scopes: "repo", docs: "git/commits#create-a-commit"},
		{method: get, pattern: root + "tags/{sha}", handle: getGitTag, right: reads, scopes: "repo", docs: "git/tags#get-a-tag"},
		{method: post, pattern: root + "tags", handle: createGitTag, right: writes, scopes: "repo", docs: "git/tags#create-a-tag-object"},
		{method: get, pattern: root + "blobs/{sha}", handle: getBlob, right: reads, scopes: "repo", docs: "git/blobs#get-a-blob"},
		{method: post, pattern: root + "blobs", handle: createBlob, right: writes, scopes: "repo", docs: "git/blobs#create-a-blob"},
		{method: get, pattern: root + "trees/{sha}", handle: getTree, right: reads, scopes: "repo", docs: "git/trees#get-a-tree"},
		{method: post, pattern: root + "trees", handle: createTree, right: writes, scopes: "repo", docs: "git/trees#create-a-tree"},
	}
}

type jsonGitCommit struct {
	SHA          string           `json:"sha"`
	NodeID       string           `json:"node_id"`
	URL          string           `json:"url"`
	HTML         string           `json:"html_url"`
	Author       jsonPerson       `json:"author"`
	Committer    jsonPerson       `json:"committer"`
	Tree         jsonTreeRef      `json:"tree"`
	Message      string           `json:"message"`
	Parents      []jsonParent     `json:"parents"`
	Verification jsonVerification `json:"verification"`
}

// gitCommit encodes a commit of the git database.
func (rq *request) gitCommit(c gitCommit) jsonGitCommit {
	return jsonGitCommit{
		SHA: c.SHA, NodeID: gitNodeID("Commit", rq.repo, c.SHA),
		URL: rq.gitURL("commits/" + c.SHA), HTML: rq.site.repoHTML(rq.repo) + "/commit/" + c.SHA,
		Author: personJSON(c.Author), Committer: personJSON(c.Committer),
		Tree: rq.treeRef(c.Tree), Message: c.Message,
		Parents: rq.parents(c, rq.gitURL("commits/")), Verification: verificationOf(c),
	}
}

// shaParam is a parameter that names an object; the answer is for what does not.
func (rq *request) shaParam(name string) (string, *response) {
	sha := rq.param(name)
	if rq.repo.empty(rq.asOf(refDomain)) {
		return "", new(emptyRepo())
	}
	if !isSHA(sha) {
		return "", new(unprocessable("The sha parameter must be exactly 40 characters and contain only [0-9a-f]."))
	}
	return sha, nil
}

func getGitCommit(rq *request) response {
	sha, no := rq.shaParam("sha")
	if no != nil {
		return *no
	}
	c, err := rq.repo.commit(rq.ctx, sha)
	if errors.Is(err, errNoObject) {
		return notFound()
	}
	if err != nil {
		return rq.broken(err)
	}
	return ok(rq.gitCommit(c))
}

// A personInput is an author or committer in a request.
type personInput struct {
	Name  string    `json:"name"`
	Email string    `json:"email"`
	Date  time.Time `json:"date"`
}

// person is what a commit will say: who was given, else fallback.
func (p *personInput) person(fallback gitPerson) gitPerson {
	if p == nil {
		return fallback
	}
	who := gitPerson{Name: p.Name, Email: p.Email, When: p.Date}
	if who.Name == "" {
		who.Name = fallback.Name
	}
	if who.Email == "" {
		who.Email = fallback.Email
	}
	if who.When.IsZero() || who.When.Unix() < 0 || who.When.Unix() > maxGitSeconds {
		who.When = fallback.When
	}
	who.When = who.When.Truncate(time.Second)
	return who
}

func createGitCommit(rq *request) response {
	var in struct {
		Message   *string      `json:"message"`
		Tree      *string      `json:"tree"`
		Parents   []string     `json:"parents"`
		Author    *personInput `json:"author"`
		Committer *personInput `json:"committer"`
		Signature string       `json:"signature"`
	}
	if no := rq.decode(&in); no != nil {
		return *no
	}
	if no := missing(given{"message", in.Message != nil}, given{"tree", in.Tree != nil}); no != nil {
		return *no
	}
	if rq.repo.empty(rq.now) {
		return emptyRepo()
	}
	if no := rq.expectKind(*in.Tree, "tree", "Tree SHA does not exist"); no != nil {
		return *no
	}
	for _, parent := range in.Parents {
		if no := rq.expectKind(parent, "commit", "Parent SHA does not exist or is not a commit object"); no != nil {
			return *no
		}
	}
	author := in.Author.person(rq.actor.user.person(rq.now))
	c := gitCommit{
		Tree: *in.Tree, Parents: in.Parents, Message: *in.Message, Signature: in.Signature,
		Author: author, Committer: in.Committer.person(author),
	}
	sha, err := writeCommit(rq.ctx, rq.repo.git, c)
	if err != nil {
		return rq.broken(err)
	}
	// Encoded as stored: dates have lost their fractions, names their brackets.
	if c, err = rq.repo.commit(rq.ctx, sha); err != nil {
		return rq.broken(err)
	}
	return created(rq.gitCommit(c), rq.gitURL("commits/"+sha))
}

// expectKind refuses an object that is not there or of another kind.
func (rq *request) expectKind(sha, kind, text string) *response {
	if !isSHA(sha) {
		return new(unprocessable(text))
	}
	if sha == emptyTree && kind == "tree" {
		return nil // git knows it everywhere
	}
	got, err := rq.repo.kindOf(rq.ctx, sha)
	if err != nil {
		return new(rq.broken(err))
	}
	if got != kind {
		return new(unprocessable(text))
	}
	return nil
}

type jsonTag struct {
	NodeID       string           `json:"node_id"`
	SHA          string           `json:"sha"`
	URL          string           `json:"url"`
	Tagger       jsonPerson       `json:"tagger"`
	Object       jsonObject       `json:"object"`
	Tag          string           `json:"tag"`
	Message      string           `json:"message"`
	Verification jsonVerification `json:"verification"`
}

func (rq *request) gitTag(t gitTag) jsonTag {
	return jsonTag{
		NodeID: gitNodeID("Tag", rq.repo, t.SHA), SHA: t.SHA, URL: rq.gitURL("tags/" + t.SHA), Tagger: personJSON(t.Tagger),
		Object: jsonObject{SHA: t.Object, Type: t.Kind, URL: rq.gitURL(t.Kind + "s/" + t.Object)},
		Tag:    t.Name, Message: t.Message, Verification: verificationOf(gitCommit{}),
	}
}

func getGitTag(rq *request) response {
	sha, no := rq.shaParam("sha")
	if no != nil {
		return *no
	}
	o, err := rq.repo.git.read(rq.ctx, sha)
	if errors.Is(err, errNoObject) || err == nil && o.kind != "tag" {
		return notFound()
	}
	if err != nil {
		return rq.broken(err)
	}
	t, err := parseTag(sha, o.data)
	if err != nil {
		return rq.broken(err)
	}
	return ok(rq.gitTag(t))
}

func createGitTag(rq *request) response {
	var in struct {
		Tag     *string      `json:"tag"`
		Message *string      `json:"message"`
		Object  *string      `json:"object"`
		Type    *string      `json:"type"`
		Tagger  *personInput `json:"tagger"`
	}
	if no := rq.decode(&in); no != nil {
		return *no
	}
	if no := missing(given{"tag", in.Tag != nil}, given{"message", in.Message != nil},
		given{"object", in.Object != nil}, given{"type", in.Type != nil}); no != nil {
		return *no
	}
	if rq.repo.empty(rq.now) {
		return emptyRepo()
	}
	if checkRefName("refs/tags/"+*in.Tag) != nil {
		return unprocessable(*in.Tag + " is not a valid tag name.")
	}
	if no := rq.expectKind(*in.Object, *in.Type, "Could not verify object"); no != nil {
		return *no
	}
	t := gitTag{
		Object: *in.Object, Kind: *in.Type, Name: *in.Tag, Message: *in.Message,
		Tagger: in.Tagger.person(rq.actor.user.person(rq.now)),
	}
	sha, err := rq.repo.git.write(rq.ctx, object{kind: "tag", data: t.raw()})
	if err != nil {
		return rq.broken(err)
	}
	if t, err = parseTag(sha, t.raw()); err != nil {
		return rq.broken(err)
	}
	return created(rq.gitTag(t), rq.gitURL("tags/"+sha))
}

type jsonBlob struct {
	SHA      string `json:"sha"`
	NodeID   string `json:"node_id"`
	Size     int    `json:"size"`
	URL      string `json:"url"`
	Content  string `json:"content"`
	Encoding string `json:"encoding"`
}

func getBlob(rq *request) response {
	sha, no := rq.shaParam("sha")
	if no != nil {
		return *no
	}
	o, err := rq.repo.git.read(rq.ctx, sha)
	if errors.Is(err, errNoObject) || err == nil && o.kind != "blob" {
		return notFound()
	}
	if err != nil {
		return rq.broken(err)
	}
	if media := rq.accepts("raw"); media != "" {
		return inForm(media, o.data)
	}
	return ok(jsonBlob{
		SHA: sha, NodeID: gitNodeID("Blob", rq.repo, sha), Size: len(o.data), URL: rq.gitURL("blobs/" + sha),
		Content: wrap64(o.data), Encoding: "base64",
	})
}

func createBlob(rq *request) response {
	var in struct {
		Content  *string `json:"content"`
		Encoding string  `json:"encoding"`
	}
	if no := rq.decode(&in); no != nil {
		return *no
	}
	if no := missing(given{"content", in.Content != nil}); no != nil {
		return *no
	}
	if rq.repo.empty(rq.now) {
		return emptyRepo()
	}
	data, no := decodeContent(*in.Content, in.Encoding)
	if no != nil {
		return *no
	}
	sha, err := rq.repo.git.write(rq.ctx, object{kind: "blob", data: data})
	if err != nil {
		return rq.broken(err)
	}
	url := rq.gitURL("blobs/" + sha)
	return created(struct {
		SHA string `json:"sha"`
		URL string `json:"url"`
	}{sha, url}, url)
}

// decodeContent reads the content of a blob: text by default, else base64.
func decodeContent(content, encoding string) ([]byte, *response) {
	switch encoding {
	case "", "utf-8":
		return []byte(content), nil
	case "base64":
		data, err := base64.StdEncoding.DecodeString(content) // takes line breaks, as GitHub does
		if err != nil {
			return nil, new(unprocessable("content is not valid Base64"))
		}
		return data, nil
	}
	return nil, new(unprocessable("The encoding must be one of utf-8, base64."))
}

// wrap64 is base64 in lines of 60 characters, as GitHub sends it.
func wrap64(data []byte) string {
	text := base64.StdEncoding.EncodeToString(data)
	lines := make([]byte, 0, len(text)+len(text)/60+1)
	for len(text) > 60 {
		lines = append(append(lines, text[:60]...), '\n')
		text = text[60:]
	}
	if text != "" {
		lines = append(append(lines, text...), '\n')
	}
	return string(lines)
}
