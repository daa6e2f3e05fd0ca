package swarm

import (
	"context"
	"fmt"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
)

// openAll opens n pull requests in one go.
func (w *world) openAll(ctx context.Context, wave string, n int) ([]*pull, error) {
	var list []*pull
	for i := range n {
		p := &pull{branch: fmt.Sprint(wave, "-", i)}
		w.mu.Lock()
		w.pulls = append(w.pulls, p)
		w.mu.Unlock()
		if err := w.openPull(ctx, p, i); err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}

// claimed waits until each context of the pull requests has been claimed, and their bots know that they have it.
func (w *world) claimed(ctx context.Context, pulls []*pull) error {
	for range 1000 {
		if err := pause(ctx, 5*time.Second); err != nil {
			return err
		}
		w.mu.Lock()
		free := 0
		for _, p := range pulls {
			logs := w.records(p.heads[0].sha)
			for _, of := range w.subjects(p.heads[0].sha) {
				if claim.Decide(marksOf(logs[of.context]), time.Now(), w.judged()).State == claim.Free {
					free++
				}
			}
		}
		w.mu.Unlock()
		if free == 0 {
			return pause(ctx, 2*w.game.Settle)
		}
	}
	return fmt.Errorf("seed %d: not all is claimed in an hour", w.game.Seed)
}
