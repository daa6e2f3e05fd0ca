package checkout

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/cyborg-bots/cyborg/container/lock"
)

// The lock files of a mirror. Who needs both takes the first one first.
func (m *Mirror) fetchLock() string { return strings.TrimSuffix(m.path, ".git") + ".fetch.lock" }
func (m *Mirror) useLock() string   { return strings.TrimSuffix(m.path, ".git") + ".use.lock" }

// use runs f with the mirror there, not to be replaced meanwhile, and with the
// commits in it. If f fails for a reason that we do not know, the mirror is
// checked, replaced if it is damaged, and f gets a second chance; so f must
// be able to run twice. f hands the lock on to its git commands.
func (m *Mirror) use(ctx context.Context, commits []string, f func(held *os.File) error) error {
	once := func() error {
		if err := m.need(ctx, commits); err != nil {
			return err
		}
		held, err := m.hold(ctx)
		if err != nil {
			return err
		}
		defer held.Close()
		return f(held)
	}
	return m.twice(ctx, once)
}

// twice runs f again after the mirror has been checked, if f's error makes the
// mirror suspect.
func (m *Mirror) twice(ctx context.Context, f func() error) error {
	err := f()
	if !suspect(ctx, err) {
		return err
	}
	m.o.Log.Warn("mirror is suspect", "repository", m.name(), "error", err)
	if healErr := m.heal(ctx); healErr != nil {
		return errors.Join(err, healErr)
	}
	return f()
}

// suspect reports whether an error may come from a damaged mirror: a git
// command failed, and neither we nor a known reason ended it.
func suspect(ctx context.Context, err error) bool {
	g, ok := errors.AsType[*gitError](err)
	if !ok || g.cut || ctx.Err() != nil || strings.Contains(g.stderr, "No space left on device") {
		return false
	}
	for _, known := range []error{ErrUnauthorized, ErrUnknownRepo, ErrNoRef, ErrNetwork, ErrServer, ErrDiskFull} {
		if errors.Is(err, known) {
			return false
		}
	}
	return true
}

// hold takes the mirror for reading and makes it first if it is not there.
func (m *Mirror) hold(ctx context.Context) (*os.File, error) {
	for {
		held, err := lock.Take(ctx, m.useLock(), lock.Shared, nil)
		if err != nil || m.exists() {
			return held, err
		}
		held.Close()
		if err := m.create(ctx); err != nil {
			return nil, err
		}
	}
}

// exists reports whether the mirror is there. It appears as a whole.
func (m *Mirror) exists() bool {
	_, err := os.Stat(m.path)
	return err == nil
}

// create makes an empty mirror unless another process was faster.
func (m *Mirror) create(ctx context.Context) error {
	held, err := lock.Take(ctx, m.useLock(), lock.Alone, nil)
	if err != nil {
		return err
	}
	defer held.Close()
	if m.exists() {
		return nil
	}
	m.sweep()
	aside := m.path + ".new-" + rand.Text()
	c := call{args: []string{"init", "--quiet", "--bare", "--template=", "--initial-branch=main", aside}, locks: []*os.File{held}}
	if _, err := m.git(ctx, c); err != nil {
		return errors.Join(fmt.Errorf("make mirror of %s: %w", m.name(), err), os.RemoveAll(aside))
	}
	if err := os.Mkdir(filepath.Join(aside, keptDir), 0o700); err != nil {
		return errors.Join(fmt.Errorf("make mirror of %s: %w", m.name(), err), os.RemoveAll(aside))
	}
	if err := os.Rename(aside, m.path); err != nil {
		return errors.Join(fmt.Errorf("make mirror of %s: %w", m.name(), err), os.RemoveAll(aside))
	}
	return nil
}

// sweep removes what makers and healers that were killed left aside. The
// caller holds the mirror exclusively.
func (m *Mirror) sweep() {
	for _, kind := range []string{".new-*", ".bad-*"} {
		left, _ := filepath.Glob(m.path + kind) // the pattern is ours
		for _, dir := range left {
			if err := Remove(dir); err != nil {
				m.o.Log.Warn("cannot remove old mirror", "directory", dir, "error", err)
			}
		}
	}
}

// heal checks the mirror and replaces a damaged one by nothing, so that the
// next use makes it anew. Locks that a killed git left behind go as well.
func (m *Mirror) heal(ctx context.Context) error {
	fetching, err := lock.Take(ctx, m.fetchLock(), lock.Alone, nil)
	if err != nil {
		return err
	}
	defer fetching.Close()
	held, err := lock.Take(ctx, m.useLock(), lock.Alone, nil)
	if err != nil {
		return err
	}
	defer held.Close()
	if !m.exists() {
		return nil
	}
	if err := m.removeStaleLocks(); err != nil {
		return err
	}
	check := call{args: []string{"fsck", "--full", "--no-dangling", "--no-progress"}, gitDir: m.path, locks: []*os.File{fetching, held}}
	_, err = m.git(ctx, check)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("check mirror of %s: %w", m.name(), err)
	}
	m.o.Log.Warn("mirror is damaged, it will be cloned again", "repository", m.name(), "error", err)
	bad := m.path + ".bad-" + rand.Text()
	if err := os.Rename(m.path, bad); err != nil {
		return fmt.Errorf("replace mirror of %s: %w", m.name(), err)
	}
	m.sweep()
	return nil
}

// removeStaleLocks removes git's own lock files. The caller holds the mirror
// exclusively, and every git of ours holds it while it runs.
func (m *Mirror) removeStaleLocks() error {
	return filepath.WalkDir(m.path, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil: // a damaged file system shows in the check that follows
			return nil
		case entry.IsDir() && path == filepath.Join(m.path, "objects"):
			return fs.SkipDir
		case entry.Type().IsRegular() && (strings.HasSuffix(path, ".lock") || entry.Name() == "gc.pid"):
			if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("remove stale lock: %w", err)
			}
		}
		return nil
	})
}
