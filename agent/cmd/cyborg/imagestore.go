package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cyborg-bots/cyborg/container"
	"github.com/cyborg-bots/cyborg/publish"
	"github.com/cyborg-bots/cyborg/selftest"
	"github.com/cyborg-bots/cyborg/tasks"
	"github.com/cyborg-bots/cyborg/vmimage"
	"github.com/cyborg-bots/cyborg/vmimage/machine"
	"github.com/cyborg-bots/cyborg/vmimage/store"
)

// imageFlags say where disks come from and go to.
type imageFlags struct {
	stores listFlag
	room   string
}

// defaultRoom is how many bytes the disks of a store have in all, unless somebody says more: what a bucket costs is seen late.
const defaultRoom = "100G"

func (i *imageFlags) register(fs *flag.FlagSet) {
	fs.Var(&i.stores, "image-store", "fetch disks from `PLACE`: s3://BUCKET/FOLDER with the keys of --logs, http(s)://HOST/PATH, or a folder; may\n"+
		"be given again, they are asked in turn. New disks go to the first that is no web address\n"+
		"(default $CYBORG_IMAGE_STORE, places separated by blanks)")
	fs.StringVar(&i.room, "image-room", "", "all disks of the store together have at most `SIZE`; a new one that does not fit fails and says so\n"+
		"(default $CYBORG_IMAGE_ROOM, or "+defaultRoom+")")
}

// A warehouse is where this program has disks from: the folder of this machine, and stores.
type warehouse struct {
	cache   *store.Cache
	dir     string // of the cache
	sources []store.Source
	shelf   store.Shelf // the one that can be written to; nil: none
	out     io.Writer   // for progress
	spare   int64       // bytes that pruning leaves free on this machine
	most    int64       // bytes that all disks of the shelf may have
	mu      sync.Mutex
	held    []*store.Held              // that machines may run from, the latest last
	damaged map[vmimage.Disk]time.Time // when it was seen that all sources have something else under the name
}

// mostHeld is how many disks a bot keeps its hand on: more than it has machines.
const mostHeld = 16

// openWarehouse opens the state folder and the warehouse, for commands that need no bot.
func (f *runFlags) openWarehouse() (state string, w *warehouse, err error) {
	if state, err = f.stateDir(); err != nil {
		return "", nil, err
	}
	w, err = f.warehouse(state)
	return state, w, err
}

// warehouse opens them. Nothing is asked yet.
func (f *runFlags) warehouse(state string) (*warehouse, error) {
	cache, err := store.OpenCache(f.shelf(state).dir, store.Options{Log: f.logger()})
	if err != nil {
		return nil, infra(err)
	}
	w := &warehouse{cache: cache, damaged: map[vmimage.Disk]time.Time{}, dir: f.shelf(state).dir, out: f.env.Stderr, spare: min(keepFree, tenth(f.shelf(state).dir))}
	if w.most, err = tasks.ParseSize(cmp.Or(f.image.room, f.env.Getenv("CYBORG_IMAGE_ROOM"), defaultRoom)); err != nil {
		return nil, usageError("read --image-room: %v", err)
	}
	places := []string(f.image.stores)
	if len(places) == 0 {
		places = strings.Fields(f.env.Getenv("CYBORG_IMAGE_STORE"))
	}
	for _, where := range places {
		var source store.Source
		var shelf store.Shelf
		var err error
		switch {
		case strings.HasPrefix(where, "s3:"):
			shelf, err = f.bucket(where)
		case strings.Contains(where, "://"):
			source, err = store.NewWeb(where, nil)
		default:
			shelf, err = store.NewFolder(where)
		}
		if err != nil {
			return nil, &exitError{Code: exitUsage, Err: fmt.Errorf("open --image-store: %w", err)}
		}
		if shelf != nil {
			source = shelf
			if w.shelf == nil {
				w.shelf = shelf
			}
		}
		w.sources = append(w.sources, source)
	}
	return w, nil
}

// barOn shows progress to people, or to a log.
func barOn(out io.Writer) *publish.Bar {
	terminal := false
	if f, ok := out.(*os.File); ok {
		_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
		terminal = err == nil
	}
	return publish.NewBar(out, terminal)
}

// bar shows the progress of disks.
func (w *warehouse) bar() (show func(store.Progress), end func()) {
	b := barOn(w.out)
	return func(p store.Progress) { b.Show(p.Step()) }, b.Close
}

