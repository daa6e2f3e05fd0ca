package claim_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/claim/claimtest"
	"github.com/cyborg-bots/cyborg/claim/hub"
)

// A scripted board does to the nth post, or the nth read, what the script says.
type scripted struct {
	claim.Board
	mu    sync.Mutex
	posts int
	reads int
	post  func(n int, m claim.Mark) (apply bool, err error)
	read  func(n int) error
	view  func(n int, marks []claim.Mark) []claim.Mark
}

func (b *scripted) Post(ctx context.Context, s claim.Subject, m claim.Mark) (claim.Mark, error) {
	b.mu.Lock()
	b.posts++
	n := b.posts
	b.mu.Unlock()
	if b.post == nil {
		return b.Board.Post(ctx, s, m)
	}
	apply, err := b.post(n, m)
	if !apply {
		return claim.Mark{}, err
	}
	posted, e := b.Board.Post(ctx, s, m)
	return posted, errors.Join(err, e)
}

func (b *scripted) Marks(ctx context.Context, s claim.Subject) ([]claim.Mark, time.Time, error) {
	b.mu.Lock()
	b.reads++
	n := b.reads
	b.mu.Unlock()
	if b.read != nil {
		if err := b.read(n); err != nil {
			return nil, time.Time{}, err
		}
	}
	marks, now, err := b.Board.Marks(ctx, s)
	if b.view != nil {
		marks = b.view(n, marks)
	}
	return marks, now, err
}

var noAnswer = &hub.AmbiguousError{Method: "POST", Path: "statuses", Status: 502, Err: errors.New("Bad Gateway")}

// TestAmbiguousWrites: a write whose answer was lost is there once, and counts once, whether it was applied or not.
func TestAmbiguousWrites(t *testing.T) {
	for _, what := range []string{"claim", "beat", "result", "release"} {
		for _, applied := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s applied %v", what, applied), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					m := claimtest.NewMemory(3, claimtest.Faults{})
					once := false
					b := &scripted{Board: m.Board("cyborg"), post: func(_ int, m claim.Mark) (bool, error) {
						if !once && m.Kind.String() == what {
							once = true
							return applied, noAnswer
						}
						return true, nil
					}}
					begin := time.Now()
					c := acquire(t, b, "bot-1", policyFor())
					if what == "claim" && time.Since(begin) < 35*time.Second {
						t.Errorf("after %s it believed that the claim will never be applied", time.Since(begin))
					}
					work, release := c.Keep(t.Context())
					wait(work, 50*time.Minute)
					result, want := claim.Result{State: "success", Text: "Tests passed"}, claim.Done
					if what == "release" {
						result, want = claim.Result{}, claim.Free
					}
					if err := release(result); err != nil {
						t.Fatalf("%v (%v)\n%s", err, context.Cause(work), texts(m))
					}
					if v := verdict(m); v.State != want || v.Tries > 1 || !once {
						t.Errorf("%s, try %d:\n%s", v.Why(), v.Tries, texts(m))
					}
				})
			})
		}
	}
}

// TestBeatWithoutAnswerRenews: the lease goes on from a beat that the next read shows.
func TestBeatWithoutAnswerRenews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := claimtest.NewMemory(3, claimtest.Faults{})
		b := &scripted{Board: m.Board("cyborg"), post: func(_ int, m claim.Mark) (bool, error) {
			if m.Kind == claim.KindBeat {
				return true, noAnswer // all of them
			}
			return true, nil
		}}
		c := acquire(t, b, "bot-1", policyFor())
		work, release := c.Keep(t.Context())
		wait(work, 3*time.Hour)
		if err := release(claim.Result{State: "success", Text: "Tests passed"}); err != nil {
			t.Fatalf("%v (%v)\n%s", err, context.Cause(work), texts(m))
		}
		if n := len(m.All(subject)); n > 20 {
			t.Errorf("%d records in three hours", n)
		}
	})
}

