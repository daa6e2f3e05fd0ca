package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"time"

	"github.com/cyborg-bots/cyborg/agent"
	"github.com/cyborg-bots/cyborg/container"
	"github.com/cyborg-bots/cyborg/selftest"
	"github.com/cyborg-bots/cyborg/tasks"
	"github.com/cyborg-bots/cyborg/vmimage"
	"github.com/cyborg-bots/cyborg/vmimage/machine"
	"github.com/cyborg-bots/cyborg/vmimage/machine/libvirt"
	"github.com/cyborg-bots/cyborg/vmimage/machine/place"
)

// machinesDir is where machines have their directories while they run, below the state folder: short, as sockets are in
// it.
const machinesDir = "vm"

// statesDir is where saved states of machines are, from which others start, below the state folder.
const statesDir = "states"

// machineFlags say where disks are, and what machines may use.
type machineFlags struct {
	images  string
	libvirt string
	memory  string
	cold    bool
}

func (m *machineFlags) register(fs *flag.FlagSet) {
	fs.StringVar(&m.images, "images", "", "disks of virtual machines are in `DIR`, as NAME.qcow2 or NAME-DIGEST.qcow2\n"+
		"(default $CYBORG_IMAGES, or images in the state folder)")
	fs.StringVar(&m.libvirt, "libvirt", "", "`URI` of libvirt (default $LIBVIRT_DEFAULT_URI, or qemu:///session)")
	fs.BoolVar(&m.cold, "cold", false, "boot each virtual machine, also one that could go on from a saved state")
	fs.StringVar(&m.memory, "vm-memory", "", "all virtual machines together use at most `SIZE` of memory, for example 12G\n"+
		"(default: what this machine or its container has, less a tenth and 1G)")
}

// A machinery is all that starts virtual machines here.
type machinery struct {
	driver *libvirt.Driver
	pool   *machine.Pool
	place  *place.Place
	budget *place.Budget
	kvm    bool
	shelf  *shelf
}

// machinery opens it. Nothing is started. The error is machine.ErrNoHypervisor when this program was built without.
func (f *runFlags) machinery(ctx context.Context, state string, log *slog.Logger) (*machinery, error) {
	driver, err := f.driver()
	if err != nil {
		return nil, err
	}
	found := selftest.Examine(ctx, []selftest.Probe{selftest.KVM(), selftest.Memory(os.DirFS("/"))})
	w, err := f.warehouse(state)
	if err != nil {
		return nil, err
	}
	return f.equip(driver, found.Capabilities, w, state, log)
}

func (f *runFlags) driver() (*libvirt.Driver, error) {
	uri := f.machine.libvirt
	if uri == "" {
		uri = f.env.Getenv("LIBVIRT_DEFAULT_URI")
	}
	return libvirt.Open(libvirt.Options{URI: uri})
}

// hypervisor gives the driver, and the question whether it works. Without a driver the answer says why there is none.
func (f *runFlags) hypervisor() (*libvirt.Driver, selftest.Probe) {
	driver, err := f.driver()
	if err != nil {
		return nil, selftest.Machines(func(context.Context) (string, error) { return "", err })
	}
	return driver, selftest.Machines(driver.Hypervisor)
}

// equip makes the rest, with what the self-exam found.
func (f *runFlags) equip(driver *libvirt.Driver, found []string, w *warehouse, state string, log *slog.Logger) (*machinery, error) {
	m := &machinery{driver: driver, kvm: slices.Contains(found, "kvm"), shelf: f.shelf(state)}
	m.shelf.warehouse = w
	memory, err := f.machine.most(found)
	if err != nil {
		return nil, err
	}
	options := machine.PoolOptions{Dir: filepath.Join(state, machinesDir), Driver: driver, KVM: m.kvm, Log: log}
	if !f.machine.cold {
		options.States = filepath.Join(state, statesDir)
	}
	m.pool, err = machine.NewPool(options)
	if err != nil {
		return nil, infra(err)
	}
	m.budget = place.NewBudget(place.Share{Memory: memory, CPUs: max(f.jobs, 1) * runtime.GOMAXPROCS(0)})
	m.place = place.New(place.Options{
		Pool: m.pool, Find: m.shelf.find, Budget: m.budget, CPUs: min(2, runtime.GOMAXPROCS(0)), Boot: bootTime(m.kvm), Log: log,
	})
	return m, nil
}

// bootTime is how long a job's machine may take to come up: emulated, a whole system takes minutes on a busy host.
func bootTime(kvm bool) time.Duration {
	if kvm {
		return machine.DefaultBoot
	}
	return buildBoot
}

