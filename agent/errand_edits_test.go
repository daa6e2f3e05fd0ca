package agent_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/agent"
	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/selftest/fakehub"
	"github.com/cyborg-bots/cyborg/tasks"
)

func atClaim(r *http.Request, body string) bool {
	return r.Method == http.MethodPatch && strings.Contains(body, `"title":"WIP: bot-a [`)
}

func atBegin(r *http.Request, body string) bool {
	return r.Method == http.MethodPost && strings.Contains(body, "po-refresh in progress on ")
}

// steps are all that a bot does with an issue where somebody can see it, in order. What people do at a step they do right before
// it, so that the bot has read the issue as it was before.
func steps() []struct {
	name string
	when at // nil: while the task runs
} {
	return []struct {
		name string
		when at
	}{
		{"claim", atClaim}, {"begin", atBegin}, {"work", nil}, {"push", atPush}, {"conversion", atConversion}, {"done", atDone}, {"finish", atFinish},
	}
}

const asIs = "Please.\r\n\r\n * [ ] po-refresh\r\n"

// meddle plays a bot that works on an issue which somebody changes at a step, on a GitHub that lags.
func meddle(t *testing.T, when at, lag time.Duration, change func(o *office, number int), judge func(o *office, i fakehub.Issue)) {
	t.Helper()
	enter(t, translate, func(t *testing.T, o *office) {
		number := o.file("Update translations", asIs)
		o.must(o.hub.SetFaults(fakehub.Faults{Lag: fakehub.EvenLag(fakehub.Duration(lag))}))
		a := o.clerk("bot-a", 1)
		if when != nil {
			o.gates["bot-a"].before = first(when, func() { change(o, number) })
		} else {
			o.work = func(ctx context.Context, job tasks.Job) agent.Outcome {
				if len(o.did()) == 1 {
					change(o, number)
				}
				o.rest(ctx, 3*time.Minute)
				return changed(job)
			}
		}
		end := o.run(a)
		o.after(8 * time.Minute)
		o.calm()
		judge(o, o.truth(number))
		end()
	})
}

// rest is work that takes its time.
func (o *office) rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// retitle changes what people see of a title, as one does in a browser.
func (o *office) retitle(number int) {
	o.edit(number, hub.IssueEdit{Title: new(strings.Replace(o.truth(number).Title, "Update", "Refresh", 1))})
}

// TestErrandEdits: what people change while a bot works on an issue is there in the end, whatever the bot was about to write.
func TestErrandEdits(t *testing.T) {
	const body = "Please, and thanks.\r\n\r\n * [ ] po-refresh\r\n * [x] tell hans\r\n\r\nSee #99.\r\n"
	for _, lag := range []time.Duration{0, 2 * time.Second} {
		for _, step := range steps() {
			for name, row := range map[string]struct {
				change            func(o *office, number int)
				title, body, text string
				labels            []string
			}{
				"title": {
					func(o *office, number int) { o.retitle(number) },
					"Refresh translations", asIs, "", []string{"bot"},
				},
				"body": {
					func(o *office, number int) { o.edit(number, hub.IssueEdit{Body: new(body)}) },
					"Update translations", body, "", []string{"bot"},
				},
				"labels": {
					func(o *office, number int) { o.edit(number, hub.IssueEdit{Labels: &[]string{"bot", "area/de"}}) },
					"Update translations", asIs, "", []string{"area/de", "bot"},
				},
				"all at once": {
					func(o *office, number int) {
						o.retitle(number)
						o.edit(number, hub.IssueEdit{Body: new(body), Labels: &[]string{"bot", "area/de"}})
					},
					"Refresh translations", body, "", []string{"area/de", "bot"},
				},
			} {
				if step.name != "finish" && (lag == 0 || name != "all at once") {
					continue // what holds although reads are old holds if they are not
				}
				meddle(t, step.when, lag, row.change, func(o *office, i fakehub.Issue) {
					want := strings.Replace(row.body, "[ ] po", "[x] po", 1)
					slices.Sort(i.Labels)
					if i.Title != row.title || i.Body != want || !slices.Equal(i.Labels, row.labels) {
						t.Errorf("%s at %s, lag %s: title %q, labels %q, text %q", name, step.name, lag, i.Title, i.Labels, i.Body)
					}
					if !i.Pull || i.State != "open" || len(o.made.names()) != 1 {
						t.Errorf("%s at %s, lag %s: pull request %v, %s, branches %q", name, step.name, lag, i.Pull, i.State, o.made.names())
					}
				})
			}
		}
	}
}

// TestErrandStops: whoever closes an issue, takes its label off or ticks its item, ends the work: nothing comes of it any more on
// the outside, the comment that said it had begun says why, the title is people's, and what they did stands. Who does it when the
// pull request is being made gets that, as it cannot be unmade, and all else stands.
func TestErrandStops(t *testing.T) {
	for _, step := range steps() {
		for name, row := range map[string]struct {
			edit        hub.IssueEdit
			says        string
			state, body string
			labels      []string
		}{
			"closed":     {hub.IssueEdit{State: new("closed")}, "this is closed", "closed", asIs, []string{"bot"}},
			"unlabelled": {hub.IssueEdit{Labels: &[]string{"area/de"}}, "the label bot was taken off", "open", asIs, []string{"area/de"}},
			"ticked":     {hub.IssueEdit{Body: new("I did.\r\n * [x] po-refresh")}, "somebody has ticked it: po-refresh", "open", "I did.\r\n * [x] po-refresh", []string{"bot"}},
			"taken out":  {hub.IssueEdit{Body: new("Never mind.")}, "this is no longer in the list: po-refresh", "open", "Never mind.", []string{"bot"}},
		} {
			if strings.HasPrefix(name, "t") && step.name != "work" && step.name != "push" {
				continue // as the others
			}
			late := slices.Contains([]string{"conversion", "done", "finish"}, step.name)
			if name == "closed" && step.name == "conversion" {
				late = false // GitHub makes no pull request of what is closed
			}
			meddle(t, step.when, 0, func(o *office, number int) { o.edit(number, row.edit) }, func(o *office, i fakehub.Issue) {
				want := row.body
				if late {
					want = strings.Replace(want, "[ ] po", "[x] po", 1)
				}
				slices.Sort(i.Labels)
				if i.Title != "Update translations" || i.Body != want || i.State != row.state || !slices.Equal(i.Labels, row.labels) || i.Pull != late {
					t.Errorf("%s at %s: it is %+v", name, step.name, i)
				}
				var says []string
				for _, c := range i.Comments {
					says = append(says, c.Body)
				}
				aborted := []string{"po-refresh in progress on bot-a.\nLog: on host\n\nTask aborted: " + row.says + "."}
				if step.name == "claim" {
					aborted = nil // nobody had said that it began
				}
				if !late && !slices.Equal(says, aborted) || late && (len(says) != 2 || !strings.HasPrefix(says[1], "po-refresh done: ")) {
					t.Errorf("%s at %s: says %q", name, step.name, says)
				}
				if n := len(o.did()); step.name == "claim" && n > 0 || n > 1 {
					t.Errorf("%s at %s: done %d times", name, step.name, n)
				}
			})
		}
	}
}
