package machine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// How long things may take that a living guest does at once, on an emulated processor of a busy host.
const (
	keepAliveEvery = 20 * time.Second
	keepAliveLimit = 4 * time.Minute
)

// A Cmd is a command to run in a machine.
type Cmd struct {
	Argv   []string
	Dir    string   // empty is the user's home
	Env    []string // NAME=value, beside what signing in gives
	Stdin  io.Reader
	Output io.Writer     // standard output and error in the order written, unless Errors is set; nil discards
	Errors io.Writer     // standard error
	Grace  time.Duration // between SIGTERM and the end, when ctx ends; 0 is none
}

// An Exit is how a command ended.
type Exit struct {
	Code   int
	Signal string // "SIGKILL"; then Code is 128 plus its number where that is known
}

// Run runs a command to its end. A *CrashError says that the machine died under it; when ctx ends first the error wraps
// its cause, and the command was asked to stop, but may go on until the machine is closed. Any other error is our own
// trouble.
func (m *Machine) Run(ctx context.Context, c Cmd) (Exit, error) {
	session, err := m.client.NewSession()
	if err != nil {
		return Exit{}, m.explain(ctx, "open a session", err)
	}
	defer session.Close()
	session.Stdin = c.Stdin
	out, errs := &gate{w: c.Output}, &gate{w: c.Errors} // without Errors nothing comes there, see script
	defer out.shut()
	defer errs.shut()
	session.Stdout, session.Stderr = out, errs
	pid := "/tmp/.cyborg-" + strings.ToLower(randomWord())
	if err := session.Start(c.script(pid)); err != nil {
		return Exit{}, m.explain(ctx, "start "+c.Argv[0], err)
	}
	ended := make(chan error, 1)
	go func() { ended <- session.Wait() }()
	err = m.follow(ctx, ended, func() { m.terminate(c.Grace, pid, ended) })
	if exit, ok := errors.AsType[*ssh.ExitError](err); ok {
		return exitOf(exit), nil
	}
	if err != nil {
		return Exit{}, m.explain(ctx, "run "+c.Argv[0], err)
	}
	return Exit{}, nil
}

// A gate passes on what is written until it is shut: what a guest says after its command has ended for us, because ctx
// or the machine did, must not meet what others write by then.
type gate struct {
	mu     sync.Mutex
	w      io.Writer // nil discards
	closed bool
}

// Write implements io.Writer.
func (g *gate) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.w == nil || g.closed {
		return len(p), nil
	}
	return g.w.Write(p)
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
}

// exitOf translates how ssh says that a command ended.
func exitOf(e *ssh.ExitError) Exit {
	if name := e.Signal(); name != "" {
		return Exit{Code: e.ExitStatus(), Signal: "SIG" + name}
	}
	return Exit{Code: e.ExitStatus()}
}

// errSilent is a guest that says nothing any more.
var errSilent = errors.New("no longer answers")

// follow waits for the end of a command, of ctx, or of the machine.
func (m *Machine) follow(ctx context.Context, ended <-chan error, stop func()) error {
	alive := time.NewTicker(keepAliveEvery)
	defer alive.Stop()
	var died <-chan struct{}
	if m.console != nil {
		died = m.console.died
	}
	silent := make(chan struct{})
	var once sync.Once
	asking := make(chan struct{}, 1)
	for {
		select {
		case err := <-ended:
			return err
		case <-died:
			return errSilent // explain knows better
		case <-silent:
			return errSilent
		case <-ctx.Done():
			stop()
			return context.Cause(ctx)
		case <-alive.C:
			select {
			case asking <- struct{}{}:
				go func() {
					if !m.answers() {
						once.Do(func() { close(silent) })
					}
					<-asking
				}()
			default:
			}
		}
	}
}

// answers asks the guest's ssh for a sign of life.
func (m *Machine) answers() bool {
	answer := make(chan error, 1)
	go func() {
		_, _, err := m.client.SendRequest("keepalive@openssh.com", true, nil)
		answer <- err
	}()
	select {
	case err := <-answer:
		return err == nil
	case <-time.After(keepAliveLimit):
		return false
	}
}

// terminate asks the command to stop and waits as long as it may take for that.
func (m *Machine) terminate(grace time.Duration, pid string, ended <-chan error) {
	if grace <= 0 {
		return
	}
	over := time.NewTimer(grace)
	defer over.Stop()
	go func() {
		session, err := m.client.NewSession()
		if err != nil {
			return
		}
		defer session.Close()
		quoted := Quote(pid)
		_ = session.Run("p=$(cat " + quoted + ") && { kill -TERM -- -$p || kill -TERM $p; } 2>/dev/null")
	}()
	select {
	case <-ended:
	case <-over.C:
	}
}

// explain finds out what is behind an error of ssh: the end of ctx, of the machine, or something else.
func (m *Machine) explain(ctx context.Context, verb string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", verb, context.Cause(ctx))
	}
	look, cancel := context.WithTimeout(m.base, stopTime)
	defer cancel()
	// The connection may break a moment before the hypervisor knows why.
	why, fateErr := m.fate(look)
	for range 20 {
		if why != "" || fateErr != nil {
			break
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-look.Done():
		}
		why, fateErr = m.fate(look)
	}
	switch {
	case why != "":
		return &CrashError{Image: m.image.Name, Cause: why, Console: m.consoleEnd()}
	case fateErr != nil:
		return fmt.Errorf("%s: machine %s: %w", verb, m.image.Name, fateErr)
	}
	// It runs, and does not talk to us: whatever runs in it has seen to that.
	return &CrashError{Image: m.image.Name, Cause: fmt.Sprintf("it no longer answers (%v)", err), Console: m.consoleEnd()}
}

// script is the line for the guest's shell.
func (c Cmd) script(pid string) string {
	var b strings.Builder
	if c.Errors == nil {
		b.WriteString("exec 2>&1; ")
	}
	b.WriteString("echo $$ >" + Quote(pid) + "; ")
	if c.Dir != "" {
		b.WriteString("cd " + Quote(c.Dir) + " && ")
	}
	b.WriteString("exec env")
	for _, v := range c.Env {
		b.WriteString(" " + Quote(v))
	}
	for _, a := range c.Argv {
		b.WriteString(" " + Quote(a))
	}
	return b.String()
}

// Quote makes one word of a POSIX shell out of any text without zero bytes.
func Quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
