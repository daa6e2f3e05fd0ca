package swarm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
)

// Play plays a game and judges it. The error says why it could not be played; what went wrong in it is in the Sum. The
// bots' own logs go to chat, nil discards.
func Play(ctx context.Context, g Game, chat *slog.Logger) (*Sum, error) {
	if err := g.check(); err != nil {
		return nil, err
	}
	began := time.Now()
	scratch, err := os.MkdirTemp("", "cyborg-swarm-")
	if err != nil {
		return nil, fmt.Errorf("play: %w", err)
	}
	sum := &Sum{Games: 1}
	// A bubble's goroutines do not see the end of a context of outside: time would stand still.
	inside := context.WithoutCancel(ctx)
	err = bubble(func() error { return play(inside, g, scratch, chat, sum) })
	sum.Real = time.Since(began)
	return sum, errors.Join(err, os.RemoveAll(scratch))
}

// play is what happens in the bubble.
func play(ctx context.Context, g Game, scratch string, chat *slog.Logger, sum *Sum) error {
	began := time.Now()
	w, err := newWorld(ctx, g, scratch, chat)
	if err != nil {
		return err
	}
	living, stop := context.WithCancel(ctx)
	var bots sync.WaitGroup
	for i, b := range w.bots {
		late := w.die.of("begin").at(int64(i)).below(g.Poll)
		bots.Go(func() {
			if pause(living, late) == nil {
				b.run(living)
			}
		})
	}
	var told, fated error
	var acts sync.WaitGroup
	acts.Go(func() { told = w.people(ctx) })
	acts.Go(func() { fated = w.fates(ctx) })
	acts.Wait()
	rested := w.rest(ctx)
	stop()
	bots.Wait()
	w.lives.Wait()
	sum.Virtual = time.Since(began)
	w.judgeAll(sum)
	w.count(sum)
	return errors.Join(told, fated, rested)
}

// rest waits until nothing is left to do and nobody does anything, and people see what is true; or until there was time
// enough for all that.
func (w *world) rest(ctx context.Context) error {
	enough := 4*w.game.Span + 20*w.game.Lease + 12*time.Hour
	for end := time.Now().Add(enough); time.Now().Before(end); {
		if w.resting() {
			return nil
		}
		if err := pause(ctx, time.Minute); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) resting() bool {
	for _, b := range w.bots {
		if b.busy() {
			return false
		}
	}
	for _, p := range w.pulls {
		sha, open := w.state(p)
		if !open {
			continue
		}
		logs := w.records(sha)
		for _, of := range w.subjects(sha) {
			log := logs[of.context]
			v := claim.Decide(marksOf(log), time.Now(), claim.Policy{Racers: true})
			if v.State != claim.Done || shown(log) != claim.FormatStatusText(v.Result) {
				return false
			}
		}
	}
	return true
}

// count asks the hub what all that cost.
func (w *world) count(sum *Sum) {
	for i := range w.game.Accounts {
		if u, err := w.hub.Truth().Usage(accountName(i)); err == nil {
			addUsage(&sum.Usage, u)
		}
	}
}
