package machine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// A Machine is a virtual machine that answers. Its methods may be used at the same time.
type Machine struct {
	pool    *Pool
	name    string
	image   Image
	dir     string
	lock    *os.File // nil for one that was attached to
	key     key
	base    context.Context // for what must be done though the starter's context has ended
	port    int
	memory  int64
	kept    bool
	warm    bool // it went on from a saved state
	up      bool // it has been up before it is called, and need not say so
	started time.Time
	expiry  time.Time
	console *console // nil for a machine that outlives its starter
	cable   *socket  // nil without one
	mac     string   // of its interface to the machines of its job; empty: none

	client  *ssh.Client
	hostKey ssh.PublicKey // of the guest's ssh
	close   sync.Once
	closed  error
}

// Name is the machine's name on this host.
func (m *Machine) Name() string { return m.name }

// Image is the name of what it was started from.
func (m *Machine) Image() string { return m.image.Name }

func (m *Machine) consolePath() string { return filepath.Join(m.dir, "console") }
func (m *Machine) cablePath() string   { return filepath.Join(m.dir, "cable") }
func (m *Machine) overlayPath() string { return filepath.Join(m.dir, "disk.qcow2") }

// Of a machine that goes on from a saved state: its own name of the state's disk, and the way for the state's memory.
func (m *Machine) basePath() string     { return filepath.Join(m.dir, "base.qcow2") }
func (m *Machine) incomingPath() string { return filepath.Join(m.dir, "in") }

// Console is what the machine has said on its serial line: its beginning and its end, MaxConsole of each. It can be
// asked for after Close, too.
func (m *Machine) Console() []byte {
	if m.console != nil {
		return m.console.all()
	}
	text, err := readConsole(m.consolePath())
	if err != nil {
		return nil
	}
	return text
}

// stopTime is how long it may take to take a machine away.
const stopTime = time.Minute

// Close takes the machine away with all that it was: domain, disk, key, sockets. It does not ask the guest. A machine
// that somebody has closed already is no error.
func (m *Machine) Close() error {
	m.close.Do(func() { m.closed = m.remove() })
	return m.closed
}

func (m *Machine) remove() error {
	if m.client != nil {
		_ = m.client.Close() // what matters is that the machine goes
	}
	ctx, cancel := context.WithTimeout(m.base, stopTime)
	defer cancel()
	err := m.pool.o.Driver.Stop(ctx, m.name)
	if m.console != nil {
		err = errors.Join(err, m.console.close())
	}
	err = errors.Join(err, m.cable.close())
	if err != nil { // the directory stays, so that a sweep finds both
		if m.lock != nil {
			err = errors.Join(err, m.lock.Close())
		}
		return fmt.Errorf("stop machine %s: %w", m.name, err)
	}
	if err := removeFiles(m.dir, m.lock); err != nil {
		return fmt.Errorf("clean up after machine %s: %w", m.name, err)
	}
	return nil
}

// removeFiles removes a machine's directory and then its lock file, and lets go of the lock.
func removeFiles(dir string, lock *os.File) error {
	err := os.RemoveAll(dir)
	if err == nil {
		if err = os.Remove(dir + lockSuffix); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	if lock != nil {
		err = errors.Join(err, lock.Close())
	}
	return err
}

// fate tells why the machine is no longer there; empty when it is. The second word is for our own trouble.
func (m *Machine) fate(ctx context.Context) (string, error) {
	if m.console != nil {
		if text, ok := m.console.panicText(); ok {
			return "kernel panic: " + text, nil
		}
	}
	state, err := m.pool.o.Driver.State(ctx, m.name)
	switch {
	case err != nil:
		return "", err
	case state.Running:
		return "", nil
	case state.Reason == Shutdown:
		return "it switched itself off", nil
	case state.Reason == Crashed:
		return "", errors.New("the hypervisor's process died")
	}
	return "", fmt.Errorf("somebody stopped it (%s)", cmp.Or(string(state.Reason), "it is not known any more"))
}

// consoleEnd is the end of the console, for an error.
func (m *Machine) consoleEnd() string { return lastLines(m.Console()) }
