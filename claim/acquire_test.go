package claim_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/claim/claimtest"
	"github.com/cyborg-bots/cyborg/claim/hub"
)

var subject = claim.Subject{Repo: "acme/widget", SHA: strings.Repeat("a1", 20), Context: "verify"}

// policyFor is the default policy on the clock of a synctest bubble.
func policyFor() claim.Policy {
	p := claim.DefaultPolicy()
	begin := time.Now()
	p.Elapsed = func() time.Duration { return time.Since(begin) }
	return p
}

func owner(name string) claim.Owner {
	return claim.Owner{Name: name, Log: func(nonce string) string { return "https://logs.example/" + nonce }}
}

// texts gives the log of the subject as people read it.
func texts(m *claimtest.Memory) string {
	var b strings.Builder
	for _, mark := range m.All(subject) {
		b.WriteString(claim.FormatStatusText(mark) + "\n")
	}
	return b.String()
}

// verdict is what the whole log comes to now.
func verdict(m *claimtest.Memory) claim.Verdict {
	return claim.Decide(m.All(subject), time.Now(), claim.DefaultPolicy())
}

func acquire(t *testing.T, b claim.Board, name string, p claim.Policy) *claim.Claim {
	t.Helper()
	c, err := claim.Acquire(t.Context(), b, subject, owner(name), p)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func wait(ctx context.Context, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	<-ctx.Done()
}

func TestQuietJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := claimtest.NewMemory(1, claimtest.Faults{})
		c := acquire(t, m.Board("cyborg"), "bot-1", policyFor())
		work, release := c.Keep(t.Context())
		wait(work, 5*time.Minute)
		if err := work.Err(); err != nil {
			t.Fatal(err)
		}
		if err := c.Check(t.Context()); err != nil {
			t.Error(err)
		}
		if err := release(claim.Result{State: "success", Text: "Tests passed"}); err != nil {
			t.Fatal(err)
		}
		if err := release(claim.Result{}); err != nil {
			t.Errorf("second release: %v", err)
		}
		want := fmt.Sprintf("Testing in progress [bot-1] %[1]s 30m\nTests passed [bot-1] %[1]s\n", c.Nonce)
		if got := texts(m); got != want {
			t.Errorf("log:\n%swant:\n%s", got, want)
		}
		if all := m.All(subject); all[0].URL != "https://logs.example/"+c.Nonce || all[1].URL != all[0].URL {
			t.Errorf("addresses %q, %q", all[0].URL, all[1].URL)
		}
		// Five requests is the design's price of a job without beats; one read more is Check's.
		if reads, writes := m.Requests(); reads != 3+1 || writes != 2 {
			t.Errorf("%d reads, %d writes", reads, writes)
		}
		if work.Err() == nil {
			t.Error("the work's context goes on after the release")
		}
	})
}

func TestHourWithBeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := claimtest.NewMemory(1, claimtest.Faults{})
		c := acquire(t, m.Board("cyborg"), "bot-1", policyFor())
		work, release := c.Keep(t.Context())
		wait(work, time.Hour)
		if err := release(claim.Result{State: "failure", Text: "3 tests failed"}); err != nil {
			t.Fatal(err)
		}
		var kinds []string
		for _, mark := range m.All(subject) {
			kinds = append(kinds, mark.Kind.String())
		}
		if got := strings.Join(kinds, " "); got != "claim beat beat beat beat beat beat result" && got != "claim beat beat beat beat beat result" {
			t.Errorf("log: %s", got)
		}
		if reads, writes := m.Requests(); reads+writes > 17 {
			t.Errorf("%d reads, %d writes for an hour", reads, writes)
		}
	})
}

