package container

import (
	"context"
	"errors"
	"log/slog"
)

// HostOptions are the settings of a Host.
type HostOptions struct {
	Dir string       // where jobs' scratch directories are made; shared by all bots of this machine
	Log *slog.Logger // the bot's own log; nil discards
}

// Host runs commands on the bot's own machine, for trusted jobs.
type Host struct{ o HostOptions }

var _ Runner = (*Host)(nil)

// NewHost returns a runner on this machine. The program must call Supervise
// first thing in main (and in TestMain).
func NewHost(o HostOptions) *Host { return &Host{o} }

// Supervise makes this process a job's supervisor if Host started it as one.
// First thing in main: if code, ok := container.Supervise(os.Args); ok { os.Exit(code) }
func Supervise(args []string) (code int, ok bool) { return 0, false }

// Run implements Runner.
func (h *Host) Run(ctx context.Context, s Spec) (Result, error) {
	return Result{}, errors.ErrUnsupported
}

// Sweep implements Runner.
func (h *Host) Sweep(ctx context.Context) error { return nil }
