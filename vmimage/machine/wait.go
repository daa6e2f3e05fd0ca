package machine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"time"

	"golang.org/x/crypto/ssh"
)

// betweenLooks is how often a machine that comes up is looked after.
const betweenLooks = time.Second

// readyLine is what a guest's console says when it can be entered, or is just about to be.
var readyLine = regexp.MustCompile(`(?m)^cyborg: ready|login: `)

// wait waits until the guest lets us in.
func (m *Machine) wait(ctx context.Context, limit time.Duration) error {
	late := fmt.Errorf("no answer within %v", limit)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, late)
	defer cancel()
	gone := make(chan error, 1)
	go func() { gone <- m.watch(ctx) }()
	up := make(chan error, 1)
	go func() { up <- m.enter(ctx) }()
	var err error
	select {
	case err = <-up:
		if err == nil {
			return nil
		}
		cancel()
		<-gone
	case err = <-gone:
		cancel()
		if <-up == nil { // both at once: it came up and died
			_ = m.client.Close()
		}
	}
	if boot, ok := errors.AsType[*BootError](err); ok {
		boot.Console = m.consoleEnd()
		return boot
	}
	if errors.Is(err, late) {
		return &BootError{Image: m.image.Name, Cause: err.Error(), Console: m.consoleEnd()}
	}
	return fmt.Errorf("start machine %s: %w", m.image.Name, err)
}

// watch returns when the machine has died, or with the context.
func (m *Machine) watch(ctx context.Context) error {
	tick := time.NewTicker(betweenLooks)
	defer tick.Stop()
	for {
		why, err := m.fate(ctx)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			return err
		case why != "":
			return &BootError{Image: m.image.Name, Cause: why}
		}
		var died <-chan struct{}
		if m.console != nil {
			died = m.console.died
		}
		select {
		case <-tick.C:
		case <-died:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// enter calls the guest until it lets us in.
func (m *Machine) enter(ctx context.Context) error {
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(m.port))
	c := &caller{
		dial:   func(ctx context.Context) (net.Conn, error) { return new(net.Dialer).DialContext(ctx, "tcp4", address) },
		config: m.config, ready: m.ready(ctx),
	}
	in, err := c.call(ctx)
	if err != nil {
		return err
	}
	m.client, m.hostKey = in.client, in.hostKey
	return nil
}

// ready is closed when the console says that the guest can be entered. That of a machine that outlives its starter is a
// file, which is read again and again until ctx ends.
func (m *Machine) ready(ctx context.Context) <-chan struct{} {
	if m.console != nil && !m.up {
		return m.console.ready
	}
	ready := make(chan struct{})
	if m.up {
		close(ready)
		return ready
	}
	go func() {
		tick := time.NewTicker(betweenLooks)
		defer tick.Stop()
		for {
			if text, err := readConsole(m.consolePath()); err == nil && readyLine.Match(text) {
				close(ready)
				return
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	return ready
}

// config is how we sign in. The guest's host key is not checked: it was made a moment ago, nobody knows it, and whoever
// could sit on this port of the loopback interface would learn nothing of worth, as our key opens this machine only. It
// is noted, for the machines beside this one.
func (m *Machine) config(hostKey *ssh.PublicKey) *ssh.ClientConfig {
	return &ssh.ClientConfig{
		User: m.image.user(), Auth: []ssh.AuthMethod{ssh.PublicKeys(m.key.signer)},
		HostKeyCallback: func(_ string, _ net.Addr, k ssh.PublicKey) error {
			*hostKey = k
			return nil
		},
		HostKeyAlgorithms: []string{ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoRSASHA256},
		ClientVersion:     "SSH-2.0-cyborg",
	}
}
