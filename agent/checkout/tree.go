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

// Checkout makes dir, which must not exist, a work tree of commit. Its origin
// is the repository's address without a credential, HEAD is detached.
func (m *Mirror) Checkout(ctx context.Context, dir, commit string) error {
	err := m.use(ctx, []string{commit}, func(held *os.File) error {
		return m.fresh(ctx, dir, held, func(w *work) error {
			return w.fill(ctx, commit, map[string]string{"refs/cyborg/head": commit})
		})
	})
	if err != nil {
		return fmt.Errorf("check out %.12s of %s: %w", commit, m.name(), err)
	}
	return nil
}

// Merge makes dir, which must not exist, a work tree of the merge of head into
// base, and returns the merge commit, which is the same for all bots. Its
// parents are also there as refs/cyborg/base and refs/cyborg/head. A
// *ConflictError or *CommitError is the author's to solve.
func (m *Mirror) Merge(ctx context.Context, dir, base, head string) (commit string, err error) {
	err = m.use(ctx, []string{base, head}, func(held *os.File) error {
		return m.fresh(ctx, dir, held, func(w *work) (err error) {
			if commit, err = w.merge(ctx, base, head); err != nil {
				return err
			}
			return w.fill(ctx, commit, map[string]string{"refs/cyborg/base": base, "refs/cyborg/head": head})
		})
	})
	if err != nil {
		return "", fmt.Errorf("check out the merge of %s: %w", m.name(), err)
	}
	return commit, nil
}

// A work is a work tree that is being made.
type work struct {
	m    *Mirror
	dir  string
	held *os.File
}

// fresh makes dir with an empty repository and has fill fill it. If that
// fails, dir is removed.
func (m *Mirror) fresh(ctx context.Context, dir string, held *os.File, fill func(*work) error) (err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return fmt.Errorf("make work tree: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, Remove(dir))
		}
	}()
	w := &work{m: m, dir: dir, held: held}
	init := call{args: []string{"init", "--quiet", "--template=", "--initial-branch=main", dir}, locks: []*os.File{held}}
	if _, err := m.git(ctx, init); err != nil {
		return err
	}
	return fill(w)
}

// git runs a command in the work tree's own repository.
func (w *work) git(ctx context.Context, c call) ([]byte, error) {
	c.gitDir, c.tree, c.locks = filepath.Join(w.dir, ".git"), w.dir, []*os.File{w.held}
	return w.m.git(ctx, c)
}

// withMirror lets a command read the mirror's objects; what it writes goes
// into the work tree's own.
func (w *work) withMirror() []string {
	return []string{"GIT_ALTERNATE_OBJECT_DIRECTORIES=" + filepath.Join(w.m.path, "objects")}
}

// merge makes the merge commit without a work tree.
func (w *work) merge(ctx context.Context, base, head string) (string, error) {
	out, err := w.git(ctx, call{
		args: []string{"merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", base, head},
		env:  w.withMirror(),
	})
	list := splitZero(out)
	switch {
	case err == nil && len(list) == 1 && isCommit(list[0]):
	case exited(err, 1) && len(list) > 1:
		files := slices.Compact(slices.Sorted(slices.Values(list[1:])))
		return "", &ConflictError{Base: base, Head: head, Files: files}
	case said(err, "unrelated histories"):
		return "", &CommitError{Commit: head, Reason: fmt.Sprintf("its history has nothing in common with %.12s, into which it is to be merged", base)}
	case err == nil:
		return "", fmt.Errorf("git merge-tree: unexpected answer %.200q", out)
	default:
		return "", err
	}
	date, err := w.date(ctx, base, head)
	if err != nil {
		return "", err
	}
	stamp := strconv.FormatInt(date, 10) + " +0000"
	const name, mail = "cyborg", "cyborg@cyborg.invalid"
	out, err = w.git(ctx, call{
		args: []string{"commit-tree", "-p", base, "-p", head, "-m", "Merge " + head + " into " + base, list[0]},
		env: append(w.withMirror(),
			"GIT_AUTHOR_NAME="+name, "GIT_AUTHOR_EMAIL="+mail, "GIT_AUTHOR_DATE="+stamp,
			"GIT_COMMITTER_NAME="+name, "GIT_COMMITTER_EMAIL="+mail, "GIT_COMMITTER_DATE="+stamp),
	})
	if err != nil {
		return "", err
	}
	return string(bytes.TrimSpace(out)), nil
}

