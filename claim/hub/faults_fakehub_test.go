package hub_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/selftest/fakehub"
)

// How far behind the emulator may be in the storm, in all.
const behind = 12 * time.Second

func storm() fakehub.Faults {
	s := fakehub.Duration(time.Second)
	return fakehub.Faults{
		Lag: fakehub.Lag{Statuses: 3 * s, Jitter: 2 * s}, BackwardReads: 0.1, BackwardBy: 4 * s, LateIDs: 0.1, LateBy: 3 * s,
		LostAcks: 0.1, FailBefore: 0.05, FailAfter: 0.05, Killed: 0.02, Limited: 0.02, SlowBodies: 0.05, SlowBy: 2 * s, Latency: s / 5,
	}
}

// A sailor is one client in the storm, and what it has been told.
type sailor struct {
	t      *testing.T
	w      *world
	c      *hub.Client
	name   string
	seen   []int64 // ids that must be in every list from now on
	counts map[string]int

	mu     *sync.Mutex
	denied map[string]string // description → the kind of error by which it was certainly not posted
	taken  map[string]int64  // description → id
}

// Whatever goes wrong, each answer is what it says: a write that succeeded is there, one that was refused, limited or not sent is not, and a
// list that came without an error lacks nothing that was seen before, nor anything older than replicas can lag.
func TestStorm(t *testing.T) {
	all := map[string]int{}
	for seed := range uint64(2) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, fakehub.Options{Seed: seed})
				w.must(w.srv.SetFaults(storm()))
				var mu sync.Mutex
				denied, taken := map[string]string{}, map[string]int64{}
				var crew []*sailor
				var wg sync.WaitGroup
				for i := range 3 {
					s := &sailor{
						t: t, w: w, c: w.client("bot"), name: fmt.Sprint("bot-", i), counts: map[string]int{},
						mu: &mu, denied: denied, taken: taken,
					}
					crew = append(crew, s)
					random := rand.New(rand.NewPCG(seed, uint64(i)))
					wg.Go(func() {
						for n := range 70 {
							s.step(n, random)
						}
					})
				}
				wg.Wait()
				total := map[string]int{}
				for _, s := range crew {
					for k, n := range s.counts {
						total[k] += n
					}
				}
				checkTruth(t, w, denied, taken)
				t.Log(total)
				for k, n := range total {
					all[k] += n
				}
			})
		})
	}
	for _, kind := range []string{"posted", "post ambiguous", "read", "read stale", "read limited"} {
		if all[kind] == 0 {
			t.Errorf("the storm had no %q: %v", kind, all)
		}
	}
}

func (s *sailor) step(n int, random *rand.Rand) {
	<-time.After(time.Duration(random.IntN(3000)) * time.Millisecond)
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	defer cancel()
	if n%3 == 0 {
		s.post(ctx, fmt.Sprintf("%s post %d", s.name, n))
	}
	begun := time.Now()
	must := slices.Clone(s.seen)
	list, _, err := s.c.Statuses(ctx, widget, s.w.sha, 0)
	switch kind := kindOf(err); kind {
	case "":
		s.counts["read"]++
		s.check(list, must, begun)
		for _, st := range list {
			if !slices.Contains(s.seen, st.ID) {
				s.seen = append(s.seen, st.ID)
			}
		}
	case "stale", "limited", "unavailable":
		s.counts["read "+kind]++
	default:
		s.counts["read failed"]++
	}
	if limited, ok := errors.AsType[*hub.LimitedError](err); ok {
		<-time.After(time.Until(limited.Until))
	}
}

func (s *sailor) post(ctx context.Context, text string) {
	st, err := s.c.PostStatus(ctx, widget, s.w.sha, hub.Status{State: "pending", Context: "verify", Description: text})
	kind := kindOf(err)
	s.mu.Lock()
	switch kind {
	case "":
		s.counts["posted"]++
		s.seen = append(s.seen, st.ID)
		s.taken[text] = st.ID
	case "refused", "limited", "not sent":
		s.denied[text] = kind
		s.counts["post "+kind]++
	case "ambiguous":
		s.counts["post "+kind]++
	default:
		s.t.Errorf("%s: %v", text, err)
	}
	s.mu.Unlock()
	if limited, ok := errors.AsType[*hub.LimitedError](err); ok {
		<-time.After(time.Until(limited.Until))
	}
}

// check holds a list that came without an error against what was seen, and against what is older than any replica.
func (s *sailor) check(list []hub.Status, must []int64, begun time.Time) {
	has := map[int64]bool{}
	for i, st := range list {
		has[st.ID] = true
		if i > 0 && list[i-1].ID <= st.ID {
			s.t.Errorf("%s: %d after %d", s.name, st.ID, list[i-1].ID)
		}
	}
	for _, id := range must {
		if !has[id] {
			s.t.Errorf("%s: %d was seen before and is missing", s.name, id)
		}
	}
	for _, st := range s.w.srv.Truth().Statuses("acme/widget", s.w.sha) {
		if begun.Sub(st.Received) > behind && !has[st.ID] {
			s.t.Errorf("%s: %d is %v old and missing", s.name, st.ID, begun.Sub(st.Received))
		}
	}
}

