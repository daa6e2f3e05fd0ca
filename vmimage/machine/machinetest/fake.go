package machinetest

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"

	"github.com/cyborg-bots/cyborg/vmimage/machine"
)

// A Fake is a hypervisor whose guests are real ssh servers of this process that run commands on this host, so that what
// is said over the wire is real. Its guests boot at once, or as its fields say.
type Fake struct {
	Mute  bool   // guests never answer
	Panic string // guests end in a panic of these words instead of coming up
	Taken int    // so many starts find their port taken

	mu      sync.Mutex
	domains map[string]*guest
	reasons map[string]machine.Reason
	started []machine.Domain
}

var _ machine.Driver = (*Fake)(nil)

// A guest is a domain of a Fake.
type guest struct {
	listener net.Listener
	console  io.WriteCloser
	mu       sync.Mutex
	conns    []net.Conn
	cmds     []*exec.Cmd
}

// Start implements machine.Driver.
func (f *Fake) Start(ctx context.Context, d machine.Domain) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.Taken > 0 {
		f.Taken--
		return errors.Join(&machine.PortError{Err: errors.New("port is taken")}, begin(ctx, d))
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(d.Port)))
	if err != nil {
		return &machine.PortError{Err: err}
	}
	g := &guest{listener: l}
	if d.Owned {
		conn, err := new(net.Dialer).DialContext(ctx, "unix", d.Console)
		if err != nil {
			return errors.Join(err, l.Close())
		}
		g.console = conn
	}
	if d.Cable != "" {
		conn, err := new(net.Dialer).DialContext(ctx, "unix", d.Cable)
		if err != nil {
			return errors.Join(err, l.Close())
		}
		g.conns = append(g.conns, conn)
	}
	if f.domains == nil {
		f.domains, f.reasons = map[string]*guest{}, map[string]machine.Reason{}
	}
	f.domains[d.Name] = g
	f.started = append(f.started, d)
	g.say("booting\r\n")
	switch {
	case f.Panic != "":
		g.say("[    1.0] Kernel panic - not syncing: " + f.Panic + "\r\n")
	case !f.Mute:
		config, err := serverConfig(d)
		if err != nil {
			return err
		}
		go g.accept(config)
		g.say("cyborg: ready\r\n")
	}
	return nil
}

// begin connects what a hypervisor has connected by the time it sees that its port is taken.
func begin(ctx context.Context, d machine.Domain) error {
	var errs []error
	for path, wanted := range map[string]bool{d.Console: d.Owned, d.Cable: d.Cable != ""} {
		if !wanted {
			continue
		}
		conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
		if err == nil {
			err = conn.Close()
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// say writes to the console.
func (g *guest) say(text string) {
	if g.console != nil {
		_, _ = io.WriteString(g.console, text)
	}
}

// serverConfig lets in who has the key that the domain's firmware names.
func serverConfig(d machine.Domain) (*ssh.ServerConfig, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		return nil, err
	}
	var allowed []byte
	for _, s := range d.Strings {
		if line, ok := strings.CutPrefix(s, "cyborg.key="); ok {
			k, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
			if err != nil {
				return nil, err
			}
			allowed = k.Marshal()
		}
	}
	config := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, k ssh.PublicKey) (*ssh.Permissions, error) {
		if !bytes.Equal(k.Marshal(), allowed) {
			return nil, errors.New("another key")
		}
		return nil, nil
	}}
	config.AddHostKey(signer)
	return config, nil
}

func (g *guest) accept(config *ssh.ServerConfig) {
	for {
		conn, err := g.listener.Accept()
		if err != nil {
			return
		}
		g.mu.Lock()
		g.conns = append(g.conns, conn)
		g.mu.Unlock()
		go g.serve(conn, config)
	}
}

func (g *guest) serve(conn net.Conn, config *ssh.ServerConfig) {
	defer conn.Close()
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for c := range channels {
		if c.ChannelType() != "session" {
			_ = c.Reject(ssh.UnknownChannelType, "sessions only")
			continue
		}
		channel, requests, err := c.Accept()
		if err != nil {
			return
		}
		go g.session(channel, requests)
	}
}

// session runs the one command of a session.
func (g *guest) session(channel ssh.Channel, requests <-chan *ssh.Request) {
	defer channel.Close()
	for r := range requests {
		if r.Type != "exec" {
			_ = r.Reply(false, nil)
			continue
		}
		var command struct{ Line string }
		if ssh.Unmarshal(r.Payload, &command) != nil {
			return
		}
		_ = r.Reply(true, nil)
		go ssh.DiscardRequests(requests)
		g.exec(channel, command.Line)
		return
	}
}

// exec runs a command on this host. The end of its standard input is the end of the channel's, and nothing waits for
// that when the command has ended.
func (g *guest) exec(channel ssh.Channel, line string) {
	cmd := exec.Command("sh", "-c", line)
	cmd.Stdout, cmd.Stderr = channel, channel.Stderr()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return
	}
	if err := cmd.Start(); err != nil {
		return
	}
	go func() {
		_, _ = io.Copy(stdin, channel)
		stdin.Close()
	}()
	g.mu.Lock()
	g.cmds = append(g.cmds, cmd)
	g.mu.Unlock()
	_ = cmd.Wait()
	status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if status.Signaled() {
		_, _ = channel.SendRequest("exit-signal", false, ssh.Marshal(struct {
			Name     string
			Core     bool
			Text, In string
		}{strings.TrimPrefix(unix.SignalName(status.Signal()), "SIG"), false, "", ""}))
		return
	}
	_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Code uint32 }{uint32(status.ExitStatus())}))
}

// Crash ends a domain as if it had done so itself.
func (f *Fake) Crash(name string, why machine.Reason) {
	f.end(name, why)
}

// PanicNow ends a running guest in a panic: it says so and is silent from then on, but its domain runs.
func (f *Fake) PanicNow(name, words string) {
	f.mu.Lock()
	g := f.domains[name]
	f.mu.Unlock()
	g.say(fmt.Sprintf("[  100.0] Kernel panic - not syncing: %s\r\n", words))
}

func (f *Fake) end(name string, why machine.Reason) {
	f.mu.Lock()
	defer f.mu.Unlock()
	g := f.domains[name]
	if g == nil {
		return
	}
	delete(f.domains, name)
	f.reasons[name] = why
	g.listener.Close()
	if g.console != nil {
		g.console.Close()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range g.conns {
		c.Close()
	}
	for _, c := range g.cmds {
		_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL)
	}
}

// State implements machine.Driver.
func (f *Fake) State(_ context.Context, name string) (machine.State, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.domains[name] != nil {
		return machine.State{Running: true}, nil
	}
	return machine.State{Reason: f.reasons[name]}, nil
}

// Stop implements machine.Driver.
func (f *Fake) Stop(_ context.Context, name string) error {
	f.end(name, machine.Stopped)
	return nil
}

// List implements machine.Driver.
func (f *Fake) List(context.Context) ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var names []string
	for name := range f.domains {
		names = append(names, name)
	}
	return names, nil
}

// Started lists the domains that were started, in order.
func (f *Fake) Started() []machine.Domain {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]machine.Domain(nil), f.started...)
}