func TestContested(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := claimtest.NewMemory(7, claimtest.Faults{Lag: 3 * time.Second, Replicas: 3, Delay: time.Second})
		const bots = 8
		var won []*claim.Claim
		var mu sync.Mutex
		var wg sync.WaitGroup
		for i := range bots {
			wg.Go(func() {
				b := m.Board("cyborg")
				c, err := claim.Acquire(t.Context(), b, subject, owner(fmt.Sprintf("bot-%d", i)), policyFor())
				mu.Lock()
				defer mu.Unlock()
				taken, ok := errors.AsType[*claim.TakenError](err)
				switch {
				case err == nil:
					won = append(won, c)
				case !ok:
					t.Error(err)
				case taken.Verdict.State != claim.Held || !strings.Contains(taken.Error(), "held by bot-"):
					t.Errorf("loser was told %q", taken)
				}
			})
		}
		wg.Wait()
		if len(won) != 1 {
			t.Fatalf("%d bots have the subject:\n%s", len(won), texts(m))
		}
		// A loser posts one status and reads twice: seven points.
		if reads, writes := m.Requests(); writes > bots || reads > 2*bots {
			t.Errorf("%d reads, %d writes for %d bots", reads, writes, bots)
		}
		_, release := won[0].Keep(t.Context())
		if err := release(claim.Result{}); err != nil {
			t.Error(err)
		}
	})
}

// TestTakeover: a bot that is gone costs its lease and the difference of clocks, and not a second less.
func TestTakeover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := claimtest.NewMemory(3, claimtest.Faults{})
		acquire(t, m.Board("cyborg"), "dead", policyFor())
		claimed := m.All(subject)[0].At
		open := claimed.Add(claim.DefaultLease + claim.Epsilon(claim.DefaultLease))
		b := m.Board("cyborg")
		for {
			c, err := claim.Acquire(t.Context(), b, subject, owner("heir"), policyFor())
			if _, taken := errors.AsType[*claim.TakenError](err); taken {
				wait(t.Context(), 7*time.Second)
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			second := m.All(subject)[1]
			if !second.At.After(open) || second.At.Sub(open) > 10*time.Second {
				t.Errorf("taken over %s after the time when it may be", second.At.Sub(open))
			}
			if c.Verdict.Tries != 2 || !strings.HasPrefix(second.Text, "Testing in progress, try 2 of 20 [heir]") {
				t.Errorf("try %d: %s", c.Verdict.Tries, second.Text)
			}
			_, release := c.Keep(t.Context())
			if err := release(claim.Result{State: "success", Text: "Tests passed"}); err != nil {
				t.Error(err)
			}
			return
		}
	})
}

// TestPausedBeyondTheLease: whatever stops a bot (SIGSTOP, suspend, a dead network), afterwards it must not publish.
func TestPausedBeyondTheLease(t *testing.T) {
	for _, tt := range []struct {
		name string
		gap  time.Duration
		lost bool
	}{{"short", 20 * time.Minute, false}, {"just too long", 27 * time.Minute, true}, {"long", 2 * time.Hour, true}} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := claimtest.NewMemory(3, claimtest.Faults{})
				var asleep time.Duration // read and written by this goroutine and the bubble's, one at a time
				var mu sync.Mutex
				p := policyFor()
				since := p.Elapsed
				p.Elapsed = func() time.Duration { mu.Lock(); defer mu.Unlock(); return since() + asleep }
				c := acquire(t, m.Board("cyborg"), "sleeper", p)
				work, release := c.Keep(t.Context())
				wait(work, time.Second)
				// The machine sleeps: no timer of Go's runs, only the kernel's clock since boot does.
				mu.Lock()
				asleep = tt.gap
				mu.Unlock()
				wait(work, 15*time.Second)
				if ended := errors.Is(context.Cause(work), claim.ErrLost); ended != tt.lost {
					t.Errorf("after a pause of %s: %v", tt.gap, context.Cause(work))
				}
				err := release(claim.Result{State: "success", Text: "Tests passed"})
				if errors.Is(err, claim.ErrLost) != tt.lost {
					t.Errorf("release: %v", err)
				}
				if published := verdict(m).State == claim.Done; published == tt.lost {
					t.Errorf("log:\n%s", texts(m))
				}
			})
		})
	}
}

func TestPartition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := claimtest.NewMemory(3, claimtest.Faults{})
		c := acquire(t, m.Board("cyborg"), "bot-1", policyFor())
		begin := time.Now()
		work, release := c.Keep(t.Context())
		m.Break(&hub.AmbiguousError{Method: "POST", Err: errors.New("no route to host")})
		wait(work, 2*time.Hour)
		if !errors.Is(context.Cause(work), claim.ErrLost) {
			t.Errorf("cause %v", context.Cause(work))
		}
		if d := time.Since(begin); d < 26*time.Minute || d > 27*time.Minute {
			t.Errorf("the work was stopped after %s", d)
		}
		m.Break(nil)
		if err := release(claim.Result{State: "success", Text: "Tests passed"}); !errors.Is(err, claim.ErrLost) {
			t.Errorf("release: %v", err)
		}
		if len(m.All(subject)) != 1 {
			t.Errorf("log:\n%s", texts(m))
		}
	})
}

