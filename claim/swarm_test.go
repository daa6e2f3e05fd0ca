package claim_test

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

// A swarm is a few bots with a few jobs, in virtual time, and everything that goes wrong within the assumptions.
type swarm struct {
	seed   uint64
	server *claimtest.Memory
	policy claim.Policy
	jobs   []claim.Subject
	mu     sync.Mutex
	rand   *rand.Rand
	runs   map[string][]run // by job
	events []string
}

// A run is when a bot worked on a job.
type run struct {
	bot        string
	begin, end time.Time
}

func (s *swarm) n(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rand.IntN(n)
}

func (s *swarm) logf(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, fmt.Sprintf("%s "+format, append([]any{time.Now().Format("15:04:05")}, args...)...))
}

// newSwarm draws the faults; all are within the assumptions A1 to A5.
func newSwarm(seed uint64) *swarm {
	r := rand.New(rand.NewPCG(seed, 2))
	f := claimtest.Faults{
		Lag: time.Duration(r.IntN(4500)) * time.Millisecond, Replicas: 1 + r.IntN(3), Skew: time.Duration(r.IntN(25)) * time.Second,
		Delay: time.Duration(r.IntN(3)) * time.Second,
	}
	if r.IntN(2) == 0 {
		f.LostAck, f.Dropped, f.NotRead = r.Float64()/5, r.Float64()/5, r.Float64()/5
	}
	s := &swarm{seed: seed, rand: r, server: claimtest.NewMemory(seed, f), policy: policyFor(), runs: map[string][]run{}}
	s.policy.Tries = 0
	s.policy.Lease = []time.Duration{10 * time.Minute, 30 * time.Minute}[r.IntN(2)]
	s.policy.Jitter = func(d time.Duration) time.Duration { return time.Duration(s.n(int(d) + 1)) }
	for i := range 1 + r.IntN(3) {
		s.jobs = append(s.jobs, claim.Subject{Repo: "acme/widget", SHA: strings.Repeat("b2", 20), Context: fmt.Sprintf("verify/%d", i)})
	}
	return s
}

// A link is a bot's way to the server. It can be cut, for ever (the bot is dead) or for a while (it is paused): a request then waits,
// and is sent when the bot goes on, however late that is.
type link struct {
	claim.Board
	ctx  context.Context
	mu   sync.Mutex
	dead bool
	till time.Time
}

func (l *link) cut(dead bool, till time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dead, l.till = dead, till
}

func (l *link) pass() error {
	l.mu.Lock()
	dead, till := l.dead, l.till
	l.mu.Unlock()
	if dead {
		return errors.New("no bot")
	}
	wait(l.ctx, time.Until(till))
	return nil
}

func (l *link) Marks(ctx context.Context, s claim.Subject) ([]claim.Mark, time.Time, error) {
	if err := l.pass(); err != nil {
		return nil, time.Time{}, err
	}
	return l.Board.Marks(ctx, s)
}

func (l *link) Post(ctx context.Context, s claim.Subject, m claim.Mark) (claim.Mark, error) {
	if err := l.pass(); err != nil {
		return claim.Mark{}, err
	}
	return l.Board.Post(context.WithoutCancel(ctx), s, m) // a packet that is on its way is not called back
}

// bot takes jobs until all are done. One of the bots is left alone, so that all ends.
func (s *swarm) bot(ctx context.Context, t *testing.T, name string, immortal bool) {
	l := &link{Board: s.server.Board("cyborg"), ctx: ctx}
	for {
		job, open := s.open()
		if !open {
			return
		}
		c, err := claim.Acquire(ctx, l, job, owner(name), s.policy)
		if err != nil {
			if _, taken := errors.AsType[*claim.TakenError](err); taken {
				s.tidy(ctx, l, job)
			}
			wait(ctx, time.Duration(60+s.n(180))*time.Second)
			continue
		}
		if died := s.work(ctx, c, l, name, immortal); died {
			return
		}
	}
}