func TestRateLimitWhilePublishing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := claimtest.NewMemory(3, claimtest.Faults{})
		begin := time.Now()
		limited := 0
		b := &scripted{Board: m.Board("cyborg"), post: func(_ int, m claim.Mark) (bool, error) {
			if m.Kind == claim.KindResult && time.Since(begin) < 20*time.Minute {
				limited++
				return false, &hub.LimitedError{Until: begin.Add(20 * time.Minute)}
			}
			return true, nil
		}}
		c := acquire(t, b, "bot-1", policyFor())
		_, release := c.Keep(t.Context())
		if err := release(claim.Result{State: "success", Text: "Tests passed"}); err != nil {
			t.Fatal(err)
		}
		if limited != 1 {
			t.Errorf("asked %d times while limited", limited)
		}
	})
}

func TestRateLimitWhileClaiming(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := claimtest.NewMemory(3, claimtest.Faults{})
		want := &hub.LimitedError{Until: time.Now().Add(time.Hour)}
		b := &scripted{Board: m.Board("cyborg"), post: func(int, claim.Mark) (bool, error) { return false, want }}
		begin := time.Now()
		_, err := claim.Acquire(t.Context(), b, subject, owner("bot-1"), policyFor())
		if got, ok := errors.AsType[*hub.LimitedError](err); !ok || got != want || time.Since(begin) > time.Second {
			t.Errorf("after %s: %v", time.Since(begin), err)
		}
	})
}

func TestReset(t *testing.T) {
	for _, tt := range []struct {
		text string
		lost bool
	}{
		{"Not yet tested", true}, {"Not yet tested (direct trigger)", true}, {"Not yet tested: needs kvm, 0 of 3 bots have it", false},
		{"please wait", false},
	} {
		t.Run(tt.text, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := claimtest.NewMemory(3, claimtest.Faults{})
				c := acquire(t, m.Board("cyborg"), "bot-1", policyFor())
				work, release := c.Keep(t.Context())
				wait(work, time.Minute)
				m.Say(subject, "stef", "pending", tt.text)
				wait(work, 12*time.Minute)
				if errors.Is(context.Cause(work), claim.ErrLost) != tt.lost {
					t.Errorf("cause %v", context.Cause(work))
				}
				err := release(claim.Result{State: "success", Text: "Tests passed"})
				if errors.Is(err, claim.ErrLost) != tt.lost || verdict(m).State == claim.Done == tt.lost {
					t.Errorf("release: %v\n%s", err, texts(m))
				}
			})
		})
	}
}

// TestCancelWhileClaiming: a bot that is told to stop leaves no claim behind.
func TestCancelWhileClaiming(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := claimtest.NewMemory(3, claimtest.Faults{})
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		begin := time.Now()
		_, err := claim.Acquire(ctx, m.Board("cyborg"), subject, owner("bot-1"), policyFor())
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		if v := verdict(m); v.State != claim.Free || v.Tries != 1 || time.Since(begin) > 5*time.Second {
			t.Errorf("after %s: %s\n%s", time.Since(begin), v.Why(), texts(m))
		}
	})
}

// TestStopWhileWorking: the end of the bot's context ends the work at once, and the claim is kept until the work has stopped.
func TestStopWhileWorking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := claimtest.NewMemory(3, claimtest.Faults{})
		c := acquire(t, m.Board("cyborg"), "bot-1", policyFor())
		ctx, cancel := context.WithCancel(t.Context())
		work, release := c.Keep(ctx)
		cancel()
		if work.Err() == nil || errors.Is(context.Cause(work), claim.ErrLost) {
			t.Errorf("cause %v", context.Cause(work))
		}
		wait(t.Context(), time.Hour) // a long cleanup
		if v := verdict(m); v.State != claim.Held {
			t.Errorf("%s\n%s", v.Why(), texts(m))
		}
		begin := time.Now()
		m.Break(errors.New("502 Bad Gateway"))
		if err := release(claim.Result{State: "success", Text: "Tests passed"}); !errors.Is(err, claim.ErrLost) {
			t.Error(err)
		}
		if d := time.Since(begin); d > 2*time.Minute {
			t.Errorf("release took %s after the bot was stopped", d)
		}
	})
}

