package machinetest

import (
	"os"
	"testing"

	"github.com/cyborg-bots/cyborg/vmimage/machine"
)

// Small is the smallest image, see vmimage/build; it is made before by "make vm".
func Small(t testing.TB) machine.Image {
	t.Helper()
	disk := os.Getenv("CYBORG_VM_IMAGE")
	if disk == "" {
		t.Fatal("CYBORG_VM_IMAGE is not set: run make vm")
	}
	return machine.Image{Name: "busybox", Disk: disk}
}