// date is that of the younger parent, so that the merge commit is the same
// whoever makes it and whenever.
func (w *work) date(ctx context.Context, base, head string) (int64, error) {
	out, err := w.git(ctx, call{
		args: []string{"log", "--no-walk=unsorted", "--no-show-signature", "--format=%ct", base, head},
		env:  w.withMirror(),
	})
	if err != nil {
		return 0, err
	}
	var latest int64
	for _, field := range strings.Fields(string(out)) {
		date, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("git log: unexpected date %.50q", field)
		}
		latest = max(latest, date)
	}
	return latest, nil
}

// fill copies the history, sets refs, origin and HEAD, and writes the files.
func (w *work) fill(ctx context.Context, commit string, refs map[string]string) error {
	if err := w.measure(ctx, commit); err != nil {
		return err
	}
	args := []string{"fetch", "--quiet", "--no-write-fetch-head", "--no-auto-maintenance", "--no-recurse-submodules", "file://" + w.m.path}
	for name, id := range refs {
		args = append(args, id+":"+name)
	}
	if _, err := w.git(ctx, call{args: args, allow: "file"}); err != nil {
		return err
	}
	if err := w.branches(ctx, refs); err != nil {
		return err
	}
	config := [][]string{
		{"config", "remote.origin.url", w.m.o.URL},
		{"config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*"},
		{"update-ref", "--no-deref", "HEAD", commit},
	}
	for _, args := range config {
		if _, err := w.git(ctx, call{args: args}); err != nil {
			return err
		}
	}
	_, err := w.git(ctx, call{args: []string{"reset", "--quiet", "--hard", commit}})
	for _, theirs := range []string{"invalid path", "File name too long", "unable to create symlink"} {
		if said(err, theirs) && !said(err, "No space left on device") {
			return &CommitError{Commit: commit, Reason: err.Error()}
		}
	}
	return err
}

// branches gives the job origin/NAME for every branch whose tip is among the
// commits: what scripts compare with.
func (w *work) branches(ctx context.Context, refs map[string]string) error {
	c := call{args: []string{"for-each-ref", "--format=%(objectname) %(refname)", "refs/kept/"}, gitDir: w.m.path, locks: []*os.File{w.held}}
	out, err := w.m.git(ctx, c)
	if err != nil {
		return err
	}
	tips := map[string]bool{}
	for _, id := range refs {
		tips[id] = true
	}
	for line := range strings.Lines(string(out)) {
		id, kept, _ := strings.Cut(strings.TrimSpace(line), " ")
		if !tips[id] {
			continue
		}
		ref, err := os.ReadFile(filepath.Join(w.m.path, keptDir, filepath.Base(kept)))
		if err != nil {
			continue // being noted this moment
		}
		branch, ok := strings.CutPrefix(string(ref), "refs/heads/")
		if !ok || !isRef(string(ref)) {
			continue
		}
		c := call{args: []string{"update-ref", "refs/remotes/origin/" + branch, id}}
		if _, err := w.git(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// measure refuses trees that would fill the disk: a tree that contains the
// same tree ten times over, ten levels deep, is a few hundred bytes in git.
func (w *work) measure(ctx context.Context, commit string) error {
	limits := w.m.o.Limits
	files, size := 0, int64(0)
	list := &entryWriter{visit: func(e entry) error {
		files++
		size += e.size
		if files > limits.TreeFiles {
			return &CommitError{Commit: commit, Reason: fmt.Sprintf("more than %d files", limits.TreeFiles)}
		}
		if size > limits.TreeBytes {
			return &CommitError{Commit: commit, Reason: fmt.Sprintf("more than %d bytes of files", limits.TreeBytes)}
		}
		return nil
	}}
	c := call{args: []string{"ls-tree", "-r", "-z", "-l", "--full-tree", commit}, env: w.withMirror(), output: list}
	_, err := w.git(ctx, c)
	return list.finish(err)
}