// most is how much memory all machines may have together.
func (m *machineFlags) most(found []string) (int64, error) {
	if m.memory != "" {
		n, err := tasks.ParseSize(m.memory)
		if err != nil {
			return 0, usageError("read --vm-memory: %v", err)
		}
		return n, nil
	}
	for _, c := range capabilities(found) {
		if c.Name == "memory" {
			return max(c.Bytes-c.Bytes/10-1<<30, 0), nil
		}
	}
	return 0, nil
}

// room tells whether a job's machines have room beside those that run. Those that never have it are not waited for: the job is
// taken and given back, and says what it needs.
func (m *machinery) room(e agent.Entry) bool {
	if e.Place != tasks.InVM {
		return true
	}
	share := m.place.ShareOf(agent.LimitsOf(e.Taught)).Times(1 + len(e.Taught.Machines))
	return m.budget.Fits(share) || !m.budget.Ever(share)
}

// A shelf is where the disks of virtual machines are on this host.
type shelf struct {
	dir       string
	warehouse *warehouse // where disks whose name has their sum come from
}

func (f *runFlags) shelf(state string) *shelf {
	dir := f.machine.images
	if dir == "" {
		dir = f.env.Getenv("CYBORG_IMAGES")
	}
	if dir == "" {
		dir = filepath.Join(state, "images")
	}
	return &shelf{dir: dir}
}

// plainDisk is the only kind of name that is looked for.
var plainDisk = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._+-]*$`)

// find gives the image of a disk's name: NAME-DIGEST.qcow2, or NAME alone.
func (s *shelf) find(ctx context.Context, disk string) (machine.Image, error) {
	if !plainDisk.MatchString(disk) {
		return machine.Image{}, &place.UnknownImageError{Image: fmt.Sprintf("%.100q", disk), Reason: "that is no name of a disk"}
	}
	dir, err := filepath.Abs(s.dir)
	if err != nil {
		return machine.Image{}, infra(err)
	}
	name, file := disk, disk
	if filepath.Ext(disk) != ".qcow2" {
		file = disk + ".qcow2"
	} else {
		name = disk[:len(disk)-len(".qcow2")]
	}
	if d, err := vmimage.ParseDisk(file); err == nil && s.warehouse != nil {
		return s.warehouse.image(ctx, d)
	}
	path := filepath.Join(dir, file)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return machine.Image{}, &container.LackError{Thing: "the image " + name, Name: file, Cause: fmt.Errorf("%s/%s names no disk, and there is no %s in %s", vmimage.Folder, name, file, dir)}
	} else if err != nil {
		return machine.Image{}, infra(fmt.Errorf("find image %s: %w", name, err))
	}
	return machine.Image{Name: name, Disk: path}, nil
}

// has tells whether a disk of that name can be had now.
func (s *shelf) has(ctx context.Context, file string) bool {
	if d, err := vmimage.ParseDisk(file); err == nil && s.warehouse != nil {
		return s.warehouse.has(ctx, d)
	}
	_, err := os.Stat(filepath.Join(s.dir, file))
	return err == nil
}

// had tells whether what a job could not have is there now.
func (b *bot) had(ctx context.Context, name string) bool {
	return b.machines == nil || name != place.NoRoom && b.machines.shelf.has(ctx, name)
}

// places is where jobs run here.
func (b *bot) places() map[tasks.PlaceKind]container.Runner {
	all := map[tasks.PlaceKind]container.Runner{tasks.OnHost: b.host}
	if b.offersMachines() {
		all[tasks.InVM] = b.machines.place
	}
	if r := b.boxes.runner(); r != nil {
		all[tasks.InContainer] = r
	}
	return all
}

func (b *bot) offersMachines() bool {
	return b.machines != nil && slices.ContainsFunc(b.has, func(c tasks.Capability) bool { return c.Name == "vm" })
}

// sweepMachines takes away the machines of bots that were killed here. That a hypervisor is missing is said elsewhere.
func (b *bot) sweepMachines(ctx context.Context) {
	if b.machines != nil {
		if err := b.machines.shelf.warehouse.cache.Sweep(); err != nil {
			b.log.Warn("cannot clean up the disks that a killed bot was making", "error", err)
		}
	}
	if !b.offersMachines() {
		return
	}
	if err := b.machines.place.Sweep(ctx); err != nil {
		b.log.Warn("cannot clean up the machines of a killed bot", "error", err)
	}
}

// room tells whether there is room for a job beside those that run.
func (b *bot) room(e agent.Entry) bool { return b.machines == nil || b.machines.room(e) }
