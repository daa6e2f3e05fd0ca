package claimtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
)

// A Stand is a board to be examined, with what an examiner must know of it. All times are virtual: each check runs in a
// synctest bubble of its own, so what is behind the board must wait with timers, and start no process.
type Stand struct {
	// Board gives the board as another bot sees it, with nothing remembered. All bots use one account.
	Board func(t *testing.T) claim.Board
	// Raw gives a board that posts whatever it is told, if Board does not. Nil: Board.
	Raw func(t *testing.T) claim.Board
	// Subject gives a subject that nobody has touched.
	Subject func(t *testing.T) claim.Subject
	// Ask is what a person does who wants the job done again, or takes it from a bot.
	Ask func(t *testing.T, s claim.Subject)
	// Shows gives what people see.
	Shows func(t *testing.T, s claim.Subject) string
	// Lag is after how long every read shows what was written.
	Lag time.Duration
	// Results tells that a result is a mark, after which the subject is Done; without, it is an effect, after which it is
	// Free.
	Results bool
	// Ids tells that Post gives ids.
	Ids bool
}

// Board runs the suite: a package with a board calls it from a test, with a function that makes a Stand on a fresh
// server. A new check is a function below and a line in the list.
func Board(t *testing.T, stand func(t *testing.T) Stand) {
	for _, c := range []struct {
		name  string
		check func(t *testing.T, s Stand)
	}{
		{"empty", checkEmpty},
		{"marks are kept as they were posted", checkKept},
		{"one subject's marks are not another's", checkSubjects},
		{"long logs have no hole", checkLong},
		{"race", checkRace},
		{"result", checkResult},
		{"release", checkRelease},
		{"takeover", checkTakeover},
		{"a person asks again", checkAsk},
		{"showing changes nothing", checkShow},
		{"ended context", checkEnded},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { c.check(t, stand(t)) })
		})
	}
}

func (s Stand) raw(t *testing.T) claim.Board {
	if s.Raw != nil {
		return s.Raw(t)
	}
	return s.Board(t)
}

func (s Stand) policy() claim.Policy {
	p := claim.DefaultPolicy()
	begin := time.Now()
	p.Elapsed = func() time.Duration { return time.Since(begin) }
	p.Settle = max(p.Settle, s.Lag+time.Second)
	p.Racers = s.Results
	return p
}

// marks reads what is there when all replicas have caught up.
func (s Stand) marks(t *testing.T, subject claim.Subject) ([]claim.Mark, time.Time) {
	t.Helper()
	pause(t.Context(), s.Lag)
	marks, now, err := s.Board(t).Marks(t.Context(), subject)
	if err != nil {
		t.Fatalf("read marks: %v", err)
	}
	return marks, now
}

func (s Stand) verdict(t *testing.T, subject claim.Subject) claim.Verdict {
	t.Helper()
	marks, now := s.marks(t, subject)
	return claim.Decide(marks, now, s.policy())
}

func (s Stand) acquire(t *testing.T, subject claim.Subject, name string) *claim.Claim {
	t.Helper()
	c, err := claim.Acquire(t.Context(), s.Board(t), subject, claim.Owner{Name: name}, s.policy())
	if err != nil {
		t.Fatalf("claim as %s: %v", name, err)
	}
	return c
}

func pause(ctx context.Context, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	<-ctx.Done()
}

func checkEmpty(t *testing.T, s Stand) {
	marks, now := s.marks(t, s.Subject(t))
	if len(marks) != 0 {
		t.Errorf("marks of a fresh subject: %+v", marks)
	}
	if d := time.Since(now); d < -2*time.Second || d > 2*time.Second {
		t.Errorf("the board's clock is %s, mine %s", now, time.Now())
	}
}

func checkKept(t *testing.T, s Stand) {
	subject, b := s.Subject(t), s.raw(t)
	begin := time.Now()
	list := []claim.Mark{
		{Kind: claim.KindClaim, Name: "bot-1", Nonce: "k7m2q9xa", Lease: 10 * time.Minute, State: "pending", URL: "https://logs.example/1"},
		{Kind: claim.KindBeat, Name: "bot-1", Nonce: "k7m2q9xa", Lease: 10 * time.Minute, Beat: 200 * time.Second, State: "pending", URL: "https://logs.example/1"},
		{Kind: claim.KindClaim, Name: "bot-2", Nonce: "aaaaaaaa", Lease: claim.DefaultLease, State: "pending", URL: "https://logs.example/2"},
		{Kind: claim.KindBeat, Name: "bot-1", Nonce: "k7m2q9xa", Lease: 10 * time.Minute, Beat: 400 * time.Second, State: "pending", URL: "https://logs.example/1"},
	}
	var last int64
	for _, m := range list {
		posted, err := b.Post(t.Context(), subject, m)
		if err != nil {
			t.Fatalf("post: %v", err)
		}
		if s.Ids && posted.ID <= last {
			t.Errorf("id %d after %d", posted.ID, last)
		}
		if posted.Nonce != m.Nonce || posted.Kind != m.Kind || posted.At.IsZero() {
			t.Errorf("posted %+v, got %+v", m, posted)
		}
		last = posted.ID
		pause(t.Context(), s.Lag+time.Second)
	}
	pause(t.Context(), s.Lag)
	got, _, err := s.raw(t).Marks(t.Context(), subject)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(got, func(a, b claim.Mark) int { return cmp.Compare(a.ID, b.ID) })
	if len(got) != len(list) {
		t.Fatalf("%d marks, want %d: %+v", len(got), len(list), got)
	}
	last = 0
	for i, m := range got {
		w := list[i]
		if m.ID <= last || m.Kind != w.Kind || m.Name != w.Name || m.Nonce != w.Nonce || m.Lease != w.Lease || m.Beat != w.Beat {
			t.Errorf("mark %d is %+v, posted %+v", i, m, w)
		}
		if m.Creator == "" || m.At.Before(begin.Add(-2*time.Second)) || m.At.After(time.Now().Add(2*time.Second)) {
			t.Errorf("mark %d by %q at %s", i, m.Creator, m.At)
		}
		if s.Results && m.URL != w.URL {
			t.Errorf("mark %d has address %q", i, m.URL)
		}
		last = m.ID
	}
}

