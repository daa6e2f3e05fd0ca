package fakehub

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// An expander knows objects by the first digits of their names.
type expander interface {
	// expand gives the full name; errNoObject if none or several begin so.
	expand(ctx context.Context, prefix string) (string, error)
}

var (
	_ expander = (*diskGit)(nil)
	_ expander = (*memoryRepository)(nil)
)

func (d *diskGit) expand(ctx context.Context, prefix string) (string, error) {
	o, err := d.batch.info(ctx, prefix)
	return o.ID, err
}

func (m *memoryRepository) expand(_ context.Context, prefix string) (string, error) {
	found := ""
	for oid := range m.objects {
		if strings.HasPrefix(oid, prefix) {
			if found != "" {
				return "", fmt.Errorf("expand %s: several objects: %w", prefix, errNoObject)
			}
			found = oid
		}
	}
	if found == "" {
		return "", fmt.Errorf("expand %s: %w", prefix, errNoObject)
	}
	return found, nil
}

// resolve gives the commit that the API takes name for, as of t: "HEAD" or ""
// (the default branch), a branch, a tag, heads/…, tags/…, a full reference, or
// the name of a commit, at least its first seven digits. The error wraps
// errNoObject when it is none of these.
func (r *repo) resolve(ctx context.Context, name string, t time.Time) (string, error) {
	if name == "" || name == "HEAD" {
		name = r.defaultBranch
	}
	if isSHA(name) {
		return r.peel(ctx, name)
	}
	for _, full := range []string{"refs/heads/" + name, "refs/tags/" + name, "refs/" + name, name} {
		if sha := r.refAt(full, t); sha != "" {
			return r.peel(ctx, sha)
		}
	}
	if x, ok := r.git.(expander); ok && len(name) >= 7 && len(name) <= 40 && isHex(name) {
		sha, err := x.expand(ctx, strings.ToLower(name))
		if err != nil {
			return "", err
		}
		return r.peel(ctx, sha)
	}
	return "", fmt.Errorf("resolve %.80q: %w", name, errNoObject)
}

// peel follows annotated tags to a commit.
func (r *repo) peel(ctx context.Context, sha string) (string, error) {
	for range 8 { // a tag of a tag of a tag: nobody goes further
		o, err := r.git.read(ctx, sha)
		if err != nil {
			return "", err
		}
		switch o.kind {
		case "commit":
			return sha, nil
		case "tag":
			t, err := parseTag(sha, o.data)
			if err != nil {
				return "", err
			}
			sha = t.Object
		default:
			return "", fmt.Errorf("resolve %s: it is a %s: %w", sha, o.kind, errNoObject)
		}
	}
	return "", fmt.Errorf("resolve %s: too many tags on the way: %w", sha, errNoObject)
}

// commit reads a commit by its full name.
func (r *repo) commit(ctx context.Context, sha string) (gitCommit, error) {
	o, err := r.git.read(ctx, sha)
	if err != nil {
		return gitCommit{}, err
	}
	if o.kind != "commit" {
		return gitCommit{}, fmt.Errorf("read commit %s: it is a %s: %w", sha, o.kind, errNoObject)
	}
	return parseCommit(sha, o.data)
}

// inspect tells an object's kind and size, without reading it where the
// repository can do that.
func inspect(ctx context.Context, g objectStore, sha string) (kind string, size int, err error) {
	if d, ok := g.(*diskGit); ok {
		o, err := d.batch.info(ctx, sha)
		return o.Kind, int(o.Size), err
	}
	o, err := g.read(ctx, sha)
	return o.kind, len(o.data), err
}

// kindOf is the type of an object, "" if there is none.
func (r *repo) kindOf(ctx context.Context, sha string) (string, error) {
	kind, _, err := inspect(ctx, r.git, sha)
	if errors.Is(err, errNoObject) {
		return "", nil
	}
	return kind, err
}

// empty reports whether nothing was ever pushed, as of t.
func (r *repo) empty(t time.Time) bool {
	for name := range r.refs {
		if r.refAt(name, t) != "" {
			return false
		}
	}
	return true
}

// reaches reports whether tip has commit among its ancestors or is it.
func reaches(ctx context.Context, g historian, tip, commit string) (bool, error) {
	if tip == commit {
		return true, nil
	}
	base, err := g.mergeBase(ctx, tip, commit)
	return base == commit, err
}

// checkChanges refuses changes that no repository may be given: their names and
// objects end up in what git reads.
func checkChanges(changes []refChange) error {
	for _, c := range changes {
		if err := checkRefName(c.name); err != nil {
			return err
		}
		if !isSHA(c.new) || c.old != "" && !isSHA(c.old) {
			return fmt.Errorf("update %s: %.50q to %.50q: not the names of objects", c.name, c.old, c.new)
		}
	}
	return nil
}

// checkRefName refuses what git-check-ref-format(1) refuses. The API and the
// transactions of references rely on it.
func checkRefName(name string) error {
	bad := fmt.Errorf("check reference %.100q: not a valid name", name)
	if !strings.HasPrefix(name, "refs/") || strings.Count(name, "/") < 2 || len(name) > 1000 ||
		strings.HasSuffix(name, ".") || strings.Contains(name, "..") || strings.Contains(name, "@{") {
		return bad
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".lock") {
			return bad
		}
	}
	for i := range len(name) {
		if c := name[i]; c <= ' ' || c == 0x7f || strings.IndexByte("~^:?*[\\", c) >= 0 {
			return bad
		}
	}
	return nil
}
