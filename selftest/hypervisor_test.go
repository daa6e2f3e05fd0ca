package selftest

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestMachines(t *testing.T) {
	got, can := answer(t, Machines(func(context.Context) (string, error) { return "libvirt 9.0.0, QEMU 7.2.22", nil }))
	if !got.OK || got.Finding != "libvirt 9.0.0, QEMU 7.2.22" || strings.Join(can, " ") != "vm" {
		t.Errorf("got %+v, %q", got, can)
	}
	got, can = answer(t, Machines(func(context.Context) (string, error) {
		return "", errors.New("no hypervisor: libvirt is not on this machine")
	}))
	if got.OK || got.Finding != "no hypervisor: libvirt is not on this machine" || !strings.Contains(got.Hint, "qemu-system-x86") || len(can) > 0 {
		t.Errorf("got %+v, %q", got, can)
	}
}
