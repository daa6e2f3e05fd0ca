//go:build !cgo || !libvirt_dlopen

package libvirt

import (
	"context"
	"fmt"

	"github.com/cyborg-bots/cyborg/vmimage/machine"
)

// Driver stands for the hypervisor that this program was built without.
type Driver struct{}

var _ machine.Driver = (*Driver)(nil)

// Options are the settings of a Driver.
type Options struct {
	URI string // of the connection; empty is qemu:///session
}

// Open says that this program was built without libvirt.
func Open(Options) (*Driver, error) { return nil, errWithout }

var errWithout = fmt.Errorf("%w: this program was built without libvirt; build it with cgo and the tag libvirt_dlopen", machine.ErrNoHypervisor)

// Start implements machine.Driver.
func (*Driver) Start(context.Context, machine.Domain) error { return errWithout }

// State implements machine.Driver.
func (*Driver) State(context.Context, string) (machine.State, error) {
	return machine.State{}, errWithout
}

// Stop implements machine.Driver.
func (*Driver) Stop(context.Context, string) error { return errWithout }

// List implements machine.Driver.
func (*Driver) List(context.Context) ([]string, error) { return nil, errWithout }

// Close implements io.Closer.
func (*Driver) Close() error { return nil }

// Hypervisor implements what the self-exam asks.
func (*Driver) Hypervisor(context.Context) (string, error) { return "", errWithout }
