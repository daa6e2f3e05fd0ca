package store

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cyborg-bots/cyborg/publish"
)

// A spaceError is that this machine has no room.
type spaceError struct {
	dir   string
	cause error
}

func (e *spaceError) Error() string {
	return fmt.Sprintf("no room in %s: %v (cyborg image prune makes some)", e.dir, e.cause)
}
func (e *spaceError) Unwrap() error { return e.cause }

// freeIn is how many bytes a file system has for us.
func freeIn(dir string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, fmt.Errorf("look for room in %s: %w", dir, err)
	}
	return int64(st.Bavail) * st.Bsize, nil
}

// Room tells whether so many bytes are free, and makes room if not: disks go that can be fetched again. The error says
// what to do.
func (c *Cache) Room(need int64) error {
	free, err := c.free(c.dir)
	if err == nil && need > free && c.evict(need-free) {
		free, err = c.free(c.dir)
	}
	if err == nil && need > free {
		err = &spaceError{c.dir, fmt.Errorf("%s are free, %s are needed", publish.Bytes(free), publish.Bytes(need))}
	}
	return err
}

// space tells beforehand whether the rest of a disk fits.
func (c *Cache) space(partial *os.File, size int64) error {
	var st unix.Stat_t
	if err := unix.Fstat(int(partial.Fd()), &st); err != nil {
		return fmt.Errorf("look for room: %w", err)
	}
	return c.Room(size - st.Blocks*512 + c.o.Spare)
}

// evict removes disks, the longest idle first, until so many bytes are free: each machine has a cache, which nobody else
// prunes, and a disk that is wanted now is worth more than one that was wanted once and can be fetched again. What is in
// use stays, and so does what was made here not long ago: it may be nowhere else. If all that would not do, nothing goes,
// as far as is known: that one is in use shows when it is to go.
// It reports whether any went.
func (c *Cache) evict(short int64) (any bool) {
	items, err := c.items(nil)
	if err != nil {
		return false
	}
	for n := range items {
		made, err := os.Stat(filepath.Join(c.dir, items[n].Disk.PackagesFile()))
		items[n].Holding = err == nil && time.Since(made.ModTime()) < Rules{}.age()
	}
	const never = 100 * 365 * 24 * time.Hour
	for short > 0 {
		list, still := plan(items, Rules{Age: never, Grace: never}, short, true)
		if still > 0 {
			return any
		}
		for _, removal := range list {
			if gone, err := c.remove(removal.Disk); gone && err == nil {
				any, short = true, short-removal.Size
				c.o.Log.Warn("a disk makes room for another", "disk", removal.Disk.File(), "idle", removal.Idle.Round(time.Minute))
			}
			at := slices.IndexFunc(items, func(i Item) bool { return i.Disk == removal.Disk })
			items[at].Holding = true // it is gone, or in use
		}
	}
	return any
}