// get gives a disk, which is fetched if need be.
func (w *warehouse) get(ctx context.Context, disk vmimage.Disk) (*store.Held, error) {
	show, end := w.bar()
	defer end()
	return w.cache.Get(ctx, disk, w.sources, show)
}

// image gives the image of a disk whose name has its sum. It stays for the machines that start from it.
func (w *warehouse) image(ctx context.Context, disk vmimage.Disk) (machine.Image, error) {
	held, err := w.get(ctx, disk)
	_, damaged := errors.AsType[*store.DamagedError](err)
	if damaged {
		w.mu.Lock()
		w.damaged[disk] = time.Now()
		w.mu.Unlock()
	}
	if damaged || errors.Is(err, fs.ErrNotExist) { // it may be uploaded yet, or again, or a peer has it
		return machine.Image{}, &container.LackError{Thing: "the disk " + disk.String(), Name: disk.File(), Cause: err}
	}
	if err != nil {
		return machine.Image{}, infra(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.held = append(w.held, held); len(w.held) > mostHeld {
		w.held[0].Close()
		w.held = w.held[1:]
	}
	return machine.Image{Name: disk.Name, Disk: held.Path}, nil
}

// damagedFor is how long nobody looks again at a disk that was not what its name says: it is fetched to know better.
const damagedFor = time.Hour

// has tells whether a disk is here or can be fetched now. What cannot be asked may be there.
func (w *warehouse) has(ctx context.Context, disk vmimage.Disk) bool {
	w.mu.Lock()
	bad := time.Since(w.damaged[disk]) < damagedFor
	w.mu.Unlock()
	if bad {
		return false
	}
	if _, err := os.Stat(filepath.Join(w.dir, disk.File())); err == nil {
		return true
	}
	return slices.ContainsFunc(w.sources, func(s store.Source) bool {
		_, err := s.Size(ctx, disk.File())
		return !errors.Is(err, fs.ErrNotExist)
	})
}

// tenth is a tenth of the size of a folder's file system: on a small disk nobody can leave more.
func tenth(dir string) int64 {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0
	}
	return int64(st.Blocks) * st.Bsize / 10
}

// writable demands a store that answers and can be written to.
func (w *warehouse) writable(ctx context.Context) error {
	if w.shelf == nil {
		return &exitError{Code: exitUsage, Err: errors.New("there is no store that can be written to"),
			Hint: "give --image-store s3://BUCKET/FOLDER or a folder, or set CYBORG_IMAGE_STORE"}
	}
	for _, err := range w.shelf.List(ctx, "") {
		if err != nil {
			return &exitError{Code: exitInfra, Err: fmt.Errorf("look into the store: %w", err),
				Hint: "cyborg publish init --logs s3://BUCKET/FOLDER makes a bucket, and says what is wrong with one"}
		}
		break
	}
	return nil
}

// upload puts a disk and the list of what is in it into the store.
func (w *warehouse) upload(ctx context.Context, held *store.Held, packages vmimage.Packages) error {
	if err := w.writable(ctx); err != nil {
		return err
	}
	show, end := w.bar()
	defer end()
	if _, err := store.Upload(ctx, w.shelf, held, show); err != nil {
		return infra(err)
	}
	return infra(store.UploadPackages(ctx, w.shelf, held.Disk, packages))
}

// explain says what a person can do about a disk that could not be had.
func (w *warehouse) explain(err error) error {
	if damaged, ok := errors.AsType[*store.DamagedError](err); ok {
		return no(damaged)
	}
	e := &exitError{Code: exitInfra, Err: err}
	switch {
	case !errors.Is(err, fs.ErrNotExist):
	case len(w.sources) == 0:
		e.Hint = "say where disks are: --image-store PLACE, or CYBORG_IMAGE_STORE"
	default:
		e.Hint = "who built it has to upload it: cyborg image upload NAME; or it was pruned, and has to be built anew"
	}
	return e
}

// try puts something small into the store and removes it.
func (w *warehouse) try(ctx context.Context) error {
	name, text := "probe-"+strings.ToLower(rand.Text()), []byte("cyborg selftest\n")
	if err := w.shelf.Create(ctx, name, bytes.NewReader(text), int64(len(text)), sha256.Sum256(text)); err != nil {
		return err
	}
	_, err := w.shelf.Size(ctx, name)
	return errors.Join(err, w.shelf.Delete(context.WithoutCancel(ctx), name))
}

// probes asks about the store, if there is one that may be written to.
func (w *warehouse) probes() []selftest.Probe {
	if w.shelf == nil {
		return nil
	}
	return []selftest.Probe{selftest.Images(w.shelf.String(), w.try)}
}
