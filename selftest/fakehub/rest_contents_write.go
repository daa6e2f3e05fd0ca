package fakehub

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// A fileInput is the body of PUT and DELETE /contents/{path}.
type fileInput struct {
	Message   *string      `json:"message"`
	Content   *string      `json:"content"`
	SHA       *string      `json:"sha"`
	Branch    string       `json:"branch"`
	Author    *personInput `json:"author"`
	Committer *personInput `json:"committer"`
}

type jsonFileCommit struct {
	Content *jsonEntry    `json:"content"`
	Commit  jsonGitCommit `json:"commit"`
}

// A fileWrite is a change of one file on its way into a branch.
type fileWrite struct {
	rq     *request
	in     fileInput
	path   string
	branch string
	tip    gitCommit // of the branch; zero where the repository is empty
	old    gitEntry  // at the path; zero where there is nothing
}

// fileWrite reads the request and finds what is there. The answers are GitHub's,
// in GitHub's order: first the fields, then the branch, then the blob.
func (rq *request) fileWrite(removes bool) (*fileWrite, *response) {
	w := &fileWrite{rq: rq, path: strings.TrimSuffix(rq.param("path"), "/")}
	if no := rq.decode(&w.in); no != nil {
		return nil, no
	}
	if removes {
		w.fromQuery()
	}
	if no := missing(given{"message", w.in.Message != nil}, given{"content", removes || w.in.Content != nil}); no != nil {
		return nil, no
	}
	if strings.HasPrefix(w.path, "/") {
		return nil, new(unprocessable("path cannot start with a slash"))
	}
	if checkPath(w.path) != nil {
		return nil, new(unprocessable("path contains a malformed path component"))
	}
	if no := w.findBranch(); no != nil {
		return nil, no
	}
	return w, w.findOld()
}

// fromQuery takes the fields of a DELETE from its query, where some clients put
// them since a DELETE with a body is unusual.
func (w *fileWrite) fromQuery() {
	take := func(field **string, name string) {
		if v := w.rq.arg(name); v != "" && *field == nil {
			*field = &v
		}
	}
	take(&w.in.Message, "message")
	take(&w.in.SHA, "sha")
	if w.in.Branch == "" {
		w.in.Branch = w.rq.arg("branch")
	}
}

func (w *fileWrite) findBranch() *response {
	r := w.rq.repo
	w.branch = w.in.Branch
	if w.branch == "" {
		w.branch = r.defaultBranch
	}
	w.branch = strings.TrimPrefix(w.branch, "refs/heads/")
	sha := r.refAt("refs/heads/"+w.branch, w.rq.now)
	if sha == "" {
		if r.empty(w.rq.now) && checkRefName("refs/heads/"+w.branch) == nil {
			return nil // the first commit
		}
		return new(fail(http.StatusNotFound, fmt.Sprintf("Branch %s not found", w.branch)))
	}
	c, err := r.commit(w.rq.ctx, sha)
	if err != nil {
		return new(w.rq.broken(err))
	}
	w.tip = c
	return nil
}

func (w *fileWrite) findOld() *response {
	if w.tip.SHA == "" {
		return nil
	}
	e, err := lookup(w.rq.ctx, w.rq.repo.git, w.tip.Tree, w.path)
	if err != nil && !errors.Is(err, errNoPath) {
		return new(w.rq.broken(err))
	}
	w.old = e
	return nil
}

// checkBlob refuses the change of a file that is not the one the client saw. A
// sha for a file that is not there is ignored.
func (w *fileWrite) checkBlob() *response {
	switch {
	case w.old.SHA == "":
		return nil
	case w.old.Kind() == "tree":
		return new(unprocessable(w.path + " is a directory"))
	case w.in.SHA == nil:
		return missing(given{"sha", false})
	case *w.in.SHA != w.old.SHA:
		return new(fail(http.StatusConflict, fmt.Sprintf("%s does not match %s", w.path, *w.in.SHA)))
	}
	return nil
}

// commit puts the edit on top of the branch.
func (w *fileWrite) commit(edit treeEdit) (gitCommit, *response) {
	rq := w.rq
	tree, err := editTree(rq.ctx, rq.repo.git, w.tip.Tree, []treeEdit{edit})
	if err != nil {
		return gitCommit{}, new(rq.broken(err))
	}
	author := w.in.Author.person(rq.actor.user.person(rq.now))
	c := gitCommit{Tree: tree, Author: author, Committer: w.in.Committer.person(author), Message: *w.in.Message}
	change := refChange{name: "refs/heads/" + w.branch, old: zeroOID}
	if w.tip.SHA != "" {
		c.Parents, change.old = []string{w.tip.SHA}, w.tip.SHA
	}
	if change.new, err = writeCommit(rq.ctx, rq.repo.git, c); err != nil {
		return gitCommit{}, new(rq.broken(err))
	}
	err = rq.s.updateRefs(rq.ctx, rq.now, rq.repo, rq.actor.user, []refChange{change})
	if moved, ok := errors.AsType[*refConflictError](err); ok {
		text := fmt.Sprintf("%s is at %s but expected %s", change.name, moved.have, moved.want)
		return gitCommit{}, new(fail(http.StatusConflict, text))
	}
	if err != nil {
		return gitCommit{}, new(rq.broken(err))
	}
	if c, err = rq.repo.commit(rq.ctx, change.new); err != nil {
		return gitCommit{}, new(rq.broken(err))
	}
	return c, nil
}

func putFile(rq *request) response {
	w, no := rq.fileWrite(false)
	if no != nil {
		return *no
	}
	data, no := decodeContent(*w.in.Content, "base64")
	if no != nil {
		return *no
	}
	if no := w.checkBlob(); no != nil {
		return *no
	}
	sha, err := rq.repo.git.write(rq.ctx, object{kind: "blob", data: data})
	if err != nil {
		return rq.broken(err)
	}
	e := gitEntry{Mode: "100644", Name: w.path, SHA: sha}
	status := http.StatusCreated
	if w.old.SHA != "" {
		status = http.StatusOK
		if w.old.Mode == "100755" {
			e.Mode = w.old.Mode
		}
	}
	c, no := w.commit(treeEdit{Path: w.path, Mode: e.Mode, SHA: sha})
	if no != nil {
		return *no
	}
	return response{status: status, body: jsonFileCommit{
		Content: new(rq.entryJSON(e, w.branch, w.path, len(data))), Commit: rq.gitCommit(c),
	}}
}

func deleteFile(rq *request) response {
	w, no := rq.fileWrite(true)
	if no != nil {
		return *no
	}
	if w.old.SHA == "" {
		return notFound()
	}
	if no := w.checkBlob(); no != nil {
		return *no
	}
	c, no := w.commit(treeEdit{Path: w.path})
	if no != nil {
		return *no
	}
	return ok(jsonFileCommit{Commit: rq.gitCommit(c)})
}

// A nullable tells a field that is null from one that is absent.
type nullable struct {
	given bool
	value string
}

var _ json.Unmarshaler = (*nullable)(nil)

// UnmarshalJSON is called for null as well.
func (n *nullable) UnmarshalJSON(text []byte) error {
	n.given = true
	if string(text) == "null" {
		return nil
	}
	return json.Unmarshal(text, &n.value)
}
