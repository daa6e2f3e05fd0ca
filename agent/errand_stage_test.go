package agent_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/agent"
	"github.com/cyborg-bots/cyborg/agent/checkout"
	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/selftest/fakehub"
	"github.com/cyborg-bots/cyborg/tasks"
)

// translate and verify are what the repository of an errand teaches.
var (
	translate = map[string]string{"po-refresh": "on: request\nin: host\npaths: po/\n"}
	withTests = map[string]string{"po-refresh": translate["po-refresh"], "verify": onPulls, "style": onPulls}
)

// A gate is the way of one bot to GitHub. It can be cut, as by the end of the machine, or stand still with it, and something can be
// done right before a request goes through.
type gate struct {
	next   http.RoundTripper
	dead   atomic.Bool
	still  atomic.Int64                       // until then nothing goes through; nanoseconds since 1970
	before func(r *http.Request, body string) // nil: nothing
}

var errGone = errors.New("this machine is off")

// RoundTrip implements http.RoundTripper.
func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		data, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(data))
		if g.before != nil && !g.dead.Load() {
			g.before(r, string(data))
		}
	}
	if g.hold(); g.dead.Load() {
		return nil, errGone
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return g.next.RoundTrip(r)
}

// stop makes all stand still for a time.
func (g *gate) stop(d time.Duration) { g.still.Store(time.Now().Add(d).UnixNano()) }

// hold waits while all stands still.
func (g *gate) hold() {
	timer := time.NewTimer(time.Until(time.Unix(0, g.still.Load())))
	defer timer.Stop()
	<-timer.C
}

// branches is an Outlet that makes branches of the repository, as a push does.
type branches struct {
	s    *stage
	g    *gate
	made *pushes
}

// pushes are the branches that bots have made.
type pushes struct {
	mu   sync.Mutex
	list []string
}

func (p *pushes) names() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.list)
}

// Push implements agent.Outlet.
func (b *branches) Push(ctx context.Context, repo hub.Repo, h checkout.Harvest, branch string) (agent.Branch, error) {
	if b.g.before != nil && !b.g.dead.Load() {
		b.g.before(&http.Request{Method: "PUSH"}, branch)
	}
	if b.g.hold(); b.g.dead.Load() {
		return agent.Branch{}, errGone
	}
	_, err := b.s.hub.Commit(ctx, repo.String(), fakehub.Commit{
		Branch: branch, Author: "cyborg", Message: "po: Update from Fedora Zanata", Files: map[string]string{"po/de.po": branch},
	})
	b.made.mu.Lock()
	defer b.made.mu.Unlock()
	b.made.list = append(b.made.list, branch)
	return agent.Branch{Head: branch, URL: "https://hub.example/" + repo.String() + "/commits/" + branch}, err
}

// Onto implements agent.Outlet.
func (b *branches) Onto(context.Context, hub.Repo, checkout.Harvest, hub.Pull) error {
	return checkout.ErrRefused
}

// An office is a stage on which bots work on issues.
type office struct {
	*stage
	made  pushes
	gates map[string]*gate // by the bot's name
}

// enter plays with bots that work on issues: what is asked for changes one file, and tests pass.
func enter(t *testing.T, headers map[string]string, f func(t *testing.T, o *office)) {
	t.Helper()
	play(t, headers, func(t *testing.T, s *stage) {
		s.work = func(_ context.Context, job tasks.Job) agent.Outcome { return changed(job) }
		f(t, &office{stage: s, gates: map[string]*gate{}})
	})
}

// changed is a job that went well, and has changed something if it was asked for by an issue.
func changed(job tasks.Job) agent.Outcome {
	o := passed()
	if job.Issue != 0 && job.Pull == 0 {
		o.Change = checkout.Harvest{Commit: strings.Repeat("c", 40), Commits: 1, Files: []string{"po/de.po"}}
	}
	return o
}

// clerk makes a bot that works on issues.
func (o *office) clerk(name string, seed uint64) *agent.Agent {
	o.t.Helper()
	g := &gate{next: o.hub.Transport()}
	o.gates[name] = g
	client, err := hub.New(hub.Options{URL: "https://hub.example", Token: "cyborg-token", Transport: g})
	o.must(err)
	return o.bot(name, func(c *agent.Config) {
		c.Hub, c.Seed, c.Web = client, seed, "https://hub.example"
		began := time.Now()
		c.Policy.Elapsed = func() time.Duration { return time.Since(began) }
		c.Board = claim.NewStatusBoard(client, c.Policy)
		c.Errands = &agent.Errands{
			Board: claim.NewIssueBoard(client, c.Policy, agent.Tick, ""), Desk: client, Outlet: &branches{o.stage, g, &o.made},
			Login: "cyborg", Author: checkout.Person{Name: "cyborg", Email: "cyborg@example.com"},
		}
	})
}

