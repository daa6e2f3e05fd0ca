//go:build vm && many

package libvirt

import (
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/vmimage/machine"
	"github.com/cyborg-bots/cyborg/vmimage/machine/machinetest"
)

// TestVMMany: many boots in a row (CYBORG_VM_BOOTS, 20) and 4 at once leave no domain, overlay, lock, socket or process, and of
// those in a row one takes less than 10 seconds, as all do where nothing else is to do.
func TestVMMany(t *testing.T) {
	boots := 20
	if n, err := strconv.Atoi(os.Getenv("CYBORG_VM_BOOTS")); err == nil {
		boots = n
	}
	p := pool(t)
	once := func() (took time.Duration) {
		began := time.Now()
		m := start(t, p, machine.Spec{})
		took = time.Since(began)
		if out, exit := run(t, m, "echo $((6 * 7))"); out != "42\n" || exit.Code != 0 {
			t.Errorf("got %q, %+v", out, exit)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
		return took
	}
	least := once()
	clean(t)
	for range boots - 1 {
		least = min(least, once())
		clean(t)
	}
	if least >= soon*time.Second {
		t.Errorf("the quickest boot to ssh took %.1f s, want less than %d", least.Seconds(), soon)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { once() })
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
