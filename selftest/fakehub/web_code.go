package fakehub

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A commitView is a commit in a list or on its page.
type commitView struct {
	SHA, Short     string
	Title, Message string
	By             userView
	Author         string // the name in the commit
	At             timeView
	Checks         *checksView
	Parents        []string
	Diff           *diffView
}

// commitView reads a commit, nil if there is none.
func (v *viewer) commitView(sha string) *commitView {
	c, err := v.repo.commit(v.ctx, sha)
	if err != nil {
		return nil
	}
	title, rest, _ := strings.Cut(c.Message, "\n")
	view := &commitView{
		SHA: sha, Short: short(sha), Title: cmp.Or(strings.TrimSpace(title), "(no message)"), Message: strings.TrimSpace(rest),
		Author: c.Author.Name, At: v.time(c.Author.When), Checks: v.checks(sha), Parents: c.Parents,
	}
	view.By = userView{Login: c.Author.Name, Avatar: "/_avatars/0"}
	for _, u := range v.s.users {
		if c.Author.Email != "" && strings.EqualFold(u.email, c.Author.Email) {
			view.By = v.user(u)
		}
	}
	return view
}

// maxCommits is how many commits a page lists.
const maxCommits = 250

// pullCommits are the commits of a pull request, oldest first.
func (v *viewer) pullCommits(i *issue) []*commitView {
	ps := i.pull.state.last()
	list, err := v.repo.git.commits(v.ctx, ps.headSHA, []string{ps.baseSHA}, maxCommits)
	if err != nil {
		return nil
	}
	slices.Reverse(list)
	return v.commits(list)
}

func (v *viewer) commits(list []string) []*commitView {
	out := make([]*commitView, 0, len(list))
	for _, sha := range list {
		if c := v.commitView(sha); c != nil {
			out = append(out, c)
		}
	}
	return out
}

// commit is the page of a commit with its difference to its first parent.
func (v *viewer) commit(name string) page {
	sha, err := v.repo.resolve(v.ctx, name, v.now)
	if err != nil {
		return v.nothing()
	}
	c := v.commitView(sha)
	if c == nil {
		return v.nothing()
	}
	parent := ""
	if len(c.Parents) > 0 {
		parent = c.Parents[0]
	}
	c.Diff = v.diff(parent, sha)
	return page{name: "commit", Tab: "code", Title: fmt.Sprintf("%s · %s@%s", c.Title, v.repo.fullName(), c.Short), Body: c}
}

// A logView is a list of commits of a branch.
type logView struct {
	Branch  string
	Commits []*commitView
}

func (v *viewer) commitList(branch string) page {
	branch = cmp.Or(branch, v.repo.defaultBranch)
	sha, err := v.repo.resolve(v.ctx, branch, v.now)
	if err != nil {
		return v.nothing()
	}
	list, err := v.repo.git.commits(v.ctx, sha, nil, 100)
	if err != nil {
		return v.nothing()
	}
	return page{name: "commits", Tab: "code", Title: "Commits · " + v.repo.fullName(), Body: &logView{branch, v.commits(list)}}
}

// A branchRow is a branch with its newest commit.
type branchRow struct {
	Name    string
	Commit  *commitView
	Default bool
}

// A treeView is a folder, with more about the repository at its root.
type treeView struct {
	Ref      string
	Path     []crumbView
	Entries  []entryView
	Commit   *commitView
	Branches []branchRow
	Tags     []string
	Labels   []labelView
	Readme   template.HTML
	Binary   bool       // of a file
	Lines    []lineView // of a file
}

// A crumbView is a step of a path.
type crumbView struct{ Name, URL string }

// An entryView is a file or folder.
type entryView struct {
	Name, URL string
	Folder    bool
}

// split finds the reference at the beginning of a path: names of branches may
// have slashes.
func (v *viewer) split(segments []string) (ref, sha string, rest []string) {
	for n := len(segments); n > 0; n-- {
		ref = strings.Join(segments[:n], "/")
		if sha, err := v.repo.resolve(v.ctx, ref, v.now); err == nil {
			return ref, sha, segments[n:]
		}
	}
	return "", "", nil
}

// tree is a folder of a branch; nil is the root of the default branch.
func (v *viewer) tree(segments []string) page {
	title := v.repo.fullName()
	if v.repo.description != "" {
		title += ": " + v.repo.description
	}
	if len(segments) == 0 {
		if v.repo.empty(v.now) {
			return page{name: "tree", Tab: "code", Title: title, Body: &treeView{Ref: v.repo.defaultBranch, Labels: labelsView(v.repo.labels.last())}}
		}
		segments = strings.Split(v.repo.defaultBranch, "/")
	}
	ref, sha, rest := v.split(segments)
	if sha == "" {
		return v.nothing()
	}
	view := &treeView{Ref: ref, Path: v.crumbs("tree", ref, rest), Commit: v.commitView(sha)}
	at := sha
	if len(rest) > 0 {
		e, err := lookup(v.ctx, v.repo.git, sha, strings.Join(rest, "/"))
		if err != nil || e.Kind() != "tree" {
			return v.nothing()
		}
		at = e.SHA
	} else {
		view.Branches, view.Tags, view.Labels = v.branches(), v.tags(), labelsView(v.repo.labels.last())
	}
	entries, err := readTree(v.ctx, v.repo.git, at)
	if err != nil {
		return v.nothing()
	}
	v.entries(view, entries, ref, rest)
	return page{name: "tree", Tab: "code", Title: title, Body: view}
}

