package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/cyborg-bots/cyborg/container/lock"
	"github.com/cyborg-bots/cyborg/publish"
	"github.com/cyborg-bots/cyborg/vmimage"
)

// Options of a cache. The zero value is good for use.
type Options struct {
	Workers int           // ranges that are fetched at the same time; 0: 4
	Chunk   int64         // bytes of a range; 0: 8 MiB
	Stall   time.Duration // after which a connection that gives nothing is left; 0: 30 s
	Pause   time.Duration // before the first new try, doubled for each that follows; 0: 500 ms
	Tries   int           // in a row without a byte, until a source is given up; 0: 8
	Largest int64         // bytes of a disk's file; 0: 64 GiB
	Spare   int64         // bytes that a download leaves free on the machine's disk; 0: 1 GiB
	Log     *slog.Logger  // nil: none
}

// Cache is a folder of this machine with disks, which several bots may share.
type Cache struct {
	dir  string
	o    Options
	free func(dir string) (int64, error) // bytes that the file system of a folder has for us
}

// OpenCache opens the cache in dir, and makes it if need be.
func OpenCache(dir string, o Options) (*Cache, error) {
	dir, err := filepath.Abs(dir)
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err != nil {
		return nil, fmt.Errorf("open cache of images: %w", err)
	}
	set(&o.Workers, 4)
	set(&o.Chunk, 8<<20)
	set(&o.Stall, 30*time.Second)
	set(&o.Pause, 500*time.Millisecond)
	set(&o.Tries, 8)
	set(&o.Largest, 64<<30)
	set(&o.Spare, 1<<30)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Cache{dir: dir, o: o, free: freeIn}, nil
}

// set gives a field that is zero its default.
func set[T int | int64 | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}

// path is where a whole disk is.
func (c *Cache) path(d vmimage.Disk) string { return filepath.Join(c.dir, d.File()) }

// aside is where something beside a disk is.
func (c *Cache) aside(d vmimage.Disk, what string) string {
	return filepath.Join(c.dir, "."+d.File()+"."+what)
}

// A Held disk is in use: nobody removes it until it is let go.
type Held struct {
	Disk vmimage.Disk
	Path string
	file *os.File
}

// Close lets go.
func (h *Held) Close() error { return h.file.Close() }

// A Phase is what is being done about a disk.
type Phase string

// The phases of Get and Upload.
const (
	Waiting   Phase = "waiting for another that fetches"
	Fetching  Phase = "fetching"
	Checking  Phase = "checking"
	Uploading Phase = "uploading"
)

// A Progress is how far it is.
type Progress struct {
	Disk        vmimage.Disk
	Phase       Phase
	Done, Total int64 // bytes; Total is 0 when not known
}

// Step is the progress as it is shown to people.
func (p Progress) Step() publish.Step {
	return publish.Step{What: string(p.Phase) + " " + p.Disk.String(), Done: p.Done, Total: p.Total}
}

// Get gives a disk of which it knows that it is the one that is named: the one in the cache, or from the first source
// that has it. progress, if not nil, is called now and then, by one goroutine at a time. The error of a disk that no
// source has matches fs.ErrNotExist; of one that is there and is something else, it is a [*DamagedError].
func (c *Cache) Get(ctx context.Context, disk vmimage.Disk, from []Source, progress func(Progress)) (*Held, error) {
	if _, err := vmimage.ParseDisk(disk.File()); err != nil {
		return nil, err
	}
	tell := func(phase Phase, done, total int64) {
		if progress != nil {
			progress(Progress{disk, phase, done, total})
		}
	}
	if held, err := c.hold(ctx, disk, false, tell); held != nil || err != nil {
		return held, err
	}
	getting, err := lock.Take(ctx, c.aside(disk, "lock"), lock.Alone, func() { tell(Waiting, 0, 0) })
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", disk, err)
	}
	defer getting.Close()
	if held, err := c.hold(ctx, disk, true, tell); held != nil || err != nil {
		return held, err
	}
	if err := c.fetch(ctx, disk, from, tell); err != nil {
		return nil, fmt.Errorf("get %s: %w", disk, err)
	}
	held, err := c.hold(ctx, disk, true, tell)
	if held == nil && err == nil {
		err = fmt.Errorf("get %s: somebody removed it at once", disk)
	}
	return held, err
}

// hold takes what the cache has. It gives nil if that is nothing good: a damaged file is removed when alone, by who
// holds the lock of the disk.
func (c *Cache) hold(ctx context.Context, disk vmimage.Disk, alone bool, tell func(Phase, int64, int64)) (*Held, error) {
	path := c.path(disk)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", disk, err)
	}
	free, err := lock.Now(f, lock.Shared)
	if err != nil || !free { // it is being removed
		f.Close()
		return nil, err
	}
	if !c.remembered(disk, f) {
		if !alone {
			f.Close()
			return nil, nil // one of us reads it all, not each
		}
		info, err := f.Stat()
		if err == nil {
			err = verify(ctx, disk, f, func(n int64) { tell(Checking, n, info.Size()) })
		}
		if damaged, ok := errors.AsType[*DamagedError](err); ok {
			c.o.Log.Warn("a disk in the cache is damaged, it is removed", "disk", disk.File(), "error", damaged)
			return nil, errors.Join(os.Remove(path), f.Close())
		}
		if err == nil {
			err = c.remember(disk, f)
		}
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("get %s: %w", disk, err)
		}
	}
	now := time.Now()
	_ = os.Chtimes(c.aside(disk, "checked"), now, now) // the last use; without it the disk only looks older
	return &Held{Disk: disk, Path: path, file: f}, nil
}

// Add takes a file that was made here into the cache, by renaming it. The file must be on the same file system.
func (c *Cache) Add(ctx context.Context, disk vmimage.Disk, file string, progress func(Progress)) (*Held, error) {
	adding, err := lock.Take(ctx, c.aside(disk, "lock"), lock.Alone, nil)
	if err != nil {
		return nil, fmt.Errorf("add %s: %w", disk, err)
	}
	defer adding.Close()
	tell := func(phase Phase, done, total int64) {
		if progress != nil {
			progress(Progress{disk, phase, done, total})
		}
	}
	if err := os.Chmod(file, 0o444); err != nil {
		return nil, fmt.Errorf("add %s: %w", disk, err)
	}
	if err := os.Rename(file, c.path(disk)); err != nil {
		return nil, fmt.Errorf("add %s: %w", disk, err)
	}
	held, err := c.hold(ctx, disk, true, tell)
	if held == nil && err == nil {
		err = fmt.Errorf("add %s: %s is something else", disk, file)
	}
	return held, err
}
