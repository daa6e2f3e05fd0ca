package fakehub

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
)

func fileRoutes() []route {
	const root = "/repos/{owner}/{repo}/"
	reads, writes := contentsRight(Read), contentsRight(Write)
	return []route{
		{method: get, pattern: root + "contents", handle: getContents, right: reads, docs: "repos/contents#get-repository-content"},
		{method: get, pattern: root + "contents/{path...}", handle: getContents, right: reads, docs: "repos/contents#get-repository-content"},
		{method: put, pattern: root + "contents/{path...}", handle: putFile, right: writes, docs: "repos/contents#create-or-update-file-contents"},
		{method: remove, pattern: root + "contents/{path...}", handle: deleteFile, right: writes, docs: "repos/contents#delete-a-file"},
		{method: get, pattern: root + "readme", handle: getReadme, right: reads, docs: "repos/contents#get-a-repository-readme"},
	}
}

// Sizes above which GitHub leaves the content of a file out of its JSON, and
// above which it does not serve the file at all.
const (
	inlineLimit  = 1 << 20
	contentLimit = 100 << 20
)

type jsonEntry struct {
	Name        string        `json:"name"`
	Path        string        `json:"path"`
	SHA         string        `json:"sha"`
	Size        int           `json:"size"`
	URL         string        `json:"url"`
	HTMLURL     string        `json:"html_url"`
	GitURL      string        `json:"git_url"`
	DownloadURL *string       `json:"download_url"`
	Type        string        `json:"type"`
	Content     *string       `json:"content,omitempty"`
	Encoding    string        `json:"encoding,omitempty"`
	Target      *string       `json:"target,omitempty"`
	Submodule   *string       `json:"submodule_git_url,omitempty"`
	Links       jsonFileLinks `json:"_links"`
}

type jsonFileLinks struct {
	Self string `json:"self"`
	Git  string `json:"git"`
	HTML string `json:"html"`
}

// jsonListing is a directory in the form of application/vnd.github.object.
type jsonListing struct {
	jsonEntry
	Entries []jsonEntry `json:"entries"`
}

// A place is where a file is looked for: a commit, by the name it was asked for.
type place struct {
	ref    string
	commit gitCommit
}

// place finds the commit of the query's ref.
func (rq *request) place() (place, *response) {
	at := rq.asOf(refDomain)
	if rq.repo.empty(at) {
		return place{}, new(fail(http.StatusNotFound, "This repository is empty."))
	}
	ref := rq.arg("ref")
	sha, err := rq.repo.resolve(rq.ctx, ref, at)
	if errors.Is(err, errNoObject) {
		return place{}, new(fail(http.StatusNotFound, "No commit found for the ref "+ref))
	}
	if err != nil {
		return place{}, new(rq.broken(err))
	}
	c, err := rq.repo.commit(rq.ctx, sha)
	if err != nil {
		return place{}, new(rq.broken(err))
	}
	if ref == "" {
		ref = rq.repo.defaultBranch
	}
	return place{ref: ref, commit: c}, nil
}

// entryJSON encodes what lies at a path, without content.
func (rq *request) entryJSON(e gitEntry, ref, full string, size int) jsonEntry {
	at := escapePath(full)
	out := jsonEntry{
		Name: path.Base(full), Path: full, SHA: e.SHA, Size: size, Type: "file",
		URL:     rq.site.repo(rq.repo) + "/contents/" + at + "?ref=" + url.QueryEscape(ref),
		HTMLURL: rq.site.repoHTML(rq.repo) + "/blob/" + escapePath(ref) + "/" + at,
		GitURL:  rq.gitURL("blobs/" + e.SHA),
	}
	download := rq.site.repoHTML(rq.repo) + "/raw/" + escapePath(ref) + "/" + at
	switch {
	case e.Kind() == "tree":
		out.Type, out.GitURL = "dir", rq.gitURL("trees/"+e.SHA)
		out.HTMLURL = rq.site.repoHTML(rq.repo) + "/tree/" + escapePath(ref) + "/" + at
	case e.Kind() == "commit": // a submodule is listed as a file, for compatibility, as GitHub does
		out.GitURL = rq.gitURL("trees/" + e.SHA)
	case e.Mode == "120000":
		out.Type, out.DownloadURL = "symlink", &download
	default:
		out.DownloadURL = &download
	}
	out.Links = jsonFileLinks{Self: out.URL, Git: out.GitURL, HTML: out.HTMLURL}
	return out
}

func getContents(rq *request) response {
	where, no := rq.place()
	if no != nil {
		return *no
	}
	full := strings.Trim(rq.param("path"), "/")
	res := rq.contentsAt(where, full)
	if res.status == http.StatusOK {
		res.lastModified = where.commit.Committer.When
	}
	return res
}

