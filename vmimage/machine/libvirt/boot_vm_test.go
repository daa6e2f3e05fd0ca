//go:build vm

package libvirt

import (
	"bytes"
	"path/filepath"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/vmimage/machine"
	"github.com/cyborg-bots/cyborg/vmimage/machine/machinetest"
)

func pool(t *testing.T) *machine.Pool {
	t.Helper()
	d, err := Open(Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	p, err := machine.NewPool(machine.PoolOptions{Dir: filepath.Join(machinetest.Home(), "m"), Driver: d})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestVMBoots(t *testing.T) {
	p := pool(t)
	begin := time.Now()
	m, err := p.Start(t.Context(), machine.Spec{Image: machinetest.Small(t), Memory: 128 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	t.Logf("up after %v", time.Since(begin))
	var out bytes.Buffer
	exit, err := m.Run(t.Context(), machine.Cmd{Argv: []string{"sh", "-c", "echo hello; echo there >&2; exit 3"}, Output: &out})
	if err != nil || exit.Code != 3 || out.String() != "hello\nthere\n" {
		t.Errorf("got %+v, %v, %q", exit, err, out.String())
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}
