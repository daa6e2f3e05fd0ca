package machine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strconv"
	"time"

	"golang.org/x/crypto/ssh"
)

// How a machine is asked whether it is up. The port of the host answers long before the guest does, and a connection
// made too early hangs until TCP tries again, seconds later. So each attempt waits only so long for the first byte of the
// guest's ssh, and a sign of life on the console begins a new one. From then on it waits longer: what answers is there, an
// emulated guest of a busy host takes most of a minute to start it, and each attempt that is given up has it start another.
const (
	firstPatience = time.Second
	readyPatience = 30 * time.Second
	mostPatience  = 5 * time.Minute
	handshakeTime = 5 * time.Minute // an emulated processor on a busy host does its sums slowly
	betweenDials  = 200 * time.Millisecond
	betweenLooks  = time.Second
)

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
	go func() { up <- m.dialUntil(ctx) }()
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
		return &BootError{Image: m.image.Name, Cause: late.Error(), Console: m.consoleEnd()}
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

// dialUntil tries to get in until it works. Only a key that the guest refuses for good ends it earlier than ctx.
func (m *Machine) dialUntil(ctx context.Context) error {
	patience := firstPatience
	var ready <-chan struct{}
	if m.console != nil {
		ready = m.console.ready
	}
	for {
		client, err := m.dial(ctx, patience, ready)
		if err == nil {
			m.client = client
			return nil
		}
		select {
		case <-ready:
			ready, patience = nil, readyPatience
		default:
			patience = min(patience*3/2, mostPatience)
		}
		select {
		case <-time.After(betweenDials):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// dial makes one attempt. It is given up when ctx ends, when the guest has not said a word for the patience, and when
// ready is closed before it has.
func (m *Machine) dial(ctx context.Context, patience time.Duration, ready <-chan struct{}) (*ssh.Client, error) {
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(m.port))
	conn, err := new(net.Dialer).DialContext(ctx, "tcp4", address)
	if err != nil {
		return nil, err
	}
	spoke := make(chan struct{})
	finished := make(chan struct{})
	defer close(finished)
	go func() {
		early := time.NewTimer(patience)
		defer early.Stop()
		select {
		case <-spoke:
			early.Reset(handshakeTime)
			select {
			case <-early.C:
				conn.Close()
			case <-ctx.Done():
				conn.Close()
			case <-finished:
			}
		case <-early.C:
			conn.Close()
		case <-ready:
			conn.Close()
		case <-ctx.Done():
			conn.Close()
		case <-finished:
		}
	}()
	first := make([]byte, 1)
	if _, err := io.ReadFull(conn, first); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	close(spoke)
	var hostKey ssh.PublicKey
	c, channels, requests, err := ssh.NewClientConn(&prefixed{Conn: conn, first: first}, address, m.config(&hostKey))
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	m.hostKey = hostKey
	return ssh.NewClient(c, channels, requests), nil
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

// prefixed is a connection of which something was read already.
type prefixed struct {
	net.Conn
	first []byte
}

// Read implements io.Reader.
func (c *prefixed) Read(p []byte) (int, error) {
	if len(c.first) > 0 {
		n := copy(p, c.first)
		c.first = c.first[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}
