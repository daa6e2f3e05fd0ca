package checkout

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A Person is who commits.
type Person struct{ Name, Email string }

// Identify makes a person the author of what is committed in a fresh work tree. It is for before the job runs.
func (m *Mirror) Identify(ctx context.Context, dir string, p Person) error {
	for _, s := range []setting{{"user.name", p.Name}, {"user.email", p.Email}} {
		c := call{args: []string{"config", s.key, s.value}, gitDir: filepath.Join(dir, ".git"), tree: dir}
		if _, err := m.git(ctx, c); err != nil {
			return fmt.Errorf("name the author in a work tree: %w", err)
		}
	}
	return nil
}

// Terms say what may be taken out of a work tree, and how it is written down.
type Terms struct {
	Base    string            // the commit that the job began at
	Allowed func(string) bool // whether a file may be changed; nil allows all
	Message string            // of the commit for what the job left uncommitted
	By      Person            // who commits that
}

// A Harvest is what a job has changed: commits on top of Terms.Base, in a repository of their own that the job had no
// hand in. Without Files there is nothing.
type Harvest struct {
	Commit  string   // the newest
	Commits int      // how many on top of the base
	Files   []string // that differ from the base, sorted
	Left    []string // files that were changed and left out, as they were neither committed nor allowed
	dir     string   // of the repository
}

// A HarvestError says why what a job has made is not taken: the job's fault, not ours.
type HarvestError struct{ Reason string }

func (e *HarvestError) Error() string { return e.Reason }

// mostChanged is how many files a job may change.
const mostChanged = 20_000

// Harvest takes what a job has changed out of its work tree dir, after the job has ended for good, into a repository at
// aside, which must not exist. The commits that HEAD has on top of the base are taken as they are; what lies changed or new in
// the tree, is not ignored and is allowed is committed on top. A *HarvestError is the job's fault.
//
// No git runs in the job's own repository, whose settings could make it start anything: its objects, which are mere data,
// are taken over as files, and HEAD is read as text.
func (m *Mirror) Harvest(ctx context.Context, dir, aside string, t Terms) (Harvest, error) {
	h, err := m.harvest(ctx, dir, aside, t)
	if err != nil {
		return Harvest{}, fmt.Errorf("take the changes out of a work tree: %w", err)
	}
	return h, nil
}

func (m *Mirror) harvest(ctx context.Context, dir, aside string, t Terms) (Harvest, error) {
	if t.Allowed == nil {
		t.Allowed = func(string) bool { return true }
	}
	init := call{args: []string{"init", "--quiet", "--template=", "--initial-branch=main", aside}}
	if _, err := m.git(ctx, init); err != nil {
		return Harvest{}, err
	}
	head, err := transplant(dir, aside)
	if err != nil {
		return Harvest{}, err
	}
	g := &gathering{m: m, terms: t, dir: filepath.Join(aside, ".git"), tree: dir}
	h := Harvest{dir: g.dir}
	if err := g.builds(ctx, head); err != nil {
		return h, err
	}
	if h.Commit, h.Left, err = g.commitRest(ctx, head); err != nil {
		return h, err
	}
	if h.Files, err = g.list(ctx, "diff-tree", "-r", "-z", "--name-only", "--no-renames", "--no-ext-diff", t.Base, h.Commit); err != nil {
		return h, err
	}
	for _, f := range h.Files {
		if !t.Allowed(f) {
			return h, &HarvestError{"it changed " + printable(f) + ", which it may not"}
		}
	}
	out, err := g.git(ctx, call{args: []string{"rev-list", "--count", t.Base + ".." + h.Commit}})
	if err != nil {
		return h, err
	}
	h.Commits, err = strconv.Atoi(string(bytes.TrimSpace(out)))
	return h, err
}

// A gathering is a Harvest that is being made.
type gathering struct {
	m     *Mirror
	terms Terms
	dir   string // of the repository
	tree  string // the job's work tree
}

