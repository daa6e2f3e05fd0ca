package checkout

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cyborg-bots/cyborg/container/lock"
)

// keptDir holds, for every ref that is kept, a file with its name; the file's
// time is that of the last fetch.
const keptDir = "kept"

// Fetch brings refs up to date and returns the commit of each. A ref is a full
// name ("refs/heads/main", "refs/pull/7/head") or a full commit id; a commit
// that is there already costs no request. If one of them does not exist the
// error is ErrNoRef; the others may have been fetched.
func (m *Mirror) Fetch(ctx context.Context, refs ...string) (map[string]string, error) {
	for _, ref := range refs {
		if !isCommit(ref) && !isRef(ref) {
			return nil, fmt.Errorf("fetch from %s: %.200q is neither a full ref name nor a commit id", m.name(), ref)
		}
	}
	var commits map[string]string
	err := m.twice(ctx, func() (err error) {
		commits, err = m.fetch(ctx, refs)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("fetch from %s: %w", m.name(), err)
	}
	if err := m.tidy(ctx); err != nil {
		m.o.Log.Warn("cannot tidy mirror", "repository", m.name(), "error", err)
	}
	return commits, nil
}

// fetch is Fetch without a second chance.
func (m *Mirror) fetch(ctx context.Context, refs []string) (map[string]string, error) {
	fetching, err := lock.Take(ctx, m.fetchLock(), lock.Alone, nil)
	if err != nil {
		return nil, err
	}
	defer fetching.Close()
	held, err := m.hold(ctx)
	if err != nil {
		return nil, err
	}
	defer held.Close()
	locks := []*os.File{fetching, held}
	var ids, specs []string
	for _, ref := range refs {
		if isCommit(ref) {
			ids = append(ids, ref)
		} else {
			specs = append(specs, "+"+ref+":"+keptRef(ref))
		}
	}
	missing, err := m.missing(ctx, ids, held)
	if err != nil {
		return nil, err
	}
	for _, id := range missing {
		specs = append(specs, "+"+id+":"+keptRef(id))
	}
	if err := m.exchange(ctx, specs, locks); err != nil {
		return nil, err
	}
	return m.keep(ctx, refs, locks)
}

// exchange talks to the server.
func (m *Mirror) exchange(ctx context.Context, specs []string, locks []*os.File) error {
	if len(specs) == 0 {
		return nil
	}
	credential, secrets, err := m.credential(ctx)
	if err != nil {
		return err
	}
	c := call{
		args: append([]string{"fetch", "--quiet", "--force", "--no-write-fetch-head", "--no-auto-maintenance",
			"--no-recurse-submodules", m.o.URL}, specs...),
		gitDir: m.path, config: credential, secrets: secrets, locks: locks, allow: m.scheme,
	}
	_, err = m.git(ctx, c)
	return explain(err)
}

// keep notes that the refs are wanted and returns their commits.
func (m *Mirror) keep(ctx context.Context, refs []string, locks []*os.File) (map[string]string, error) {
	args := []string{"rev-parse", "--verify"}
	commits := map[string]string{}
	for _, ref := range refs {
		name := keptRef(ref)
		if isCommit(ref) {
			c := call{args: []string{"update-ref", name, ref}, gitDir: m.path, locks: locks}
			if _, err := m.git(ctx, c); err != nil {
				return nil, err
			}
		}
		out, err := m.git(ctx, call{args: append(args, name+"^{commit}"), gitDir: m.path, locks: locks})
		if err != nil {
			return nil, err
		}
		commits[ref] = string(bytes.TrimSpace(out))
		note := filepath.Join(m.path, keptDir, filepath.Base(name))
		if err := os.WriteFile(note, []byte(ref), 0o600); err != nil {
			return nil, fmt.Errorf("note ref: %w", err)
		}
	}
	return commits, nil
}

// need fetches those of the commits that are not there.
func (m *Mirror) need(ctx context.Context, commits []string) error {
	for _, id := range commits {
		if !isCommit(id) {
			return fmt.Errorf("%.200q is not a full commit id", id)
		}
	}
	held, err := m.hold(ctx)
	if err != nil {
		return err
	}
	missing, err := m.missing(ctx, commits, held)
	held.Close()
	if err != nil || len(missing) == 0 {
		return err
	}
	_, err = m.fetch(ctx, missing)
	return err
}

// missing returns the commits that are not in the mirror.
func (m *Mirror) missing(ctx context.Context, commits []string, held *os.File) ([]string, error) {
	if len(commits) == 0 {
		return nil, nil
	}
	c := call{
		args: []string{"cat-file", "--batch-check=%(objecttype)"}, gitDir: m.path, locks: []*os.File{held},
		input: strings.NewReader(strings.Join(commits, "\n") + "\n"),
	}
	out, err := m.git(ctx, c)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimRight(string(out), "\n"), "\n")
	if len(lines) != len(commits) {
		return nil, fmt.Errorf("git cat-file: %d answers to %d questions", len(lines), len(commits))
	}
	var missing []string
	for i, line := range lines {
		switch {
		case line == "commit":
		case strings.HasSuffix(line, " missing"):
			missing = append(missing, commits[i])
		default:
			return nil, fmt.Errorf("%s is no commit: %.50q: %w", commits[i], line, ErrNoRef)
		}
	}
	return missing, nil
}