// entries lists a folder, folders first, and shows its README.
func (v *viewer) entries(view *treeView, entries []gitEntry, ref string, rest []string) {
	for _, e := range entries {
		kind := "blob"
		if e.Kind() == "tree" {
			kind = "tree"
		}
		path := strings.Join(append(slices.Clone(rest), e.Name), "/")
		view.Entries = append(view.Entries, entryView{e.Name, "/" + v.repo.fullName() + "/" + kind + "/" + ref + "/" + path, kind == "tree"})
		if name := strings.ToLower(e.Name); kind == "blob" && slices.Contains([]string{"readme.md", "readme", "readme.txt"}, name) {
			if o, err := v.repo.git.read(v.ctx, e.SHA); err == nil {
				view.Readme = v.readme(name, o.data)
			}
		}
	}
	slices.SortStableFunc(view.Entries, func(a, b entryView) int {
		rank := func(e entryView) int { return map[bool]int{true: 0, false: 1}[e.Folder] }
		return cmp.Or(rank(a)-rank(b), strings.Compare(a.Name, b.Name))
	})
}

// readme shows a README: markdown, or plain text as it is.
func (v *viewer) readme(name string, data []byte) template.HTML {
	if strings.HasSuffix(name, ".md") {
		return v.repo.markdown(string(data))
	}
	data = data[:min(len(data), markdownSize)]
	return template.HTML("<pre>" + template.HTMLEscapeString(string(data)) + "</pre>") //nolint:gosec // escaped
}

// crumbs is the way to a folder or file.
func (v *viewer) crumbs(kind, ref string, rest []string) []crumbView {
	root := "/" + v.repo.fullName() + "/tree/" + ref
	crumbs := []crumbView{{v.repo.name, root}}
	for n, name := range rest {
		url := root + "/" + strings.Join(rest[:n+1], "/")
		if n == len(rest)-1 && kind == "blob" {
			url = ""
		}
		crumbs = append(crumbs, crumbView{name, url})
	}
	return crumbs
}

// maxShown is the largest file that a page shows.
const maxShown = 1 << 20

// blob is a file.
func (v *viewer) blob(segments []string) page {
	ref, sha, rest := v.split(segments)
	if sha == "" || len(rest) == 0 {
		return v.nothing()
	}
	path := strings.Join(rest, "/")
	e, err := lookup(v.ctx, v.repo.git, sha, path)
	if err != nil || e.Kind() != "blob" {
		return v.nothing()
	}
	o, err := v.repo.git.read(v.ctx, e.SHA)
	if err != nil {
		return v.nothing()
	}
	view := &treeView{Ref: ref, Path: v.crumbs("blob", ref, rest), Commit: v.commitView(sha)}
	switch {
	case len(o.data) > maxShown || !utf8.Valid(o.data) || slices.Contains(o.data, 0):
		view.Binary = true
	case strings.HasSuffix(strings.ToLower(path), ".md"):
		view.Readme = v.repo.markdown(string(o.data))
	default:
		n := 0
		for text := range strings.Lines(string(o.data)) {
			n++
			view.Lines = append(view.Lines, lineView{Text: strings.TrimSuffix(text, "\n"), New: strconv.Itoa(n)})
		}
	}
	return page{name: "blob", Tab: "code", Title: path + " · " + v.repo.fullName(), Body: view}
}

// raw is a file as it is, for programs.
func (v *viewer) raw(segments []string) page {
	_, sha, rest := v.split(segments)
	if sha == "" || len(rest) == 0 {
		return v.nothing()
	}
	e, err := lookup(v.ctx, v.repo.git, sha, strings.Join(rest, "/"))
	if err != nil || e.Kind() != "blob" {
		return v.nothing()
	}
	o, err := v.repo.git.read(v.ctx, e.SHA)
	if err != nil {
		return v.nothing()
	}
	return page{file: &asset{data: o.data, media: "text/plain; charset=utf-8"}}
}

func (v *viewer) branches() []branchRow {
	var rows []branchRow
	for _, name := range v.refNames("refs/heads/") {
		rows = append(rows, branchRow{name, v.commitView(v.repo.refAt("refs/heads/"+name, v.now)), name == v.repo.defaultBranch})
	}
	slices.SortStableFunc(rows, func(a, b branchRow) int {
		rank := func(b branchRow) int { return map[bool]int{true: 0, false: 1}[b.Default] }
		return rank(a) - rank(b)
	})
	return rows
}

func (v *viewer) tags() []string { return v.refNames("refs/tags/") }

// refNames are the short names of the references below a prefix.
func (v *viewer) refNames(prefix string) []string {
	var names []string
	for full := range v.repo.refs {
		if name, ok := strings.CutPrefix(full, prefix); ok && v.repo.refAt(full, v.now) != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