// contentsAt answers what lies at a path, whatever it is.
func (rq *request) contentsAt(where place, full string) response {
	if full == "" {
		return rq.directory(where, gitEntry{Mode: "040000", SHA: where.commit.Tree}, "")
	}
	e, err := lookup(rq.ctx, rq.repo.git, where.commit.Tree, full)
	if errors.Is(err, errNoPath) {
		return notFound()
	}
	if err != nil {
		return rq.broken(err)
	}
	switch {
	case e.Kind() == "tree":
		return rq.directory(where, e, full)
	case e.Kind() == "commit":
		return rq.submodule(where, e, full)
	case e.Mode == "120000":
		return rq.symlink(where, e, full)
	}
	return rq.file(where, e, full)
}

func (rq *request) directory(where place, dir gitEntry, full string) response {
	list := []jsonEntry{}
	if dir.SHA != emptyTree {
		entries, err := readTree(rq.ctx, rq.repo.git, dir.SHA)
		if err != nil {
			return rq.broken(err)
		}
		slices.SortFunc(entries, func(a, b gitEntry) int { return strings.Compare(a.Name, b.Name) })
		for _, e := range entries {
			size := 0
			if e.Kind() == "blob" {
				if _, size, err = inspect(rq.ctx, rq.repo.git, e.SHA); err != nil {
					return rq.broken(err)
				}
			}
			list = append(list, rq.entryJSON(e, where.ref, path.Join(full, e.Name), size))
		}
	}
	if rq.accepts("object") == "" {
		return ok(list)
	}
	out := jsonListing{jsonEntry: rq.entryJSON(dir, where.ref, full, 0), Entries: list}
	if full == "" {
		out.Name = ""
	}
	return ok(out)
}

func (rq *request) file(where place, e gitEntry, full string) response {
	_, size, err := inspect(rq.ctx, rq.repo.git, e.SHA)
	if err != nil {
		return rq.broken(err)
	}
	if size > contentLimit {
		return response{status: http.StatusForbidden, body: &errorBody{
			Message: "This API returns blobs up to 100 MB in size. The requested blob is too large to fetch via the API, but you can use the Git CLI to clone or checkout the repository.",
			Errors:  []fieldError{{Resource: "Blob", Field: "data", Code: "too_large"}},
		}}
	}
	o, err := rq.repo.git.read(rq.ctx, e.SHA)
	if err != nil {
		return rq.broken(err)
	}
	if media := rq.accepts("raw"); media != "" {
		return inForm(media, o.data)
	}
	out := rq.entryJSON(e, where.ref, full, size)
	out.Type, out.Encoding, out.Content = "file", "base64", new(wrap64(o.data))
	if size > inlineLimit {
		out.Encoding, out.Content = "none", new("")
	}
	return ok(out)
}

// symlink answers the file that a link leads to, if it is a file of the
// repository, and else the link itself.
func (rq *request) symlink(where place, e gitEntry, full string) response {
	o, err := rq.repo.git.read(rq.ctx, e.SHA)
	if err != nil {
		return rq.broken(err)
	}
	target := string(o.data)
	to := path.Join(path.Dir(full), target)
	if !path.IsAbs(target) && !strings.HasPrefix(to, "..") {
		at, err := lookup(rq.ctx, rq.repo.git, where.commit.Tree, to)
		if err == nil && at.Kind() == "blob" && at.Mode != "120000" {
			return rq.file(where, at, full)
		}
		if err != nil && !errors.Is(err, errNoPath) {
			return rq.broken(err)
		}
	}
	if media := rq.accepts("raw"); media != "" {
		return inForm(media, o.data)
	}
	out := rq.entryJSON(e, where.ref, full, len(o.data))
	out.Target = new(strings.ToValidUTF8(target, "\uFFFD"))
	return ok(out)
}

// submodule answers where the other repository is, as .gitmodules has it.
func (rq *request) submodule(where place, e gitEntry, full string) response {
	out := rq.entryJSON(e, where.ref, full, 0)
	out.Type = "submodule"
	at, err := rq.submoduleURL(rq.ctx, where.commit.Tree, full)
	if err != nil {
		return rq.broken(err)
	}
	out.Submodule = &at
	return ok(out)
}

// submoduleURL reads the address out of .gitmodules; it is empty if it does not
// say one.
func (rq *request) submoduleURL(ctx context.Context, tree, full string) (string, error) {
	e, err := lookup(ctx, rq.repo.git, tree, ".gitmodules")
	if errors.Is(err, errNoPath) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	o, err := rq.repo.git.read(ctx, e.SHA)
	if err != nil {
		return "", fmt.Errorf("read .gitmodules: %w", err)
	}
	found, here := "", false
	for line := range strings.Lines(string(o.data)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		switch {
		case strings.HasPrefix(key, "["):
			if here {
				return found, nil
			}
			found = ""
		case key == "path":
			here = value == full
		case key == "url":
			found = value
		}
	}
	if !here {
		return "", nil
	}
	return found, nil
}

func getReadme(rq *request) response {
	where, no := rq.place()
	if no != nil {
		return *no
	}
	entries, err := readTree(rq.ctx, rq.repo.git, where.commit.Tree)
	if err != nil {
		return rq.broken(err)
	}
	for _, e := range entries {
		name, _, _ := strings.Cut(e.Name, ".")
		if strings.EqualFold(name, "readme") && e.Kind() == "blob" {
			return rq.contentsAt(where, e.Name)
		}
	}
	return notFound()
}
