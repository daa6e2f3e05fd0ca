package swarm

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// A schedule is what is going to happen, drawn before anything does.
type schedule struct{ acts []act }

type act struct {
	at time.Duration
	do func(context.Context) error
}

func (s *schedule) add(at time.Duration, do func(context.Context) error) {
	s.acts = append(s.acts, act{at, do})
}

// run lets everything happen in its time, counted from now, and waits for the end of all. An act may take as long as it
// likes; the others do not wait.
func (s *schedule) run(ctx context.Context) error {
	slices.SortStableFunc(s.acts, func(a, b act) int { return cmp.Compare(a.at, b.at) })
	begin := time.Now()
	var group sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	for _, a := range s.acts {
		if err := pause(ctx, time.Until(begin.Add(a.at))); err != nil {
			break
		}
		group.Go(func() {
			if err := a.do(ctx); err != nil && ctx.Err() == nil {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}