// clerks starts bots, those of odd seeds alike to the nanosecond.
func (o *office) clerks(n int, seed uint64) (end func()) {
	o.t.Helper()
	var ends []func() time.Duration
	for i := range n {
		own := 1000*seed + uint64(i) + 1
		if seed%2 == 1 {
			own = seed + 1
		}
		ends = append(ends, o.run(o.clerk(fmt.Sprintf("bot-%c", 'a'+i), own)))
	}
	return func() {
		for _, e := range ends {
			e()
		}
	}
}

// files an issue with the label.
func (o *office) file(title, body string) int {
	o.t.Helper()
	i, err := o.person().CreateIssue(o.t.Context(), acmeWidget, hub.NewIssue{Title: title, Body: body, Labels: []string{"bot"}})
	o.must(err)
	return i.Number
}

// edit changes an issue as ada.
func (o *office) edit(number int, e hub.IssueEdit) {
	o.t.Helper()
	_, err := o.person().EditIssue(o.t.Context(), acmeWidget, number, e)
	o.must(err)
}

// merge merges a pull request as ada.
func (o *office) merge(number int) {
	o.t.Helper()
	r, err := http.NewRequestWithContext(o.t.Context(), http.MethodPut, fmt.Sprintf("https://hub.example/repos/%s/pulls/%d/merge", widget, number), strings.NewReader("{}"))
	o.must(err)
	r.Header.Set("Authorization", "Bearer ada-token")
	answer, err := o.hub.Transport().RoundTrip(r)
	o.must(err)
	o.must(answer.Body.Close())
	if answer.StatusCode != http.StatusOK {
		o.t.Fatalf("merge #%d: %s", number, answer.Status)
	}
}

// calm ends all faults and waits until all can be seen.
func (s *stage) calm() {
	s.t.Helper()
	s.must(s.hub.SetFaults(fakehub.Faults{}))
	s.after(10 * time.Second)
}

// truth is an issue as it is.
func (o *office) truth(number int) fakehub.Issue {
	o.t.Helper()
	list := o.hub.Truth().Issues(widget)
	at := slices.IndexFunc(list, func(i fakehub.Issue) bool { return i.Number == number })
	if at < 0 {
		o.t.Fatalf("there is no #%d", number)
	}
	return list[at]
}

// Read only: what differs from seed to seed.
var (
	nonceIn   = regexp.MustCompile(`\b[0-9a-hjkmnp-tv-z]{8}(\]| -->|\n|$)`)
	aBot      = regexp.MustCompile(`\bbot-[a-z]\b`)
	othersWIP = regexp.MustCompile(`^cyborg renamed this from WIP: BOT \[NONCE[^\]]*\]: .* to WIP: BOT \[`)
)

// conversation is what people see of an issue or pull request, in order, with names for what differs. A claim that lost the
// race, and a beat, are changes of one bot's title into another's: they are left out, as a person would skip them.
func (o *office) conversation(number int) string {
	o.t.Helper()
	type said struct {
		id   int64
		text string
	}
	var all []said
	i := o.truth(number)
	for _, c := range i.Comments {
		all = append(all, said{c.ID, c.Author + ": " + c.Body})
	}
	events, _, err := o.person().IssueEvents(o.t.Context(), acmeWidget, number, 0)
	o.must(err)
	for _, e := range events {
		switch e.Kind {
		case "renamed":
			all = append(all, said{e.ID, e.Actor + " renamed this from " + e.From + " to " + e.To})
		case "labeled", "unlabeled":
			all = append(all, said{e.ID, e.Actor + " " + e.Kind + " this " + e.Label})
		case "closed", "reopened", "merged":
			all = append(all, said{e.ID, e.Actor + " " + e.Kind + " this"})
		}
	}
	slices.SortFunc(all, func(x, y said) int { return cmp.Compare(x.id, y.id) })
	kind := "issue"
	if i.Pull {
		kind = "pull request"
	}
	lines := []string{fmt.Sprintf("%s, %s %s: %q", i.Title, i.State, kind, i.Body)}
	for _, s := range all {
		text := aBot.ReplaceAllString(nonceIn.ReplaceAllString(s.text, "NONCE$1"), "BOT")
		if !othersWIP.MatchString(text) {
			lines = append(lines, strings.ReplaceAll(text, "\n", "\n  "))
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

// results counts the results of a context on a commit.
func (o *office) results(sha, context string) (n int) {
	for _, st := range o.hub.Truth().Statuses(widget, sha) {
		if st.Context == context && st.State != "pending" {
			n++
		}
	}
	return n
}
