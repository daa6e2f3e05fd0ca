//go:build vm && many

package libvirt

import (
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/cyborg-bots/cyborg/vmimage/machine"
	"github.com/cyborg-bots/cyborg/vmimage/machine/machinetest"
)

// TestVMMany: many boots in a row (CYBORG_VM_BOOTS, 20) and 4 at once leave no domain, overlay, lock, socket or process.
func TestVMMany(t *testing.T) {
	boots := 20
	if n, err := strconv.Atoi(os.Getenv("CYBORG_VM_BOOTS")); err == nil {
		boots = n
	}
	p := pool(t)
	once := func() {
		m := start(t, p, machine.Spec{})
		if out, exit := run(t, m, "echo $((6 * 7))"); out != "42\n" || exit.Code != 0 {
			t.Errorf("got %q, %+v", out, exit)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
	for range boots {
		once()
		clean(t)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(once)
	}
	wg.Wait()
	clean(t)
}

func clean(t *testing.T) {
	t.Helper()
	if files, _ := filepath.Glob(filepath.Join(machinetest.Home(), "m", "*")); len(files) > 0 {
		t.Errorf("files are left: %q", files)
	}
	if left := machinetest.WaitUntilGone(t); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}
