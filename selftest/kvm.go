package selftest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"
)

// KVM asks whether virtual machines run at full speed here, by running one. A
// device that can be opened is not enough: machines that are themselves
// virtual may offer one that emulates every instruction, or gives up at some.
func KVM() Probe { return kvmProbe("/dev/kvm", runGuest) }

// kvmTime is what a trial may take; a guest that really runs needs a hundredth.
const kvmTime = 1500 * time.Millisecond

// kvmProbe is KVM with a device and a trial of the test's own.
func kvmProbe(device string, trial func(context.Context, *os.File) error) Probe {
	return Probe{
		Name: "kvm", Doc: "do virtual machines run at full speed", Timeout: kvmTime,
		Check: func(ctx context.Context) (Finding, error) {
			f, err := os.OpenFile(device, os.O_RDWR|syscall.O_CLOEXEC, 0)
			if err != nil {
				return noKVM(device, err), nil
			}
			defer f.Close()
			begin := time.Now()
			if err := trial(ctx, f); err != nil {
				return badKVM(device, err), nil
			}
			return Finding{OK: true, Capabilities: []string{"kvm"},
				Text: fmt.Sprintf("a guest ran in %v", time.Since(begin).Round(100*time.Microsecond))}, nil
		},
	}
}

// noKVM says why the device cannot be opened.
func noKVM(device string, err error) Finding {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Finding{Text: "there is no " + device,
			Hint: "load the module kvm_intel or kvm_amd; in a container: docker run --device /dev/kvm"}
	case errors.Is(err, fs.ErrPermission):
		text, hint := "may not open "+device, "give the bot's user access to it"
		if info, statErr := os.Stat(device); statErr == nil {
			if stat, ok := info.Sys().(*syscall.Stat_t); ok {
				text += fmt.Sprintf(" (%v, owner %d, group %d)", info.Mode().Perm(), stat.Uid, stat.Gid)
				hint = fmt.Sprintf("add the bot's user to group %d; in a container: docker run --device /dev/kvm --group-add %[1]d", stat.Gid)
			}
		}
		return Finding{Text: text, Hint: hint}
	case errors.Is(err, syscall.ENODEV), errors.Is(err, syscall.ENXIO):
		return Finding{Text: device + " has no driver behind it", Hint: "switch on virtualization in the firmware, and load the module kvm_intel or kvm_amd"}
	default:
		return Finding{Text: fmt.Sprintf("cannot open %s: %v", device, err)}
	}
}

// A hangError is a guest whose time was over.
type hangError struct{ step string }

func (e *hangError) Error() string {
	return fmt.Sprintf("a guest is still %s after %v: its instructions are emulated, not run", e.step, kvmTime)
}

// badKVM says that the device is there but does not do its work.
func badKVM(device string, err error) Finding {
	f := Finding{Text: device + " opens, but " + err.Error()}
	if data, err := os.ReadFile("/proc/cpuinfo"); err == nil && strings.Contains(string(data), " hypervisor") {
		f.Hint = "this machine is itself a virtual one without working nested virtualization; jobs that need kvm want another"
	}
	return f
}
