package claimtest_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/claim/claimtest"
	"github.com/cyborg-bots/cyborg/claim/hub"
)

func (g *github) statuses(t *testing.T) *claim.StatusBoard {
	return claim.NewStatusBoard(g.client(t, "cyborg"), g.policy())
}

func TestRefBoard(t *testing.T) {
	for name, lag := range map[string]time.Duration{"fresh": 0, "lagged": 3 * time.Second} {
		t.Run(name, func(t *testing.T) {
			claimtest.Board(t, func(t *testing.T) claimtest.Stand {
				g := newGithub(t, lag)
				return claimtest.Stand{
					Board: func(t *testing.T) claim.Board {
						return claim.NewRefBoard(g.statuses(t), g.client(t, "cyborg"), repo, g.policy())
					},
					Raw: func(t *testing.T) claim.Board { return g.statuses(t) },
					Subject: func(*testing.T) claim.Subject {
						return claim.Subject{Repo: "acme/widget", SHA: g.sha, Context: fmt.Sprint("verify/", g.n.Add(1))}
					},
					Ask: func(t *testing.T, s claim.Subject) {
						_, err := g.stef.PostStatus(t.Context(), repo, s.SHA, hub.Status{State: "pending", Context: strings.ToUpper(s.Context), Description: claim.NotTested})
						must(t, err)
					},
					Shows: g.shows, Lag: lag, Results: true, Ids: true,
				}
			})
		})
	}
}

// TestRefsNeedNoSettleWait: a claim is decided by GitHub itself. What remains is the wait of the hub's client for its own record.
func TestRefsNeedNoSettleWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGithub(t, 2*time.Second)
		s := claim.Subject{Repo: "acme/widget", SHA: g.sha, Context: "verify"}
		begin := time.Now()
		_, err := claim.Acquire(t.Context(), claim.NewRefBoard(g.statuses(t), g.client(t, "cyborg"), repo, g.policy()), s, claim.Owner{Name: "bot-1"}, g.policy())
		must(t, err)
		if d := time.Since(begin); d >= g.policy().Settle {
			t.Errorf("it took %s", d)
		}
	})
}

// TestRefIsHeld: a bot that has not seen the claim yet meets the ref.
func TestRefIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGithub(t, 0)
		board := func() claim.Board {
			return claim.NewRefBoard(&late{Board: g.statuses(t)}, g.client(t, "cyborg"), repo, g.policy())
		}
		first, err := claim.Acquire(t.Context(), board(), g.context("verify"), claim.Owner{Name: "bot-1"}, g.policy())
		must(t, err)
		_, err = claim.Acquire(t.Context(), board(), g.context("verify"), claim.Owner{Name: "bot-2"}, g.policy())
		if _, taken := errors.AsType[*claim.TakenError](err); !taken {
			t.Errorf("second claim: %v", err)
		}
		must(t, first.Fence(t.Context(), claim.Result{State: "success", Text: "uploaded"}))
	})
}

// TestRefsSayWhatCounts: a result that passed the fence counts, and is shown, whatever the log alone would say of its claim.
func TestRefsSayWhatCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGithub(t, 0)
		s := g.context("verify")
		b, raw := claim.NewRefBoard(g.statuses(t), g.client(t, "cyborg"), repo, g.policy()), g.statuses(t)
		mark := claim.Mark{Kind: claim.KindClaim, Name: "a", Nonce: "aaaaaaaa", Lease: claim.DefaultLease, State: "pending"}
		_, err := b.Post(t.Context(), s, mark)
		must(t, err)
		wait(t.Context(), 40*time.Minute)
		mark.Name, mark.Nonce = "b", "bbbbbbbb"
		_, err = raw.Post(t.Context(), s, mark) // b has no ref
		must(t, err)
		_, err = b.Post(t.Context(), s, claim.Mark{Kind: claim.KindResult, Name: "a", Nonce: "aaaaaaaa", State: "success", Human: "uploaded"})
		must(t, err)
		marks, now, err := b.Marks(t.Context(), s)
		must(t, err)
		v := claim.Decide(marks, now, g.policy())
		if v.State != claim.Done || v.Result.Nonce != "aaaaaaaa" {
			t.Errorf("%s", v.Why())
		}
		must(t, b.Show(t.Context(), s, v))
		must(t, b.Show(t.Context(), s, claim.Verdict{State: claim.Free, Newest: v.Newest})) // of a bot that saw less
		if shown := g.shows(t, s); shown != "success uploaded [a] aaaaaaaa" {
			t.Errorf("people see %q", shown)
		}
		_, err = b.Post(t.Context(), s, claim.Mark{Kind: claim.KindResult, Name: "b", Nonce: "bbbbbbbb", State: "failure", Human: "not uploaded"})
		if !errors.Is(err, claim.ErrTaken) {
			t.Errorf("b publishes: %v", err)
		}
	})
}
