package fakehub

import (
	"errors"
)

type jsonTree struct {
	SHA       string          `json:"sha"`
	URL       string          `json:"url"`
	Tree      []jsonTreeEntry `json:"tree"`
	Truncated bool            `json:"truncated"`
}

type jsonTreeEntry struct {
	Path string `json:"path"`
	Mode string `json:"mode"`
	Type string `json:"type"`
	SHA  string `json:"sha"`
	Size *int   `json:"size,omitempty"` // of a blob
	URL  string `json:"url,omitempty"`  // not of a submodule
}

// treeLimit is the most entries that one answer lists, as on GitHub.
const treeLimit = 100_000

// treeJSON lists a tree, with all below it if recursive.
func (rq *request) treeJSON(sha string, recursive bool) (jsonTree, error) {
	out := jsonTree{SHA: sha, URL: rq.gitURL("trees/" + sha), Tree: []jsonTreeEntry{}}
	if sha == emptyTree {
		return out, nil
	}
	var failed error
	add := func(e gitEntry) bool {
		if len(out.Tree) == treeLimit {
			out.Truncated = true
			return false
		}
		entry := jsonTreeEntry{Path: e.Name, Mode: e.Mode, Type: e.Kind(), SHA: e.SHA}
		switch entry.Type {
		case "blob":
			_, size, err := inspect(rq.ctx, rq.repo.git, e.SHA)
			if err != nil {
				failed = err
				return false
			}
			entry.Size, entry.URL = &size, rq.gitURL("blobs/"+e.SHA)
		case "tree":
			entry.URL = rq.gitURL("trees/" + e.SHA)
		}
		out.Tree = append(out.Tree, entry)
		return true
	}
	var err error
	if recursive {
		err = walkTree(rq.ctx, rq.repo.git, sha, "", add)
	} else {
		var entries []gitEntry
		entries, err = readTree(rq.ctx, rq.repo.git, sha)
		for _, e := range entries {
			if !add(e) {
				break
			}
		}
	}
	return out, errors.Join(err, failed)
}

func getTree(rq *request) response {
	at := rq.asOf(refDomain)
	if rq.repo.empty(at) {
		return emptyRepo()
	}
	sha := rq.param("sha")
	if kind, err := rq.kindOfName(sha); err != nil {
		return rq.broken(err)
	} else if kind != "tree" {
		commit, err := rq.repo.resolve(rq.ctx, sha, at)
		if errors.Is(err, errNoObject) {
			return notFound()
		}
		if err != nil {
			return rq.broken(err)
		}
		c, err := rq.repo.commit(rq.ctx, commit)
		if err != nil {
			return rq.broken(err)
		}
		sha = c.Tree
	}
	out, err := rq.treeJSON(sha, rq.arg("recursive") != "")
	if err != nil {
		return rq.broken(err)
	}
	return ok(out)
}

// kindOfName is the kind of the object that a full name names, "" if it is no such name.
func (rq *request) kindOfName(name string) (string, error) {
	if !isSHA(name) {
		return "", nil
	}
	return rq.repo.kindOf(rq.ctx, name)
}

// A treeInput is an entry of a tree to be made.
type treeInput struct {
	Path    string   `json:"path"`
	Mode    string   `json:"mode"`
	Type    string   `json:"type"`
	SHA     nullable `json:"sha"` // null takes the path away
	Content *string  `json:"content"`
}

func createTree(rq *request) response {
	var in struct {
		Base string      `json:"base_tree"`
		Tree []treeInput `json:"tree"`
	}
	if no := rq.decode(&in); no != nil {
		return *no
	}
	if rq.repo.empty(rq.now) {
		return emptyRepo()
	}
	if len(in.Tree) == 0 {
		return unprocessable("Invalid tree info")
	}
	base, no := rq.baseTree(in.Base)
	if no != nil {
		return *no
	}
	edits := make([]treeEdit, 0, len(in.Tree))
	for _, t := range in.Tree {
		edit, no := rq.treeEdit(t)
		if no != nil {
			return *no
		}
		edits = append(edits, edit)
	}
	sha, err := editTree(rq.ctx, rq.repo.git, base, edits)
	if _, bad := errors.AsType[*pathError](err); bad {
		return unprocessable("tree.path contains a malformed path component")
	}
	if err != nil {
		return rq.broken(err)
	}
	out, err := rq.treeJSON(sha, false)
	if err != nil {
		return rq.broken(err)
	}
	return created(out, rq.gitURL("trees/"+sha))
}

// baseTree is the tree that is built upon: a tree or the tree of a commit.
func (rq *request) baseTree(name string) (string, *response) {
	if name == "" {
		return "", nil
	}
	kind, err := rq.kindOfName(name)
	if err != nil {
		return "", new(rq.broken(err))
	}
	switch kind {
	case "tree":
		return name, nil
	case "commit":
		c, err := rq.repo.commit(rq.ctx, name)
		if err != nil {
			return "", new(rq.broken(err))
		}
		return c.Tree, nil
	}
	return "", new(notFound())
}

// treeEdit checks one entry and stores its content.
func (rq *request) treeEdit(t treeInput) (treeEdit, *response) {
	edit := treeEdit{Path: t.Path, Mode: t.Mode, SHA: t.SHA.value}
	kinds := map[string]string{"100644": "blob", "100755": "blob", "120000": "blob", "040000": "tree", "160000": "commit"}
	switch kind := kinds[t.Mode]; {
	case t.SHA.given && t.SHA.value == "": // taken away; the mode does not matter
		return edit, nil
	case kind == "":
		return edit, new(unprocessable("Must supply a valid tree.mode"))
	case t.Content != nil && !t.SHA.given:
		sha, err := rq.repo.git.write(rq.ctx, object{kind: "blob", data: []byte(*t.Content)})
		if err != nil {
			return edit, new(rq.broken(err))
		}
		edit.SHA = sha
		return edit, nil
	case !t.SHA.given:
		return edit, new(unprocessable("Must supply either tree.sha or tree.content"))
	case kind == "commit": // a submodule's commit is elsewhere
		if !isSHA(edit.SHA) {
			return edit, new(unprocessable("tree.sha " + edit.SHA + " is not a valid commit"))
		}
		return edit, nil
	default:
		return edit, rq.expectKind(edit.SHA, kind, "tree.sha "+edit.SHA+" is not a valid "+kind)
	}
}
