package claim_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/claim/claimtest"
)

// A heldUp board lets one record out only after a while, whatever its context says: the bot was stopped when the packet
// was on its way already.
type heldUp struct {
	claim.Board
	ctx  context.Context
	kind claim.Kind
	long time.Duration
	lost bool // and the bot does not hear of it
}

func (b *heldUp) Post(ctx context.Context, s claim.Subject, m claim.Mark) (claim.Mark, error) {
	if m.Kind != b.kind || b.long == 0 {
		return b.Board.Post(ctx, s, m)
	}
	wait(b.ctx, b.long)
	b.long = 0
	m, err := b.Board.Post(b.ctx, s, m)
	if b.lost {
		err = context.DeadlineExceeded
	}
	return m, err
}

// TestLateResultIsRepaired is seed 7 of the swarm with some faults: a bot was frozen right before it wrote its result; when
// it went on a peer had done the job, and people saw the late result instead of the one that counts, for ever.
func TestLateResultIsRepaired(t *testing.T) {
	for name, lost := range map[string]bool{"answered": false, "without an answer": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := claimtest.NewMemory(1, claimtest.Faults{})
				slow := acquire(t, &heldUp{Board: m.Board("cyborg"), ctx: t.Context(), kind: claim.KindResult, long: time.Hour, lost: lost}, "slow", policyFor())
				_, release := slow.Keep(t.Context())
				ended := make(chan error, 1)
				go func() { ended <- release(claim.Result{State: "failure", Text: "3 tests failed"}) }()
				wait(t.Context(), 40*time.Minute)
				heir := acquire(t, m.Board("cyborg"), "heir", policyFor())
				_, finish := heir.Keep(t.Context())
				if err := finish(claim.Result{State: "success", Text: "Tests passed"}); err != nil {
					t.Fatal(err)
				}
				if err := <-ended; !errors.Is(err, claim.ErrLost) {
					t.Errorf("the late bot believes that it has published: %v", err)
				}
				v := claim.Decide(m.All(subject), time.Now(), policyFor())
				if v.Result.Nonce != heir.Nonce || v.NeedsRepair() || v.Count != 5 {
					t.Errorf("%s; people see:\n%s", v.Why(), texts(m))
				}
			})
		})
	}
}

// TestLateReleaseIsRepaired: a bot was stopped right before it gave its claim back; when it went on a peer had done the
// job, and people saw "released" in front of the result.
func TestLateReleaseIsRepaired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := claimtest.NewMemory(1, claimtest.Faults{})
		board := &heldUp{Board: m.Board("cyborg"), ctx: t.Context(), kind: claim.KindRelease, long: time.Hour}
		_, release := acquire(t, board, "slow", policyFor()).Keep(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- release(claim.Result{}) }()
		wait(t.Context(), 40*time.Minute)
		heir := acquire(t, m.Board("cyborg"), "heir", policyFor())
		_, finish := heir.Keep(t.Context())
		if err := finish(claim.Result{State: "success", Text: "Tests passed"}); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; err != nil {
			t.Errorf("the claim is given back, and yet: %v", err)
		}
		v := claim.Decide(m.All(subject), time.Now(), policyFor())
		if v.Result.Nonce != heir.Nonce || v.NeedsRepair() {
			t.Errorf("%s; people see:\n%s", v.Why(), texts(m))
		}
	})
}

// TestLateReturnIsRepaired is seed 1004431 of the simulator: a bot that was killed gave its claim back at its next start,
// was stopped right before it wrote that, and wrote over a peer's result.
func TestLateReturnIsRepaired(t *testing.T) {
	for name, again := range map[string]bool{"by itself": false, "killed then, and by its next start": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := claimtest.NewMemory(1, claimtest.Faults{})
				dead, cancel := context.WithCancel(t.Context())
				left := claim.Entry{Subject: subject, Name: "slow", Nonce: acquire(t, m.Board("cyborg"), "slow", policyFor()).Nonce}
				board := &heldUp{Board: m.Board("cyborg"), ctx: t.Context(), kind: claim.KindRelease, long: time.Hour}
				ended := make(chan error, 1)
				go func() {
					_, err := claim.Return(dead, board, []claim.Entry{left}, policyFor())
					ended <- err
				}()
				wait(t.Context(), 40*time.Minute)
				heir := acquire(t, m.Board("cyborg"), "heir", policyFor())
				_, finish := heir.Keep(t.Context())
				if err := finish(claim.Result{State: "success", Text: "Tests passed"}); err != nil {
					t.Fatal(err)
				}
				if again {
					cancel()
				}
				err := <-ended
				if again {
					_, err = claim.Return(t.Context(), m.Board("cyborg"), []claim.Entry{left}, policyFor())
				}
				if err != nil {
					t.Error(err)
				}
				cancel()
				v := claim.Decide(m.All(subject), time.Now(), policyFor())
				if v.Result.Nonce != heir.Nonce || v.NeedsRepair() {
					t.Errorf("%s; people see:\n%s", v.Why(), texts(m))
				}
			})
		})
	}
}
