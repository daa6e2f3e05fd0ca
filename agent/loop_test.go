package agent_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyborg-bots/cyborg/agent"
	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/publish"
	"github.com/cyborg-bots/cyborg/publish/dir"
	"github.com/cyborg-bots/cyborg/selftest/fakehub"
	"github.com/cyborg-bots/cyborg/tasks"
)

const widget = "acme/widget"

// A stage is an emulated GitHub with one repository, and bots that play on it in virtual time. It is their teacher and
// their performer.
type stage struct {
	t    *testing.T
	hub  *fakehub.Server
	work func(ctx context.Context, job tasks.Job) agent.Outcome

	mu       sync.Mutex
	taught   *tasks.Catalogue
	untaught error // what keeps the bots from reading bots/
	begun    []tasks.Job
	ended    []error // why the work's context had ended when a job was over, nil if it had not
}

// play runs f in a bubble, with tasks whose headers are given by name.
func play(t *testing.T, headers map[string]string, f func(t *testing.T, s *stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &stage{t: t, work: func(context.Context, tasks.Job) agent.Outcome { return passed() }}
		var files []tasks.File
		for name, header := range headers {
			text := "#!/bin/sh\n# " + name + ": a task\n"
			for line := range strings.Lines(header) {
				text += "# " + line
			}
			files = append(files, tasks.File{Path: "bots/" + name, Mode: 0o755, Data: []byte(text)})
		}
		var err error
		if s.taught, err = tasks.Load(slices.Values(files)); err != nil {
			t.Fatal(err)
		}
		if s.hub, err = fakehub.New(fakehub.Options{Seed: 1}); err != nil {
			t.Fatal(err)
		}
		for _, login := range []string{"ada", "cyborg", "mallory"} {
			s.must(s.hub.AddUser(fakehub.User{Login: login, Token: login + "-token"}))
		}
		s.must(s.hub.AddRepo(t.Context(), fakehub.Repo{Name: widget}))
		for _, login := range []string{"ada", "cyborg"} {
			s.must(s.hub.Grant(widget, login, fakehub.Write))
		}
		s.commit("main")
		f(t, s)
	})
}

func passed() agent.Outcome {
	return agent.Outcome{State: publish.StateSuccess, Text: "Tests passed"}
}

func (s *stage) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) commit(branch string) string {
	s.t.Helper()
	sha, err := s.hub.Commit(s.t.Context(), widget, fakehub.Commit{Branch: branch, Message: branch, Files: map[string]string{branch: fmt.Sprintln(time.Now())}})
	s.must(err)
	return sha
}

// pull opens a pull request of a new branch.
func (s *stage) pull(branch string) (number int, sha string) {
	s.t.Helper()
	sha = s.commit(branch)
	p, err := s.person().CreatePull(s.t.Context(), hub.Repo{Owner: "acme", Name: "widget"}, hub.NewPull{Title: "A change", Head: branch, Base: "main"})
	s.must(err)
	return p.Number, sha
}

func (s *stage) person() *hub.Client { return s.client("ada-token") }

func (s *stage) client(token string) *hub.Client {
	s.t.Helper()
	c, err := hub.New(hub.Options{URL: "https://hub.example", Token: hub.Secret(token), Transport: s.hub.Transport()})
	s.must(err)
	return c
}

// say posts a status as a person or a bot of another day would.
func (s *stage) say(sha, state, description string) {
	s.t.Helper()
	_, err := s.person().PostStatus(s.t.Context(), hub.Repo{Owner: "acme", Name: "widget"}, sha, hub.Status{State: state, Context: "verify", Description: description})
	s.must(err)
}

