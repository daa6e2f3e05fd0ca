package machine

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// How long a guest may take to switch itself off, and how often it is asked whether it did.
const (
	offTime  = 5 * time.Minute
	offAgain = 500 * time.Millisecond
)

// Save switches the machine off in order and writes what its disk has become to a file: a qcow2 disk that stands for
// itself. Nothing can be done with the machine afterwards but to Close it.
func (m *Machine) Save(ctx context.Context, to string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, offTime, fmt.Errorf("it did not switch itself off within %v", offTime))
	defer cancel()
	// The connection ends under the command, or before: what counts is what becomes of the machine.
	_, _ = m.Run(ctx, Cmd{Argv: []string{"sh", "-c", "sync; (poweroff || systemctl poweroff || poweroff -f) >/dev/null 2>&1"}})
	tick := time.NewTicker(offAgain)
	defer tick.Stop()
	for {
		state, err := m.pool.o.Driver.State(ctx, m.name)
		switch {
		case err != nil:
			return fmt.Errorf("switch off machine %s: %w", m.image.Name, err)
		case !state.Running && state.Reason == Crashed:
			return fmt.Errorf("switch off machine %s: %w", m.image.Name, errors.New("the hypervisor's process died"))
		case !state.Running:
			return m.convert(ctx, to)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("switch off machine %s: %w", m.image.Name, context.Cause(ctx))
		}
	}
}

// convert writes the overlay and what it lies on as one disk.
func (m *Machine) convert(ctx context.Context, to string) error {
	out, err := exec.CommandContext(ctx, "qemu-img", "convert", "-f", "qcow2", "-O", "qcow2", m.overlayPath(), to).CombinedOutput()
	if err != nil {
		return fmt.Errorf("save machine %s: %w: %s", m.image.Name, err, strings.TrimSpace(string(out)))
	}
	return nil
}
