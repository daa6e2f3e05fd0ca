package claimtest_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/claim/claimtest"
)

// A release is a job with an effect that must never happen twice, done by bots for which no assumption holds: replicas lag for
// minutes, GitHub's times are wrong by an hour, some bots' clocks stand still, bots die between any two steps.
type release struct {
	server  *claimtest.Memory
	refs    *claimtest.MemoryRefs
	fenced  bool // Mode R
	mu      sync.Mutex
	rand    *rand.Rand
	effects []string
	job     claim.Subject
}

func newRelease(seed uint64, fenced bool) *release {
	r := rand.New(rand.NewPCG(seed, 4))
	f := claimtest.Faults{Lag: time.Duration(r.IntN(600)) * time.Second, Replicas: 3, Skew: time.Hour, LostAck: 0.1, Dropped: 0.1, NotRead: 0.05, Delay: 3 * time.Second}
	m := claimtest.NewMemory(seed, f)
	return &release{
		server: m, refs: m.Refs(), fenced: fenced, rand: r,
		job: claim.Subject{Repo: "acme/widget", SHA: strings.Repeat("c3", 20), Context: "release/upload"},
	}
}

func (r *release) n(n int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rand.IntN(n)
}

func (r *release) board() claim.Board {
	if r.fenced {
		return claim.NewRefBoard(r.server.Board("cyborg"), r.refs, repo, claim.DefaultPolicy())
	}
	return r.server.Board("cyborg")
}

// A mortal is the way of a bot to a board, which ends with it.
type mortal struct {
	claim.Board
	mu   sync.Mutex
	dead bool
}

var errDead = errors.New("the bot is dead")

func (m *mortal) die() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dead = true
}

func (m *mortal) alive() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return errDead
	}
	return nil
}

func (m *mortal) Marks(ctx context.Context, s claim.Subject) ([]claim.Mark, time.Time, error) {
	if err := m.alive(); err != nil {
		return nil, time.Time{}, err
	}
	return m.Board.Marks(ctx, s)
}

func (m *mortal) Post(ctx context.Context, s claim.Subject, mark claim.Mark) (claim.Mark, error) {
	if err := m.alive(); err != nil {
		return claim.Mark{}, err
	}
	return m.Board.Post(ctx, s, mark)
}

func (m *mortal) Fence(ctx context.Context, s claim.Subject, mark claim.Mark) error {
	if f, ok := m.Board.(claim.Fencer); ok {
		return f.Fence(ctx, s, mark)
	}
	marks, now, err := m.Board.Marks(ctx, s)
	if err == nil && !claim.Decide(marks, now, claim.DefaultPolicy()).Mine(mark.Nonce) {
		err = claim.ErrLost
	}
	return err
}

// bot tries for a while. Its clock may stand still, and it may die at any of three places.
func (r *release) bot(ctx context.Context, name string, stands bool) {
	b := &mortal{Board: r.board()}
	p := claim.DefaultPolicy()
	p.Tries = 0
	begin := time.Now()
	p.Elapsed = func() time.Duration {
		if stands {
			return 0
		}
		return time.Since(begin)
	}
	for range 10 {
		c, err := claim.Acquire(ctx, b, r.job, claim.Owner{Name: name}, p)
		if err != nil {
			wait(ctx, time.Duration(60+r.n(900))*time.Second)
			continue
		}
		if r.n(12) == 0 {
			return // dies with the claim
		}
		work, end := c.Keep(ctx)
		bury := func() {
			b.die()
			_ = end(claim.Result{}) // only ends what keeps the claim; the dead tell nothing
		}
		wait(ctx, time.Duration(r.n(90))*time.Minute) // it does not notice the end of work: a step that cannot be stopped
		result := claim.Result{State: "success", Text: "uploaded by " + name}
		if c.Fence(work, result) == nil {
			if r.n(12) == 0 {
				bury() // before the effect: at most once
				return
			}
			r.mu.Lock()
			r.effects = append(r.effects, name+" "+c.Nonce)
			r.mu.Unlock()
			if r.n(4) == 0 {
				bury() // after the effect, before it could say so
				return
			}
		}
		_ = end(result) // an answer that was lost is tried again until the lease ends
	}
}

func (r *release) run(ctx context.Context) {
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() { r.bot(ctx, fmt.Sprintf("bot-%d", i), i%2 == 1) })
	}
	group.Wait()
}

// TestAtMostOnce: with refs an effect happens once at most, with every assumption broken; without, the same bots do it twice now and then, so
// the test would see it.
func TestAtMostOnce(t *testing.T) {
	const seeds = 150
	done := map[bool]int{}
	for _, fenced := range []bool{true, false} {
		twice := 0
		for seed := range uint64(seeds) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				r := newRelease(seed, fenced)
				r.run(ctx)
				if len(r.effects) == 1 {
					done[fenced]++
				}
				if len(r.effects) > 1 {
					twice++
					if fenced {
						t.Errorf("seed %d: %q", seed, r.effects)
					}
				}
			})
		}
		t.Logf("refs %v: of %d jobs %d were done once, %d more than once", fenced, seeds, done[fenced], twice)
		if !fenced && twice == 0 {
			t.Error("without refs nothing was done twice: the test is too easy")
		}
	}
	if done[true] < seeds/4 { // where nothing can be relied on, much is given up
		t.Errorf("only %d of %d jobs were done", done[true], seeds)
	}
}
