package agent_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/agent"
	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/tasks"
)

// at tells whether a request is the one at which something is to happen.
type at func(r *http.Request, body string) bool

func atPush(r *http.Request, _ string) bool { return r.Method == "PUSH" }

func atConversion(r *http.Request, _ string) bool {
	return r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/pulls")
}

func atDone(r *http.Request, body string) bool {
	return r.Method == http.MethodPost && strings.Contains(body, "po-refresh done: ")
}

func atFinish(r *http.Request, body string) bool {
	return r.Method == http.MethodPatch && strings.Contains(body, "[x] po-refresh")
}

// first gives a gate's hook that does something at the first request of a kind.
func first(when at, do func()) func(r *http.Request, body string) {
	var once sync.Once
	return func(r *http.Request, body string) {
		if when(r, body) {
			once.Do(do)
		}
	}
}

// takenBy finds when somebody else's name came into the title, and when the bot that had it before last wrote it there.
func (o *office) takenBy(number int, from string) (last, taken time.Time) {
	for _, r := range o.hub.Truth().Titles(widget, number) {
		switch m := claim.ParseTitle(r.Title); {
		case m.Kind != claim.KindClaim && m.Kind != claim.KindBeat:
		case m.Name == from:
			last = r.Time
		case taken.IsZero():
			taken = r.Time
		}
	}
	return last, taken
}

// TestErrandTakenOver: a bot that has an issue is killed at some step, or its machine stands still. A peer takes the issue when
// the lease is over, never before; what the dead bot has pushed is left alone, and one pull request comes of it.
func TestErrandTakenOver(t *testing.T) {
	for name, row := range map[string]struct {
		when   at   // of the first bot's requests; nil: while the task runs
		back   bool // after an hour
		pushed int  // branches
		notes  int  // comments
	}{
		"killed at work":               {nil, false, 1, 2},
		"killed before the push":       {atPush, false, 1, 2},
		"killed with a branch":         {atConversion, false, 2, 2},
		"killed with a pull request":   {atDone, false, 1, 2},
		"killed before the end":        {atFinish, false, 1, 4},
		"stands still before the push": {atPush, true, 2, 2},
		"stands still with a branch":   {atConversion, true, 2, 2},
	} {
		t.Run(name, func(t *testing.T) {
			enter(t, translate, func(t *testing.T, o *office) {
				number := o.file("Update translations", " * [ ] po-refresh")
				a := o.clerk("bot-a", 1)
				g := o.gates["bot-a"]
				if row.when == nil {
					o.work = func(ctx context.Context, job tasks.Job) agent.Outcome {
						if len(o.did()) == 1 {
							g.dead.Store(true)
							<-ctx.Done()
						}
						return changed(job)
					}
				} else {
					g.before = first(row.when, func() {
						if row.back {
							g.stop(time.Hour)
						} else {
							g.dead.Store(true)
						}
					})
				}
				end := o.run(a)
				o.after(4 * time.Minute)
				if last, _ := o.takenBy(number, "bot-a"); last.IsZero() {
					t.Fatal("the first bot has not claimed it")
				}
				others := o.others(2)
				o.after(40 * time.Minute)
				if row.back {
					o.after(30 * time.Minute)
				}
				last, taken := o.takenBy(number, "bot-a")
				if late := taken.Sub(last); late < 30*time.Minute || late > 36*time.Minute {
					t.Errorf("taken over %s after the last sign of life", late)
				}
				i := o.truth(number)
				if i.Title != "Update translations" || i.Body != " * [x] po-refresh" || !i.Pull || i.State != "open" {
					t.Errorf("it is %+v", i)
				}
				if list := o.made.names(); len(list) != row.pushed || len(o.hub.Truth().Issues(widget)) != 1 {
					t.Errorf("the branches are %q, and there are %d issues and pull requests", list, len(o.hub.Truth().Issues(widget)))
				}
				for _, branch := range o.made.names() {
					if o.hub.Truth().Ref(widget, "refs/heads/"+branch) == "" {
						t.Errorf("the branch %s is gone", branch)
					}
				}
				if len(i.Comments) != row.notes {
					t.Errorf("says %+v", i.Comments)
				}
				others()
				end()
			})
		})
	}
}

// others starts bots beside the first.
func (o *office) others(n int) (end func()) {
	var ends []func() time.Duration
	for i := range n {
		ends = append(ends, o.run(o.clerk("bot-"+string(rune('b'+i)), uint64(i)+2)))
	}
	return func() {
		for _, e := range ends {
			e()
		}
	}
}
