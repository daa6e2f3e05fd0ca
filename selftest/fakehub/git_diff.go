package fakehub

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
)

// emptyTree is git's name of the tree without entries; git knows it everywhere.
const emptyTree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

// patchLimit is the longest patch that is shown for one file. GitHub leaves
// the key out for larger ones.
const patchLimit = 256 << 10

// diff compares two commits (or trees) with git's rename detection, in git's
// order of paths.
func (d *diskGit) diff(ctx context.Context, from, to string) ([]fileChange, error) {
	if from == "" {
		from = emptyTree
	}
	if to == "" {
		to = emptyTree
	}
	if !isSHA(from) || !isSHA(to) {
		return nil, fmt.Errorf("compare %.50q and %.50q: %w", from, to, errNoObject)
	}
	run := func(format ...string) ([]byte, error) {
		args := append([]string{"diff-tree", "-r", "-M", "--no-ext-diff", "--no-textconv"}, format...)
		return d.git.output(ctx, gitCall{Dir: d.dir, Args: append(args, from, to)})
	}
	list, err := run("-z", "--raw", "--numstat", "--no-abbrev")
	if err != nil {
		return nil, err
	}
	changes, kinds, err := parseDiffList(list)
	if err != nil {
		return nil, err
	}
	if len(changes) == 0 {
		return nil, nil
	}
	text, err := run("-p")
	if err != nil {
		return nil, err
	}
	givePatches(changes, kinds, splitPatches(text))
	return changes, nil
}

// parseDiffList reads `diff-tree -z --raw --numstat`: first all raw entries,
// then all counts, in one order. kinds holds git's letter of each entry.
func parseDiffList(out []byte) (changes []fileChange, kinds []byte, err error) {
	fields := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	next := func() (string, bool) {
		if len(fields) == 0 {
			return "", false
		}
		f := fields[0]
		fields = fields[1:]
		return f, true
	}
	for len(fields) > 0 && strings.HasPrefix(fields[0], ":") {
		head, _ := next()
		c, kind, err := parseRaw(head)
		if err != nil {
			return nil, nil, err
		}
		path, ok := next()
		if kind == 'R' || kind == 'C' {
			c.previous = path
			path, ok = next()
		}
		if !ok {
			return nil, nil, fmt.Errorf("parse difference: entry %q has no path", head)
		}
		c.path = path
		changes, kinds = append(changes, c), append(kinds, kind)
	}
	for i := range changes {
		counts, _ := next()
		added, rest, ok := strings.Cut(counts, "\t")
		removed, path, ok2 := strings.Cut(rest, "\t")
		if !ok || !ok2 {
			return nil, nil, fmt.Errorf("parse difference: counts %q of %s", counts, changes[i].path)
		}
		if path == "" { // a renaming: both names follow
			next()
			next()
		}
		changes[i].additions, _ = strconv.Atoi(added) // "-" for a binary file
		changes[i].deletions, _ = strconv.Atoi(removed)
	}
	return changes, kinds, nil
}

// parseRaw reads `:100644 100644 OLD NEW M`.
func parseRaw(head string) (c fileChange, kind byte, err error) {
	f := strings.Fields(head)
	if len(f) != 5 || f[4] == "" {
		return c, 0, fmt.Errorf("parse difference: entry %q", head)
	}
	kind = f[4][0]
	c.sha = f[3]
	switch kind {
	case 'A':
		c.status = "added"
	case 'D':
		c.status, c.sha = "removed", f[2]
	case 'R':
		c.status = "renamed"
	case 'C':
		c.status = "copied"
	case 'T':
		c.status = "changed"
	default:
		c.status = "modified"
		if f[2] == f[3] { // only the mode
			c.status = "changed"
		}
	}
	return c, kind, nil
}

// splitPatches cuts `diff-tree -p` at its "diff --git" lines, which no line of
// a file's content can look like: those begin with a space, +, - or \.
func splitPatches(out []byte) []string {
	var patches []string
	var hunks strings.Builder
	inside, inHunks := false, false
	flush := func() {
		if inside {
			patches = append(patches, strings.TrimSuffix(hunks.String(), "\n"))
		}
		hunks.Reset()
		inHunks = false
	}
	for line := range bytes.Lines(out) {
		switch {
		case bytes.HasPrefix(line, []byte("diff --git ")):
			flush()
			inside = true
		case bytes.HasPrefix(line, []byte("@@ ")):
			inHunks = true
		}
		if inHunks && hunks.Len() <= patchLimit {
			hunks.Write(line)
		}
	}
	flush()
	return patches
}

// givePatches hands each change its patch. A change of type is two patches
// (the old file away, the new one there), so it shows none.
func givePatches(changes []fileChange, kinds []byte, patches []string) {
	for i := range changes {
		n := 1
		if kinds[i] == 'T' {
			n = 2
		}
		if len(patches) < n {
			return
		}
		if n == 1 && len(patches[0]) <= patchLimit {
			changes[i].patch = strings.ToValidUTF8(patches[0], "\uFFFD")
		}
		patches = patches[n:]
	}
}
