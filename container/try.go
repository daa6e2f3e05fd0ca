//go:build linux && (amd64 || arm64)

package container

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

var _ Sandbox = (*Bubble)(nil)

// Try implements Sandbox.
func (b *Bubble) Try(ctx context.Context) (Holds, error) {
	version, err := exec.CommandContext(ctx, b.o.Program, "--version").Output()
	if err != nil {
		return Holds{}, fmt.Errorf("try bubblewrap: %w", err)
	}
	h := Holds{Name: strings.TrimSpace(string(version))}
	if err := b.tryOne(ctx, []string{NoNetwork}); err != nil {
		return Holds{}, err
	}
	networkErr := b.tryOne(ctx, nil)
	h.Network = networkErr == nil
	tree, treeErr := b.tree()
	weak := map[string]string{
		"memory": "memory is looked at now and then",
		"cpu":    "processors are not held",
		"pids":   "processes are counted for the job's user",
	}
	for _, controller := range controllers() {
		if !tree.has(controller) {
			h.Weak = append(h.Weak, weak[controller])
		}
	}
	if len(h.Weak) > 0 && treeErr != nil {
		h.Weak = append(h.Weak, "no control groups: "+strings.ReplaceAll(treeErr.Error(), "\n", ", "))
	}
	if networkErr != nil {
		h.Weak = append(h.Weak, "no network: "+networkErr.Error())
	}
	return h, nil
}

// tryOne runs a job that does nothing.
func (b *Bubble) tryOne(ctx context.Context, network []string) error {
	scratch, err := NewScratch(ctx, b.o.Dir, "try")
	if err != nil {
		return err
	}
	var output bytes.Buffer
	result, err := b.Run(ctx, Spec{
		Name: "try", Argv: []string{"true"}, Dir: scratch.Dir, Output: &output, Network: network, Timeout: time.Minute,
		Limits: Limits{Memory: 256 << 20, CPUs: 1, Processes: 32, Disk: 1 << 20},
	})
	err = errors.Join(err, scratch.Close())
	if err == nil && !result.OK() {
		err = fmt.Errorf("run true: %v: %s", result, bytes.TrimSpace(output.Bytes()))
	}
	return err
}
