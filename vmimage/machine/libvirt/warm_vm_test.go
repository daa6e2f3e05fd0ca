//go:build vm

package libvirt

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/vmimage/machine"
	"github.com/cyborg-bots/cyborg/vmimage/machine/machinetest"
)

// TestVMWarm: the first machine of an image boots and is saved; those that go on from that are quick and share nothing that
// must be their own; a broken state is made anew; a bot that is killed while it saves, or with such a machine, leaves nothing.
func TestVMWarm(t *testing.T) {
	dir := filepath.Join(machinetest.Home(), "states")
	t.Setenv(statesVariable, dir)
	p, hangUp, err := open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(hangUp)

	killAt(t, "saving")
	swept(t, p, dir, 0)

	first := start(t, p, machine.Spec{})
	if !first.Warm() {
		t.Fatal("the first machine was not saved: its log tells why")
	}
	file := onlyState(t, dir)
	whole := sizeOf(t, file)

	cold := start(t, p, machine.Spec{Cold: true})
	if cold.Warm() {
		t.Error("a machine went on from a state that was told to boot")
	}
	for _, m := range []*machine.Machine{first, cold} {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
	twins := make([]*machine.Machine, 2)
	var wg sync.WaitGroup
	for i := range twins {
		wg.Go(func() { twins[i] = start(t, p, machine.Spec{}) })
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	apart(t, twins[0], twins[1])
	if out, exit := run(t, twins[0], "echo gone >/root/mark; sync"); exit.Code != 0 {
		t.Error(out)
	}
	if out, _ := run(t, twins[1], "cat /root/mark"); strings.Contains(out, "gone\n") {
		t.Error("one machine reads what the other wrote")
	}

	if err := os.Truncate(file, whole/2); err != nil {
		t.Fatal(err)
	}
	again := start(t, p, machine.Spec{})
	if out, exit := run(t, again, "uname"); out != "Linux\n" || exit.Code != 0 {
		t.Errorf("got %q %+v", out, exit)
	}
	if size := sizeOf(t, onlyState(t, dir)); size < whole*3/4 {
		t.Errorf("the broken state is still there: %d bytes of %d", size, whole)
	}
	for _, m := range append(twins, again) {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
	killAt(t, "up")
	swept(t, p, dir, 1)
}

// apart demands that two machines of one state share neither randomness nor the time of the state.
func apart(t *testing.T, one, two *machine.Machine) {
	t.Helper()
	var random [2]string
	for i, m := range []*machine.Machine{one, two} {
		if !m.Warm() {
			t.Errorf("%s booted", m.Name())
		}
		before := time.Now()
		out, exit := run(t, m, `cat /proc/sys/kernel/random/uuid; head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n'; echo
echo $(($(cat /sys/class/rtc/rtc0/since_epoch) - $(date +%s))) $(date +%s) $(wc -l </root/.ssh/authorized_keys)`)
		lines := strings.Split(strings.TrimSpace(out), "\n")
		if exit.Code != 0 || len(lines) != 3 || len(lines[0]) != 36 || len(lines[1]) != 64 {
			t.Fatalf("got %q %+v", out, exit)
		}
		random[i] = lines[0] + lines[1]
		var behind, now, keys int64
		if _, err := fmt.Sscan(lines[2], &behind, &now, &keys); err != nil {
			t.Fatal(err)
		}
		if behind < -5 || behind > 5 || time.Unix(now, 0).Before(before.Add(-time.Minute)) || time.Unix(now, 0).After(time.Now().Add(time.Minute)) {
			t.Errorf("its time is %d, its board's %d more, ours %d", now, behind, before.Unix())
		}
		if keys != 1 {
			t.Errorf("%d keys open it", keys)
		}
	}
	if random[0][:36] == random[1][:36] || random[0][36:] == random[1][36:] {
		t.Errorf("the machines share their randomness: %q", random)
	}
}

// onlyState is the memory of the one saved state.
func onlyState(t *testing.T, dir string) string {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(dir, "*", "memory"))
	if len(files) != 1 {
		t.Fatalf("states: %q", files)
	}
	return files[0]
}

func sizeOf(t *testing.T, file string) int64 {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// swept demands that a sweep leaves so many states, and nothing of any machine.
func swept(t *testing.T, p *machine.Pool, dir string, states int) {
	t.Helper()
	names, err := p.Sweep(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if files, _ := filepath.Glob(filepath.Join(machinetest.Home(), "m", "*")); len(files) > 0 {
		t.Errorf("left after sweeping %q: %q", names, files)
	}
	whole, _ := filepath.Glob(filepath.Join(dir, "*", "memory"))
	all, _ := filepath.Glob(filepath.Join(dir, "*"))
	if len(whole) != states || len(all) != states+1 { // and the lock
		t.Errorf("want %d states, got %q", states, all)
	}
	if left := machinetest.WaitUntilGone(t); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}
