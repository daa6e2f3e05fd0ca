//go:build unix && !(linux && (amd64 || arm64))

package container

import (
	"context"
	"errors"
	"log/slog"

	"github.com/cyborg-bots/cyborg/container/gate"
)

// BubbleOptions are the settings of a Bubble.
type BubbleOptions struct {
	Dir     string       // where scratch directories are made
	Program string       // bubblewrap
	Gate    gate.Options // how jobs reach the world
	Log     *slog.Logger // the bot's own log
}

// Bubble runs commands in a sandbox that bubblewrap makes. Here it refuses.
type Bubble struct{}

var _ Sandbox = (*Bubble)(nil)

// NewBubble returns a runner that refuses.
func NewBubble(BubbleOptions) *Bubble { return &Bubble{} }

var errBubble = errors.New("bubblewrap sandboxes are for Linux on amd64 and arm64")

// Run implements Runner.
func (b *Bubble) Run(context.Context, Spec) (Result, error) { return Result{}, errBubble }

// Sweep implements Runner; no job can have left anything.
func (b *Bubble) Sweep(context.Context) error { return nil }

// Try implements Sandbox.
func (b *Bubble) Try(context.Context) (Holds, error) { return Holds{}, errBubble }
