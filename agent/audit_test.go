package agent

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/tasks"
)

// A watched board counts who looks, and keeps one log.
type watched struct {
	mu    sync.Mutex
	marks []claim.Mark
	looks int
	shown int
}

func (b *watched) Marks(context.Context, claim.Subject) ([]claim.Mark, time.Time, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.looks++
	return b.marks, time.Now(), nil
}

func (b *watched) Post(_ context.Context, _ claim.Subject, m claim.Mark) (claim.Mark, error) {
	return m, nil
}

func (b *watched) Show(_ context.Context, _ claim.Subject, v claim.Verdict) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.shown++
	if b.shown == 2 { // the first was lost
		b.marks = append(b.marks, v.Result)
		b.marks[len(b.marks)-1].ID = 9
	}
	return nil
}

// TestAudit: what makes a bot look at a log that looks finished.
func TestAudit(t *testing.T) {
	done := func(nonce string) Entry { return Entry{Standing: Done, State: "success", Nonce: nonce} }
	held := func(nonce string) Entry { return Entry{Standing: Held, State: "pending", Nonce: nonce} }
	asked := Entry{Standing: Ready, State: "pending"}
	gone := Entry{Standing: Ready}
	synced := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // when a bubble begins
	fresh := func(by string, age time.Duration) Entry {
		return Entry{Standing: Done, State: "success", Nonce: "a", By: by, Since: synced.Add(-age)}
	}
	for _, tt := range []struct {
		name  string
		looks []Entry // one after the other
		want  int
		peers []string
	}{
		{"claim and its result", []Entry{asked, held("a"), done("a"), done("a")}, 0, nil},
		{"a result that was there from the beginning", []Entry{done("a"), done("a")}, 0, nil},
		{"another result", []Entry{done("a"), done("b"), done("b")}, 1, nil},
		{"a result of another claim", []Entry{held("b"), done("a"), done("a")}, 1, nil},
		{"a result over a wish", []Entry{held("a"), asked, done("a")}, 1, nil},
		{"a result after a wish and its claim", []Entry{done("a"), asked, held("b"), done("b")}, 0, nil},
		{"nothing seen in between", []Entry{done("a"), gone, done("b")}, 1, nil},
		{"a peer's result that is new", []Entry{held("a"), fresh("p1", 0), fresh("p1", 0)}, 1, nil},
		{"a peer's result of a moment ago, at the start", []Entry{fresh("p1", 10*time.Minute), fresh("p1", 10*time.Minute)}, 1, nil},
		{"a peer's result of an hour ago", []Entry{fresh("p1", time.Hour)}, 0, nil},
		{"one's own result, at which one looks anyway", []Entry{held("a"), fresh("me", 0)}, 0, nil},
		{"others are to look at it", []Entry{held("a"), fresh("p1", 0)}, 0, []string{"p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8"}},
		{"others are to look", []Entry{done("a"), done("b")}, 0, []string{"p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := new(watched)
				a := &Agent{c: Config{Name: "me", Board: b, Policy: claim.DefaultPolicy(), Poll: time.Minute}, rand: rand.New(rand.NewPCG(1, 1))}
				for _, e := range tt.looks {
					e.Job = tasks.Job{Repo: "acme/widget", SHA: "1", Context: "verify"}
					a.audit(t.Context(), []Entry{e}, tt.peers, time.Now())
					a.group.Wait()
				}
				if b.looks != tt.want {
					t.Errorf("looked %d times, want %d", b.looks, tt.want)
				}
			})
		})
	}
}

// TestAssure: a result in front of the one that counts is mended until people see what counts.
func TestAssure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mark := func(id int64, kind claim.Kind, nonce, state string) claim.Mark {
			return claim.Mark{ID: id, Kind: kind, Nonce: nonce, Name: nonce, State: state, Lease: claim.DefaultLease, At: time.Now()}
		}
		b := &watched{marks: []claim.Mark{
			mark(1, claim.KindClaim, "a", "pending"), mark(2, claim.KindResult, "a", "success"), mark(3, claim.KindResult, "b", "failure"),
		}}
		a := &Agent{c: Config{Name: "me", Board: b, Policy: claim.DefaultPolicy(), Poll: time.Minute}, rand: rand.New(rand.NewPCG(1, 1))}
		a.assure(t.Context(), Entry{Job: tasks.Job{Repo: "acme/widget", SHA: "1", Context: "verify"}})
		if b.shown != 2 || b.looks != 3 {
			t.Errorf("mended %d times after %d looks", b.shown, b.looks)
		}
	})
}
