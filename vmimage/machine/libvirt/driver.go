//go:build cgo && libvirt_dlopen

package libvirt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	api "libvirt.org/go/libvirt"

	"github.com/cyborg-bots/cyborg/vmimage/machine"
)

// Options are the settings of a Driver.
type Options struct {
	URI string // of the connection; empty is qemu:///session
}

// A Driver is one connection to libvirt's daemon. The domains that it owns end with it. It is safe for concurrent use.
type Driver struct {
	uri string

	mu     sync.Mutex
	opened *api.Connect // nil until it is needed, and after it broke
	closed bool
}

var _ machine.Driver = (*Driver)(nil)

// Open makes a driver. Nothing is connected to before it is needed.
func Open(o Options) (*Driver, error) {
	if o.URI == "" {
		o.URI = "qemu:///session"
	}
	return &Driver{uri: o.URI}, nil
}

// Close ends the connection, and with it the domains that it owns.
func (d *Driver) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	if d.opened == nil {
		return nil
	}
	_, err := d.opened.Close()
	d.opened = nil
	return err
}

// connect gives the connection; one that broke is made anew.
func (d *Driver) connect() (*api.Connect, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, errors.New("connect to libvirt: the driver is closed")
	}
	if d.opened != nil {
		if alive, err := d.opened.IsAlive(); err == nil && alive {
			return d.opened, nil
		}
		_, _ = d.opened.Close() // it is broken
		d.opened = nil
	}
	c, err := api.NewConnect(d.uri)
	if err != nil {
		if err = explain(err); errors.Is(err, machine.ErrNoHypervisor) {
			return nil, err
		}
		return nil, fmt.Errorf("connect to %s: %w", d.uri, err)
	}
	d.opened = c
	return c, nil
}

// explain says what a person can do where libvirt's words do not.
func explain(err error) error {
	text := err.Error()
	if own, ok := errors.AsType[api.Error](err); ok && own.Message != "" {
		text = own.Message // without the numbers of its code and domain
	}
	switch {
	case errors.Is(err, machine.ErrNoHypervisor):
		return err // it is explained
	case strings.Contains(text, "Failed to open libvirt"):
		return fmt.Errorf("%w: libvirt is not on this machine (Debian: libvirt-daemon libvirt-daemon-driver-qemu qemu-system-x86 qemu-utils libvirt-clients)", machine.ErrNoHypervisor)
	case strings.Contains(text, "Failed to connect socket") && os.Getuid() == 0:
		return fmt.Errorf("%w: no libvirtd runs here, and root has no session of its own: run the bot as an ordinary user, or start libvirtd (%s)", machine.ErrNoHypervisor, text)
	case strings.Contains(text, "Failed to connect socket"):
		return fmt.Errorf("%w: libvirt's daemon does not answer (%s)", machine.ErrNoHypervisor, text)
	case strings.Contains(text, "Cannot find '") && strings.Contains(text, "in path"):
		return fmt.Errorf("%w: libvirt's daemon is not on this machine (Debian: libvirt-daemon; %s)", machine.ErrNoHypervisor, text)
	case strings.Contains(text, "no connection driver available"):
		return fmt.Errorf("%w: libvirt has no driver for QEMU (Debian: libvirt-daemon-driver-qemu; %s)", machine.ErrNoHypervisor, text)
	case strings.Contains(text, "Cannot check QEMU binary"), strings.Contains(text, "no emulator"):
		return fmt.Errorf("%w: %s (Debian: qemu-system-x86)", machine.ErrNoHypervisor, text)
	}
	return err
}

// call makes a call that cannot be interrupted, and does not wait for it longer than ctx lasts.
func call[T any](ctx context.Context, d *Driver, f func(*api.Connect) (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		var r result
		c, err := d.connect()
		if err == nil {
			r.value, err = f(c)
		}
		r.err = err
		done <- r
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, fmt.Errorf("call libvirt: %w", context.Cause(ctx))
	}
}

// callOn is call on a domain. One that libvirt does not know is an error, see unknown.
func callOn[T any](ctx context.Context, d *Driver, name string, f func(*api.Domain) (T, error)) (T, error) {
	return call(ctx, d, func(c *api.Connect) (T, error) {
		domain, err := c.LookupDomainByName(name)
		if err != nil {
			var none T
			return none, err
		}
		defer func() { _ = domain.Free() }()
		return f(domain)
	})
}

