//go:build vm

package libvirt

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/vmimage/machine"
	"github.com/cyborg-bots/cyborg/vmimage/machine/machinetest"
)

// memory is enough for the small image.
const memory = 128 << 20

// boot is how long a machine may take to come up on a host that does much else, emulated.
const boot = 10 * time.Minute

func pool(t *testing.T) *machine.Pool {
	t.Helper()
	p, close, err := open("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(close)
	return p
}

func open(states string) (*machine.Pool, func(), error) {
	d, err := Open(Options{})
	if err != nil {
		return nil, nil, err
	}
	p, err := machine.NewPool(machine.PoolOptions{Dir: filepath.Join(machinetest.Home(), "m"), Driver: d, States: states, SaveAfter: time.Millisecond})
	return p, func() { d.Close() }, err
}

func start(t *testing.T, p *machine.Pool, s machine.Spec) *machine.Machine {
	t.Helper()
	s.Image, s.Memory, s.Boot = machinetest.Small(t), memory, boot
	begin := time.Now()
	m, err := p.Start(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s was up after %.1f s, for which the hypervisor used %.1f s of a processor", m.Name(), time.Since(begin).Seconds(), processor(m.Name()))
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// soon is when the small image answers ssh, emulated, on a host that has nothing else to do.
const soon = 10 // seconds

// processor is how many seconds of a processor a domain's hypervisor has used: on an idle host it takes so long to come up, on a
// busy one longer. Linux counts in hundredths.
func processor(name string) float64 {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		line, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(line, []byte("qemu-system")) || !bytes.Contains(line, []byte(name)) {
			continue
		}
		stat, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "stat"))
		_, rest, _ := strings.Cut(string(stat), ") ")
		var user, system float64
		if fields := strings.Fields(rest); len(fields) > 12 {
			_, _ = fmt.Sscan(fields[11]+" "+fields[12], &user, &system)
		}
		return (user + system) / 100
	}
	return 0
}

func run(t *testing.T, m *machine.Machine, script string) (string, machine.Exit) {
	t.Helper()
	var out bytes.Buffer
	exit, err := m.Run(t.Context(), machine.Cmd{Argv: []string{"sh", "-c", script}, Output: &out})
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), exit
}

