package store

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cyborg-bots/cyborg/publish"
	"github.com/cyborg-bots/cyborg/vmimage"
)

// Rules say which disks go.
type Rules struct {
	Age    time.Duration // a disk that nobody needs stays that long; 0: 14 days
	Grace  time.Duration // and at least that long when room is needed; 0: 1 day
	Room   int64         // bytes: of a cache, those that shall be free on its file system; of a shelf, the most that its disks may have in all. 0: no such rule
	DryRun bool          // only tell what would go
}

func (r Rules) age() time.Duration   { return cmp.Or(r.Age, 14*24*time.Hour) }
func (r Rules) grace() time.Duration { return cmp.Or(r.Grace, 24*time.Hour) }

// An Item is one disk that may have to go.
type Item struct {
	Disk    vmimage.Disk
	Size    int64         // bytes that its going frees
	Idle    time.Duration // since when nobody needs it, as far as known
	Needed  bool          // git refers to it
	Holding bool          // it is in use, or must not go for another reason
}

// A Removal is an item that goes, and why, for people.
type Removal struct {
	Item
	Why string
}

// ErrNothingNeeded is a set of needed disks that is empty while there are disks: more likely a mistake about the
// repository than the truth, so nothing is removed.
var ErrNothingNeeded = errors.New("no branch and no pull request refers to any disk: is this the right repository?")

// A FullError is the alarm: what may be removed is removed, and there is too little room still.
type FullError struct {
	Where string
	Short int64 // bytes
	Kept  int   // disks that had to stay
}

func (e *FullError) Error() string {
	return fmt.Sprintf("prune %s: %s too little room, and the %d disks that are left are needed or too new", e.Where, publish.Bytes(e.Short), e.Kept)
}

// plan decides what goes, the longest idle first. short is how many bytes are to be freed at least; evict lets disks go
// for that which are needed, as they can be fetched again. It gives the bytes that are short still.
func plan(items []Item, r Rules, short int64, evict bool) (list []Removal, still int64) {
	items = slices.Clone(items)
	slices.SortStableFunc(items, func(a, b Item) int {
		return cmp.Or(cmp.Compare(b.Idle, a.Idle), cmp.Compare(a.Disk.File(), b.Disk.File()))
	})
	gone := map[vmimage.Disk]bool{}
	remove := func(i Item, why string) {
		gone[i.Disk] = true
		short -= i.Size
		list = append(list, Removal{i, why})
	}
	for _, i := range items {
		if !i.Needed && !i.Holding && i.Idle >= r.age() {
			remove(i, fmt.Sprintf("nobody has needed it for %v", i.Idle.Round(time.Hour)))
		}
	}
	for _, i := range items {
		if short > 0 && !gone[i.Disk] && !i.Needed && !i.Holding && i.Idle >= r.grace() {
			remove(i, "room is needed, and nobody refers to it")
		}
	}
	for _, i := range items {
		if short > 0 && evict && !gone[i.Disk] && !i.Holding {
			remove(i, "room is needed; it can be fetched again")
		}
	}
	return list, max(short, 0)
}
