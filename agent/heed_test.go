package agent_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyborg-bots/cyborg/agent"
	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/selftest/fakehub"
	"github.com/cyborg-bots/cyborg/tasks"
)

var acmeWidget = hub.Repo{Owner: "acme", Name: "widget"}

// fleet starts bots of two accounts, and gives what ends them all.
func (s *stage) fleet(n int, seed uint64) (end func()) {
	s.t.Helper()
	return s.fleetOf(n, func(i int) uint64 { return 1000*seed + uint64(i) + 1 })
}

// fleetOf is fleet with each bot's seed.
func (s *stage) fleetOf(n int, seed func(i int) uint64) (end func()) {
	s.t.Helper()
	if err := s.hub.AddUser(fakehub.User{Login: "cyborg2", Token: "cyborg2-token"}); err == nil {
		s.must(s.hub.Grant(widget, "cyborg2", fakehub.Write))
	}
	var ends []func() time.Duration
	for i := range n {
		a := s.bot(fmt.Sprintf("bot-%c", 'a'+i), func(c *agent.Config) {
			c.Seed = seed(i)
			if i%2 == 1 {
				c.Hub = s.client("cyborg2-token")
			}
		})
		ends = append(ends, s.run(a))
	}
	return func() {
		for _, e := range ends {
			e()
		}
	}
}

// did lists the jobs that were begun, while bots go on.
func (s *stage) did() []tasks.Job {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.begun)
}

// stopped lists why jobs that are over had ended.
func (s *stage) stopped() []error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.ended)
}

// write comments as somebody.
func (s *stage) write(login string, number int, body string) hub.Comment {
	s.t.Helper()
	c, err := s.client(login+"-token").Comment(s.t.Context(), acmeWidget, number, body)
	s.must(err)
	return c
}

// faces lists how bots reacted to a comment, each kind once, and how often rockets were given.
func (s *stage) faces(c hub.Comment) string {
	s.t.Helper()
	list, err := s.person().Reactions(s.t.Context(), acmeWidget, c.ID)
	s.must(err)
	var words []string
	for _, r := range list {
		words = append(words, r.Content)
	}
	slices.Sort(words)
	return strings.Join(slices.Compact(words), " ")
}

// comments are the texts of an issue's comments, but for what sums it up.
func (s *stage) comments(number int) []string {
	return slices.DeleteFunc(s.texts(number), func(text string) bool { return strings.HasPrefix(text, "<!-- cyborg: summary ") })
}

// texts are the texts of an issue's comments.
func (s *stage) texts(number int) []string {
	s.t.Helper()
	list, err := s.person().Comments(s.t.Context(), acmeWidget, number, time.Time{})
	s.must(err)
	var texts []string
	for _, c := range list {
		texts = append(texts, c.Body)
	}
	return texts
}

// count says how many of the texts have a part.
func count(texts []string, part string) int {
	return len(slices.DeleteFunc(slices.Clone(texts), func(t string) bool { return !strings.Contains(t, part) }))
}

// TestRetestOnce: /retest is done once, however many bots of however many accounts see it at once, on good days and bad ones.
func TestRetestOnce(t *testing.T) {
	for seed := range seeds(2) {
		play(t, map[string]string{"verify": onPulls}, func(t *testing.T, s *stage) {
			number, sha := s.pull("topic")
			s.must(s.hub.SetFaults(onBadDays(seed + 1)))
			end := s.crowd(6, seed)
			s.after(6 * time.Minute)
			s.calm()
			c := s.write("ada", number, "Once more, please.\n\n/retest\n")
			s.must(s.hub.SetFaults(onBadDays(seed + 1)))
			s.after(15 * time.Minute)
			s.calm()
			if n := count(s.statuses(sha), "(direct trigger)"); n != 1 || len(s.did()) != 2 || s.faces(c) != "eyes rocket" {
				t.Errorf("seed %d: asked %d times, done %d times, reactions %q\n%q", seed, n, len(s.did()), s.faces(c), s.statuses(sha))
			}
			if texts := s.comments(number); len(texts) != 1 {
				t.Errorf("seed %d: noise: %q", seed, texts)
			}
			end()
		})
	}
}

