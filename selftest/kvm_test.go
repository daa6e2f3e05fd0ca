package selftest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestKVMConditions(t *testing.T) {
	device := filepath.Join(t.TempDir(), "kvm")
	if err := os.WriteFile(device, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, device string
		trial        error
		ok           bool
		want         string
	}{
		{"runs", device, nil, true, "a guest ran in "},
		{"no device", device + "x", nil, false, "there is no " + device + "x"},
		{"gives up", device, errors.New("a guest stops at a locked exchange of 16 bytes: internal error 1 of KVM"), false,
			device + " opens, but a guest stops at a locked exchange of 16 bytes: internal error 1 of KVM"},
		{"emulated", device, &hangError{step: "in its loop"}, false,
			device + " opens, but a guest is still in its loop after 1.5s: its instructions are emulated, not run"},
	} {
		got, can := answer(t, kvmProbe(test.device, func(context.Context, *os.File) error { return test.trial }))
		if got.OK != test.ok || !strings.HasPrefix(got.Finding, test.want) || (strings.Join(can, " ") == "kvm") != test.ok {
			t.Errorf("%s: got %+v, %q; want %q", test.name, got, can, test.want)
		}
	}
	// What root cannot bring about.
	for _, test := range []struct {
		err        error
		want, hint string
	}{
		{fs.ErrPermission, fmt.Sprintf("may not open %s (-rw-------, owner %d, group %d)", device, os.Getuid(), os.Getgid()), "--group-add"},
		{syscall.ENODEV, device + " has no driver behind it", "firmware"},
		{syscall.EMFILE, "cannot open " + device + ": too many open files", ""},
	} {
		if got := noKVM(device, test.err); got.OK || got.Text != test.want || !strings.Contains(got.Hint, test.hint) {
			t.Errorf("%v: got %+v, want %q", test.err, got, test.want)
		}
	}
}

// A file that is no KVM device is found out, and so is a machine's real one:
// whatever it says, it says in time, and the probe's trial agrees with it.
func TestKVMForReal(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kvm")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, _ := answer(t, kvmProbe(file, runGuest)); got.OK || !strings.HasPrefix(got.Finding, file+" opens, but ") {
		t.Errorf("an ordinary file: %+v", got)
	}
	if p := KVM(); p.Timeout+p.Timeout/10 > 2*time.Second { // see ask
		t.Errorf("it may take %v, and then a tenth", p.Timeout)
	}
	got, can := answer(t, KVM())
	t.Logf("this machine: %+v", got)
	if got.OK != (len(can) > 0) || got.Finding == "" || !got.OK && got.Hint == "" {
		t.Errorf("got %+v, %q", got, can)
	}
}

// A probe that hangs in the kernel is got out of it when its time is over.
func TestKVMIsStopped(t *testing.T) {
	device, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if err != nil {
		// Without the device there is nothing to be stopped; the sentence is
		// that of TestKVMConditions.
		if f := noKVM("/dev/kvm", err); f.OK || f.Text == "" {
			t.Errorf("got %+v", f)
		}
		return
	}
	defer device.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	// A device that does not work at all has its own error.
	if err := endless(ctx, device); err == nil {
		t.Error("a guest that has no end ended")
	} else {
		t.Log(err)
	}
}