// bot makes a bot. Its life begins with run.
func (s *stage) bot(name string, change func(c *agent.Config)) *agent.Agent {
	s.t.Helper()
	store, err := dir.Open(s.t.TempDir(), dir.Options{})
	s.must(err)
	s.t.Cleanup(func() { s.must(store.Close()) })
	client, policy := s.client("cyborg-token"), claim.DefaultPolicy()
	c := agent.Config{
		Name: name, Host: "host", Version: "1", Hub: client, Repos: []hub.Repo{{Owner: "acme", Name: "widget"}}, Teacher: s, Performer: s, Store: store,
		Board: claim.NewStatusBoard(client, policy), Has: tasks.Capabilities{{Name: string(tasks.OnHost)}}, Policy: policy, Scratch: s.t.TempDir(),
		Seed: uint64(len(name)) + uint64(name[len(name)-1]), Kill: make(chan struct{}),
	}
	if change != nil {
		change(&c)
	}
	a, err := agent.New(c)
	s.must(err)
	return a
}

// run begins a bot's life. It ends when end is called, which gives how long that took.
func (s *stage) run(a *agent.Agent) (end func() time.Duration) {
	ctx, stop := context.WithCancel(s.t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	return func() time.Duration {
		asked := time.Now()
		stop()
		s.must(<-done)
		return time.Since(asked)
	}
}

// after lets time go by.
func (s *stage) after(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	<-timer.C
	synctest.Wait()
}

// Catalogue implements agent.Teacher.
func (s *stage) Catalogue(context.Context, hub.Repo, string) (*tasks.Catalogue, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taught, s.untaught
}

// Perform implements agent.Performer.
func (s *stage) Perform(ctx context.Context, _ *agent.Env, job tasks.Job) agent.Outcome {
	s.mu.Lock()
	s.begun = append(s.begun, job)
	s.mu.Unlock()
	o := s.work(ctx, job)
	s.mu.Lock()
	s.ended = append(s.ended, context.Cause(ctx))
	s.mu.Unlock()
	return o
}

// long is work that takes as long as it may, but for ctx.
func long(ctx context.Context, _ tasks.Job) agent.Outcome {
	<-ctx.Done()
	return agent.Outcome{State: publish.StateCancelled, Err: context.Cause(ctx)}
}

// statuses lists what stands on a commit in context verify, oldest first.
func (s *stage) statuses(sha string) []string {
	s.t.Helper()
	list, _, err := s.person().Statuses(s.t.Context(), hub.Repo{Owner: "acme", Name: "widget"}, sha, 0)
	s.must(err)
	var texts []string
	for _, st := range slices.Backward(list) {
		texts = append(texts, st.State+" "+st.Description)
	}
	return texts
}

// requests counts what bots asked since a time, by method and path without query. What is free is not counted.
func (s *stage) requests(since time.Time) map[string]int {
	counts := map[string]int{}
	for _, e := range s.hub.Journal() {
		if e.Actor == "cyborg" && !e.Time.Before(since) && e.Status != http.StatusNotModified {
			path, _, _ := strings.Cut(e.Path, "?")
			counts[e.Method+" "+path]++
		}
	}
	return counts
}

const onPulls = "on: pull request\nin: host\n"

// TestWatchGoesOn: what runs is stopped when it has become useless, also while the bot cannot read what the repository
// teaches.
func TestWatchGoesOn(t *testing.T) {
	play(t, map[string]string{"verify": onPulls}, func(t *testing.T, s *stage) {
		s.work = long
		number, _ := s.pull("topic")
		end := s.run(s.bot("bot-a", nil))
		s.after(2 * time.Minute)
		s.mu.Lock()
		s.untaught = errors.New("git is down")
		s.mu.Unlock()
		_, err := s.person().EditIssue(t.Context(), hub.Repo{Owner: "acme", Name: "widget"}, number, hub.IssueEdit{State: new("closed")})
		s.must(err)
		s.after(10 * time.Minute) // rounds that go wrong are ever rarer
		s.mu.Lock()
		if len(s.ended) != 1 || s.ended[0] == nil {
			t.Errorf("%d jobs begun, ended: %v; want one, stopped since its pull request is closed", len(s.begun), s.ended)
		}
		s.mu.Unlock()
		end()
	})
}

// TestDrainBeginsNothing: a job that is being claimed when the bot is asked to stop is not begun, however long running
// jobs may take.
func TestDrainBeginsNothing(t *testing.T) {
	play(t, map[string]string{"verify": onPulls}, func(t *testing.T, s *stage) {
		_, sha := s.pull("topic")
		a := s.bot("bot-a", func(c *agent.Config) { c.Drain = time.Hour })
		end := s.run(a)
		s.after(2 * time.Second) // of the settle wait's five
		if a.Running() != 1 {
			t.Fatalf("%d jobs run, want one that is being claimed", a.Running())
		}
		if took := end(); took > 10*time.Second {
			t.Errorf("it took %s to stop", took)
		}
		if len(s.begun) != 0 {
			t.Errorf("began %v", s.begun)
		}
		if texts := s.statuses(sha); !strings.Contains(texts[len(texts)-1], "released") {
			t.Errorf("the claim was not given back: %q", texts)
		}
	})
}

// TestOnceAmongTheDead: a bot that looks once takes a job also when the day's statuses name many other bots.
func TestOnceAmongTheDead(t *testing.T) {
	play(t, map[string]string{"verify": onPulls}, func(t *testing.T, s *stage) {
		for i := range 6 {
			_, old := s.pull(fmt.Sprintf("old-%d", i))
			s.say(old, "success", fmt.Sprintf("Tests passed [bot-%d] k7m2q9x%d", i, i+2))
		}
		s.pull("topic")
		if err := s.bot("bot-z", func(c *agent.Config) { c.Once = true }).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(s.begun) != 1 {
			t.Errorf("did %d jobs, want 1", len(s.begun))
		}
	})
}

// TestCancelWhileClaiming: /cancel ends a job for good also if it was written before the claim was decided.
func TestCancelWhileClaiming(t *testing.T) {
	play(t, map[string]string{"verify": onPulls}, func(t *testing.T, s *stage) {
		s.work = long
		number, sha := s.pull("topic")
		end := s.run(s.bot("bot-a", func(c *agent.Config) {
			c.Poll, c.Policy.Settle = 2*time.Second, time.Minute
		}))
		s.after(10 * time.Second)
		_, err := s.person().Comment(t.Context(), hub.Repo{Owner: "acme", Name: "widget"}, number, "/cancel")
		s.must(err)
		s.after(5 * time.Minute)
		if texts := s.statuses(sha); !strings.HasPrefix(texts[len(texts)-1], "error Cancelled by @ada") {
			t.Errorf("the last word is not that it was cancelled: %q", texts)
		}
		end()
	})
}

// TestRefusedClaims: a bot that GitHub no longer lets claim does not try one job after the other.
func TestRefusedClaims(t *testing.T) {
	play(t, map[string]string{"verify": onPulls}, func(t *testing.T, s *stage) {
		for i := range 30 {
			s.pull(fmt.Sprintf("topic-%d", i))
		}
		s.must(s.hub.Grant(widget, "cyborg", fakehub.Read))
		began := time.Now()
		end := s.run(s.bot("bot-a", nil))
		s.after(30 * time.Minute)
		tried, looks := 0, 0
		for what, n := range s.requests(began) {
			if strings.HasPrefix(what, http.MethodPost+" /repos/") {
				tried += n
			}
			if strings.HasSuffix(what, "/graphql") {
				looks += n
			}
		}
		if tried == 0 || tried > 10 || looks > 80 {
			t.Errorf("%d claims were tried, with %d looks", tried, looks)
		}
		end()
	})
}

// TestIdle: a look at which nothing is new is one query and free conditional requests.
func TestIdle(t *testing.T) {
	play(t, map[string]string{"verify": onPulls}, func(t *testing.T, s *stage) {
		for i := range 5 {
			s.pull(fmt.Sprintf("topic-%d", i))
		}
		end := s.run(s.bot("bot-a", nil))
		s.after(10 * time.Minute)
		began := time.Now()
		s.after(30 * time.Minute)
		looks := s.requests(began)
		if n := looks["POST /graphql"]; n < 40 || n > 90 {
			t.Errorf("looked %d times in half an hour", n)
		}
		delete(looks, "POST /graphql")
		if len(looks) != 0 {
			t.Errorf("and asked %v", looks)
		}
		end()
	})
}

// TestOneHeadOfTwo: two pull requests with one head are one job, which a bot with room for both does once.
func TestOneHeadOfTwo(t *testing.T) {
	play(t, map[string]string{"verify": onPulls}, func(t *testing.T, s *stage) {
		_, sha := s.pull("topic")
		_, err := s.hub.Commit(t.Context(), widget, fakehub.Commit{Branch: "stable", Files: map[string]string{"x": "y"}})
		s.must(err)
		_, err = s.person().CreatePull(t.Context(), hub.Repo{Owner: "acme", Name: "widget"}, hub.NewPull{Title: "The same", Head: "topic", Base: "stable"})
		s.must(err)
		s.must(s.bot("bot-a", func(c *agent.Config) { c.Jobs, c.Once = 4, true }).Run(t.Context()))
		claims := slices.DeleteFunc(s.statuses(sha), func(text string) bool { return !strings.Contains(text, "Testing in progress") })
		if len(s.begun) != 1 || len(claims) != 1 {
			t.Errorf("did %d jobs, with the claims %q", len(s.begun), claims)
		}
	})
}

// TestTellAmongTheDead: why a job waits is said, once, also when most of the bots that the day's statuses name are gone.
func TestTellAmongTheDead(t *testing.T) {
	play(t, map[string]string{"verify": "on: pull request\nin: vm\n"}, func(t *testing.T, s *stage) {
		for i := range 6 {
			_, old := s.pull(fmt.Sprintf("old-%d", i))
			s.say(old, "success", fmt.Sprintf("Tests passed [bot-%d] k7m2q9x%d", i, i+2))
		}
		var shas []string
		for i := range 5 {
			_, sha := s.pull(fmt.Sprintf("topic-%d", i))
			shas = append(shas, sha)
		}
		for _, name := range []string{"bot-0", "bot-z"} {
			defer s.run(s.bot(name, nil))()
		}
		s.after(20 * time.Minute)
		for _, sha := range shas {
			if diff := cmp.Diff([]string{"pending Not yet tested: needs vm"}, s.statuses(sha)); diff != "" {
				t.Error(diff)
			}
		}
	})
}

// TestTellAtTheStart: bots of which nobody knows yet rarely say the same. Without their spreading these say 160 things.
func TestTellAtTheStart(t *testing.T) {
	said := 0
	for seed := range uint64(3) {
		play(t, map[string]string{"verify": "on: pull request\nin: vm\n"}, func(t *testing.T, s *stage) {
			s.must(s.hub.SetFaults(fakehub.Faults{Lag: fakehub.Lag{Statuses: fakehub.Duration(2 * time.Second)}}))
			var shas []string
			for i := range 10 {
				_, sha := s.pull(fmt.Sprintf("topic-%d", i))
				shas = append(shas, sha)
			}
			for i := range 20 {
				defer s.run(s.bot(fmt.Sprintf("bot-%c", 'a'+i), func(c *agent.Config) { c.Seed = 1000*seed + uint64(i) + 1 }))()
			}
			s.after(20 * time.Minute)
			for _, sha := range shas {
				n := len(s.statuses(sha))
				if n == 0 {
					t.Errorf("seed %d: nobody said why %.8s waits", seed, sha)
				}
				said += n
			}
		})
	}
	if said > 90 {
		t.Errorf("30 things were said %d times", said)
	}
}
