package store

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"github.com/cyborg-bots/cyborg/vmimage"
)

// fetch downloads a disk from the first source that has it, checks it and gives it its name. The caller holds the lock.
func (c *Cache) fetch(ctx context.Context, disk vmimage.Disk, from []Source, tell func(Phase, int64, int64)) error {
	if len(from) == 0 {
		return fmt.Errorf("nobody said where to look for it: %w", fs.ErrNotExist)
	}
	var errs []error
	for _, source := range from {
		err := c.fetchFrom(ctx, disk, source, tell)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		errs = append(errs, fmt.Errorf("from %s: %w", source, err))
		if _, mine := errors.AsType[*spaceError](err); mine {
			break // another source would not help
		}
		c.o.Log.Warn("a source of images does not help", "disk", disk.File(), "source", source.String(), "error", err)
	}
	return errors.Join(errs...)
}

// fetchFrom downloads from one source, on top of what arrived before. If the sum is wrong then, nobody knows which part
// was at fault, so it begins anew once.
func (c *Cache) fetchFrom(ctx context.Context, disk vmimage.Disk, source Source, tell func(Phase, int64, int64)) error {
	size, err := c.size(ctx, disk, source)
	if err != nil {
		return err
	}
	partial, err := os.OpenFile(c.aside(disk, "partial"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer partial.Close()
	for {
		j, err := openJournal(c.aside(disk, "journal"), partial, size, c.o.Chunk)
		if err != nil {
			return err
		}
		begun := j.begun()
		if err = c.space(partial, size); err == nil {
			err = c.arrive(ctx, disk, &transfer{cache: c, source: source, name: disk.File(), size: size, file: partial, journal: j, tell: tell})
		}
		j.file.Close()
		if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
			err = &spaceError{c.dir, err}
		}
		damaged, ok := errors.AsType[*DamagedError](err)
		if !ok {
			return err
		}
		if err := errors.Join(os.Remove(c.aside(disk, "journal")), partial.Truncate(0)); err != nil {
			return err
		}
		if !begun {
			return damaged
		}
		c.o.Log.Warn("what had arrived of a disk is damaged, it is fetched anew", "disk", disk.File())
	}
}

// size asks how large a disk is, as patiently as for its parts.
func (c *Cache) size(ctx context.Context, disk vmimage.Disk, source Source) (int64, error) {
	size := int64(0)
	err := c.insist(ctx, func() (bool, error) {
		ctx, cancel := context.WithTimeoutCause(ctx, c.o.Stall, errStalled)
		defer cancel()
		var err error
		size, err = source.Size(ctx, disk.File())
		return false, blame(ctx, err)
	})
	if err == nil && (size <= 0 || size > c.o.Largest) {
		err = fmt.Errorf("it has %d bytes, a disk has 1 to %d", size, c.o.Largest)
	}
	return size, err
}

// arrive fetches what is missing, checks all of it and gives it its name.
func (c *Cache) arrive(ctx context.Context, disk vmimage.Disk, t *transfer) error {
	sum, err := t.run(ctx)
	if err != nil {
		return err
	}
	if got := hex.EncodeToString(sum[:]); got != disk.Digest {
		return &DamagedError{Disk: disk, Where: t.source.String(), Sum: got}
	}
	if _, err := vmimage.CheckDisk(t.file.Name()); err != nil {
		return &DamagedError{Disk: disk, Where: t.source.String(), Cause: err}
	}
	if err := t.file.Chmod(0o444); err != nil {
		return err
	}
	if err := os.Rename(t.file.Name(), c.path(disk)); err != nil {
		return err
	}
	if err := os.Remove(c.aside(disk, "journal")); err != nil {
		return err
	}
	return c.remember(disk, t.file)
}
