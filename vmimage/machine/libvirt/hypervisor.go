//go:build cgo && libvirt_dlopen

package libvirt

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"

	api "libvirt.org/go/libvirt"

	"github.com/cyborg-bots/cyborg/vmimage/machine"
)

// Hypervisor names what machines run on here ("libvirt 9.0.0, QEMU 7.2.22"), if all is there that they need.
func (d *Driver) Hypervisor(ctx context.Context) (string, error) {
	var missing, packages []string
	for _, p := range [][2]string{{emulator, "qemu-system-x86"}, {"qemu-img", "qemu-utils"}} {
		if _, err := exec.LookPath(p[0]); err != nil {
			missing, packages = append(missing, p[0]), append(packages, p[1])
		}
	}
	if len(missing) > 0 {
		return "", fmt.Errorf("%w: there is no %s on this machine (Debian: %s)", machine.ErrNoHypervisor, strings.Join(missing, ", and no "), strings.Join(packages, " "))
	}
	name, err := call(ctx, d, func(c *api.Connect) (string, error) {
		library, qemu, err := versions(c)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("libvirt %s, QEMU %s, %s", dotted(library), dotted(qemu), d.uri), nil
	})
	if err != nil {
		return "", explain(err)
	}
	if os.Getuid() == 0 && d.uri == "qemu:///session" {
		name += " (the system's daemon, as root has no session)"
	}
	return name, nil
}

// versions are those of libvirt and of QEMU, as libvirt counts them.
func versions(c *api.Connect) (library, qemu uint32, err error) {
	if library, err = c.GetLibVersion(); err != nil {
		return 0, 0, err
	}
	qemu, err = c.GetVersion()
	return library, qemu, err
}

// dotted is a version as libvirt counts it.
func dotted(v uint32) string { return fmt.Sprintf("%d.%d.%d", v/1000000, v/1000%1000, v%1000) }