// work is one job, with whatever happens to the bot meanwhile. It tells whether the bot is dead.
func (s *swarm) work(ctx context.Context, c *claim.Claim, l *link, name string, immortal bool) (died bool) {
	begin := time.Now()
	work, release := c.Keep(ctx)
	fate := s.n(6)
	if immortal {
		fate = 5
	}
	wait(work, time.Duration(s.n(40))*time.Minute)
	if work.Err() == nil {
		switch fate {
		case 0: // dies
			s.ran(c, name, begin)
			s.logf("%s dies with %s", name, c.Nonce)
			l.cut(true, time.Time{})
			return true
		case 1, 2: // is paused
			pause := time.Duration(s.n(90)) * time.Minute
			s.logf("%s with %s is paused for %s", name, c.Nonce, pause)
			l.cut(false, time.Now().Add(pause))
			wait(work, pause)
		}
	}
	s.ran(c, name, begin)
	result := claim.Result{State: []string{"success", "failure"}[s.n(2)], Text: "by " + name}
	if fate == 3 {
		result = claim.Result{}
	}
	err := release(result)
	s.logf("%s ends %s with %q: %v", name, c.Nonce, result.State, err)
	return false
}

func (s *swarm) ran(c *claim.Claim, name string, begin time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runs[c.Subject.Key()] = append(s.runs[c.Subject.Key()], run{bot: name, begin: begin, end: time.Now()})
}

func (s *swarm) verdict(job claim.Subject) claim.Verdict {
	return claim.Decide(s.server.All(job), time.Now(), s.policy)
}

// open gives a job that is not done.
func (s *swarm) open() (claim.Subject, bool) {
	var open []claim.Subject
	for _, job := range s.jobs {
		if s.verdict(job).State != claim.Done {
			open = append(open, job)
		}
	}
	if len(open) == 0 {
		return claim.Subject{}, false
	}
	return open[s.n(len(open))], true
}

// tidy repairs what people see, as any scanner does.
func (s *swarm) tidy(ctx context.Context, b claim.Board, job claim.Subject) {
	marks, now, err := b.Marks(ctx, job)
	if err != nil {
		return
	}
	_ = b.Show(ctx, job, claim.Decide(marks, now, s.policy)) // tried again with the next scan
}

func (s *swarm) check(t *testing.T) {
	t.Helper()
	for _, job := range s.jobs {
		runs := s.runs[job.Key()]
		for i, a := range runs {
			for _, b := range runs[:i] {
				if a.begin.Before(b.end) && b.begin.Before(a.end) {
					t.Errorf("I2: %s and %s worked on %s at once", a.bot, b.bot, job)
				}
			}
		}
		v := s.verdict(job)
		if v.State != claim.Done || v.Attempt != 1 {
			t.Errorf("I3: %s: %s", job, v.Why())
		}
		if v.Result.Nonce != v.Owner.Nonce {
			t.Errorf("I4: %s: result of %s, owner %s", job, v.Result.Nonce, v.Owner.Nonce)
		}
		for range 20 { // scanners go on, through all faults
			wait(t.Context(), time.Minute)
			s.tidy(t.Context(), s.server.Board("cyborg"), job)
		}
		if v := s.verdict(job); v.NeedsRepair() {
			t.Errorf("I5: %s shows %q", job, claim.FormatStatusText(v.Newest))
		}
	}
	if t.Failed() {
		t.Logf("seed %d\n%s", s.seed, strings.Join(s.events, "\n"))
		for _, job := range s.jobs {
			for _, m := range s.server.All(job) {
				t.Logf("%s %d %s %s", job.Context, m.ID, m.At.Format("15:04:05"), claim.FormatStatusText(m))
			}
		}
	}
}

// TestSwarms: exactly one effective result for every job, never two bots at work, nothing lost, and people see the truth.
func TestSwarms(t *testing.T) {
	for seed := range uint64(seeds) {
		synctest.Test(t, func(t *testing.T) {
			s := newSwarm(seed)
			var wg sync.WaitGroup
			for i := range 2 + s.n(4) {
				wg.Go(func() { s.bot(t.Context(), t, fmt.Sprintf("bot-%d", i), i == 0) })
			}
			wg.Wait()
			s.check(t)
		})
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}
