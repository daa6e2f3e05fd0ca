package claim

import (
	"context"
	"fmt"
)

// A Fencer is a Board that can let one claim of a job publish and no other, ever. RefBoard is one.
type Fencer interface {
	Fence(ctx context.Context, s Subject, m Mark) error
}

// Fence is for a job with effects on the outside world, right before them: after it has returned nil no other bot can
// get past its own Fence for this job. The result is the one that release will be given. If the bot ends between the
// fence and its effects they are never done: at most once is what a fence can promise.
//
// On a board that is no Fencer it is Check.
func (c *Claim) Fence(ctx context.Context, r Result) error {
	f, ok := c.run.board.(Fencer)
	if !ok {
		return c.Check(ctx)
	}
	m := Mark{Kind: KindResult, State: r.State, Human: r.Text, Name: c.name, Nonce: c.Nonce, URL: r.URL}
	if err := f.Fence(ctx, c.Subject, m); err != nil {
		return fmt.Errorf("fence claim %s: %w", c.Subject, err)
	}
	return nil
}
