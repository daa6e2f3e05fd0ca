package fakehub

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// A Commit is a commit to be made by [Server.Commit].
type Commit struct {
	Branch  string            // without refs/heads/; made if there is none
	Parent  string            // "" is the branch's tip, else the default branch's, else none
	Message string            // "commit" if empty
	Author  string            // login; the repository's owner if empty
	Files   map[string]string // path → content; what is not named stays
	Delete  []string          // paths
	Modes   map[string]string // path → "100755", "120000"; else 100644
}

// Commit makes a commit and moves the branch to it, as a push would, whatever
// the branch was at before. It gives the commit's name.
func (s *Server) Commit(ctx context.Context, repository string, c Commit) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.repos[strings.ToLower(repository)]
	if r == nil {
		return "", fmt.Errorf("commit to %s: there is no such repository", repository)
	}
	by, now := r.owner, time.Now()
	if c.Author != "" {
		if by = s.users[strings.ToLower(c.Author)]; by == nil {
			return "", fmt.Errorf("commit to %s: there is no user %s", repository, c.Author)
		}
	}
	sha, err := c.write(ctx, r, by, now)
	if err != nil {
		return "", fmt.Errorf("commit to %s: %w", repository, err)
	}
	name := "refs/heads/" + c.Branch
	if err := s.updateRefs(ctx, now, r, by, []refChange{{name: name, new: sha}}); err != nil {
		return "", fmt.Errorf("commit to %s: %w", repository, err)
	}
	return sha, nil
}

// write makes the objects of the commit.
func (c *Commit) write(ctx context.Context, r *repo, by *user, now time.Time) (string, error) {
	parent := c.Parent
	for _, branch := range []string{c.Branch, r.defaultBranch} {
		if parent == "" {
			parent = r.refAt("refs/heads/"+branch, now)
		}
	}
	made := gitCommit{Author: by.person(now), Committer: by.person(now), Message: c.Message}
	if made.Message == "" {
		made.Message = "commit"
	}
	base := ""
	if parent != "" {
		p, err := r.commit(ctx, parent)
		if err != nil {
			return "", err
		}
		base, made.Parents = p.Tree, []string{parent}
	}
	edits := make([]treeEdit, 0, len(c.Files)+len(c.Delete))
	for _, path := range slices.Sorted(maps.Keys(c.Files)) {
		blob, err := r.git.write(ctx, object{kind: "blob", data: []byte(c.Files[path])})
		if err != nil {
			return "", err // says itself what it writes
		}
		mode := c.Modes[path]
		if mode == "" {
			mode = "100644"
		}
		edits = append(edits, treeEdit{Path: path, Mode: mode, SHA: blob})
	}
	for _, path := range c.Delete {
		edits = append(edits, treeEdit{Path: path})
	}
	tree, err := editTree(ctx, r.git, base, edits)
	if err != nil {
		return "", err
	}
	made.Tree = tree
	return writeCommit(ctx, r.git, made)
}