// TestSettleAdapts: a bot that sees GitHub lag waits longer, also with its next claims, and forgets it after an hour.
func TestSettleAdapts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := claimtest.NewMemory(9, claimtest.Faults{Lag: 20 * time.Second, Replicas: 2})
		p := policyFor()
		p.Patience = new(claim.Patience)
		took := func() time.Duration {
			begin := time.Now()
			c := acquire(t, m.Board("cyborg"), "bot-1", p)
			d := time.Since(begin)
			_, release := c.Keep(t.Context())
			if err := release(claim.Result{}); err != nil {
				t.Fatal(err)
			}
			wait(t.Context(), time.Minute)
			return d
		}
		took()
		if now := p.Patience.Settle(p.Settle, p.Lease, p.Elapsed()); now < 2*p.Settle {
			t.Errorf("waits %s after GitHub lagged more than %s", now, p.Settle)
		}
		if d := took(); d < 10*time.Second {
			t.Errorf("the next claim took %s", d)
		}
		if now := p.Patience.Settle(p.Settle, p.Lease, p.Elapsed()+2*time.Hour); now != p.Settle {
			t.Errorf("waits %s after two hours", now)
		}
	})
}

// TestReadsThatGoBackwards: #L11 a list that lacks what was seen is no reason to start, or to stop.
func TestReadsThatGoBackwards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := claimtest.NewMemory(5, claimtest.Faults{Lag: 4 * time.Second, Replicas: 4, Raw: true})
		c := acquire(t, m.Board("cyborg"), "bot-1", policyFor())
		work, release := c.Keep(t.Context())
		wait(work, 3*time.Hour)
		if err := release(claim.Result{State: "success", Text: "Tests passed"}); err != nil {
			t.Fatalf("%v (%v)", err, context.Cause(work))
		}
	})
}

// TestOldList: a list without what was seen before is no reason to end the work, to publish nothing, or to believe a subject free.
func TestOldList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := claimtest.NewMemory(5, claimtest.Faults{})
		b := &scripted{Board: m.Board("cyborg")}
		b.view = func(n int, marks []claim.Mark) []claim.Mark {
			if n%2 == 1 && n > 2 {
				return nil // every second read after the claim
			}
			return marks
		}
		c := acquire(t, b, "bot-1", policyFor())
		work, release := c.Keep(t.Context())
		wait(work, time.Hour)
		if err := release(claim.Result{State: "success", Text: "Tests passed"}); err != nil {
			t.Errorf("%v (%v)", err, context.Cause(work))
		}
		if v := verdict(m); v.State != claim.Done {
			t.Errorf("%s\n%s", v.Why(), texts(m))
		}
	})
}

// TestOwnRecordLate: while GitHub does not show a claim that it has taken, its bot neither starts nor claims again, and asks ever less often.
func TestOwnRecordLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := claimtest.NewMemory(5, claimtest.Faults{})
		begin := time.Now()
		b := &scripted{Board: m.Board("cyborg")}
		b.view = func(n int, marks []claim.Mark) []claim.Mark {
			if n == 2 { // a record with a higher id is there before the claim
				m.Say(subject, "cyborg", "pending", claim.Waiting("needs kvm"))
			}
			if time.Since(begin) < 100*time.Second {
				return slices.DeleteFunc(marks, func(m claim.Mark) bool { return m.Kind == claim.KindClaim })
			}
			return marks
		}
		acquire(t, b, "bot-1", policyFor())
		if d := time.Since(begin); d < 100*time.Second {
			t.Errorf("it began after %s, on a list without its claim", d)
		}
		if all := m.All(subject); len(all) != 2 || b.reads > 7 {
			t.Errorf("%d reads\n%s", b.reads, texts(m))
		}
	})
}

func TestCeilingWhileWorking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := claimtest.NewMemory(5, claimtest.Faults{})
		c := acquire(t, m.Board("cyborg"), "bot-1", policyFor())
		for range 950 {
			m.Say(subject, "other", "pending", "words")
		}
		_, writes := m.Requests()
		work, release := c.Keep(t.Context())
		wait(work, 26*time.Minute)
		if _, after := m.Requests(); after > writes+1 {
			t.Errorf("%d beats with 950 of 1000 records", after-writes)
		}
		if err := release(claim.Result{State: "success", Text: "Tests passed"}); err != nil {
			t.Fatal(err)
		}
		for range 40 {
			m.Say(subject, "other", "pending", "words")
		}
		m.Say(subject, "stef", "pending", claim.Triggered)
		_, err := claim.Acquire(t.Context(), m.Board("cyborg"), subject, owner("bot-1"), policyFor())
		if !errors.Is(err, claim.ErrDead) || !strings.Contains(err.Error(), "of GitHub's 1000") {
			t.Errorf("error %v", err)
		}
	})
}

