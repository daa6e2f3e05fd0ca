package swarm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/selftest/fakehub"
)

// Play plays a game and judges it. The error says why it could not be played; what went wrong in it is in the Sum. The
// bots' own logs go to chat, nil discards.
func Play(ctx context.Context, g Game, chat *slog.Logger) (*Sum, error) {
	return stage{}.play(ctx, g, chat)
}

// A stage is how a game is played; the zero value plays it as it is.
type stage struct {
	story func(*world) func(context.Context) error // what people do, instead of what is drawn
	after func(*world)                             // a look at the world when all is over
	early bool                                     // all bots start in the first second
	brief bool                                     // it is over when the people are done, whatever the bots are doing
}

func (st stage) play(ctx context.Context, g Game, chat *slog.Logger) (*Sum, error) {
	if err := g.Check(); err != nil {
		return nil, fmt.Errorf("play: %w", err)
	}
	began := time.Now()
	scratch, err := os.MkdirTemp("/dev/shm", "cyborg-swarm-") // memory, on Linux: each job has a few files
	if err != nil {
		scratch, err = os.MkdirTemp("", "cyborg-swarm-")
	}
	if err != nil {
		return nil, fmt.Errorf("play: %w", err)
	}
	sum := &Sum{Games: 1}
	// A bubble's goroutines do not see the end of a context of outside: time would stand still.
	inside := context.WithoutCancel(ctx)
	err = bubble(func() error { return st.inside(inside, g, scratch, chat, sum) })
	sum.Real = time.Since(began)
	return sum, errors.Join(err, os.RemoveAll(scratch))
}

// inside is what happens in the bubble.
func (st stage) inside(ctx context.Context, g Game, scratch string, chat *slog.Logger, sum *Sum) error {
	began := time.Now()
	w, err := newWorld(ctx, g, scratch, chat)
	if err != nil {
		return err
	}
	spread := g.Poll
	if st.early {
		spread = time.Second
	}
	living, stop := context.WithCancel(ctx)
	var bots sync.WaitGroup
	for i, b := range w.bots {
		late := w.die.of("begin").at(int64(i)).below(spread)
		bots.Go(func() {
			if pause(living, late) == nil {
				b.run(living)
			}
		})
	}
	if g.Claims {
		bots.Go(func() { w.scan(living) })
	}
	var told, fated error
	var acts sync.WaitGroup
	people := w.people
	if st.story != nil {
		people = st.story(w)
	}
	acts.Go(func() { told = people(ctx) })
	acts.Go(func() { fated = w.fates(ctx) })
	acts.Wait()
	w.calm.Store(true)
	var rested error
	if !st.brief {
		rested = w.rest(ctx)
	}
	stop()
	bots.Wait()
	w.lives.Wait()
	sum.Virtual = time.Since(began)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.judgeAll(sum, !st.brief)
	w.count(sum)
	if st.after != nil {
		st.after(w)
	}
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
	w.mu.Lock()
	defer w.mu.Unlock()
	return !slices.ContainsFunc(w.pulls, func(p *pull) bool { return p.open && !w.done(p) })
}

// done tells whether all jobs of a pull request are, and people see it. The caller holds the mutex.
func (w *world) done(p *pull) bool {
	sha := p.heads[len(p.heads)-1].sha
	logs := w.records(sha)
	for _, of := range w.subjects(sha) {
		log := logs[of.context]
		v := claim.Decide(marksOf(log), time.Now(), w.judged())
		if v.State != claim.Done || shown(log) != claim.FormatStatusText(v.Result) {
			return false
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
	limits := fakehub.GitHubLimits()
	if w.game.Limits != (fakehub.Limits{}) {
		sum.Spread, limits = w.game.Accounts, w.game.Limits
	}
	jobs := w.ideal()
	sum.Need = needOf(jobs, w.game, limits)
	for _, j := range jobs {
		sum.Ideal = max(sum.Ideal, j.end.Sub(w.begun))
	}
	sum.Makespan = max(w.last.Sub(w.begun), 0)
}
