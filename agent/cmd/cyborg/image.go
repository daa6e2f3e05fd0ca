package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/cyborg-bots/cyborg/publish"
	"github.com/cyborg-bots/cyborg/vmimage"
	"github.com/cyborg-bots/cyborg/vmimage/build"
	"github.com/cyborg-bots/cyborg/vmimage/store"
)

// What a machine has in which a disk is made or looked at, and how long it may take to come up: the first start of a
// whole system takes minutes where it is emulated on a busy host.
const (
	buildMemory = 1 << 30
	buildBoot   = 30 * time.Minute
)

// imageCommandFlags are those of `cyborg image` beside a bot's own.
type imageCommandFlags struct {
	runFlags
	upload bool
	unseen bool
	age    time.Duration
}

func imageCommand() command {
	return command{
		Name: "image", Args: "list|build NAME|get NAME|prune", Short: "list, build and fetch the disks of virtual machines, and remove those that nobody needs",
		Long: `
"list" shows the images that ./` + vmimage.Folder + ` names, and the ready-made recipes. "build" makes
a disk for NAME as NAME.bootstrap and NAME.setup there say, or a ready-made recipe, starts it to see
that it boots, takes it into the folder of --images, uploads it with --upload, and makes NAME there
a link to it. "get" fetches the disk that NAME is now, or the one whose whole name is given, checks
it, and prints where it is. "prune" removes disks, here and from the store, that no branch and no
open pull request of the repositories refers to; it reads GitHub.`,
		Exits: []exitStatus{{exitDone, "done"}, {exitNo, "the recipe does not work, or the disk is not what its name says"}, {exitUsage, "the command line is wrong"}, {exitInfra, "no machine, no room, no network"}},
		New: func(fs *flag.FlagSet, env *environment) func(context.Context, []string) error {
			f := new(imageCommandFlags)
			f.hubFlags.register(fs, env)
			f.machine.register(fs)
			f.image.register(fs)
			fs.BoolVar(&f.upload, "upload", false, "build: put the disk into the store")
			fs.BoolVar(&f.unseen, "unseen", false, "build: do not look whether the disk boots")
			fs.DurationVar(&f.age, "age", 14*24*time.Hour, "prune: remove what nobody has needed for `TIME`")
			return func(ctx context.Context, args []string) error {
				switch {
				case len(args) == 1 && args[0] == "list":
					return f.list(ctx)
				case len(args) == 2 && args[0] == "build":
					return f.buildOne(ctx, args[1])
				case len(args) == 2 && args[0] == "get":
					return f.getOne(ctx, args[1])
				case len(args) == 1 && args[0] == "prune":
					return f.prune(ctx)
				}
				return usageError("image: write cyborg image list, build NAME, get NAME, or prune")
			}
		},
	}
}

// list shows what there is.
func (f *imageCommandFlags) list(ctx context.Context) error {
	state, w, err := f.openWarehouse()
	if err != nil {
		return err
	}
	images, broken := imagesIn(".")
	table := tabwriter.NewWriter(f.env.Stdout, 0, 0, 2, ' ', 0)
	for _, i := range images {
		fmt.Fprintf(table, "%s\t%s\t%s\n", i.Name, short(i), f.whereabouts(ctx, w, f.shelf(state).dir, i.Disk))
	}
	for _, name := range build.Recipes() {
		fmt.Fprintf(table, "%s\tready-made recipe\t\n", name)
	}
	if err := table.Flush(); err != nil {
		return infra(err)
	}
	return no(broken)
}

// short is what an image is now, for people.
func short(i vmimage.Image) string {
	if i.Disk == (vmimage.Disk{}) {
		return "not built yet"
	}
	return i.Disk.Digest[:12]
}

// whereabouts tells where a disk can be had.
func (f *imageCommandFlags) whereabouts(ctx context.Context, w *warehouse, dir string, disk vmimage.Disk) string {
	if disk == (vmimage.Disk{}) {
		return ""
	}
	var places []string
	if info, err := os.Stat(filepath.Join(dir, disk.File())); err == nil {
		places = append(places, "here ("+publish.Bytes(info.Size())+")")
	}
	for _, s := range w.sources {
		if size, err := s.Size(ctx, disk.File()); err == nil {
			places = append(places, s.String()+" ("+publish.Bytes(size)+")")
		}
	}
	if len(places) == 0 {
		return "nowhere"
	}
	return strings.Join(places, ", ")
}

// buildOne makes a disk by hand.
func (f *imageCommandFlags) buildOne(ctx context.Context, name string) error {
	recipe, image, err := recipeIn(".", name)
	if err != nil {
		return no(err)
	}
	state, err := f.stateDir()
	if err != nil {
		return err
	}
	works, err := f.factory(ctx, state)
	if err != nil {
		return err
	}
	p, err := works.build(ctx, recipe, f.unseen, f.env.Stderr)
	if err != nil {
		return err
	}
	defer p.held.Close()
	if f.upload {
		if err := works.upload(ctx, p); err != nil {
			return err
		}
	}
	if _, err := os.Stat(vmimage.Folder); err == nil {
		if err := link(".", image, p.Disk); err != nil {
			return infra(err)
		}
	}
	fmt.Fprintf(f.env.Stdout, "%s\n", p.held.Path)
	return nil
}

// getOne fetches a disk by hand.
func (f *imageCommandFlags) getOne(ctx context.Context, name string) error {
	disk, err := vmimage.ParseDisk(filepath.Base(name))
	if err != nil {
		_, image, broken := recipeIn(".", name)
		if disk = image.Disk; disk == (vmimage.Disk{}) {
			return no(errors.Join(fmt.Errorf("get %s: ./%s says no disk of that name", name, vmimage.Folder), broken))
		}
	}
	_, w, err := f.openWarehouse()
	if err != nil {
		return err
	}
	held, err := w.get(ctx, disk)
	if damaged, ok := errors.AsType[*store.DamagedError](err); ok {
		return no(damaged)
	}
	if err != nil {
		return infra(err)
	}
	defer held.Close()
	fmt.Fprintf(f.env.Stdout, "%s\n", held.Path)
	return nil
}