// Start implements machine.Driver.
func (d *Driver) Start(ctx context.Context, domain machine.Domain) error {
	flags := api.DOMAIN_NONE
	if domain.Owned {
		flags = api.DOMAIN_START_AUTODESTROY
	}
	if domain.State != "" {
		flags |= api.DOMAIN_START_PAUSED
	}
	_, err := call(ctx, d, func(c *api.Connect) (struct{}, error) {
		qemu, err := c.GetVersion()
		if err != nil {
			return struct{}{}, err
		}
		text, err := domainXML(domain, qemu)
		if err != nil {
			return struct{}{}, err
		}
		started, err := c.DomainCreateXML(text, flags)
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, started.Free()
	})
	if err == nil && domain.State != "" {
		err = d.feed(ctx, domain)
	}
	switch {
	case err == nil:
		return nil
	case strings.Contains(err.Error(), "Could not set up host forwarding rule"):
		return &machine.PortError{Err: fmt.Errorf("start domain: %w", err)}
	}
	return fmt.Errorf("start domain: %w", explain(err))
}

// unknown reports whether libvirt does not know the domain.
func unknown(err error) bool {
	e, ok := errors.AsType[api.Error](err)
	return ok && e.Code == api.ERR_NO_DOMAIN
}

// State implements machine.Driver.
func (d *Driver) State(ctx context.Context, name string) (machine.State, error) {
	running, err := callOn(ctx, d, name, func(domain *api.Domain) (bool, error) {
		state, _, err := domain.GetState()
		switch state {
		case api.DOMAIN_SHUTOFF, api.DOMAIN_CRASHED:
			return false, err
		}
		return err == nil, err
	})
	switch {
	case unknown(err), err == nil && !running:
		return machine.State{Reason: lastWords(d.logFile(name))}, nil
	case err != nil:
		return machine.State{}, fmt.Errorf("look after domain: %w", explain(err))
	}
	return machine.State{Running: true}, nil
}

// Stop implements machine.Driver.
func (d *Driver) Stop(ctx context.Context, name string) error {
	_, err := callOn(ctx, d, name, func(domain *api.Domain) (struct{}, error) { return struct{}{}, domain.Destroy() })
	if err != nil && !unknown(err) {
		// It may have ended by itself while we asked.
		if state, stateErr := d.State(ctx, name); stateErr != nil || state.Running {
			return fmt.Errorf("stop domain: %w", explain(err))
		}
	}
	if file := d.logFile(name); file != "" {
		os.Remove(file)
	}
	return nil
}

// List implements machine.Driver.
func (d *Driver) List(ctx context.Context) ([]string, error) {
	names, err := call(ctx, d, func(c *api.Connect) ([]string, error) {
		domains, err := c.ListAllDomains(0)
		if err != nil {
			return nil, err
		}
		var names []string
		for i := range domains {
			if name, err := domains[i].GetName(); err == nil { // else it ended just now
				names = append(names, name)
			}
			_ = domains[i].Free()
		}
		return names, nil
	})
	if err != nil {
		return nil, fmt.Errorf("list domains: %w", explain(err))
	}
	return names, nil
}

// logFile is where a session's daemon writes what happens to a domain; empty for other daemons.
func (d *Driver) logFile(name string) string {
	cache, err := os.UserCacheDir()
	if err != nil || d.uri != "qemu:///session" || os.Getuid() == 0 {
		return ""
	}
	return filepath.Join(cache, "libvirt", "qemu", "log", name+".log")
}

// lastWords reads from the daemon's log why a domain ended; transient domains are not remembered otherwise.
func lastWords(file string) machine.Reason {
	data, err := os.ReadFile(file)
	if err != nil {
		return machine.Unknown
	}
	const mark = "shutting down, reason="
	at := strings.LastIndex(string(data), mark)
	if at < 0 {
		return machine.Unknown
	}
	reason, _, _ := strings.Cut(string(data[at+len(mark):]), "\n")
	switch strings.TrimSpace(reason) {
	case "shutdown":
		return machine.Shutdown
	case "crashed", "failed":
		return machine.Crashed
	case "destroyed":
		return machine.Stopped
	}
	return machine.Unknown
}