// git runs a command with our repository and the job's files.
func (g *gathering) git(ctx context.Context, c call) ([]byte, error) {
	c.gitDir, c.tree = g.dir, g.tree
	c.env = append(c.env, "GIT_INDEX_FILE="+filepath.Join(g.dir, "harvest.index"))
	return g.m.git(ctx, c)
}

// list runs a command that prints names, each ended by a zero byte.
func (g *gathering) list(ctx context.Context, args ...string) ([]string, error) {
	var out bytes.Buffer
	if _, err := g.git(ctx, call{args: args, output: &limited{&out, 32 << 20}}); err != nil {
		return nil, err
	}
	names := splitZero(out.Bytes())
	if len(names) > mostChanged {
		return nil, &HarvestError{fmt.Sprintf("it changed more than %d files", mostChanged)}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// builds makes sure that the job's commits build on the base.
func (g *gathering) builds(ctx context.Context, head string) error {
	_, err := g.git(ctx, call{args: []string{"merge-base", "--is-ancestor", g.terms.Base, head}})
	switch {
	case exited(err, 1), exited(err, 128):
		return &HarvestError{fmt.Sprintf("its commit %.12s does not build on %.12s, where it began", head, g.terms.Base)}
	default:
		return err
	}
}

// commitRest commits what the job left uncommitted, and gives the newest commit.
func (g *gathering) commitRest(ctx context.Context, head string) (commit string, left []string, err error) {
	if _, err := g.git(ctx, call{args: []string{"read-tree", head}}); err != nil {
		return "", nil, err
	}
	changed, err := g.list(ctx, "ls-files", "-z", "--modified", "--deleted", "--others", "--exclude-standard")
	if err != nil {
		return "", nil, err
	}
	var take bytes.Buffer
	for _, name := range changed {
		switch {
		case strings.HasSuffix(name, "/"): // a repository in the repository
			left = append(left, name)
		case !g.terms.Allowed(name):
			left = append(left, name)
		default:
			take.WriteString(name + "\x00")
		}
	}
	if take.Len() == 0 {
		return head, left, nil
	}
	_, err = g.git(ctx, call{args: []string{"update-index", "--add", "--remove", "--replace", "-z", "--stdin"}, input: &take})
	if exited(err, 128) && !said(err, "No space left on device") {
		return "", nil, &HarvestError{"what it left cannot be committed: " + printable(err.Error())}
	}
	if err != nil {
		return "", nil, err
	}
	out, err := g.git(ctx, call{args: []string{"write-tree"}})
	if err != nil {
		return "", nil, err
	}
	tree := string(bytes.TrimSpace(out))
	was, err := g.git(ctx, call{args: []string{"rev-parse", "--verify", head + "^{tree}"}})
	if err != nil || tree == string(bytes.TrimSpace(was)) { // only a time had changed
		return head, left, err
	}
	by := g.terms.By
	out, err = g.git(ctx, call{
		args: []string{"commit-tree", "-p", head, "-F", "-", tree}, input: strings.NewReader(g.terms.Message + "\n"),
		env: []string{"GIT_AUTHOR_NAME=" + by.Name, "GIT_AUTHOR_EMAIL=" + by.Email, "GIT_COMMITTER_NAME=" + by.Name, "GIT_COMMITTER_EMAIL=" + by.Email},
	})
	return string(bytes.TrimSpace(out)), left, err
}

// limited is a buffer that refuses to grow beyond its size.
type limited struct {
	to   *bytes.Buffer
	most int
}

// Write implements io.Writer.
func (l *limited) Write(p []byte) (int, error) {
	if l.to.Len()+len(p) > l.most {
		return 0, errors.New("too much output")
	}
	return l.to.Write(p)
}

// Close removes the repository of a harvest.
func (h Harvest) Close() error {
	if h.dir == "" {
		return nil
	}
	return os.RemoveAll(filepath.Dir(h.dir))
}