func checkSubjects(t *testing.T, s Stand) {
	one, two := s.Subject(t), s.Subject(t)
	s.acquire(t, one, "bot-1")
	if v := s.verdict(t, two); v.State != claim.Free || v.Count != 0 {
		t.Errorf("another subject is %s", v.Why())
	}
	if v := s.verdict(t, one); v.State != claim.Held {
		t.Errorf("the subject is %s", v.Why())
	}
}

// checkLong wants more marks than fit on a page, read by one who has read before, and by one who has not.
func checkLong(t *testing.T, s Stand) {
	subject, b := s.Subject(t), s.raw(t)
	const n = 260
	for i := range n {
		m := claim.Mark{Kind: claim.KindBeat, Name: "bot-1", Nonce: "k7m2q9xa", Lease: claim.DefaultLease, Beat: time.Duration(i) * time.Second, State: "pending"}
		if i == 0 {
			m.Kind = claim.KindClaim
		}
		if i == 1 {
			pause(t.Context(), s.Lag)
		}
		if _, err := b.Post(t.Context(), subject, m); err != nil {
			t.Fatal(err)
		}
		if i == 130 {
			pause(t.Context(), s.Lag+5*time.Minute)
			if _, _, err := b.Marks(t.Context(), subject); err != nil {
				t.Fatal(err)
			}
		}
	}
	pause(t.Context(), s.Lag)
	for name, reader := range map[string]claim.Board{"old": b, "new": s.raw(t)} {
		marks, _, err := reader.Marks(t.Context(), subject)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[time.Duration]bool{}
		for _, m := range marks {
			seen[m.Beat] = true
		}
		if len(marks) != n || len(seen) != n {
			t.Errorf("the %s reader has %d marks, %d of them different, of %d", name, len(marks), len(seen), n)
		}
	}
}

func checkRace(t *testing.T, s Stand) {
	subject := s.Subject(t)
	var mu sync.Mutex
	var won []*claim.Claim
	var group sync.WaitGroup
	for i := range 6 {
		b := s.Board(t)
		group.Go(func() {
			c, err := claim.Acquire(t.Context(), b, subject, claim.Owner{Name: fmt.Sprintf("bot-%d", i)}, s.policy())
			mu.Lock()
			defer mu.Unlock()
			if _, taken := errors.AsType[*claim.TakenError](err); err != nil && !taken {
				t.Errorf("bot-%d: %v", i, err)
			} else if err == nil {
				won = append(won, c)
			}
		})
	}
	group.Wait()
	if len(won) != 1 {
		t.Fatalf("%d of 6 have the subject", len(won))
	}
	if v := s.verdict(t, subject); !v.Mine(won[0].Nonce) {
		t.Errorf("%s has it, and the log says %s", won[0].Nonce, v.Why())
	}
	_, release := won[0].Keep(t.Context())
	if err := release(claim.Result{}); err != nil {
		t.Error(err)
	}
}

func checkResult(t *testing.T, s Stand) {
	subject := s.Subject(t)
	c := s.acquire(t, subject, "bot-1")
	work, release := c.Keep(t.Context())
	pause(work, 50*time.Minute)
	if err := release(claim.Result{State: "success", Text: "Tests passed"}); err != nil {
		t.Fatalf("publish: %v (%v)", err, context.Cause(work))
	}
	v := s.verdict(t, subject)
	if s.Results && (v.State != claim.Done || v.Result.Nonce != c.Nonce || v.Result.State != "success" || v.NeedsRepair()) {
		t.Errorf("%s", v.Why())
	}
	if !s.Results && v.State != claim.Free {
		t.Errorf("%s", v.Why())
	}
	_, err := claim.Acquire(t.Context(), s.Board(t), subject, claim.Owner{Name: "bot-2"}, s.policy())
	if taken, ok := errors.AsType[*claim.TakenError](err); s.Results && (!ok || taken.Verdict.State != claim.Done) {
		t.Errorf("claim of what is done: %v", err)
	}
}

