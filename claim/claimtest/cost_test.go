package claimtest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/claim/hub"
)

// A bill is what requests cost: GitHub counts a point for a read and five for a write.
type bill struct{ reads, writes int }

func (b bill) points() int { return b.reads + 5*b.writes }

// since counts the requests that the emulator was sent behind the first n.
func (g *github) since(n int) (b bill) {
	for _, e := range g.server.Journal()[n:] {
		if e.Writes() {
			b.writes++
		} else {
			b.reads++
		}
	}
	return b
}

func (g *github) context(name string) claim.Subject {
	return claim.Subject{Repo: "acme/widget", SHA: g.sha, Context: name}
}

func TestQuietJobCosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGithub(t, 0)
		begin := len(g.server.Journal())
		c, err := claim.Acquire(t.Context(), g.statuses(t), g.context("verify"), claim.Owner{Name: "bot-1"}, g.policy())
		must(t, err)
		work, release := c.Keep(t.Context())
		wait(work, 9*time.Minute)
		must(t, release(claim.Result{State: "success", Text: "Tests passed"}))
		cost := g.since(begin)
		t.Logf("a job of nine minutes: %d reads, %d writes, %d points", cost.reads, cost.writes, cost.points())
		if cost.reads+cost.writes > 5 {
			t.Error("more than 5 requests")
		}
	})
}

func TestHourCosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGithub(t, time.Second)
		begin := len(g.server.Journal())
		c, err := claim.Acquire(t.Context(), g.statuses(t), g.context("verify"), claim.Owner{Name: "bot-1"}, g.policy())
		must(t, err)
		work, release := c.Keep(t.Context())
		wait(work, 59*time.Minute)
		must(t, release(claim.Result{State: "success", Text: "Tests passed"}))
		cost := g.since(begin)
		t.Logf("a job of an hour: %d reads, %d writes, %d points", cost.reads, cost.writes, cost.points())
		if cost.points() > 45 || cost.writes > 7 {
			t.Error("more than 45 points, or 7 statuses")
		}
	})
}

// TestContestedClaimCosts: what a bot pays that comes second.
func TestContestedClaimCosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGithub(t, 0)
		s := g.context("verify")
		first, second := g.statuses(t), g.statuses(t)
		_, _, err := second.Marks(t.Context(), s) // it has looked
		must(t, err)
		_, err = claim.Acquire(t.Context(), &late{Board: first}, s, claim.Owner{Name: "bot-1"}, g.policy())
		must(t, err)
		begin := len(g.server.Journal())
		_, err = claim.Acquire(t.Context(), &late{Board: second}, s, claim.Owner{Name: "bot-2"}, g.policy())
		if _, taken := errors.AsType[*claim.TakenError](err); !taken {
			t.Fatalf("error %v", err)
		}
		cost := g.since(begin)
		t.Logf("a lost race: %d reads, %d writes, %d points", cost.reads+1, cost.writes, cost.points()+1)
		if cost.writes != 1 || cost.points()+1 > 7 {
			t.Error("more than 7 points, or a status")
		}
	})
}

// TestLongLog: a claim of one of a commit's hundred contexts, with 5,000 records, reads the newest only, once the log is known.
func TestLongLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGithub(t, 0)
		const contexts, each = 100, 50
		for i := range contexts * each {
			s := hub.Status{State: "pending", Context: fmt.Sprintf("verify/%d", i%contexts), Description: claim.Waiting(fmt.Sprint("turn ", i/contexts))}
			_, err := g.stef.PostStatus(t.Context(), repo, g.sha, s)
			must(t, err)
		}
		wait(t.Context(), 10*time.Minute)
		b := g.statuses(t)
		begin := len(g.server.Journal())
		marks, _, err := b.Marks(t.Context(), g.context("verify/7"))
		must(t, err)
		whole := g.since(begin)
		if len(marks) != each {
			t.Errorf("%d marks of %d", len(marks), each)
		}
		begin = len(g.server.Journal())
		c, err := claim.Acquire(t.Context(), b, g.context("verify/7"), claim.Owner{Name: "bot-1"}, g.policy())
		must(t, err)
		cost := g.since(begin)
		t.Logf("the whole log: %d reads; a claim then: %d reads, %d writes", whole.reads, cost.reads, cost.writes)
		if cost.reads > 4 {
			t.Errorf("a claim reads %d pages of a log that is known", cost.reads)
		}
		marks, _, err = b.Marks(t.Context(), g.context("VERIFY/7"))
		must(t, err)
		if len(marks) != each+1 || marks[each].Nonce != c.Nonce {
			t.Errorf("%d marks, want %d", len(marks), each+1)
		}
	})
}

// A late board is one whose first look is old: its bot has seen the subject free a moment before another claimed it.
type late struct {
	claim.Board
	looked bool
}

func (l *late) Marks(ctx context.Context, s claim.Subject) ([]claim.Mark, time.Time, error) {
	if !l.looked {
		l.looked = true
		return nil, time.Now(), nil
	}
	return l.Board.Marks(ctx, s)
}