// TestOutageWithinTheLease: #L12 the safety check killed good runs.
func TestOutageWithinTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := claimtest.NewMemory(3, claimtest.Faults{})
		c := acquire(t, m.Board("cyborg"), "bot-1", policyFor())
		work, release := c.Keep(t.Context())
		for range 4 {
			m.Break(errors.New("502 Bad Gateway"))
			wait(work, 15*time.Minute)
			m.Break(nil)
			wait(work, 10*time.Minute)
		}
		if err := work.Err(); err != nil {
			t.Fatal(context.Cause(work))
		}
		if err := release(claim.Result{State: "success", Text: "Tests passed"}); err != nil {
			t.Fatal(err)
		}
	})
}

func TestTokenRevoked(t *testing.T) {
	for _, refusal := range []error{hub.ErrUnauthorized, hub.ErrForbidden, hub.ErrGone} {
		synctest.Test(t, func(t *testing.T) {
			m := claimtest.NewMemory(3, claimtest.Faults{})
			c := acquire(t, m.Board("cyborg"), "bot-1", policyFor())
			work, release := c.Keep(t.Context())
			wait(work, time.Minute)
			m.Break(refusal)
			_, before := m.Requests()
			wait(work, 25*time.Minute)
			if _, after := m.Requests(); after != before {
				t.Errorf("%v: %d writes after it", refusal, after-before)
			}
			if err := release(claim.Result{State: "success", Text: "Tests passed"}); !errors.Is(err, claim.ErrLost) || !errors.Is(err, refusal) {
				t.Errorf("release: %v", err)
			}
			if verdict(m).State == claim.Done {
				t.Errorf("log:\n%s", texts(m))
			}
		})
	}
}

func TestRevokedForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := claimtest.NewMemory(3, claimtest.Faults{})
		c := acquire(t, m.Board("cyborg"), "bot-1", policyFor())
		work, release := c.Keep(t.Context())
		wait(work, time.Minute)
		m.Break(hub.ErrGone)
		wait(work, 12*time.Minute)
		m.Break(nil)
		wait(work, time.Hour)
		if err := release(claim.Result{State: "success", Text: "Tests passed"}); err != nil {
			t.Errorf("release: %v (%v)\n%s", err, context.Cause(work), texts(m))
		}
	})
}

// TestGivenUp: after so many claims without a result people read that nobody takes the job, and no bot tries.
func TestGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := claimtest.NewMemory(3, claimtest.Faults{})
		p := policyFor()
		p.Tries = 2
		for range p.Tries {
			c := acquire(t, m.Board("cyborg"), "unlucky", p)
			_, release := c.Keep(t.Context())
			if err := release(claim.Result{}); err != nil {
				t.Fatal(err)
			}
		}
		b := m.Board("cyborg")
		_, err := claim.Acquire(t.Context(), b, subject, owner("next"), p)
		taken, ok := errors.AsType[*claim.TakenError](err)
		if !ok || !errors.Is(err, claim.ErrDead) {
			t.Fatalf("claimed after %d tries: %v", p.Tries, err)
		}
		mark, needed := taken.Verdict.Repair()
		want := `Not yet tested: given up: 2 claims brought no result; ask again with "Not yet tested (direct trigger)"`
		if !needed || claim.FormatStatusText(mark) != want || !claim.ParseStatusText("pending", want).GaveUp() {
			t.Errorf("people read %q", claim.FormatStatusText(mark))
		}
		if posted, err := b.Post(t.Context(), subject, mark); err != nil || !posted.GaveUp() {
			t.Errorf("%v, %v", posted, err)
		}
		marks, now, err := b.Marks(t.Context(), subject)
		if v := claim.Decide(marks, now, p); err != nil || v.State != claim.Dead || v.NeedsRepair() {
			t.Errorf("it is said again and again: %v, %v", v.Why(), err)
		}
	})
}
