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
func (f *imageCommandFlags) prune(ctx context.Context) error {
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
	return infra(w.prune(ctx, needs(client, repos, b.mirror), f.age, f.env.Stdout))
}

// prune removes what nobody needs, here and in the store, and says what. The alarm is in the error.
func (w *warehouse) prune(ctx context.Context, needs store.Needs, age time.Duration, out io.Writer) error {
	done, err := w.cache.Prune(ctx, needs, store.Rules{Age: age, Room: w.spare})
	report(out, "here", done)
	if w.shelf != nil {
		var more error
		done, more = store.PruneShelf(ctx, w.shelf, needs, store.Rules{Age: age}, time.Now())
		report(out, w.shelf.String(), done)
		err = errors.Join(err, more)
	}
	return err
}

// report says what a prune did.
func report(out io.Writer, where string, done store.Pruned) {
	for _, r := range done.Removed {
		fmt.Fprintf(out, "%s: removed %s (%s): %s\n", where, r.Disk, publish.Bytes(r.Size), r.Why)
	}
	fmt.Fprintf(out, "%s: %d disks removed, %s freed, %d left\n", where, len(done.Removed), publish.Bytes(done.Freed), done.Kept)
}
