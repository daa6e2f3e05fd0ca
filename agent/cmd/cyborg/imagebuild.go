package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/cyborg-bots/cyborg/container"
	"github.com/cyborg-bots/cyborg/vmimage"
	"github.com/cyborg-bots/cyborg/vmimage/build"
	"github.com/cyborg-bots/cyborg/vmimage/machine"
	"github.com/cyborg-bots/cyborg/vmimage/store"
)

// A factory builds disks here and takes them into the warehouse.
type factory struct {
	flags     *runFlags
	state     string
	warehouse *warehouse
	start     build.Starter // nil: this program was built without a hypervisor
}

// factory opens it. Nothing is started.
func (f *runFlags) factory(ctx context.Context, state string) (*factory, error) {
	w, err := f.warehouse(state)
	if err != nil {
		return nil, err
	}
	m, err := f.machinery(ctx, state, f.logger())
	if err != nil && !errors.Is(err, machine.ErrNoHypervisor) {
		return nil, err
	}
	return newFactory(f, state, w, m), nil
}

// newFactory builds with the machines that there are.
func newFactory(f *runFlags, state string, w *warehouse, m *machinery) *factory {
	works := &factory{flags: f, state: state, warehouse: w}
	if m != nil {
		works.start = build.Machines(m.pool, buildMemory, buildBoot)
	}
	return works
}

// A product is a disk that was built, in the cache.
type product struct {
	build.Result
	held *store.Held
}

// build makes a disk. unseen: nobody looks whether it boots.
func (f *factory) build(ctx context.Context, r build.Recipe, unseen bool, out io.Writer) (*product, error) {
	if r.Bootstrap == nil {
		if _, err := build.Ready(cmp.Or(r.Base, r.Name)); err != nil {
			return nil, no(fmt.Errorf("build %s: there is no %s/%s.bootstrap, and none is ready-made (there are %s)",
				r.Name, vmimage.Folder, r.Name, strings.Join(build.Recipes(), ", ")))
		}
	}
	work, err := f.warehouse.cache.Workspace(buildRoom)
	if err != nil {
		return nil, infra(fmt.Errorf("build %s: %w", r.Name, err))
	}
	defer work.Close()
	o := build.Options{Dir: work.Dir, Host: f.host(), Output: out, Env: f.recipeEnv()}
	switch {
	case unseen:
	case f.start == nil:
		return nil, &exitError{Code: exitInfra, Err: fmt.Errorf("build %s: %w", r.Name, machine.ErrNoHypervisor),
			Hint: "--unseen builds what has no setup without looking whether it boots"}
	default:
		o.Start = f.start
	}
	result, err := build.Build(ctx, r, o)
	if err != nil {
		return nil, f.blame(err)
	}
	show, end := f.warehouse.bar()
	defer end()
	held, err := f.warehouse.cache.Add(ctx, result.Disk, result.File, show)
	if err == nil {
		err = f.warehouse.cache.KeepPackages(result.Disk, result.Packages)
	}
	if err != nil {
		return nil, infra(err)
	}
	return &product{result, held}, nil
}

// What a build wants free before it begins, and what is left when it was the room that it wanted: a file that is half
// written takes the rest.
const (
	buildRoom = 1 << 30
	noRoom    = 64 << 20
)

// blame tells a recipe that does not work from a machine that does not.
func (f *factory) blame(err error) error {
	if full := f.warehouse.cache.Room(noRoom); full != nil {
		return infra(fmt.Errorf("%w: %w", full, err))
	}
	if failed, ok := errors.AsType[*build.FailedError](err); ok {
		return &exitError{Code: exitNo, Err: failed}
	}
	return infra(err)
}

// host is where a recipe runs: in no sandbox, as what it does is to make a root file system.
func (f *factory) host() *container.Host {
	return container.NewHost(container.HostOptions{Dir: filepath.Join(f.state, jobsDir), Log: f.flags.logger()})
}

// recipeEnv is what of our environment a recipe gets: the way to the net, and what the ready-made ones can be told.
func (f *factory) recipeEnv() []string {
	var list []string
	for _, name := range []string{"http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
		"CYBORG_MIRROR", "CYBORG_SUITE", "CYBORG_SIZE", "CYBORG_PACKAGES", "CYBORG_INSIDE", "CYBORG_KEYRING", "CYBORG_URL", "CYBORG_SHA256"} {
		if v := f.flags.env.Getenv(name); v != "" {
			list = append(list, name+"="+v)
		}
	}
	return list
}

// imagesIn reads what the files of a work tree say about images.
func imagesIn(tree string) ([]vmimage.Image, error) {
	root, err := os.OpenRoot(tree)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", vmimage.Folder, err)
	}
	defer root.Close()
	list, err := fs.ReadDir(root.FS(), vmimage.Folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", vmimage.Folder, err)
	}
	var files []vmimage.File
	for _, e := range list {
		info, err := e.Info()
		if err != nil || info.IsDir() {
			continue
		}
		file := vmimage.File{Path: path.Join(vmimage.Folder, e.Name()), Mode: info.Mode()}
		if info.Mode()&fs.ModeSymlink != 0 {
			var to string
			to, err = root.Readlink(filepath.FromSlash(file.Path))
			file.Data = []byte(to)
		} else if info.Mode().IsRegular() && info.Size() <= maxRecipe {
			file.Data, err = fs.ReadFile(root.FS(), file.Path)
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", file.Path, err)
		}
		files = append(files, file)
	}
	return vmimage.Images(files)
}

// maxRecipe is the longest recipe, in bytes.
const maxRecipe = 1 << 20

// recipeIn is how a work tree says that a disk is made. A broken file of another image does not matter.
func recipeIn(tree, name string) (build.Recipe, vmimage.Image, error) {
	images, broken := imagesIn(tree)
	for _, i := range images {
		if i.Name == name {
			return build.Recipe{Name: name, Bootstrap: i.Bootstrap, Setup: i.Setup}, i, nil
		}
	}
	r := build.Recipe{Name: name}
	if base, _, ok := strings.Cut(name, "-"); ok {
		if _, err := build.Ready(name); err != nil {
			r.Base = base // debian-13 is made by the recipe debian
		}
	}
	if broken != nil {
		return r, vmimage.Image{}, broken
	}
	return r, vmimage.Image{Name: name, Linked: true}, nil
}

// link makes a disk the one that its image is, in a work tree.
func link(tree string, i vmimage.Image, disk vmimage.Disk) error {
	root, err := os.OpenRoot(tree)
	if err != nil {
		return fmt.Errorf("link %s: %w", disk.Name, err)
	}
	defer root.Close()
	name := filepath.FromSlash(path.Join(vmimage.Folder, disk.Name))
	err = root.MkdirAll(filepath.FromSlash(vmimage.Folder), 0o755)
	if err == nil {
		if err = root.Remove(name); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	switch {
	case err != nil:
	case i.Linked || i.Disk == (vmimage.Disk{}):
		err = root.Symlink(disk.File(), name)
	default:
		err = root.WriteFile(name, []byte(disk.File()+"\n"), 0o644)
	}
	if err != nil {
		return fmt.Errorf("link %s: %w", disk.Name, err)
	}
	return nil
}
