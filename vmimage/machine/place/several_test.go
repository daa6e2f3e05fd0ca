package place

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/container"
	"github.com/cyborg-bots/cyborg/vmimage/machine"
	"github.com/cyborg-bots/cyborg/vmimage/machine/machinetest"
)

// A hall is a place of machines that are no more than processes of this host. Their names for disks are images; the disk
// "bad" is none.
type hall struct {
	*Place
	fake *machinetest.Fake
	dir  string
}

func newHall(t *testing.T) *hall {
	t.Helper()
	dir, err := os.MkdirTemp("", "h") // short, as sockets are in it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	disk := filepath.Join(dir, "disk.qcow2")
	if out, err := exec.CommandContext(t.Context(), "qemu-img", "create", "-q", "-f", "qcow2", disk, "64M").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	h := &hall{fake: &machinetest.Fake{}, dir: filepath.Join(dir, "m")}
	pool, err := machine.NewPool(machine.PoolOptions{Dir: h.dir, Driver: h.fake})
	if err != nil {
		t.Fatal(err)
	}
	h.Place = New(Options{Pool: pool, CPUs: 2, Budget: NewBudget(Share{Memory: 4 << 30, CPUs: 16}), Boot: time.Hour,
		Find: func(_ context.Context, name string) (machine.Image, error) {
			switch name {
			case "bad":
				return machine.Image{Name: name, Disk: "/nowhere"}, nil
			case "elsewhere":
				return machine.Image{}, &container.LackError{Thing: "the image elsewhere", Name: "elsewhere.qcow2", Cause: errors.New("it is elsewhere")}
			case "unknown":
				return machine.Image{}, &UnknownImageError{Image: name, Reason: "nobody has it"}
			}
			return machine.Image{Name: name, Disk: disk}, nil
		}})
	return h
}

// beside is a job with so many machines beside its own, and what is in its log.
func beside(t *testing.T, images ...string) (container.Spec, *bytes.Buffer) {
	t.Helper()
	out := &bytes.Buffer{}
	s := container.Spec{Name: "verify", Argv: []string{"true"}, Dir: t.TempDir(), Output: out, Image: "own", Writable: []string{t.TempDir()}, Network: []string{container.NoNetwork}}
	for i, image := range images {
		s.Machines = append(s.Machines, container.Machine{Name: string(rune('a' + i)), Image: image})
	}
	return s, out
}

// empty demands that nothing is left of a job, and that others have all the room again.
func (h *hall) empty(t *testing.T) {
	t.Helper()
	domains, _ := h.fake.List(t.Context())
	files, _ := filepath.Glob(filepath.Join(h.dir, "*"))
	if len(domains)+len(files) > 0 {
		t.Errorf("left: domains %q, files %q", domains, files)
	}
	if !h.o.Budget.Fits(Share{Memory: 4<<30 - overhead, CPUs: 16}) {
		t.Error("not all that was taken was given back")
	}
}

// TestSeveralDoNotComeUp: a machine beside the job that does not start ends it, by name, and all others with it.
func TestSeveralDoNotComeUp(t *testing.T) {
	h := newHall(t)
	s, _ := beside(t, "bad")
	_, err := h.Run(t.Context(), s)
	if err == nil || !strings.Contains(err.Error(), "machine a: start machine bad: ") {
		t.Errorf("got %v", err)
	}
	h.empty(t)

	h.fake.Panic = "no root"
	s, _ = beside(t, "other")
	_, err = h.Run(t.Context(), s)
	if boot, ok := errors.AsType[*machine.BootError](err); !ok || boot.Cause != "kernel panic: no root" {
		t.Errorf("got %v", err)
	}
	h.empty(t)

	h.fake.Panic = "" // they come up, and have no interface that could have an address
	_, err = h.Run(t.Context(), s)
	if !errors.Is(err, machine.ErrGuest) || !strings.Contains(err.Error(), "put machine a into its network") {
		t.Errorf("got %v", err)
	}
	h.empty(t)
	if got, err := os.ReadFile(filepath.Join(s.Writable[0], "console-a.txt")); err != nil || !bytes.Contains(got, []byte("cyborg: ready")) {
		t.Errorf("the console that was kept: %q, %v", got, err)
	}
}

// TestSeveralImages: the disks of all count when a job is refused, or given back for a bot that has them.
func TestSeveralImages(t *testing.T) {
	h := newHall(t)
	s, _ := beside(t, "other", "unknown")
	if result, err := h.Run(t.Context(), s); err != nil || result.Refused != "find image unknown: nobody has it" {
		t.Errorf("got %+v, %v", result, err)
	}
	s, _ = beside(t, "other", "elsewhere")
	_, err := h.Run(t.Context(), s)
	if lack, ok := errors.AsType[*container.LackError](err); !ok || lack.Thing != "the image elsewhere" {
		t.Errorf("got %v", err)
	}
	if n := len(h.fake.Started()); n > 0 {
		t.Errorf("%d machines were started", n)
	}
	h.empty(t)
}

// TestSeveralCanceled: as many machines start at a time as there are processors, and all go when the job is stopped.
func TestSeveralCanceled(t *testing.T) {
	h := newHall(t)
	h.fake.Mute = true
	s, _ := beside(t, "b", "c", "d", "e", "f", "g")
	s.Limits.Memory = 256 << 20
	most := min(7, runtime.GOMAXPROCS(0))
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("nobody wants it any more")
	go func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for len(h.fake.Started()) < most {
			<-tick.C
		}
		<-time.After(100 * time.Millisecond) // one too many would come now
		cancel(stop)
	}()
	result, err := h.Run(ctx, s)
	if !result.Canceled || !errors.Is(err, stop) {
		t.Errorf("got %+v, %v", result, err)
	}
	if n := len(h.fake.Started()); n != most {
		t.Errorf("%d machines were started at a time, want %d", n, most)
	}
	h.empty(t)
}

// TestSeveralRoom: room is taken for all machines of a job at once, with what the hypervisor needs for each.
func TestSeveralRoom(t *testing.T) {
	h := newHall(t)
	s, _ := beside(t, "b", "c", "d")
	_, err := h.Run(t.Context(), s) // 4 of 1 GB, and the hypervisor's part of 4 GB
	if err == nil || !strings.Contains(err.Error(), "start 4 machines: needs 4736 MB of memory for machines") {
		t.Errorf("got %v", err)
	}
	one := h.ShareOf(container.Limits{Memory: 512 << 20})
	b := NewBudget(Share{Memory: 3 * (512<<20 + overhead), CPUs: 6})
	give, err := b.Take(t.Context(), one)
	if err != nil {
		t.Fatal(err)
	}
	if b.Fits(one.Times(3)) || !b.Fits(one.Times(2)) {
		t.Error("beside one machine two have room, and no three")
	}
	give()
	if !b.Fits(one.Times(3)) {
		t.Error("three have no room where three had it")
	}
	h.empty(t)
}
