//go:build unix && !linux

package container

import (
	"context"
	"errors"
	"log/slog"
)

// HostOptions are the settings of a Host.
type HostOptions struct {
	Dir  string       // where scratch directories are made
	Path string       // PATH of the jobs; empty is the bot's own
	Log  *slog.Logger // the bot's own log; nil discards
}

// Host runs commands on the bot's own machine. Here it refuses: without /proc
// and subreapers it could not keep its promises.
type Host struct{}

var _ Runner = (*Host)(nil)

// NewHost returns a runner that refuses.
func NewHost(HostOptions) *Host { return &Host{} }

// Supervise has nothing to do here.
func Supervise([]string) (code int, ok bool) { return 0, false }

// Run implements Runner.
func (h *Host) Run(context.Context, Spec) (Result, error) {
	return Result{}, errors.New("run on this machine: jobs can be run on Linux only")
}

// Sweep implements Runner; no job can have left anything.
func (h *Host) Sweep(context.Context) error { return nil }
