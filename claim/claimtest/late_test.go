package claimtest_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/claim/hub"
)

// frozen statuses hold one write back for a while, whatever its context says, and may lose the answer to it.
type frozen struct {
	*hub.Client
	ctx  context.Context
	long time.Duration
	lost bool
}

func (f *frozen) PostStatus(ctx context.Context, repo hub.Repo, sha string, s hub.Status) (hub.Status, error) {
	if f.long == 0 {
		return f.Client.PostStatus(ctx, repo, sha, s)
	}
	<-time.After(f.long)
	f.long = 0
	posted, err := f.Client.PostStatus(f.ctx, repo, sha, s)
	if f.lost {
		err = &hub.AmbiguousError{Method: "POST", Path: "statuses", Err: context.DeadlineExceeded}
	}
	return posted, err
}

// TestLateRepairIsRepaired is seeds 3026988 and 3027255 of the simulator: a bot saw that people do not see the result that
// counts, and was frozen right before it wrote that; when it went on, a person had asked anew and a peer had done the job.
func TestLateRepairIsRepaired(t *testing.T) {
	for name, lost := range map[string]bool{"answered": false, "without an answer": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGithub(t, 0)
				s := claim.Subject{Repo: "acme/widget", SHA: g.sha, Context: "verify/late"}
				board := func() claim.Board { return claim.NewStatusBoard(g.client(t, "cyborg"), g.policy()) }
				do := func(name string, r claim.Result) string {
					c, err := claim.Acquire(t.Context(), board(), s, claim.Owner{Name: name}, g.policy())
					must(t, err)
					_, release := c.Keep(t.Context())
					must(t, release(r))
					return c.Nonce
				}
				do("first", claim.Result{State: "failure", Text: "3 tests failed"})
				_, err := board().Post(t.Context(), s, claim.Mark{Kind: claim.KindRelease, State: "pending", Nonce: "aaaaaaaa"})
				must(t, err)
				late := claim.NewStatusBoard(&frozen{Client: g.client(t, "cyborg"), ctx: t.Context(), long: time.Hour, lost: lost}, g.policy())
				marks, now, err := late.Marks(t.Context(), s)
				must(t, err)
				ended := make(chan error, 1)
				go func() { ended <- late.Show(t.Context(), s, claim.Decide(marks, now, g.policy())) }()
				<-time.After(time.Minute)
				_, err = g.stef.PostStatus(t.Context(), repo, s.SHA, hub.Status{State: "pending", Context: s.Context, Description: claim.NotTested})
				must(t, err)
				heir := do("heir", claim.Result{State: "success", Text: "Tests passed"})
				must(t, <-ended)
				if shown := g.shows(t, s); !strings.Contains(shown, heir) {
					t.Errorf("people see %q, and what counts is %s's", shown, heir)
				}
			})
		})
	}
}
