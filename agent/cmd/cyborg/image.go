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
	dryRun bool
}

func imageCommand() command {
	return command{
		Name: "image", Args: "list|build NAME|upload NAME|get NAME|prune", Short: "list, build, upload and fetch the disks of virtual machines, and remove those that nobody needs",
		Long: `
"list" shows the images that ./` + vmimage.Folder + ` names, and the ready-made recipes. "build" makes
a disk for NAME as NAME.bootstrap and NAME.setup there say, or a ready-made recipe, starts it to see
that it boots, takes it into the folder of --images, and makes NAME there a link to it, which is to
be committed. "upload", or --upload, puts it into the store, where bots find it. "get" fetches the
disk that NAME is now, or the one whose whole name is given, checks it, and prints where it is.
"prune" removes disks, here and from the store, that no branch and no open pull request of the
repositories refers to; it reads GitHub. Bots do it too when bots/fleet.toml says so:
[chores] image-prune = "1 day".`,
		Exits: []exitStatus{{exitDone, "done"}, {exitNo, "the recipe does not work, or the disk is not what its name says"}, {exitUsage, "the command line is wrong"}, {exitInfra, "no machine, no room, no network"}},
		New: func(fs *flag.FlagSet, env *environment) func(context.Context, []string) error {
			f := new(imageCommandFlags)
			f.hubFlags.register(fs, env)
			f.machine.register(fs)
			f.image.register(fs)
			fs.BoolVar(&f.upload, "upload", false, "build: put the disk into the store")
			fs.BoolVar(&f.unseen, "unseen", false, "build: do not look whether the disk boots")
			fs.BoolVar(&f.dryRun, "dry-run", false, "prune: only tell what would be removed")
			fs.DurationVar(&f.age, "age", 14*24*time.Hour, "prune: remove what nobody has needed for `TIME`")
			return f.run
		},
	}
}

// run does what the first word says.
func (f *imageCommandFlags) run(ctx context.Context, words []string) error {
	verbs := map[string]func(context.Context, string) error{
		"list": f.list, "build": f.buildOne, "upload": f.uploadOne, "get": f.getOne, "prune": f.prune,
	}
	if len(words) == 0 {
		return usageError("image: say what: list, build NAME, upload NAME, get NAME, or prune")
	}
	do, known := verbs[words[0]]
	named := words[0] != "list" && words[0] != "prune"
	switch {
	case !known:
		return usageError("image: unknown word %q: say list, build NAME, upload NAME, get NAME, or prune", words[0])
	case named && len(words) != 2:
		return usageError("image %s: want the name of one image: cyborg image %[1]s NAME", words[0])
	case !named && len(words) != 1:
		return usageError("image %s: takes no arguments, got %q", words[0], words[1])
	}
	name := words[len(words)-1]
	if err := checkNamed(named, name); err != nil {
		return &exitError{Code: exitUsage, Err: err, Hint: "cyborg image list shows what there is"}
	}
	err := do(ctx, name)
	if err != nil && ctx.Err() != nil {
		return &exitError{Code: exitInfra, Err: fmt.Errorf("image %s: stopped: %w", words[0], context.Cause(ctx)), Hint: afterStop[words[0]]}
	}
	return err
}

// afterStop says what is left when somebody stops it in the middle.
var afterStop = map[string]string{
	"build":  "nothing is left of an unfinished disk; a finished one is in the folder of --images, and cyborg image upload NAME goes on",
	"upload": "the store shows whole disks only; the same command begins anew",
	"get":    "what has arrived stays; the same command goes on from there",
	"prune":  "what is gone is gone whole; the same command goes on",
}

// checkNamed checks the name of an image, or of a disk.
func checkNamed(named bool, name string) error {
	if !named {
		return nil
	}
	if _, err := vmimage.ParseDisk(filepath.Base(name)); err == nil {
		return nil
	}
	return vmimage.CheckName(name)
}

// list shows what there is.
func (f *imageCommandFlags) list(ctx context.Context, _ string) error {
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
	if err == nil && f.upload {
		err = works.warehouse.writable(ctx) // before minutes of work
	}
	if err != nil {
		return err
	}
	p, err := works.build(ctx, recipe, f.unseen, f.env.Stderr)
	if err != nil {
		return err
	}
	defer p.held.Close()
	linked := false
	if _, err := os.Stat(vmimage.Folder); err == nil {
		if err := link(".", image, p.Disk); err != nil {
			return infra(err)
		}
		linked = true
	}
	if f.upload {
		if err := works.warehouse.upload(ctx, p.held, p.Packages); err != nil {
			return &exitError{Code: exitInfra, Err: err, Hint: "the disk is made, and is in the folder of --images: cyborg image upload " + name + " tries again"}
		}
	}
	fmt.Fprintf(f.env.Stdout, "%s\n", p.held.Path)
	f.next(name, linked)
	return nil
}

// next tells what is to be done with a disk that was made by hand.
func (f *imageCommandFlags) next(name string, linked bool) {
	if linked {
		fmt.Fprintf(f.env.Stderr, "cyborg: %s/%s names it now: commit that\n", vmimage.Folder, name)
	}
	if !f.upload {
		fmt.Fprintf(f.env.Stderr, "cyborg: only this machine has it: cyborg image upload %s puts it into the store, for bots elsewhere\n", name)
	}
}

// named is the disk that a person means: the one that an image is now, or the one whose whole name is given.
func named(name string) (vmimage.Disk, error) {
	if disk, err := vmimage.ParseDisk(filepath.Base(name)); err == nil {
		return disk, nil
	}
	_, image, broken := recipeIn(".", name)
	if image.Disk == (vmimage.Disk{}) {
		return vmimage.Disk{}, &exitError{Code: exitNo, Err: errors.Join(fmt.Errorf("./%s names no disk for %s", vmimage.Folder, name), broken),
			Hint: "cyborg image list shows what it names; cyborg image build " + name + " makes one"}
	}
	return image.Disk, nil
}

// uploadOne puts a disk into the store that was made by hand.
func (f *imageCommandFlags) uploadOne(ctx context.Context, name string) error {
	disk, err := named(name)
	if err != nil {
		return err
	}
	_, w, err := f.openWarehouse()
	if err == nil {
		err = w.writable(ctx)
	}
	if err != nil {
		return err
	}
	held, err := w.get(ctx, disk)
	if err != nil {
		return w.explain(err)
	}
	defer held.Close()
	packages, err := w.cache.Packages(disk)
	if err != nil {
		return infra(err)
	}
	if err := w.upload(ctx, held, packages); err != nil {
		return err
	}
	fmt.Fprintf(f.env.Stdout, "%s has %s, and it was read back\n", w.shelf, disk.File())
	return nil
}

// getOne fetches a disk by hand.
func (f *imageCommandFlags) getOne(ctx context.Context, name string) error {
	disk, err := named(name)
	if err != nil {
		return err
	}
	_, w, err := f.openWarehouse()
	if err != nil {
		return err
	}
	held, err := w.get(ctx, disk)
	if err != nil {
		return w.explain(err)
	}
	defer held.Close()
	fmt.Fprintf(f.env.Stdout, "%s\n", held.Path)
	return nil
}