// tidy drops refs that nobody has asked for in a month and lets git collect
// its garbage, once a day or when there are many packs. It is nobody's turn to
// wait for that: if the mirror is in use, it is left for another time.
func (m *Mirror) tidy(ctx context.Context) error {
	const daily, month, manyPacks = 24 * time.Hour, 30 * 24 * time.Hour, 50
	stamp := filepath.Join(m.path, "tidied")
	info, err := os.Stat(stamp)
	switch {
	case errors.Is(err, os.ErrNotExist): // a new mirror
		return os.WriteFile(stamp, nil, 0o600)
	case err != nil:
		return err
	}
	packs, _ := filepath.Glob(filepath.Join(m.path, "objects", "pack", "*.pack"))
	if time.Since(info.ModTime()) < daily && len(packs) < manyPacks {
		return nil
	}
	fetching, err := lock.Try(m.fetchLock(), lock.Alone)
	if fetching == nil {
		return err
	}
	defer fetching.Close()
	held, err := lock.Try(m.useLock(), lock.Alone)
	if held == nil {
		return err
	}
	defer held.Close()
	locks := []*os.File{fetching, held}
	if err := m.forget(ctx, time.Now().Add(-month), locks); err != nil {
		return err
	}
	c := call{
		args: []string{"gc", "--auto", "--quiet", "--prune=1.day.ago"}, gitDir: m.path, locks: locks,
		config: []setting{{"gc.auto", "1000"}, {"gc.autoPackLimit", "20"}},
	}
	if _, err := m.git(ctx, c); err != nil {
		return err
	}
	return os.WriteFile(stamp, nil, 0o600)
}

// forget drops the refs that were last asked for before a time.
func (m *Mirror) forget(ctx context.Context, before time.Time, locks []*os.File) error {
	dir := filepath.Join(m.path, keptDir)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || !info.ModTime().Before(before) {
			continue
		}
		c := call{args: []string{"update-ref", "-d", "refs/kept/" + entry.Name()}, gitDir: m.path, locks: locks}
		if _, err := m.git(ctx, c); err != nil {
			return err
		}
		if err := os.Remove(filepath.Join(dir, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

// keptRef is where a ref of the server is kept in the mirror.
func keptRef(ref string) string {
	sum := sha256.Sum256([]byte(ref))
	return "refs/kept/" + hex.EncodeToString(sum[:16])
}

// isCommit reports whether text is a full commit id.
func isCommit(text string) bool {
	return (len(text) == 40 || len(text) == 64) && strings.Trim(text, "0123456789abcdef") == ""
}

// isRef reports whether text is a full ref name by the rules of
// git check-ref-format, and short enough for an argument.
func isRef(text string) bool {
	const most = 1000
	rest, ok := strings.CutPrefix(text, "refs/")
	if !ok || len(text) > most || strings.ContainsAny(text, " ~^:?*[\\") || strings.Contains(text, "..") || strings.Contains(text, "@{") {
		return false
	}
	for _, c := range []byte(text) {
		if c < 0x20 || c == 0x7f {
			return false
		}
	}
	for part := range strings.SplitSeq(rest, "/") {
		if part == "" || strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".lock") {
			return false
		}
	}
	return !strings.HasSuffix(text, ".")
}
