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
// a later prune, after its grace. now is the clock of whoever is believed; it is asked after needs was. A [*FullError] beside the result says that there is too much still.
func PruneShelf(ctx context.Context, s Shelf, needs Needs, r Rules, now func() time.Time) (Pruned, error) {
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
	have.look(needed, now())
	if !r.DryRun {
		if err := have.note(ctx, s); err != nil {
			return fail(err)
		}
	}
	short := int64(0)
	if r.Room > 0 {
		short = max(0, have.total-r.Room)
	}
	list, short := plan(have.items, r, short, false)
	if r.DryRun {
		return foretell(list, len(have.items)), nil
	}
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
		gone, err := discard(ctx, s, removal.Disk)
		if gone {
			done.Removed = append(done.Removed, removal)
			done.Freed += removal.Size
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

// discard removes a disk from a shelf, unless its mark has gone: somebody is uploading it again, to refer to it.
func discard(ctx context.Context, s Shelf, disk vmimage.Disk) (gone bool, err error) {
	mark := disk.File() + unusedEnding
	if _, err := s.Size(ctx, mark); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	// The disk goes first: if we die in between, its mark is swept by the next.
	if err := s.Delete(ctx, disk.File()); err != nil {
		return false, err
	}
	return true, errors.Join(s.Delete(ctx, disk.PackagesFile()), s.Delete(ctx, mark))
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

// look tells of each disk whether it is needed, and since when it is not.
func (h *onShelf) look(needed map[vmimage.Disk]bool, now time.Time) {
	for n := range h.items {
		item := &h.items[n]
		item.Needed = needed[item.Disk]
		if since, marked := h.unused[item.Disk]; marked && !item.Needed {
			item.Idle = max(0, now.Sub(since))
		}
	}
}

// note brings the marks up to date: a disk that nobody needs gets one, a disk that is needed (again) loses it, and so
// does one that is gone.
func (h *onShelf) note(ctx context.Context, s Shelf) error {
	var errs []error
	here := map[vmimage.Disk]bool{}
	for _, item := range h.items {
		here[item.Disk] = true
		switch _, marked := h.unused[item.Disk]; {
		case item.Needed && marked:
			errs = append(errs, s.Delete(ctx, item.Disk.File()+unusedEnding))
		case !item.Needed && !marked:
			text := []byte("nobody refers to " + item.Disk.File() + "\n")
			err := s.Create(ctx, item.Disk.File()+unusedEnding, bytes.NewReader(text), int64(len(text)), sha256.Sum256(text))
			if !errors.Is(err, fs.ErrExist) {
				errs = append(errs, err)
			}
		}
	}
	for disk := range h.unused {
		if !here[disk] {
			errs = append(errs, s.Delete(ctx, disk.File()+unusedEnding))
		}
	}
	return errors.Join(errs...)
}