func checkRelease(t *testing.T, s Stand) {
	subject := s.Subject(t)
	before := s.Shows(t, subject)
	c := s.acquire(t, subject, "bot-1")
	if shown := s.Shows(t, subject); shown == before {
		t.Errorf("people see %q while a bot works", shown)
	}
	_, release := c.Keep(t.Context())
	if err := release(claim.Result{}); err != nil {
		t.Fatal(err)
	}
	if v := s.verdict(t, subject); v.State != claim.Free {
		t.Errorf("%s", v.Why())
	}
	s.acquire(t, subject, "bot-2")
}

func checkTakeover(t *testing.T, s Stand) {
	subject := s.Subject(t)
	dead := s.acquire(t, subject, "dead")
	b := s.Board(t)
	pause(t.Context(), claim.DefaultLease-10*time.Second)
	if _, err := claim.Acquire(t.Context(), b, subject, claim.Owner{Name: "heir"}, s.policy()); err == nil {
		t.Fatal("taken over before the lease was over")
	}
	pause(t.Context(), claim.Epsilon(claim.DefaultLease)+20*time.Second)
	heir := s.acquire(t, subject, "heir")
	if heir.Verdict.Tries != 2 {
		t.Errorf("try %d", heir.Verdict.Tries)
	}
	if err := dead.Check(t.Context()); !errors.Is(err, claim.ErrLost) {
		t.Errorf("the old owner's claim: %v", err)
	}
	if err := heir.Check(t.Context()); err != nil {
		t.Errorf("the new owner's claim: %v", err)
	}
}

func checkAsk(t *testing.T, s Stand) {
	subject := s.Subject(t)
	c := s.acquire(t, subject, "bot-1")
	work, release := c.Keep(t.Context())
	pause(work, time.Minute)
	s.Ask(t, subject)
	pause(work, 15*time.Minute)
	if !errors.Is(context.Cause(work), claim.ErrLost) {
		t.Errorf("the work goes on: %v", context.Cause(work))
	}
	shown := s.Shows(t, subject)
	if err := release(claim.Result{State: "success", Text: "Tests passed"}); !errors.Is(err, claim.ErrLost) {
		t.Errorf("published: %v", err)
	}
	if now := s.Shows(t, subject); now != shown {
		t.Errorf("people saw %q, and see %q", shown, now)
	}
	s.acquire(t, subject, "bot-2")
}

// checkShow shows twice in every state: nothing of what the log comes to may change, and what is right is left alone.
func checkShow(t *testing.T, s Stand) {
	subject := s.Subject(t)
	show := func(state claim.State) {
		t.Helper()
		v := s.verdict(t, subject)
		if v.State != state && s.Results {
			t.Fatalf("%s, want %s", v.Why(), state)
		}
		for range 2 {
			if err := s.Board(t).Show(t.Context(), subject, v); err != nil {
				t.Fatalf("show: %v", err)
			}
		}
		after := s.verdict(t, subject)
		if after.State != v.State || after.Owner.ID != v.Owner.ID || after.Result.ID != v.Result.ID || after.Attempt != v.Attempt || after.Count != v.Count {
			t.Errorf("showing changed %s to %s", v.Why(), after.Why())
		}
	}
	show(claim.Free)
	c := s.acquire(t, subject, "bot-1")
	show(claim.Held)
	_, release := c.Keep(t.Context())
	if err := release(claim.Result{State: "failure", Text: "1 test failed"}); err != nil {
		t.Fatal(err)
	}
	show(claim.Done)
	if !s.Results {
		return
	}
	late := claim.Mark{Kind: claim.KindResult, State: "success", Name: "late", Nonce: "aaaaaaaa", Human: "Tests passed"}
	if _, err := s.raw(t).Post(t.Context(), subject, late); err != nil {
		t.Fatal(err)
	}
	v := s.verdict(t, subject)
	if !v.NeedsRepair() || v.Result.Nonce != c.Nonce {
		t.Fatalf("after a late result: %s", v.Why())
	}
	var group sync.WaitGroup
	for range 5 { // all scanners see it
		b := s.Board(t)
		group.Go(func() {
			if err := b.Show(t.Context(), subject, v); err != nil {
				t.Errorf("show: %v", err)
			}
		})
	}
	group.Wait()
	if v := s.verdict(t, subject); v.NeedsRepair() || v.Result.Nonce != c.Nonce {
		t.Errorf("after the repair: %s, shown %s", v.Why(), v.Newest.State)
	}
}

func checkEnded(t *testing.T, s Stand) {
	subject := s.Subject(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b := s.Board(t)
	if _, _, err := b.Marks(ctx, subject); err == nil {
		t.Error("read with an ended context")
	}
	if _, err := b.Post(ctx, subject, claim.Mark{Kind: claim.KindClaim, Name: "bot-1", Nonce: "k7m2q9xa", Lease: claim.DefaultLease, State: "pending"}); err == nil {
		t.Error("posted with an ended context")
	}
	if marks, _ := s.marks(t, subject); len(marks) != 0 {
		t.Errorf("marks %+v", marks)
	}
}
