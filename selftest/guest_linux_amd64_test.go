package selftest

import (
	"context"
	"os"
	"testing"
)

// endless runs a guest that would take a thousand years.
func endless(ctx context.Context, device *os.File) error {
	return trial{loops: 1 << 63}.run(ctx, device)
}

// Even a device that emulates gets through a short loop; so the program, its
// registers and page tables are right on every machine with KVM.
func TestShortTrial(t *testing.T) {
	device, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if err != nil {
		t.Logf("no trial on this machine: %v", err)
		return
	}
	defer device.Close()
	for range 3 {
		if err := (trial{loops: 100}).run(t.Context(), device); err != nil {
			t.Error(err)
		}
	}
}