func checkTruth(t *testing.T, w *world, denied map[string]string, taken map[string]int64) {
	times := map[string]int{}
	for _, st := range w.srv.Truth().Statuses("acme/widget", w.sha) {
		times[st.Description]++
		if kind, ok := denied[st.Description]; ok {
			t.Errorf("%q is there and was %s", st.Description, kind)
		}
		if id, ok := taken[st.Description]; ok && id != st.ID {
			t.Errorf("%q is %d, not %d", st.Description, st.ID, id)
		}
	}
	for text, n := range times {
		if n > 1 { // probot#921
			t.Errorf("%q is there %d times", text, n)
		}
	}
	for text := range taken {
		if times[text] != 1 {
			t.Errorf("%q was posted and is there %d times", text, times[text])
		}
	}
}

func kindOf(err error) string {
	if err == nil {
		return ""
	}
	if _, ok := errors.AsType[*hub.AmbiguousError](err); ok {
		return "ambiguous"
	}
	if _, ok := errors.AsType[*hub.NotSentError](err); ok {
		return "not sent"
	}
	if _, ok := errors.AsType[*hub.LimitedError](err); ok {
		return "limited"
	}
	if _, ok := errors.AsType[*hub.RefusedError](err); ok {
		return "refused"
	}
	if _, ok := errors.AsType[*hub.StaleError](err); ok {
		return "stale"
	}
	if _, ok := errors.AsType[*hub.UnavailableError](err); ok {
		return "unavailable"
	}
	return "other"
}

// An hour without GitHub: everything fails in words, nothing is believed, and then it goes on as if nothing had been.
func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, fakehub.Options{})
		c := w.client("bot")
		post := func() error {
			_, err := c.PostStatus(t.Context(), widget, w.sha, hub.Status{State: "pending", Context: "verify"})
			return err
		}
		w.must(post())
		w.must(w.srv.SetFaults(fakehub.Faults{OutageFor: fakehub.Duration(time.Hour)}))
		for range 10 {
			if _, _, err := c.Statuses(t.Context(), widget, w.sha, 0); kindOf(err) != "unavailable" {
				t.Errorf("a read: %v", err)
			}
			if err := post(); kindOf(err) != "ambiguous" {
				t.Errorf("a write: %v", err)
			}
			<-time.After(5 * time.Minute)
		}
		<-time.After(15 * time.Minute)
		w.must(post())
		if list, _, err := c.Statuses(t.Context(), widget, w.sha, 0); err != nil || len(list) != 2 {
			t.Errorf("%d, %v", len(list), err)
		}
	})
}

// The hourly budget runs out: refused from there on without asking, and good again when the hour is over.
func TestHourlyBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, fakehub.Options{Limits: fakehub.Limits{Primary: 20, GraphQL: 100}})
		c := w.client("bot")
		var err error
		n := 0
		for ; err == nil && n < 30; n++ {
			_, err = c.PostStatus(t.Context(), widget, w.sha, hub.Status{State: "pending", Context: "verify"})
		}
		limited, ok := errors.AsType[*hub.LimitedError](err)
		if !ok || n != 21 || limited.Secondary || limited.Resource != "core" || limited.Local {
			t.Fatalf("after %d: %v", n, err)
		}
		if wait := time.Until(limited.Until); wait < 59*time.Minute || wait > 61*time.Minute {
			t.Errorf("to wait: %v", wait)
		}
		sent := len(w.srv.Journal())
		_, _, err = c.Statuses(t.Context(), widget, w.sha, 0)
		if e, ok := errors.AsType[*hub.LimitedError](err); !ok || !e.Local || len(w.srv.Journal()) != sent {
			t.Errorf("got %v, %d requests", err, len(w.srv.Journal())-sent)
		}
		<-time.After(time.Until(limited.Until))
		if _, _, err := c.Statuses(t.Context(), widget, w.sha, 0); err != nil {
			t.Errorf("an hour later: %v", err)
		}
	})
}

// Bots pace their writes as GitHub asks, so that even 57 contexts at once are no abuse.
func TestPacedWritesAreNoAbuse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, fakehub.Options{Limits: fakehub.GitHubLimits()})
		c := w.client("bot", func(o *hub.Options) { o.WriteEvery = 0 })
		begun := time.Now()
		var wg sync.WaitGroup
		for i := range 200 {
			wg.Go(func() {
				if _, err := c.PostStatus(t.Context(), widget, w.sha, hub.Status{State: "pending", Context: fmt.Sprint("verify/", i)}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if took := time.Since(begun); took != 199*time.Second {
			t.Errorf("took %v", took)
		}
		if b := c.Budget(); b.Writes > 60 || b.Points > 300 {
			t.Errorf("%+v", b)
		}
	})
}
