package machine

import (
	"context"
	"errors"
)

// A Driver is a hypervisor. It knows domains by their names and nothing of what runs in them.
type Driver interface {
	// Start defines and starts a domain. A *PortError says that another program was quicker to take its port.
	Start(ctx context.Context, d Domain) error
	// State tells whether a domain runs, and if not, why. A domain that nobody knows is Gone.
	State(ctx context.Context, name string) (State, error)
	// Stop ends a domain at once and removes what the hypervisor keeps of it. One that is gone is no error.
	Stop(ctx context.Context, name string) error
	// List names all domains that were started by any bot, running or not.
	List(ctx context.Context) ([]string, error)
}

// A Saver is a Driver that can write down a running domain, from which others of its shape go on.
type Saver interface {
	Driver
	// Shape is all that must be the same where a domain goes on: the hypervisor's versions and what the guest sees of it.
	// Names, paths, the port and the strings do not belong to it.
	Shape(ctx context.Context, d Domain) (string, error)
	// Save writes a running domain to a file and ends it.
	Save(ctx context.Context, name, file string) error
}

// A Domain is a machine as the hypervisor sees it.
type Domain struct {
	Name   string
	CPUs   int
	Memory int64 // bytes
	KVM    bool  // else emulated

	Disk                   string   // the overlay
	Kernel, Initrd, Append string   // of a direct boot
	Strings                []string // OEM strings of the firmware

	Console string // path: a unix socket that listens if Owned, else a file to write
	Owned   bool   // the domain ends with the driver's connection

	Port    int    // of the loopback interface, which leads to the guest's ssh
	Open    bool   // the guest reaches what the host reaches
	Private string // path of a Switch's socket, for a second interface; empty: none
	MAC     string // of that interface

	Cable    string // path of a Cable's socket, for one more interface; empty: none
	CableMAC string // of that interface

	State    string // file of Saver.Save that it goes on from; empty: it boots
	Incoming string // path of a socket for that
}

// A State is how a domain stands.
type State struct {
	Running bool
	Reason  Reason // when it does not run
}

// A Reason is why a domain does not run.
type Reason string

// The reasons. Unknown is a domain that nobody knows (any more).
const (
	Unknown  Reason = ""
	Shutdown Reason = "shutdown" // the guest switched itself off
	Crashed  Reason = "crashed"  // the hypervisor's process died, or the guest reported a panic
	Stopped  Reason = "stopped"  // somebody ended it
)

// A PortError is a port that could not be taken; another one may do.
type PortError struct{ Err error }

func (e *PortError) Error() string { return e.Err.Error() }
func (e *PortError) Unwrap() error { return e.Err }

// ErrNoHypervisor is the cause when there is nothing to start machines with; the error around it says what is missing.
var ErrNoHypervisor = errors.New("no hypervisor")
