//go:build cgo && libvirt_dlopen

package libvirt

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	api "libvirt.org/go/libvirt"

	"github.com/cyborg-bots/cyborg/vmimage/machine"
)

var _ machine.Saver = (*Driver)(nil)

// Shape implements machine.Saver.
func (d *Driver) Shape(ctx context.Context, domain machine.Domain) (string, error) {
	program, err := os.Stat(emulator)
	if err != nil {
		return "", fmt.Errorf("describe domain: %w", err)
	}
	host := ""
	if domain.KVM { // its processor is the guest's
		data, err := os.ReadFile("/proc/cpuinfo")
		if err != nil {
			return "", fmt.Errorf("describe domain: %w", err)
		}
		host = processorOf(string(data))
	}
	return call(ctx, d, func(c *api.Connect) (string, error) {
		library, qemu, err := versions(c)
		if err != nil {
			return "", err
		}
		text, err := domainXML(domain, qemu)
		return fmt.Sprintf("%s %s %d %d %d %s\n%s\n%s", d.uri, emulator, program.Size(), program.ModTime().UnixNano(), library, dotted(qemu), host, text), err
	})
}

// Save implements machine.Saver.
func (d *Driver) Save(ctx context.Context, name, file string) error {
	_, err := callOn(ctx, d, name, func(domain *api.Domain) (struct{}, error) { return struct{}{}, domain.Save(file) })
	if err != nil {
		return fmt.Errorf("save domain: %w", explain(err))
	}
	return nil
}

// resumeAgain is how often a domain is told to go on that still reads its state.
const resumeAgain = 20 * time.Millisecond

// feed gives a domain that was started for it what it goes on from, and lets it go on. That is done through a socket of
// QEMU's own and not by libvirt's restore, as a restored domain does not end with the connection of who restored it, and
// could have no other name, disk or port.
func (d *Driver) feed(ctx context.Context, domain machine.Domain) error {
	file, err := os.Open(domain.State)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := skipHead(file); err != nil {
		return err
	}
	conn, err := new(net.Dialer).DialContext(ctx, "unix", domain.Incoming)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if _, err := io.Copy(conn, file); err != nil {
		return fmt.Errorf("the hypervisor does not read the state: %w", err)
	}
	if err := conn.Close(); err != nil {
		return err
	}
	return d.goOn(ctx, domain.Name)
}

// goOn resumes a domain until it runs: what it is told while it reads its state is forgotten.
func (d *Driver) goOn(ctx context.Context, name string) error {
	tick := time.NewTicker(resumeAgain)
	defer tick.Stop()
	for {
		running, err := callOn(ctx, d, name, func(domain *api.Domain) (bool, error) {
			state, _, err := domain.GetState()
			if err != nil || state == api.DOMAIN_RUNNING {
				return err == nil, err
			}
			return false, domain.Resume()
		})
		if err != nil || running {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
