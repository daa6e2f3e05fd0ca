//go:build linux

package container

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/cyborg-bots/cyborg/container/gate"
)

// EngineOptions are the settings of an Engine.
type EngineOptions struct {
	Program string       // docker, or podman; a name in the bot's PATH, or a path
	Dir     string       // where scratch directories are made, as HostOptions has it
	Budget  int64        // bytes of images that bots of this machine have pulled, before old ones are removed; 0 is no limit
	Gate    gate.Options // how jobs reach the world; Hosts and Log are set for each
	Log     *slog.Logger // the bot's own log; nil discards
}

// Engine runs commands in containers of Docker or Podman, in images that the jobs name. The engine must be on this
// machine, and see the bot's directories under the same names.
//
// A container's first process is this program, which is mounted into it together with the libraries that it wants, so
// that it starts in any image. It is the same supervisor as in other sandboxes: how a job ends does not depend on what
// the image has for a shell, and the network is that of package gate and not a bridge, at which neighbours and the
// machine would be within reach.
//
// What a dead bot leaves is found by the containers' labels: which bot's they are, and until when they may live.
type Engine struct {
	o    EngineOptions
	host *Host

	mu      sync.Mutex
	variant *variant // what works here, once it is found out
}

var _ Sandbox = (*Engine)(nil)

// The labels of our containers.
const (
	jobLabel    = "cyborg.job"     // the marker of bot and job
	expiryLabel = "cyborg.expires" // in Unix time
)

// NewEngine returns a runner that uses Docker or Podman. As for NewHost, the program must call Supervise first thing in
// main.
func NewEngine(o EngineOptions) *Engine {
	host := NewHost(HostOptions{Dir: o.Dir, Log: o.Log})
	o.Log = host.o.Log
	return &Engine{o: o, host: host}
}

// name is the engine's, for people.
func (e *Engine) name() string { return filepath.Base(e.o.Program) }

// A commandError is a command of the engine that failed.
type commandError struct {
	what string // its first words
	text string // what it complained
	err  error
}

func (e *commandError) Error() string {
	if e.text == "" {
		return e.what + ": " + e.err.Error()
	}
	return e.what + ": " + e.text
}

func (e *commandError) Unwrap() error { return e.err }

// command prepares a command of the engine. It goes in a group of its own, all of which ends with ctx.
func (e *Engine) command(ctx context.Context, v *variant, args ...string) *exec.Cmd {
	var global []string
	if v != nil {
		global = v.global
	}
	cmd := exec.CommandContext(ctx, e.o.Program, append(append([]string(nil), global...), args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "DOCKER_CLI_HINTS=false")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// do runs a command of the engine and returns what it prints.
func (e *Engine) do(ctx context.Context, v *variant, args ...string) (string, error) {
	const most = 2 << 10
	cmd := e.command(ctx, v, args...)
	complaint := &tail{most: most}
	cmd.Stderr = complaint
	out, err := cmd.Output()
	if err == nil {
		return strings.TrimSpace(string(out)), nil
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	text := strings.Join(strings.Fields(string(bytes.ToValidUTF8(complaint.Bytes(), nil))), " ")
	return "", &commandError{what: e.name() + " " + args[0], text: text, err: err}
}

// A state is what the engine says of a container.
type state struct {
	State struct {
		Pid       int
		ExitCode  int
		OOMKilled bool
		Error     string
		Running   bool
	}
	Config struct {
		Labels map[string]string
		Env    []string
	}
}

// inspect asks for containers, or images.
func (e *Engine) inspect(ctx context.Context, v *variant, kind string, names ...string) ([]state, error) {
	out, err := e.do(ctx, v, append([]string{kind, "inspect"}, names...)...)
	if err != nil {
		return nil, err
	}
	var list []state
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		return nil, fmt.Errorf("%s %s inspect: %w", e.name(), kind, err)
	}
	return list, nil
}

// Sweep implements Runner: containers of dead bots of this machine's processes, and those whose time is over, whoever
// had them. A living bot's are never touched, as no job outlives its timeout by a day.
func (e *Engine) Sweep(ctx context.Context) error {
	namespace, err := pidNamespace()
	if err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	out, err := e.do(ctx, nil, "ps", "--all", "--quiet", "--no-trunc", "--filter", "label="+jobLabel)
	if err != nil {
		return errors.Join(fmt.Errorf("sweep: %w", err), e.host.Sweep(ctx))
	}
	dead := deadIn(namespace)
	var errs []error
	for _, id := range strings.Fields(out) {
		list, err := e.inspect(ctx, nil, "container", id)
		if err != nil || len(list) != 1 {
			continue // gone meanwhile
		}
		labels := list[0].Config.Labels
		expires, err := strconv.ParseInt(labels[expiryLabel], 10, 64)
		if dead(labels[jobLabel]) || err == nil && time.Now().Unix() > expires {
			errs = append(errs, e.remove(ctx, nil, id))
		}
	}
	if err := errors.Join(errs...); err != nil {
		err = fmt.Errorf("sweep: %w", err)
		return errors.Join(err, e.host.Sweep(ctx))
	}
	return e.host.Sweep(ctx)
}

// remove removes a container with all that runs in it; one that is not there is fine.
func (e *Engine) remove(ctx context.Context, v *variant, id string) error {
	const patience = 2 * time.Minute
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	_, err := e.do(ctx, v, "rm", "--force", "--volumes", id)
	if err == nil {
		return nil
	}
	if list, inspectErr := e.inspect(ctx, v, "container", id); inspectErr != nil || len(list) == 0 {
		return nil
	}
	return err
}
