package fakehub

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// commit reads and parses a commit.
func (m *memoryRepository) commit(oid string) (gitCommit, error) {
	o, found := m.objects[oid]
	if !found || o.kind != "commit" {
		return gitCommit{}, fmt.Errorf("read commit %s: %w", oid, errNoObject)
	}
	return parseCommit(oid, o.data)
}

// ancestors is the set of all that the tips reach, themselves included.
func (m *memoryRepository) ancestors(tips ...string) (map[string]bool, error) {
	seen := map[string]bool{}
	for queue := slices.Clone(tips); len(queue) > 0; {
		oid := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if seen[oid] {
			continue
		}
		seen[oid] = true
		c, err := m.commit(oid)
		if err != nil {
			return nil, err
		}
		queue = append(queue, c.Parents...)
	}
	return seen, nil
}

func (m *memoryRepository) commits(_ context.Context, tip string, not []string, limit int) ([]string, error) {
	hidden, err := m.ancestors(not...)
	if err != nil {
		return nil, err
	}
	// As git log: of the commits at the edge, the one with the newest date is next.
	var edge []gitCommit
	seen := map[string]bool{}
	reach := func(oid string) error {
		if seen[oid] || hidden[oid] {
			return nil
		}
		seen[oid] = true
		c, err := m.commit(oid)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(edge, func(e gitCommit) bool { return e.Committer.When.Before(c.Committer.When) })
		if at < 0 {
			at = len(edge)
		}
		edge = slices.Insert(edge, at, c)
		return nil
	}
	if err := reach(tip); err != nil {
		return nil, err
	}
	var list []string
	for len(edge) > 0 && (limit <= 0 || len(list) < limit) {
		c := edge[0]
		edge = edge[1:]
		list = append(list, c.SHA)
		for _, p := range c.Parents {
			if err := reach(p); err != nil {
				return nil, err
			}
		}
	}
	return list, nil
}

func (m *memoryRepository) mergeBase(ctx context.Context, a, b string) (string, error) {
	of, err := m.ancestors(a)
	if err != nil {
		return "", err
	}
	list, err := m.commits(ctx, b, nil, 0)
	if err != nil {
		return "", err
	}
	for _, oid := range list {
		if of[oid] {
			return oid, nil
		}
	}
	return "", nil
}

// A leaf is a file of a tree, whatever its depth.
type leaf struct{ mode, sha string }

// leaves lists all files of a commit's tree by path; of "", none.
func (m *memoryRepository) leaves(oid string) (map[string]leaf, error) {
	files := map[string]leaf{}
	if oid == "" {
		return files, nil
	}
	c, err := m.commit(oid)
	if err != nil {
		return nil, err
	}
	return files, m.walkTree(c.Tree, "", func(path string, l leaf) { files[path] = l })
}

func (m *memoryRepository) walkTree(tree, prefix string, found func(string, leaf)) error {
	o, ok := m.objects[tree]
	if !ok || o.kind != "tree" {
		return fmt.Errorf("read tree %s: %w", tree, errNoObject)
	}
	entries, err := parseTree(tree, o.data)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Kind() != "tree" {
			found(prefix+e.Name, leaf{e.Mode, e.SHA})
			continue
		}
		if err := m.walkTree(e.SHA, prefix+e.Name+"/", found); err != nil {
			return err
		}
	}
	return nil
}

// diff compares by whole files: the counts are of lines, and there is no patch
// text and no detection of renames.
func (m *memoryRepository) diff(_ context.Context, from, to string) ([]fileChange, error) {
	before, err := m.leaves(from)
	if err != nil {
		return nil, err
	}
	after, err := m.leaves(to)
	if err != nil {
		return nil, err
	}
	var changes []fileChange
	for path, a := range after {
		switch b, had := before[path]; {
		case !had:
			changes = append(changes, fileChange{path: path, status: "added", sha: a.sha, additions: m.lines(a.sha)})
		case a != b:
			changes = append(changes, fileChange{
				path: path, status: "modified", sha: a.sha, additions: m.lines(a.sha), deletions: m.lines(b.sha),
			})
		}
	}
	for path, b := range before {
		if _, has := after[path]; !has {
			changes = append(changes, fileChange{path: path, status: "removed", sha: b.sha, deletions: m.lines(b.sha)})
		}
	}
	slices.SortFunc(changes, func(a, b fileChange) int { return strings.Compare(a.path, b.path) })
	return changes, nil
}

func (m *memoryRepository) lines(blob string) int {
	return strings.Count(string(m.objects[blob].data), "\n")
}

// mergeTree merges by whole files: two changes of one file are a conflict.
func (m *memoryRepository) mergeTree(ctx context.Context, ours, theirs string) (string, error) {
	base, err := m.mergeBase(ctx, ours, theirs)
	if err != nil {
		return "", err
	}
	var sides [3]map[string]leaf
	for i, oid := range []string{base, ours, theirs} {
		if sides[i], err = m.leaves(oid); err != nil {
			return "", err
		}
	}
	merged, conflict := map[string]leaf{}, &mergeConflictError{}
	for _, side := range sides {
		for path := range side {
			b, o, t := sides[0][path], sides[1][path], sides[2][path]
			switch {
			case o == t || t == b:
				t = o
			case o == b:
			default:
				if !slices.Contains(conflict.paths, path) {
					conflict.paths = append(conflict.paths, path)
				}
			}
			if t != (leaf{}) {
				merged[path] = t
			}
		}
	}
	if len(conflict.paths) > 0 {
		slices.Sort(conflict.paths)
		return "", conflict
	}
	return m.writeTree(ctx, merged)
}

// writeTree stores the tree, with its subtrees, which holds the files.
func (m *memoryRepository) writeTree(ctx context.Context, files map[string]leaf) (string, error) {
	below := map[string]map[string]leaf{}
	var entries []gitEntry
	for path, l := range files {
		dir, rest, deeper := strings.Cut(path, "/")
		if !deeper {
			entries = append(entries, gitEntry{Mode: l.mode, Name: path, SHA: l.sha})
			continue
		}
		if below[dir] == nil {
			below[dir] = map[string]leaf{}
		}
		below[dir][rest] = l
	}
	for dir, files := range below {
		sha, err := m.writeTree(ctx, files)
		if err != nil {
			return "", err
		}
		entries = append(entries, gitEntry{Mode: "040000", Name: dir, SHA: sha})
	}
	return m.write(ctx, object{kind: "tree", data: rawTree(entries)})
}

// rawTree formats a tree as git stores it: sorted as if the names of subtrees
// ended in a slash, their modes without the leading zero.
func rawTree(entries []gitEntry) []byte {
	key := func(e gitEntry) string {
		if e.Kind() == "tree" {
			return e.Name + "/"
		}
		return e.Name
	}
	entries = slices.SortedFunc(slices.Values(entries), func(a, b gitEntry) int { return strings.Compare(key(a), key(b)) })
	var data []byte
	for _, e := range entries {
		data = append(data, strings.TrimPrefix(e.Mode, "0")+" "+e.Name+"\x00"...)
		sha, _ := hex.DecodeString(e.SHA) // always the name of an object
		data = append(data, sha...)
	}
	return data
}
