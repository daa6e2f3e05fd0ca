//go:build vm

package libvirt

import (
	"fmt"
	"os"
	"testing"

	"github.com/cyborg-bots/cyborg/vmimage/machine/machinetest"
)

func TestMain(m *testing.M) {
	if code, done := machinetest.AsOrdinaryUser("TestVM"); done {
		os.Exit(code)
	}
	code := m.Run()
	if left := machinetest.Leftovers(); len(left) > 0 {
		fmt.Fprintf(os.Stderr, "left behind: %v\n", left)
		code = 1
	}
	os.Exit(code)
}
