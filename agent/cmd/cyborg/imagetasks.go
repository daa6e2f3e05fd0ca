package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cyborg-bots/cyborg/publish"
	"github.com/cyborg-bots/cyborg/tasks"
	"github.com/cyborg-bots/cyborg/vmimage"
	"github.com/cyborg-bots/cyborg/vmimage/store"
)

// refreshTime is how long a new disk may take, where machines are emulated.
const refreshTime = 6 * time.Hour

// imageTasks are what a bot can do about images. Without f they are only described.
func imageTasks(f *factory, k *keeper) []tasks.Task {
	request := []tasks.Event{{Kind: tasks.Request}}
	refresh := tasks.Task{
		Name: "image-refresh",
		Header: tasks.Header{Doc: "build a new disk for an image, upload it and propose it", On: request, Timeout: refreshTime,
			Paths: []string{vmimage.Folder + "/"}, Needs: tasks.Capabilities{{Name: "vm"}, {Name: "images"}}},
		Params: []tasks.Param{{Name: "NAME", Doc: "an image of " + vmimage.Folder, Example: "debian-stable", Check: vmimage.CheckName}},
		Run: func(ctx context.Context, env *tasks.Env, args []string) error {
			if f == nil {
				return tasks.Fail("image-refresh is done by bots that have a store of disks; by hand it is: cyborg image build")
			}
			return f.refresh(ctx, k, env, args[0])
		},
	}
	prune := tasks.Task{
		Name: "image-prune",
		Header: tasks.Header{Doc: "remove the disks that no branch and no pull request needs", On: request, Timeout: time.Hour,
			Needs: tasks.Capabilities{{Name: "images"}}},
		Run: func(ctx context.Context, env *tasks.Env, _ []string) error {
			if k == nil {
				return tasks.Fail("image-prune is done by bots that have a store of disks; by hand it is: cyborg image prune")
			}
			err := k.prune(ctx, store.Rules{}, env.Output)
			if full, ok := errors.AsType[*store.FullError](err); ok {
				return tasks.Fail("%w", full) // people must hear of it
			}
			return err
		},
	}
	return []tasks.Task{refresh, prune}
}

// refresh builds the disk of an image anew, uploads it, and moves the image's link in the work tree.
func (f *factory) refresh(ctx context.Context, k *keeper, env *tasks.Env, name string) error {
	recipe, image, err := recipeIn(env.Dir, name)
	if err != nil {
		return tasks.Fail("%w", err)
	}
	p, err := f.build(ctx, recipe, false, env.Output)
	if e, ok := errors.AsType[*exitError](err); ok && e.Code == exitNo {
		return tasks.Fail("%w", e.Err)
	}
	if err != nil {
		return err
	}
	defer p.held.Close()
	fmt.Fprintf(env.Output, "cyborg: %s, %s\n", p.Disk.File(), publish.Bytes(p.Size))
	if p.Disk == image.Disk {
		return nil
	}
	if err := k.makeRoom(ctx, p.Size, env.Output); err != nil {
		if full, ok := errors.AsType[*store.FullError](err); ok {
			return tasks.Fail("%w", full) // people must hear of it
		}
		return err
	}
	if err := f.warehouse.upload(ctx, p.held, p.Packages); err != nil {
		return err
	}
	if err := link(env.Dir, image, p.Disk); err != nil {
		return err
	}
	env.Message = f.message(ctx, image, p)
	return nil
}

// message is what people read of a new disk: what changed inside.
func (f *factory) message(ctx context.Context, image vmimage.Image, p *product) string {
	text := "image-refresh " + p.Disk.Name + ": a new disk\n\n"
	text += fmt.Sprintf("SHA-256 %s, %s.\nIt was started once and answered after %v.\n\n", p.Disk.Digest, publish.Bytes(p.Size), p.Boot.Round(100*time.Millisecond))
	if image.Disk == (vmimage.Disk{}) {
		return text + fmt.Sprintf("It is the first one, with %d packages.\n", len(p.Packages))
	}
	old, err := store.PackagesOf(ctx, f.warehouse.shelf, image.Disk)
	if err != nil {
		return text + "What was in the old one is not known.\n"
	}
	return text + vmimage.Describe(vmimage.Difference(old, p.Packages))
}

// imageTasks are those of this bot. Each bot knows of them, so that none takes a setting of the team for a mistake; a bot
// without machines, or without a store that it can write to, does not have what they need.
func (b *bot) imageTasks() []tasks.Task {
	w := b.warehouse
	if w == nil || w.shelf == nil {
		return imageTasks(nil, nil)
	}
	return imageTasks(newFactory(b.flags, b.state, w, b.machines), b.keeper(w))
}

// keeper removes what nobody of this bot's repositories needs.
func (b *bot) keeper(w *warehouse) *keeper {
	return &keeper{w, needs(b.hub, b.repos, b.mirror), b.hub.Now}
}
