package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/cyborg-bots/cyborg/agent/checkout"
	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/publish"
	"github.com/cyborg-bots/cyborg/publish/s3"
	"github.com/cyborg-bots/cyborg/vmimage"
	"github.com/cyborg-bots/cyborg/vmimage/store"
)

// keepFree is how much of the machine's disk pruning the cache leaves free.
const keepFree = int64(15 << 30)

// tooMany is the number of branches at which a list of them may have a hole.
const tooMany = 1000

// served is a repository as pruning asks it.
type served struct {
	hub    *hub.Client
	repo   hub.Repo
	mirror *checkout.Mirror
}

var _ vmimage.Repository = (*served)(nil)

// Heads implements vmimage.Repository.
func (s *served) Heads(ctx context.Context) ([]string, error) {
	branches, err := s.hub.Branches(ctx, s.repo, "")
	if err != nil {
		return nil, err
	}
	if len(branches) == 0 || len(branches) >= tooMany {
		return nil, fmt.Errorf("%s has %d branches: it is not certain which disks they need", s.repo, len(branches))
	}
	snapshot, err := s.hub.Scan(ctx, s.repo)
	if err != nil {
		return nil, err
	}
	var heads []string
	for _, b := range branches {
		heads = append(heads, b.SHA)
	}
	for _, p := range snapshot.Pulls {
		heads = append(heads, p.HeadSHA)
	}
	return heads, nil
}

// Files implements vmimage.Repository.
func (s *served) Files(ctx context.Context, commit string) ([]vmimage.File, error) {
	if _, err := s.mirror.Fetch(ctx, commit); err != nil {
		return nil, err
	}
	files, err := s.mirror.Files(ctx, commit, vmimage.Folder)
	if err != nil {
		return nil, err
	}
	list := make([]vmimage.File, len(files))
	for i, f := range files {
		list[i] = vmimage.File(f)
	}
	return list, nil
}

// needs asks all repositories which disks they refer to.
func needs(client *hub.Client, repos []hub.Repo, mirror func(string) (*checkout.Mirror, error)) store.Needs {
	return func(ctx context.Context) (map[vmimage.Disk]bool, error) {
		set := map[vmimage.Disk]bool{}
		for _, repo := range repos {
			m, err := mirror(repo.String())
			if err != nil {
				return nil, err
			}
			if err := vmimage.Needed(ctx, &served{client, repo, m}, set); err != nil {
				return nil, fmt.Errorf("%s: %w", repo, err)
			}
		}
		return set, nil
	}
}

// prune removes disks by hand, as the task image-prune does.
func (f *imageCommandFlags) prune(ctx context.Context, _ string) error {
	repos, err := f.repositories()
	if err != nil {
		return err
	}
	state, w, err := f.openWarehouse()
	if err != nil {
		return err
	}
	client, err := f.client(state, nil)
	if err != nil {
		return err
	}
	b := &bot{flags: &f.runFlags, state: state, hub: client, repos: repos, log: f.logger()}
	if err := b.find(ctx); err != nil {
		return err
	}
	err = b.keeper(w).prune(ctx, store.Rules{Age: f.age, DryRun: f.dryRun}, f.env.Stdout)
	if full, ok := errors.AsType[*store.FullError](err); ok {
		return &exitError{Code: exitInfra, Err: full, Hint: "give it more room, or let branches and pull requests go that need old disks"}
	}
	return infra(err)
}

// A keeper removes what nobody needs from a warehouse.
type keeper struct {
	*warehouse
	needs store.Needs
	now   func() time.Time // GitHub's, once it was asked: a machine whose own clock is years ahead would remove everything
}

// prune removes disks, here and in the store, and says which. The alarm is in the error.
func (k *keeper) prune(ctx context.Context, rules store.Rules, out io.Writer) error {
	here := rules
	here.Room = k.spare
	done, err := k.cache.Prune(ctx, k.needs, here)
	report(out, "here", done, rules.DryRun)
	if k.shelf == nil {
		return err
	}
	return errors.Join(err, k.pruneShelf(ctx, rules, 0, out))
}

// pruneShelf removes disks from the store, so that there is room for so many bytes more.
func (k *keeper) pruneShelf(ctx context.Context, rules store.Rules, more int64, out io.Writer) error {
	rules.Room = max(k.most-more, 1)
	done, err := store.PruneShelf(ctx, k.shelf, k.needs, rules, k.now)
	report(out, k.shelf.String(), done, rules.DryRun)
	if bucket, ok := k.shelf.(*s3.Store); ok && !rules.DryRun {
		_, sweepErr := bucket.Sweep(ctx, k.now().Add(-publish.MinKeep)) // half uploads of the dead
		err = errors.Join(err, sweepErr)
	}
	return err
}

// makeRoom prunes the store if a disk of so many bytes would make it larger than it may be. So the store does not
// overflow where nobody prunes, and people hear of one that is full of what is needed.
func (k *keeper) makeRoom(ctx context.Context, size int64, out io.Writer) error {
	total := size
	for e, err := range k.shelf.List(ctx, "") {
		if err != nil {
			return err
		}
		if _, err := vmimage.ParseDisk(e.Name); err == nil {
			total += e.Size
		}
	}
	if total <= k.most {
		return nil
	}
	fmt.Fprintf(out, "cyborg: with the new disk %s has %s, more than the %s of --image-room: pruning it\n", k.shelf, publish.Bytes(total), publish.Bytes(k.most))
	return k.pruneShelf(ctx, store.Rules{}, size, out)
}

// report says what a prune did, or would do.
func report(out io.Writer, where string, done store.Pruned, dry bool) {
	did, would := "removed", ""
	if dry {
		did, would = "would remove", "would be "
	}
	for _, r := range done.Removed {
		fmt.Fprintf(out, "%s: %s %s (%s): %s\n", where, did, r.Disk, publish.Bytes(r.Size), r.Why)
	}
	fmt.Fprintf(out, "%s: %d disks %sremoved, %s %sfreed, %d left\n", where, len(done.Removed), would, publish.Bytes(done.Freed), would, done.Kept)
}
