package fakehub

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// errNoPath says that a tree has nothing at a path.
var errNoPath = errors.New("no such path")

// A treeEdit is what a path of a tree shall become. An empty SHA takes it away.
type treeEdit struct {
	Path string
	Mode string
	SHA  string
}

// A pathError is a path that no tree may hold.
type pathError struct{ path string }

// Error implements [error].
func (e *pathError) Error() string { return fmt.Sprintf("edit tree: path %.80q is malformed", e.path) }

// checkPath refuses what git refuses to store: empty components, dots, and
// every spelling of .git that some file system takes for it.
func checkPath(path string) error {
	if path == "" || len(path) > 4096 || strings.ContainsRune(path, 0) {
		return &pathError{path}
	}
	for part := range strings.SplitSeq(path, "/") {
		lower := strings.ToLower(part)
		if part == "" || part == "." || part == ".." || lower == ".git" || lower == "git~1" || strings.ContainsRune(part, '\\') {
			return &pathError{path}
		}
	}
	return nil
}

// readTree lists one tree, or the tree of a commit.
func readTree(ctx context.Context, g objectStore, oid string) ([]gitEntry, error) {
	o, err := g.read(ctx, oid)
	if err != nil {
		return nil, err
	}
	if o.kind == "commit" {
		c, err := parseCommit(oid, o.data)
		if err != nil {
			return nil, err
		}
		return readTree(ctx, g, c.Tree)
	}
	if o.kind != "tree" {
		return nil, fmt.Errorf("read tree %s: it is a %s: %w", oid, o.kind, errNoObject)
	}
	return parseTree(oid, o.data)
}

// lookup finds the entry at a path below a tree or commit; the error wraps
// errNoPath where there is none.
func lookup(ctx context.Context, g objectStore, tree, path string) (gitEntry, error) {
	dir, rest, deeper := strings.Cut(path, "/")
	entries, err := readTree(ctx, g, tree)
	if err != nil {
		return gitEntry{}, err
	}
	i := slices.IndexFunc(entries, func(e gitEntry) bool { return e.Name == dir })
	if i < 0 || deeper && entries[i].Kind() != "tree" {
		return gitEntry{}, fmt.Errorf("look up %s: %w", path, errNoPath)
	}
	if !deeper {
		return entries[i], nil
	}
	return lookup(ctx, g, entries[i].SHA, rest)
}

// editTree makes the tree that differs from base ("" is the empty tree) by the
// edits, later ones winning, and gives its name. A directory that loses its
// last entry disappears; a file in the way of a directory is replaced.
func editTree(ctx context.Context, g objectStore, base string, edits []treeEdit) (string, error) {
	for _, e := range edits {
		if err := checkPath(e.Path); err != nil {
			return "", err
		}
	}
	entries, err := editLevel(ctx, g, base, edits)
	if err != nil {
		return "", err
	}
	return g.write(ctx, object{kind: "tree", data: rawTree(entries)})
}

func editLevel(ctx context.Context, g objectStore, base string, edits []treeEdit) ([]gitEntry, error) {
	byName := map[string]gitEntry{}
	if base != "" && base != emptyTree {
		entries, err := readTree(ctx, g, base)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			byName[e.Name] = e
		}
	}
	below := map[string][]treeEdit{}
	for _, e := range edits {
		name, rest, deeper := strings.Cut(e.Path, "/")
		switch {
		case deeper:
			e.Path = rest
			below[name] = append(below[name], e)
		case e.SHA == "":
			delete(byName, name)
			delete(below, name)
		default:
			byName[name] = gitEntry{Mode: e.Mode, Name: name, SHA: e.SHA}
			delete(below, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(below)) {
		if err := editBelow(ctx, g, byName, name, below[name]); err != nil {
			return nil, err
		}
	}
	return slices.Collect(maps.Values(byName)), nil
}

// editBelow edits the subtree called name.
func editBelow(ctx context.Context, g objectStore, byName map[string]gitEntry, name string, edits []treeEdit) error {
	base := ""
	if old, found := byName[name]; found && old.Kind() == "tree" {
		base = old.SHA
	}
	entries, err := editLevel(ctx, g, base, edits)
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		if base != "" {
			delete(byName, name)
		}
		return nil
	}
	sha, err := g.write(ctx, object{kind: "tree", data: rawTree(entries)})
	if err != nil {
		return err
	}
	byName[name] = gitEntry{Mode: "040000", Name: name, SHA: sha}
	return nil
}

// walkTree calls visit for each entry below a tree with its full path,
// subtrees before what they hold, until visit returns false.
func walkTree(ctx context.Context, g objectStore, tree, prefix string, visit func(gitEntry) bool) error {
	entries, err := readTree(ctx, g, tree)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := e.Name
		e.Name = prefix + name
		if !visit(e) {
			return nil
		}
		if e.Kind() == "tree" {
			if err := walkTree(ctx, g, e.SHA, e.Name+"/", visit); err != nil {
				return err
			}
		}
	}
	return nil
}
