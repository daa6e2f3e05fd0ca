//go:build linux

package container

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// A variant is a way to call the engine: some machines want more words.
type variant struct {
	global []string // before the command
	create []string // of create
}

// variants are those that are tried, in this order.
func (e *Engine) variants() []variant {
	list := []variant{{}}
	if strings.Contains(e.name(), "podman") {
		// With control groups of version 1 crun refuses, and the default limits cannot be set without a privilege.
		limits := []string{"--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096"}
		list = append(list, variant{create: limits}, variant{global: []string{"--runtime", "runc"}, create: limits})
	}
	return list
}

// works finds out how the engine works here; the answer is kept.
func (e *Engine) works(ctx context.Context) (*variant, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.variant != nil {
		return e.variant, nil
	}
	if err := e.trialImage(ctx); err != nil {
		return nil, err
	}
	var first error
	for _, v := range e.variants() {
		err := e.trial(ctx, &v, []string{NoNetwork})
		if err == nil {
			e.variant = &v
			return &v, nil
		}
		if first == nil {
			first = err
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, first
}

// trialName is an image without a file in it.
const trialName = "localhost/cyborg-trial:1"

// trialImage makes the empty image, if it is not there.
func (e *Engine) trialImage(ctx context.Context) error {
	if _, err := e.inspect(ctx, nil, "image", trialName); err == nil {
		return nil
	}
	cmd := e.command(ctx, nil, "import", "-", trialName)
	cmd.Stdin = bytes.NewReader(make([]byte, 1024)) // an archive of nothing
	complaint := &tail{most: 1 << 10}
	cmd.Stderr = complaint
	if err := cmd.Run(); err != nil {
		return &commandError{what: e.name() + " import", text: strings.TrimSpace(string(complaint.Bytes())), err: err}
	}
	return nil
}

// trial runs a job in a container of nothing: this program's own file, which ends at once.
func (e *Engine) trial(ctx context.Context, v *variant, network []string) error {
	scratch, err := NewScratch(ctx, e.o.Dir, "try")
	if err != nil {
		return err
	}
	self, err := readProgram()
	if err != nil {
		return errors.Join(err, scratch.Close())
	}
	argv := []string{innerSupervisor, "help"}
	if self.loader != "" {
		argv = []string{mountedLoader, "--help"}
	}
	var output bytes.Buffer
	result, err := e.runIn(ctx, v, Spec{
		Name: "try", Argv: argv, Dir: scratch.Dir, Output: &output, Image: trialName, Network: network, Timeout: time.Minute,
		Limits: Limits{Memory: 256 << 20, CPUs: 1, Processes: 32, Disk: 1 << 20},
	})
	err = errors.Join(err, scratch.Close())
	if err == nil && (result.Refused != "" || result.Signal != "" || result.TimedOut) {
		err = fmt.Errorf("run a container: %v: %s", result, bytes.TrimSpace(output.Bytes()))
	}
	return err
}

// Try implements Sandbox.
func (e *Engine) Try(ctx context.Context) (Holds, error) {
	version, err := e.do(ctx, nil, "version", "--format", "{{.Client.Version}}")
	if err != nil {
		return Holds{}, fmt.Errorf("try %s: %w", e.name(), err)
	}
	v, err := e.works(ctx)
	if err != nil {
		return Holds{}, fmt.Errorf("try %s: %w", e.name(), err)
	}
	h := Holds{Name: e.name() + " " + version, Images: true}
	if err := e.trial(ctx, v, nil); err != nil {
		h.Weak = append(h.Weak, "no network: "+err.Error())
	} else {
		h.Network = true
	}
	return h, nil
}
