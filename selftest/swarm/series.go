package swarm

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// A Series is many games that differ in their seeds and in what is drawn from them.
type Series struct {
	Game     Game                                            // what is the same in all
	Level    func(r *rand.Rand, settle time.Duration) Faults // draws what goes wrong; nil: Game.Faults
	First    uint64                                          // seed
	Games    int
	Parallel int           // how many are played at the same time; 0 is one
	Jobs     int           // no game begins when so many results have come; 0: no bound
	For      time.Duration // no game begins when so much of our time has gone; 0: no bound
	Progress func(*Sum)    // is told the sum after each game, one at a time; nil: nobody
}

// Play plays the games and adds up. It ends early with ctx, after the games that are being played. A game that cannot be
// played is an error, and the last; what goes wrong in one is in the Sum.
func (s Series) Play(ctx context.Context) (*Sum, error) {
	run := &running{series: s, begin: time.Now(), sum: new(Sum)}
	var group sync.WaitGroup
	for range max(s.Parallel, 1) {
		group.Go(func() {
			for run.next(ctx) {
			}
		})
	}
	group.Wait()
	run.sum.Real = time.Since(run.begin)
	return run.sum, run.err
}

// A running is a series that is being played.
type running struct {
	series Series
	begin  time.Time

	mu    sync.Mutex
	begun int
	sum   *Sum
	err   error
}

// next plays one game more, if there is one.
func (r *running) next(ctx context.Context) bool {
	seed, ok := r.take(ctx)
	if !ok {
		return false
	}
	g := r.series.Game
	g.Seed = seed
	g = g.Draw(r.series.Level)
	sum, err := Play(ctx, g, nil)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("seed %d: %w", seed, err)
	}
	if sum != nil {
		r.sum.Add(sum)
	}
	if r.series.Progress != nil {
		r.sum.Real = time.Since(r.begin)
		r.series.Progress(r.sum)
	}
	return true
}

// take gives the next seed.
func (r *running) take(ctx context.Context) (uint64, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.series
	switch {
	case ctx.Err() != nil, r.err != nil, r.begun >= s.Games:
		return 0, false
	case s.Jobs > 0 && r.sum.Jobs >= s.Jobs, s.For > 0 && time.Since(r.begin) >= s.For:
		return 0, false
	}
	r.begun++
	return s.First + uint64(r.begun-1), true
}