// TestRetestAfterDeath: a bot that had begun to answer and died is replaced, whatever it had done.
func TestRetestAfterDeath(t *testing.T) {
	for _, asked := range []bool{false, true} {
		play(t, map[string]string{"verify": onPulls}, func(t *testing.T, s *stage) {
			number, sha := s.pull("topic")
			end := s.fleet(4, 1)
			s.after(5 * time.Minute)
			c := s.write("ada", number, "/retest verify")
			_, _, err := s.client("cyborg-token").React(t.Context(), acmeWidget, c.ID, hub.Eyes) // the dead one
			s.must(err)
			if asked {
				s.say(sha, "pending", "Not yet tested (direct trigger)")
			}
			s.after(2 * time.Minute)
			if want := map[bool]int{false: 1, true: 2}[asked]; len(s.did()) != want {
				t.Errorf("asked %v: done %d times while the eyes are young", asked, len(s.did()))
			}
			s.after(10 * time.Minute)
			if n := count(s.statuses(sha), "(direct trigger)"); n != 1 || len(s.did()) != 2 || s.faces(c) != "eyes rocket" {
				t.Errorf("asked %v: asked %d times, done %d times, reactions %q", asked, n, len(s.did()), s.faces(c))
			}
			end()
		})
	}
}

// TestCommands: what each command comes to.
func TestCommands(t *testing.T) {
	headers := map[string]string{
		"verify": "on: pull request, request\nin: host\nimage: debian fedora\n", "lint": onPulls, "translate": "on: request\nin: host\n",
	}
	for name, row := range map[string]struct {
		author, body string
		faces        string
		begun        string // which contexts were done after the comment
		says         string // part of the answer; empty: none
	}{
		"all":             {"ada", "/retest", "eyes rocket", "lint verify/debian verify/fedora", ""},
		"failed":          {"ada", "/retest failed", "eyes rocket", "verify/fedora", ""},
		"a context":       {"ada", "/retest lint", "eyes rocket", "lint", ""},
		"a task":          {"ada", "/retest VERIFY", "eyes rocket", "verify/debian verify/fedora", ""},
		"a pattern":       {"ada", "/retest '*/debian'", "eyes rocket", "verify/debian", ""},
		"an unknown":      {"ada", "/retest lint verify/debain", "confused eyes", "lint", "there is no context `verify/debain`: did you mean `verify/debian`?"},
		"a slip":          {"ada", "/retets", "confused eyes", "", "`/retets` is no command of the bots: did you mean `/retest`?"},
		"another bot's":   {"ada", "/lgtm", "", "", ""},
		"a stranger's":    {"mallory", "/retest", "", "", ""},
		"quoted":          {"ada", "> /retest", "", "", ""},
		"run of a test":   {"ada", "/run lint", "eyes rocket", "lint", ""},
		"run of nothing":  {"ada", "/run transl8te de", "confused eyes", "", "there is no task `transl8te`: did you mean `translate`?"},
		"run with option": {"ada", "/run translate --publish", "confused eyes", "", "options are not for comments"},
		"bad words":       {"ada", "/run translate 'de", "confused eyes", "", "cannot be read"},
		"hostile words":   {"ada", "/retets `@all` <script>", "confused eyes", "", "* `/retets '@all' <script>` is no command"},
		"approval":        {"ada", "/ok-to-test", "eyes rocket", "", ""},
		"of another head": {"ada", "/ok-to-test 1234567", "confused eyes", "", "the head of this pull request is `"},
		"nothing to stop": {"ada", "/cancel", "eyes rocket", "", ""},
	} {
		play(t, headers, func(t *testing.T, s *stage) {
			s.work = func(_ context.Context, job tasks.Job) agent.Outcome {
				if job.Context == "verify/fedora" {
					return agent.Outcome{State: "failure", Text: "1 test failed"}
				}
				return passed()
			}
			number, _ := s.pull("topic")
			end := s.fleet(3, 7)
			s.after(6 * time.Minute)
			before := len(s.did())
			c := s.write(row.author, number, row.body)
			s.after(6 * time.Minute)
			var begun []string
			for _, job := range s.did()[before:] {
				begun = append(begun, job.Context)
			}
			slices.Sort(begun)
			texts := s.comments(number)
			if got := strings.Join(begun, " "); got != row.begun || s.faces(c) != row.faces {
				t.Errorf("%s: did %q with the reactions %q\n%q", name, got, s.faces(c), texts)
			}
			if row.says == "" && len(texts) != 1 || row.says != "" && (len(texts) != 2 || count(texts[1:], row.says) != 1) {
				t.Errorf("%s: says %q", name, texts)
			}
			end()
		})
	}
}