func TestBadArguments(t *testing.T) {
	tests := []struct {
		name    string
		owner   string
		subject claim.Subject
		policy  func(*claim.Policy)
		want    string
	}{
		{"name", "two words", subject, nil, "letters, digits"},
		{"long name", strings.Repeat("n", 41), subject, nil, "1 to 40"},
		{"subject", "bot", claim.Subject{Repo: "acme/widget"}, nil, "neither an issue nor a commit"},
		{"repository", "bot", claim.Subject{Repo: "acme", Issue: 3}, nil, "not owner/name"},
		{"lease", "bot", subject, func(p *claim.Policy) { p.Lease = 25 * time.Hour }, "lease 25h0m0s"},
		{"settle", "bot", subject, func(p *claim.Policy) { p.Lease = 10 * time.Second }, "at most a third of the lease"},
	}
	for _, tt := range tests {
		p := claim.DefaultPolicy()
		if tt.policy != nil {
			tt.policy(&p)
		}
		_, err := claim.Acquire(t.Context(), claimtest.NewMemory(1, claimtest.Faults{}).Board("x"), tt.subject, owner(tt.owner), p)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// TestBoardThatHangs: what never answers ends neither the bot's patience nor the peers'.
func TestBoardThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := claimtest.NewMemory(5, claimtest.Faults{})
		b := &hanging{Board: m.Board("cyborg")}
		c := acquire(t, b, "bot-1", policyFor())
		b.hang.Store(true)
		begin := time.Now()
		work, release := c.Keep(t.Context())
		<-work.Done()
		if d := time.Since(begin); !errors.Is(context.Cause(work), claim.ErrLost) || d > 27*time.Minute {
			t.Errorf("after %s: %v", d, context.Cause(work))
		}
		if err := release(claim.Result{State: "success"}); !errors.Is(err, claim.ErrLost) {
			t.Errorf("release: %v", err)
		}
	})
}

type hanging struct {
	claim.Board
	hang atomic.Bool
}

func (h *hanging) Marks(ctx context.Context, s claim.Subject) ([]claim.Mark, time.Time, error) {
	if h.hang.Load() {
		<-ctx.Done()
		return nil, time.Time{}, ctx.Err()
	}
	return h.Board.Marks(ctx, s)
}

func (h *hanging) Post(ctx context.Context, s claim.Subject, m claim.Mark) (claim.Mark, error) {
	if h.hang.Load() {
		<-ctx.Done()
		return claim.Mark{}, ctx.Err()
	}
	return h.Board.Post(ctx, s, m)
}

func TestResultOfUnknownState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := claimtest.NewMemory(5, claimtest.Faults{})
		_, release := acquire(t, m.Board("cyborg"), "bot-1", policyFor()).Keep(t.Context())
		if err := release(claim.Result{State: "pending", Text: "Tests passed"}); err != nil {
			t.Fatal(err)
		}
		if v := verdict(m); v.State != claim.Done || v.Result.State != "error" {
			t.Errorf("%s\n%s", v.Why(), texts(m))
		}
	})
}

// TestRefusedAtTheEnd: a bot that may not read when it wants to publish does not publish a little later.
func TestRefusedAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := claimtest.NewMemory(3, claimtest.Faults{})
		work, release := acquire(t, m.Board("cyborg"), "bot-1", policyFor()).Keep(t.Context())
		wait(work, time.Minute)
		m.Break(hub.ErrUnauthorized)
		go func() {
			wait(t.Context(), 45*time.Second)
			m.Break(nil)
		}()
		if err := release(claim.Result{State: "success", Text: "Tests passed"}); !errors.Is(err, claim.ErrLost) || !errors.Is(err, hub.ErrUnauthorized) {
			t.Errorf("release: %v", err)
		}
		wait(t.Context(), time.Hour)
		if v := verdict(m); v.State == claim.Done {
			t.Errorf("%s", v.Why())
		}
	})
}
