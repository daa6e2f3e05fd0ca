package container

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

// A Scratch is a directory of one job. It goes when it is closed, or at the
// next Sweep after its bot died: whoever holds the lock on the file beside it
// says that it is in use, and the kernel takes the lock from the dead. That
// holds for bots in different containers that share a volume, too.
type Scratch struct {
	Dir  string // absolute, empty at first, mode 0700
	lock *os.File
}

const (
	lockSuffix = ".lock"
	gateName   = "gate" // locked while a scratch directory is made, and while Sweep looks for the dead
)

// NewScratch makes a directory for a job below parent, the directory of all
// bots of this machine.
func NewScratch(ctx context.Context, parent, job string) (*Scratch, error) {
	parent, err := filepath.Abs(parent)
	if err != nil {
		return nil, fmt.Errorf("make scratch: %w", err)
	}
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return nil, fmt.Errorf("make scratch: %w", err)
	}
	gate, err := lock.Take(ctx, filepath.Join(parent, gateName), lock.Alone, nil)
	if err != nil {
		return nil, fmt.Errorf("make scratch: %w", err)
	}
	defer gate.Close()
	dir := filepath.Join(parent, plain(job)+"-"+strings.ToLower(rand.Text()[:10]))
	held, err := lock.Take(ctx, dir+lockSuffix, lock.Alone, nil)
	if err != nil {
		return nil, fmt.Errorf("make scratch: %w", err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, errors.Join(fmt.Errorf("make scratch: %w", err), os.Remove(dir+lockSuffix), held.Close())
	}
	return &Scratch{Dir: dir, lock: held}, nil
}

// Close removes the directory with all that is in it. Closing twice is fine.
func (s *Scratch) Close() error {
	err := removeScratch(s.Dir)
	if closeErr := s.lock.Close(); closeErr != nil && !errors.Is(closeErr, os.ErrClosed) {
		err = errors.Join(err, closeErr)
	}
	return err
}

// removeScratch removes a scratch directory and then its lock file.
func removeScratch(dir string) error {
	if err := removeTree(dir); err != nil {
		return err
	}
	if err := os.Remove(dir + lockSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove scratch: %w", err)
	}
	return nil
}

// sweepScratch removes the directories below parent that nobody holds.
func sweepScratch(ctx context.Context, parent string) (removed []string, err error) {
	if _, err := os.Stat(parent); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	gate, err := lock.Take(ctx, filepath.Join(parent, gateName), lock.Alone, nil)
	if err != nil {
		return nil, fmt.Errorf("sweep %s: %w", parent, err)
	}
	dead, err := deadScratches(parent)
	gate.Close()
	errs := []error{err}
	for _, s := range dead {
		if ctx.Err() != nil {
			errs = append(errs, context.Cause(ctx), s.lock.Close())
			continue
		}
		if err := s.Close(); err != nil {
			errs = append(errs, err)
			continue
		}
		removed = append(removed, s.Dir)
	}
	if err := errors.Join(errs...); err != nil {
		return removed, fmt.Errorf("sweep %s: %w", parent, err)
	}
	return removed, nil
}

// deadScratches takes the lock of every directory below parent whose owner is
// gone. The caller holds the gate.
func deadScratches(parent string) ([]*Scratch, error) {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return nil, err
	}
	var dead []*Scratch
	for _, entry := range entries {
		name, ok := strings.CutSuffix(entry.Name(), lockSuffix)
		if entry.IsDir() {
			// A directory without a lock file: the file was deleted by hand,
			// or the last sweep was cut short. No living bot's looks so.
			if _, err := os.Lstat(filepath.Join(parent, entry.Name()+lockSuffix)); !errors.Is(err, fs.ErrNotExist) {
				continue
			}
			name, ok = entry.Name(), true
		}
		if !ok {
			continue
		}
		dir := filepath.Join(parent, name)
		held, err := lock.Try(dir+lockSuffix, lock.Alone)
		if err != nil {
			return dead, err
		}
		if held != nil {
			dead = append(dead, &Scratch{Dir: dir, lock: held})
		}
	}
	return dead, nil
}

// removeTree removes dir even if directories in it are read-only, as those of
// Go's module cache are. Links are removed, never followed.
func removeTree(dir string) error {
	err := os.RemoveAll(dir)
	if err == nil || !errors.Is(err, fs.ErrPermission) {
		return err
	}
	_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, _ error) error {
		if entry != nil && entry.IsDir() {
			_ = os.Chmod(path, 0o700) // what stays closed shows when it is removed
		}
		return nil
	})
	return os.RemoveAll(dir)
}

// plain makes a job's name fit for a file: short, no separators, no surprises.
func plain(name string) string {
	const most = 40
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '-'
	}, name)
	clean = strings.TrimLeft(clean[:min(len(clean), most)], "-")
	if clean == "" {
		return "job"
	}
	return clean
}