// TestExplainedOnce: all that is not understood on a pull request is explained in one comment, nothing twice, on bad days too.
func TestExplainedOnce(t *testing.T) {
	for seed := range seeds(2) {
		play(t, map[string]string{"verify": onPulls}, func(t *testing.T, s *stage) {
			number, _ := s.pull("topic")
			end := s.crowd(6, seed)
			s.after(5 * time.Minute)
			for _, body := range []string{"/retets", "/cancle", "/retets"} {
				s.write("ada", number, body)
			}
			s.must(s.hub.SetFaults(onBadDays(seed + 1)))
			s.after(8 * time.Minute)
			s.calm()
			s.write("ada", number, "/retets")
			s.must(s.hub.SetFaults(onBadDays(seed + 1)))
			s.after(8 * time.Minute)
			s.calm()
			answers := slices.DeleteFunc(s.comments(number), func(text string) bool { return strings.HasPrefix(text, "/") })
			if len(answers) != 1 || strings.Count(answers[0], "`/retets` is") != 1 || strings.Count(answers[0], "`/cancle` is") != 1 {
				t.Errorf("seed %d: the answers are %q", seed, answers)
			}
			end()
		})
	}
}

// TestCancelCommand: /cancel stops what runs, names of contexts only those, and a stranger's nothing.
func TestCancelCommand(t *testing.T) {
	play(t, map[string]string{"verify": onPulls, "lint": onPulls}, func(t *testing.T, s *stage) {
		s.work = long
		number, sha := s.pull("topic")
		end := s.fleet(3, 5)
		s.after(5 * time.Minute)
		s.write("mallory", number, "/cancel")
		s.after(5 * time.Minute)
		if len(s.stopped()) != 0 {
			t.Errorf("a stranger has stopped %v", s.stopped())
		}
		c := s.write("ada", number, "/cancel lint")
		s.after(5 * time.Minute)
		texts := s.statuses(sha)
		if len(s.stopped()) != 1 || s.faces(c) != "eyes rocket" || count(texts, "Cancelled by @ada") != 1 {
			t.Errorf("%d ended, reactions %q, verify says %q", len(s.stopped()), s.faces(c), texts)
		}
		c = s.write("ada", number, "/cancel")
		s.after(5 * time.Minute)
		if texts := s.statuses(sha); len(s.stopped()) != 2 || s.faces(c) != "eyes rocket" || count(texts, "Cancelled by @ada") != 2 {
			t.Errorf("%d ended, reactions %q, verify says %q", len(s.stopped()), s.faces(c), texts)
		}
		end()
	})
}

// TestRunCommand: /run is an item on the checklist and the label, once; what people wrote stays. On a stranger's issue it
// is refused.
func TestRunCommand(t *testing.T) {
	play(t, map[string]string{"translate": "on: request\nin: host\n"}, func(t *testing.T, s *stage) {
		ada, mallory := s.person(), s.client("mallory-token")
		ours, err := ada.CreateIssue(t.Context(), acmeWidget, hub.NewIssue{Title: "German is old", Body: "It is.\r\n\r\n * [x] tell hans\r\n"})
		s.must(err)
		theirs, err := mallory.CreateIssue(t.Context(), acmeWidget, hub.NewIssue{Title: "Hello", Body: " * [ ] translate --all"})
		s.must(err)
		end := s.fleet(5, 9)
		s.after(time.Minute)
		c := s.write("ada", ours.Number, "/run translate de 'two words'")
		refused := s.write("ada", theirs.Number, "/run translate de")
		s.after(10 * time.Minute)
		got, err := ada.Issue(t.Context(), acmeWidget, ours.Number)
		s.must(err)
		want := fmt.Sprintf("It is.\r\n\r\n * [x] tell hans\r\n\r\n<!-- asked for in comment %d: translate -->\r\n * [ ] translate de 'two words'\r\n", c.ID)
		if diff := cmp.Diff(want, got.Body); diff != "" || !slices.Equal(got.Labels, []string{"bot"}) || s.faces(c) != "eyes rocket" {
			t.Errorf("labels %q, reactions %q, text %s", got.Labels, s.faces(c), diff)
		}
		got, err = ada.Issue(t.Context(), acmeWidget, theirs.Number)
		s.must(err)
		if got.Body != theirs.Body || len(got.Labels) > 0 || s.faces(refused) != "confused eyes" || count(s.comments(theirs.Number), "no write access") != 1 {
			t.Errorf("a stranger's issue: %q, %q, %q", got.Body, got.Labels, s.comments(theirs.Number))
		}
		end()
	})
}
