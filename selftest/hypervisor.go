package selftest

import (
	"context"
	"time"
)

// Machines asks whether virtual machines can be started here, quick or emulated. ask gives the hypervisor's name; its
// error says what is missing.
func Machines(ask func(context.Context) (string, error)) Probe {
	return Probe{
		Name: "vm", Doc: "can virtual machines be started", Cheap: true, Timeout: 30 * time.Second,
		Hint: "install libvirt and QEMU (Debian: libvirt-daemon libvirt-daemon-driver-qemu libvirt-clients qemu-system-x86 qemu-utils); run the bot as an ordinary user",
		Check: func(ctx context.Context) (Finding, error) {
			name, err := ask(ctx)
			if err != nil {
				return Finding{}, err
			}
			return Finding{OK: true, Text: name, Capabilities: []string{"vm"}}, nil
		},
	}
}
