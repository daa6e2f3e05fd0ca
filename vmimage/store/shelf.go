package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/cyborg-bots/cyborg/vmimage"
)

// unusedEnding is that of the small object which says since when nobody refers to a disk: its own age. The disk's age
// says nothing, as it may have been the newest of its name for long.
const unusedEnding = ".unused"

// onShelf is what a shelf has.
type onShelf struct {
	items  []Item
	unused map[vmimage.Disk]time.Time // since when
	total  int64
}

// PruneShelf removes what the rules say from a shelf: disks that no branch and no open pull request has referred to for
// a time. It is safe against peers that do the same and against uploads: a disk is first seen to be unused, and goes in
// a later prune, after its grace. now is the clock. A [*FullError] beside the result says that there is too much still.
func PruneShelf(ctx context.Context, s Shelf, needs Needs, r Rules, now time.Time) (Pruned, error) {
	var done Pruned
	fail := func(err error) (Pruned, error) { return done, fmt.Errorf("prune %s: %w", s, err) }
	// What is there is asked before what is needed: a disk that comes in between is in neither.
	have, err := stock(ctx, s)
	if err != nil {
		return fail(err)
	}
	needed, err := needs(ctx)
	if err != nil {
		return fail(fmt.Errorf("ask which disks are needed: %w", err))
	}
	if len(needed) == 0 && len(have.items) > 0 {
		return fail(ErrNothingNeeded)
	}
	if err := have.note(ctx, s, needed, now); err != nil {
		return fail(err)
	}
	short := int64(0)
	if r.Room > 0 {
		short = max(0, have.total-r.Room)
	}
	list, short := plan(have.items, r, short, false)
	if len(list) > 0 { // somebody may have pushed meanwhile
		if needed, err = needs(ctx); err != nil {
			return fail(fmt.Errorf("ask which disks are needed: %w", err))
		}
	}
	var errs []error
	for _, removal := range list {
		if needed[removal.Disk] {
			short += removal.Size
			continue
		}
		// The disk goes first: if we die in between, its mark is swept by the next.
		err := s.Delete(ctx, removal.Disk.File())
		if err == nil {
			done.Removed = append(done.Removed, removal)
			done.Freed += removal.Size
			err = errors.Join(s.Delete(ctx, removal.Disk.PackagesFile()), s.Delete(ctx, removal.Disk.File()+unusedEnding))
		} else {
			short += removal.Size
		}
		errs = append(errs, err)
	}
	done.Kept = len(have.items) - len(done.Removed)
	if short > 0 && r.Room > 0 {
		errs = append(errs, &FullError{Where: s.String(), Short: short, Kept: done.Kept})
	}
	return done, errors.Join(errs...)
}

// stock lists what is on a shelf. Objects that are neither disks nor marks are left alone.
func stock(ctx context.Context, s Shelf) (*onShelf, error) {
	have := &onShelf{unused: map[vmimage.Disk]time.Time{}}
	for e, err := range s.List(ctx, "") {
		if err != nil {
			return nil, err
		}
		name, mark := strings.CutSuffix(e.Name, unusedEnding)
		disk, err := vmimage.ParseDisk(name)
		switch {
		case err != nil:
		case mark:
			have.unused[disk] = e.Modified
		default:
			have.items = append(have.items, Item{Disk: disk, Size: e.Size})
			have.total += e.Size
		}
	}
	return have, nil
}

// note brings the marks up to date: a disk that nobody needs gets one, a disk that is needed (again) loses it, and so
// does one that is gone.
func (h *onShelf) note(ctx context.Context, s Shelf, needed map[vmimage.Disk]bool, now time.Time) error {
	var errs []error
	here := map[vmimage.Disk]bool{}
	for n := range h.items {
		item := &h.items[n]
		item.Needed = needed[item.Disk]
		here[item.Disk] = true
		since, marked := h.unused[item.Disk]
		switch {
		case item.Needed && marked:
			errs = append(errs, s.Delete(ctx, item.Disk.File()+unusedEnding))
		case !item.Needed && !marked:
			text := []byte("nobody refers to " + item.Disk.File() + "\n")
			err := s.Create(ctx, item.Disk.File()+unusedEnding, bytes.NewReader(text), int64(len(text)), sha256.Sum256(text))
			if !errors.Is(err, fs.ErrExist) {
				errs = append(errs, err)
			}
		case !item.Needed:
			item.Idle = max(0, now.Sub(since))
		}
	}
	for disk := range h.unused {
		if !here[disk] {
			errs = append(errs, s.Delete(ctx, disk.File()+unusedEnding))
		}
	}
	return errors.Join(errs...)
}