// TestVMLife: two machines on a network of their own do all that machines do, and die in two ways.
func TestVMLife(t *testing.T) {
	p := pool(t)
	network, err := machine.NewSwitch(filepath.Join(machinetest.Home(), "net"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { network.Close() })
	var wg sync.WaitGroup
	machines := make([]*machine.Machine, 2)
	used := make([]float64, len(machines))
	for i := range machines {
		wg.Go(func() {
			machines[i] = start(t, p, machine.Spec{Private: network})
			used[i] = processor(machines[i].Name())
		})
	}
	wg.Wait()
	if t.Failed() || machines[0] == nil || machines[1] == nil {
		t.FailNow()
	}
	one, two := machines[0], machines[1]
	answersSoon(t, slices.Min(used))

	if out, exit := run(t, one, "echo out; echo err >&2; exit 3"); out != "out\nerr\n" || exit.Code != 3 {
		t.Errorf("got %q, %+v", out, exit)
	}
	copies(t, one)
	alone(t, one)
	for i, m := range machines {
		if out, exit := run(t, m, fmt.Sprintf("ifconfig eth1 192.168.9.%d netmask 255.255.255.0 up", i+1)); exit.Code != 0 {
			t.Fatal(out)
		}
	}
	if out, exit := run(t, one, "for i in 1 2 3 4 5 6 7 8 9 10; do ping -c 1 -W 20 192.168.9.2 && exit 0; done; exit 1"); exit.Code != 0 {
		t.Errorf("the machines of a network do not see each other: %s", out)
	}

	dies(t, one, "echo c >/proc/sysrq-trigger; sleep 600", "kernel panic: sysrq triggered crash")
	dies(t, two, "poweroff -f; sleep 600", "it switched itself off")
}

// answersSoon demands that what a boot to ssh uses of a processor is not a multiple of the 10 seconds that it may take where
// nothing else is to do: a slow host, and a busy one whose caches are shared, need more. make vm-many holds it to the 10.
func answersSoon(t *testing.T, least float64) {
	t.Helper()
	if least <= 0 || least >= 3*soon {
		t.Errorf("the small image answers after %.1f s of a processor, want less than %d", least, 3*soon)
	}
	t.Logf("from nothing to ssh: %.1f s of a processor", least)
}

// copies takes files in and out.
func copies(t *testing.T, m *machine.Machine) {
	t.Helper()
	from, to := t.TempDir(), t.TempDir()
	big := bytes.Repeat([]byte("0123456789abcde\n"), 1<<16)
	if err := os.WriteFile(filepath.Join(from, "big"), big, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := m.CopyIn(t.Context(), from, "/job/in"); err != nil {
		t.Fatal(err)
	}
	if out, exit := run(t, m, "cd /job/in && [ -x big ] && mkdir deep && cp big deep/copy && ln -s /etc/passwd deep/link"); exit.Code != 0 {
		t.Fatal(out)
	}
	if err := m.CopyOut(t.Context(), "/job/in", to, nil, machine.Limit{Bytes: 4 << 20, Files: 10}); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(to, "deep", "copy")); err != nil || !bytes.Equal(got, big) {
		t.Errorf("the copy has %d bytes of %d: %v", len(got), len(big), err)
	}
	if _, err := os.Lstat(filepath.Join(to, "deep", "link")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a link came out: %v", err)
	}
	files, err := m.Files(t.Context(), "/job/in", 10)
	if err != nil || len(files) != 2 {
		t.Errorf("got %q, %v", files, err)
	}
}

// alone demands that a machine does not reach this host: QEMU's user network leads to its loopback interface unless it
// is told not to.
func alone(t *testing.T, m *machine.Machine) {
	t.Helper()
	port, sprung := machinetest.Trap(t)
	out, exit := run(t, m, fmt.Sprintf("timeout 5 nc 10.0.2.2 %d </dev/null", port))
	if sprung() {
		t.Error("the machine reached a port of this host's loopback interface")
	}
	t.Logf("what came of the way to the host: %d %s", exit.Code, strings.TrimSpace(out))
}

// dies demands that a machine's death is told as such, with the console's end.
func dies(t *testing.T, m *machine.Machine, script, cause string) {
	t.Helper()
	_, err := m.Run(t.Context(), machine.Cmd{Argv: []string{"sh", "-c", script}})
	crash, ok := errors.AsType[*machine.CrashError](err)
	if !ok || !strings.HasPrefix(crash.Cause, cause) {
		t.Errorf("want a crash of %q, got %v", cause, err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	if !bytes.Contains(m.Console(), []byte("cyborg: ready")) {
		t.Errorf("the console was not kept: %q", m.Console())
	}
}

// childVariable makes this program a bot that starts a machine, says how far it is, and waits to be killed.
const childVariable = "CYBORG_VM_CHILD"

// statesVariable gives it a folder of saved states.
const statesVariable = "CYBORG_VM_STATES"

// child is that bot.
func child() int {
	p, _, err := open(os.Getenv(statesVariable))
	if err != nil {
		fmt.Println(err)
		return 1
	}
	ctx, cancel := context.WithCancel(contextOf())
	defer cancel()
	_, err = p.Start(ctx, machine.Spec{Image: machine.Image{Name: "busybox", Disk: os.Getenv("CYBORG_VM_IMAGE")}, Memory: memory, Boot: boot, Console: os.Stdout})
	fmt.Println("PHASE up", err)
	_, _ = io.Copy(io.Discard, os.Stdin) // until it is killed
	return 0
}

// TestVMSweep: a bot that is killed while its machine comes up, or is up, leaves nothing that the next bot's start does
// not take away, and the machine of a living bot is left alone.
func TestVMSweep(t *testing.T) {
	p := pool(t)
	for _, phase := range []string{"disk made", "domain started", "up"} {
		t.Run(phase, func(t *testing.T) {
			killAt(t, phase)
			swept, err := p.Sweep(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			files, _ := filepath.Glob(filepath.Join(machinetest.Home(), "m", "*"))
			if len(files) > 0 {
				t.Errorf("left after sweeping %q: %q", swept, files)
			}
			if left := machinetest.WaitUntilGone(t); len(left) > 0 {
				t.Errorf("left: %q", left)
			}
		})
	}
}

// killAt starts the child and kills it when it has come so far.
func killAt(t *testing.T, phase string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe")
	cmd.Env = append(os.Environ(), childVariable+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	switch phase {
	case "disk made":
		waitForFile(t, filepath.Join(machinetest.Home(), "m", "*", "disk.qcow2"))
	case "saving":
		waitForFile(t, filepath.Join(os.Getenv(statesVariable), "new-*", "memory"))
	case "domain started":
		waitForFile(t, filepath.Join(machinetest.Home(), "run", "libvirt", "qemu", "run", "cyborg-*.xml"))
	default:
		seen := false
		for lines := bufio.NewScanner(out); !seen && lines.Scan(); {
			seen = strings.Contains(lines.Text(), "PHASE up <nil>")
		}
		if !seen {
			t.Error("the child ended before it came so far")
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
}

// waitForFile waits until there is one.
func waitForFile(t *testing.T, pattern string) {
	t.Helper()
	for {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return
		}
		select {
		case <-time.After(time.Millisecond):
		case <-t.Context().Done():
			t.Fatalf("no %s was made", pattern)
		}
	}
}

// TestVMKept: a machine that a person keeps is left alone by sweeps until its time is over.
func TestVMKept(t *testing.T) {
	p := pool(t)
	m := start(t, p, machine.Spec{Keep: true})
	if err := m.Leave(); err != nil {
		t.Fatal(err)
	}
	other := pool(t)
	if swept, err := other.Sweep(t.Context()); err != nil || len(swept) > 0 {
		t.Fatalf("swept %q, %v", swept, err)
	}
	info, err := other.Find("busybox")
	if err != nil {
		t.Fatal(err)
	}
	again, err := other.Attach(t.Context(), info, boot)
	if err != nil {
		t.Fatal(err)
	}
	if out, exit := run(t, again, "uname"); out != "Linux\n" || exit.Code != 0 {
		t.Errorf("got %q %+v", out, exit)
	}
	if !bytes.Contains(again.Console(), []byte("cyborg: ready")) {
		t.Errorf("console: %q", again.Console())
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}
