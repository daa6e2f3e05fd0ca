package container

import (
	"context"
	"errors"
	"fmt"
)

// A Choice runs each job in the sandbox that suits it: those that name an image where images are, the others in one that
// is made of the machine's own programs. What is nil is not offered.
type Choice struct {
	Plain  Runner
	Images Runner
}

var _ Runner = Choice{}

// Run implements Runner.
func (c Choice) Run(ctx context.Context, s Spec) (Result, error) {
	runner, want := c.Plain, "no sandbox of the machine's own programs works here"
	if s.Image != "" {
		runner, want = c.Images, "nothing here runs images"
	}
	if runner == nil {
		return Result{}, fmt.Errorf("run %s: %s", s.Name, want)
	}
	return runner.Run(ctx, s)
}

// Sweep implements Runner.
func (c Choice) Sweep(ctx context.Context) error {
	var errs []error
	for _, r := range []Runner{c.Plain, c.Images} {
		if r != nil {
			errs = append(errs, r.Sweep(ctx))
		}
	}
	return errors.Join(errs...)
}
