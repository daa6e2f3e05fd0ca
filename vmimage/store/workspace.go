package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/cyborg-bots/cyborg/container/lock"
)

// workPrefix begins the name of a folder in which a disk is made.
const workPrefix = ".build-"

// A Workspace is an empty folder beside the disks of a cache, in which one is made: [Cache.Add] renames it from there.
type Workspace struct {
	Dir  string
	held *os.File
}

// Workspace makes one. There must be so many bytes of room. What others left that were killed is removed before.
func (c *Cache) Workspace(room int64) (*Workspace, error) {
	if err := c.Sweep(); err != nil {
		c.o.Log.Warn("cannot clean up after who was killed while making a disk", "error", err)
	}
	if err := c.Room(room); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(c.dir, workPrefix)
	if err != nil {
		return nil, fmt.Errorf("make a disk: %w", err)
	}
	held, err := os.Open(dir)
	if err == nil {
		var free bool
		if free, err = lock.Now(held, lock.Alone); err == nil && !free {
			err = errors.New("somebody took it away at once")
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make a disk in %s: %w", dir, err), os.RemoveAll(dir))
	}
	return &Workspace{Dir: dir, held: held}, nil
}

// Close removes the folder with all that is in it.
func (w *Workspace) Close() error {
	return errors.Join(os.RemoveAll(w.Dir), w.held.Close())
}

// Sweep removes the workspaces of who was killed. Those of the living are locked.
func (c *Cache) Sweep() error {
	list, err := os.ReadDir(c.dir)
	if err != nil {
		return fmt.Errorf("sweep %s: %w", c.dir, err)
	}
	var errs []error
	for _, e := range list {
		if strings.HasPrefix(e.Name(), workPrefix) && e.IsDir() {
			errs = append(errs, sweepWork(filepath.Join(c.dir, e.Name())))
		}
	}
	return errors.Join(errs...)
}

// sweepWork removes one workspace, if nobody is in it.
func sweepWork(dir string) error {
	f, err := os.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	defer f.Close()
	free, err := lock.Now(f, lock.Alone)
	if err != nil || !free {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	return nil
}
