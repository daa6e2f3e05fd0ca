package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/cyborg-bots/cyborg/container/lock"
	"github.com/cyborg-bots/cyborg/vmimage"
)

// Needs tells which disks are referred to by any branch or open pull request of all repositories that share a shelf. An
// error means that nobody knows, and then nothing is removed.
type Needs func(ctx context.Context) (map[vmimage.Disk]bool, error)

// Pruned is what a prune did.
type Pruned struct {
	Removed []Removal
	Kept    int   // disks
	Freed   int64 // bytes
}

// stray is when something that is no whole disk cannot belong to anything that goes on.
const stray = 24 * time.Hour

// Prune removes what the rules say from the cache. What is in use stays, whatever is needed. A [*FullError] beside the
// result says that there is too little room still.
func (c *Cache) Prune(ctx context.Context, needs Needs, r Rules) (Pruned, error) {
	var done Pruned
	needed, err := needs(ctx)
	if err != nil {
		return done, fmt.Errorf("prune %s: ask which disks are needed: %w", c.dir, err)
	}
	items, err := c.items(needed)
	if err != nil {
		return done, fmt.Errorf("prune %s: %w", c.dir, err)
	}
	short, err := c.short(r)
	if err != nil {
		return done, fmt.Errorf("prune %s: %w", c.dir, err)
	}
	list, _ := plan(items, r, short, true)
	if r.DryRun {
		return foretell(list, len(items)), nil
	}
	var errs []error
	for _, removal := range list {
		gone, err := c.remove(removal.Disk)
		errs = append(errs, err)
		if gone {
			done.Removed = append(done.Removed, removal)
			done.Freed += removal.Size
		}
	}
	done.Kept = len(items) - len(done.Removed)
	errs = append(errs, c.sweep())
	if short, err = c.short(r); err != nil || short > 0 {
		errs = append(errs, err)
		if err == nil {
			errs = append(errs, &FullError{Where: c.dir, Short: short, Kept: done.Kept})
		}
	}
	return done, errors.Join(errs...)
}

// foretell is what a prune would do.
func foretell(list []Removal, all int) Pruned {
	p := Pruned{Removed: list, Kept: all - len(list)}
	for _, r := range list {
		p.Freed += r.Size
	}
	return p
}

// items lists the disks in the cache.
func (c *Cache) items(needed map[vmimage.Disk]bool) ([]Item, error) {
	list, err := os.ReadDir(c.dir)
	if err != nil {
		return nil, err
	}
	var items []Item
	for _, e := range list {
		disk, err := vmimage.ParseDisk(e.Name())
		if err != nil {
			continue // not ours
		}
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		used := info.ModTime()
		if checked, err := os.Stat(c.aside(disk, "checked")); err == nil {
			used = checked.ModTime()
		}
		items = append(items, Item{Disk: disk, Size: onDisk(info), Idle: time.Since(used), Needed: needed[disk]})
	}
	return items, nil
}

// onDisk is what a file takes, which is less than its length if it is sparse.
func onDisk(info fs.FileInfo) int64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Blocks * 512
	}
	return info.Size()
}

// short tells how many bytes must be freed.
func (c *Cache) short(r Rules) (int64, error) {
	if r.Room <= 0 {
		return 0, nil
	}
	free, err := c.free(c.dir)
	return max(0, r.Room-free), err
}

// remove removes a disk unless somebody uses it. Who wants it at this moment either holds it already, or sees that it
// is gone.
func (c *Cache) remove(disk vmimage.Disk) (bool, error) {
	path := c.path(disk)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil // another bot was quicker
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	free, err := lock.Now(f, lock.Alone)
	if err != nil || !free {
		return false, err
	}
	if err := os.Remove(path); err != nil {
		return false, err
	}
	return true, errors.Join(gone(os.Remove(c.aside(disk, "checked"))), gone(os.Remove(filepath.Join(c.dir, disk.PackagesFile()))))
}

// gone is nil if what was to be removed is not there.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// sweep removes what is left of downloads that nobody continued.
func (c *Cache) sweep() error {
	list, err := os.ReadDir(c.dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range list {
		name, ok := strings.CutPrefix(e.Name(), ".")
		if !ok {
			continue
		}
		file, what, _ := strings.Cut(name, ".qcow2.")
		disk, err := vmimage.ParseDisk(file + ".qcow2")
		info, infoErr := e.Info()
		if err != nil || infoErr != nil || time.Since(info.ModTime()) < stray {
			continue
		}
		if what == "checked" {
			if _, err := os.Lstat(c.path(disk)); errors.Is(err, fs.ErrNotExist) {
				errs = append(errs, gone(os.Remove(filepath.Join(c.dir, e.Name()))))
			}
			continue
		}
		errs = append(errs, c.sweepOne(disk))
	}
	return errors.Join(errs...)
}

// sweepOne removes the remains of one download, if nobody is at it.
func (c *Cache) sweepOne(disk vmimage.Disk) error {
	path := c.aside(disk, "lock")
	held, err := lock.Try(path, lock.Alone)
	if held == nil {
		return err
	}
	defer held.Close()
	if info, err := os.Stat(c.aside(disk, "partial")); err == nil && time.Since(info.ModTime()) < stray {
		return nil
	}
	var errs []error
	for _, what := range []string{"partial", "journal", "checked.new", "lock"} { // the lock goes last: it is held
		errs = append(errs, gone(os.Remove(c.aside(disk, what))))
	}
	return errors.Join(errs...)
}
