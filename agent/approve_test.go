package agent_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyborg-bots/cyborg/agent"
	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/selftest/fakehub"
	"github.com/cyborg-bots/cyborg/tasks"
)

// rest sends a request as somebody.
func (s *stage) rest(login, method, path string, body any) {
	s.t.Helper()
	data, err := json.Marshal(body)
	s.must(err)
	req, err := http.NewRequestWithContext(s.t.Context(), method, "https://hub.example/"+path, bytes.NewReader(data))
	s.must(err)
	req.Header.Set("Authorization", "token "+login+"-token")
	resp, err := s.hub.Client().Do(req)
	s.must(err)
	s.must(resp.Body.Close())
	if resp.StatusCode >= 300 {
		s.t.Fatalf("%s %s: %s", method, path, resp.Status)
	}
}

// fork lets mallory fork the repository.
func (s *stage) fork() { s.t.Helper(); s.rest("mallory", "POST", "repos/"+widget+"/forks", nil) }

// offer lets mallory push a commit to a branch of her fork.
func (s *stage) offer(branch string) string {
	s.t.Helper()
	sha, err := s.hub.Commit(s.t.Context(), "mallory/widget", fakehub.Commit{Branch: branch, Author: "mallory", Files: map[string]string{branch: time.Now().String()}})
	s.must(err)
	return sha
}

// begunFor lists the commits whose jobs were begun.
func (s *stage) begunFor() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []string
	for _, j := range s.begun {
		list = append(list, j.SHA)
	}
	return list
}

// sandboxed is a bot that has a sandbox.
func sandboxed(c *agent.Config) {
	c.Has = tasks.Capabilities{{Name: string(tasks.OnHost)}, {Name: "sandbox"}}
}

// TestApproval: code of somebody without write access waits for a word, once for each commit, and the word of a stranger is none.
func TestApproval(t *testing.T) {
	const round = 5 * time.Minute
	play(t, map[string]string{"verify": "on: pull request\n"}, func(t *testing.T, s *stage) {
		s.fork()
		first := s.offer("evil")
		p, err := s.client("mallory-token").CreatePull(t.Context(), acmeWidget, hub.NewPull{Title: "A gift", Head: "mallory:evil", Base: "main"})
		s.must(err)
		for _, name := range []string{"bot-a", "bot-b"} {
			defer s.run(s.bot(name, sandboxed))()
		}
		want := func(what string, begun ...string) {
			t.Helper()
			s.after(round)
			if diff := cmp.Diff(begun, s.begunFor()); diff != "" {
				t.Errorf("%s: begun (-want +got):\n%s", what, diff)
			}
		}
		gates := func(named string) {
			t.Helper()
			var list []string
			for _, c := range s.comments(p.Number) {
				if strings.HasPrefix(c, "<!-- cyborg: gate ") && !strings.HasPrefix(c, "<!-- cyborg: gate x ") { // that is mallory's
					list = append(list, c)
				}
			}
			if len(list) != 1 || !strings.Contains(list[0], "`"+named+"`") || strings.Contains(list[0], "\n/") {
				t.Errorf("people are asked with %q, want one comment about %s", list, named)
			}
		}

		want("nobody has said anything")
		gates(first)
		if texts := s.statuses(first); !slices.Equal(texts, []string{"pending Not yet tested: needs /ok-to-test from someone with write access"}) {
			t.Errorf("people see %q", texts)
		}
		s.write("mallory", p.Number, "/ok-to-test")
		s.write("mallory", p.Number, "<!-- cyborg: gate x -->\n`"+first+"`\n/ok-to-test "+first)
		s.write("ada", p.Number, "> /ok-to-test\n\nI am not sure. Do not /ok-to-test")
		s.write("cyborg", p.Number, "<!-- cyborg: answers x -->\n/ok-to-test "+first)
		want("strangers, quotations and bots have said it")
		s.write("ada", p.Number, "Fine.\n\n/ok-to-test\n")
		want("ada has said it", first)

		second := s.offer("evil")
		want("the word was about another commit", first)
		gates(second)
		s.rest("mallory", "PATCH", "repos/mallory/widget/git/refs/heads/evil", map[string]any{"sha": first, "force": true})
		s.after(round)
		s.say(first, "pending", "Not yet tested (direct trigger)") // it has a result: ask anew
		want("the word was about that time", first)
		gates(first)
		s.rest("mallory", "PATCH", "repos/mallory/widget/git/refs/heads/evil", map[string]any{"sha": second, "force": true})
		s.write("ada", p.Number, "/ok-to-test "+second[:10])
		want("ada has named the commit", first, second)

		third := s.offer("evil")
		s.after(round)
		s.must(s.hub.Grant(widget, "ada", fakehub.Read))
		s.write("ada", p.Number, "/ok-to-test")
		want("ada may no longer say it", first, second)
		s.must(s.hub.Grant(widget, "ada", fakehub.Write))
		s.write("ada", p.Number, "/ok-to-test")
		want("she may again", first, second, third)
	})
}

// TestApprovalIsAskedAgain: what was allowed when a bot looked, and is no longer when it wants to begin, is not begun.
func TestApprovalIsAskedAgain(t *testing.T) {
	for name, change := range map[string]func(s *stage, pull int){
		"the person has lost write access": func(s *stage, _ int) { s.must(s.hub.Grant(widget, "ada", fakehub.Read)) },
		"the pull request has a new head":  func(s *stage, _ int) { s.offer("evil") },
		"it is closed": func(s *stage, pull int) {
			_, err := s.client("mallory-token").EditIssue(s.t.Context(), acmeWidget, pull, hub.IssueEdit{State: new("closed")})
			s.must(err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, map[string]string{"verify": "on: pull request\n"}, func(t *testing.T, s *stage) {
				s.fork()
				sha := s.offer("evil")
				p, err := s.client("mallory-token").CreatePull(t.Context(), acmeWidget, hub.NewPull{Title: "A gift", Head: "mallory:evil", Base: "main"})
				s.must(err)
				s.write("ada", p.Number, "/ok-to-test "+sha)
				a := s.bot("bot-a", func(c *agent.Config) {
					sandboxed(c)
					c.Once = true
					var err error
					c.Hub, err = hub.New(hub.Options{URL: "https://hub.example", Token: "cyborg-token", Transport: &late{RoundTripper: s.hub.Transport(), happens: func() { change(s, p.Number) }}})
					s.must(err)
					c.Board = claim.NewStatusBoard(c.Hub, c.Policy)
				})
				s.must(a.Run(t.Context()))
				if begun := s.begunFor(); len(begun) != 0 {
					t.Errorf("begun %q", begun)
				}
				if texts := s.statuses(sha); slices.ContainsFunc(texts, func(t string) bool { return strings.Contains(t, "Testing in progress") }) {
					t.Errorf("claimed: %q", texts)
				}
			})
		})
	}
}

// late lets something happen just before the bot asks about the pull request alone, which it does when it has chosen the job.
type late struct {
	http.RoundTripper
	happens func()
	over    atomic.Bool // requests come from several goroutines
}

// RoundTrip implements http.RoundTripper.
func (l *late) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/pulls/1") && l.over.CompareAndSwap(false, true) {
		l.happens()
	}
	return l.RoundTripper.RoundTrip(r)
}
