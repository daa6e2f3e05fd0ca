package agent_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/agent"
	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/selftest/fakehub"
	"github.com/cyborg-bots/cyborg/tasks"
)

// summaries are the summaries on a pull request, without the lines that people do not see.
func (s *stage) summaries(number int) []string {
	var texts []string
	for _, text := range s.texts(number) {
		if strings.HasPrefix(text, "<!-- cyborg: summary ") {
			lines := strings.SplitN(text, "\n", 3)
			texts = append(texts, lines[2])
		}
	}
	return texts
}

// written counts the comments that bots made, and the edits.
func (s *stage) written() (made, edited int) {
	for what, n := range s.requests(time.Time{}) {
		switch {
		case strings.HasPrefix(what, http.MethodPost+" ") && strings.HasSuffix(what, "/comments"):
			made += n
		case strings.HasPrefix(what, http.MethodPatch+" ") && strings.Contains(what, "/comments/"):
			edited += n
		}
	}
	return made, edited
}

// TestSummary: one comment says what failed and what waits, and is kept true by edits; a pull request on which all goes
// well has none.
func TestSummary(t *testing.T) {
	headers := map[string]string{
		"verify": "on: pull request\nin: host\nimage: debian fedora opensuse\n", "lint": onPulls, "guest": "on: pull request\nin: vm\n",
	}
	for _, seed := range []uint64{3} {
		play(t, headers, func(t *testing.T, s *stage) {
			lag := fakehub.Duration(time.Duration(seed) * time.Second)
			s.must(s.hub.SetFaults(fakehub.Faults{Lag: fakehub.Lag{Statuses: lag, Comments: lag}}))
			var mended atomic.Bool
			s.work = func(_ context.Context, job tasks.Job) agent.Outcome {
				if job.Context == "verify/fedora" && !mended.Load() {
					return agent.Outcome{State: "failure", Text: "2 tests | failed"}
				}
				return passed()
			}
			number, sha := s.pull("topic")
			end := s.fleet(4, seed)
			s.after(25 * time.Minute)
			want := "**1 failed, 1 waiting, 3 passed** of " + sha + `

| | | |
|---|---|---|
| ❌ | ` + "`verify/fedora` | `2 tests \\| failed (log on host)`" + ` |
| ✋ | ` + "`guest` | `needs vm`" + ` |
| ✅ | ` + "`lint` | `Tests passed (log on host)`" + ` |
| ✅ | ` + "`verify/debian` | `Tests passed (log on host)`" + ` |
| ✅ | ` + "`verify/opensuse` | `Tests passed (log on host)`" + ` |

A line ` + "`/retest failed`" + ` in a comment does again what has failed.
`
			if texts := s.summaries(number); !slices.Equal(texts, []string{want}) {
				t.Fatalf("seed %d: %q, want %q", seed, texts, want)
			}
			made, edited := s.written()
			if made > 2 || edited > 4 {
				t.Errorf("seed %d: %d comments made, %d times edited", seed, made, edited)
			}
			s.after(20 * time.Minute)
			if again, edits := s.written(); again != made || edits != edited {
				t.Errorf("seed %d: written though nothing happened: %d and %d times", seed, again-made, edits-edited)
			}
			mended.Store(true)
			s.write("ada", number, "/retest failed")
			s.after(20 * time.Minute)
			if texts := s.summaries(number); len(texts) != 1 || !strings.HasPrefix(texts[0], "**1 waiting, 4 passed** of "+sha) {
				t.Errorf("seed %d: after it was mended: %q", seed, texts)
			}
			end()
		})
	}
}

// TestNoSummary: where all is green nothing is said, and bots that begin later look once at most.
func TestNoSummary(t *testing.T) {
	play(t, map[string]string{"verify": onPulls}, func(t *testing.T, s *stage) {
		number, _ := s.pull("topic")
		end := s.fleet(3, 1)
		s.after(30 * time.Minute)
		if texts := s.texts(number); len(texts) != 0 {
			t.Errorf("says %q", texts)
		}
		end()
		began := time.Now()
		end = s.fleet(3, 2)
		s.after(30 * time.Minute)
		if n := s.requests(began)[fmt.Sprintf("GET /repos/%s/issues/%d/comments", widget, number)]; n > 3 {
			t.Errorf("looked for it %d times", n)
		}
		end()
	})
}

// TestSummaryOfAStranger: who has no write access can write what looks like a summary, and bots do not take it for theirs.
func TestSummaryOfAStranger(t *testing.T) {
	play(t, map[string]string{"verify": onPulls}, func(t *testing.T, s *stage) {
		s.work = func(context.Context, tasks.Job) agent.Outcome {
			return agent.Outcome{State: "failure", Text: "@all <b>failed</b> `x`"}
		}
		number, _ := s.pull("topic")
		forged := s.write("mallory", number, "<!-- cyborg: summary k7m2q9xa -->\n<!-- 0123456789abcdef -->\nAll is well.")
		end := s.fleet(3, 1)
		s.after(30 * time.Minute)
		texts := s.summaries(number)
		if len(texts) != 2 || texts[0] != "All is well." || !strings.Contains(texts[1], "| `@all <b>failed</b> 'x' (log on host)` |") {
			t.Errorf("the summaries are %q", texts)
		}
		got, err := s.person().Comments(t.Context(), hub.Repo{Owner: "acme", Name: "widget"}, number, time.Time{})
		s.must(err)
		if got[0].Body != forged.Body {
			t.Errorf("the stranger's comment was edited: %q", got[0].Body)
		}
		end()
	})
}

// TestSummaryOnce: however many bots of several accounts see at once that there is something to say, on bad days, one comment
// says it, and it says how it stands.
func TestSummaryOnce(t *testing.T) {
	for seed := range seeds(2) {
		play(t, map[string]string{"verify": onPulls, "lint": onPulls}, func(t *testing.T, s *stage) {
			s.work = func(_ context.Context, job tasks.Job) agent.Outcome {
				if job.Context == "verify" {
					return agent.Outcome{State: "failure", Text: "1 test failed"}
				}
				return passed()
			}
			number, sha := s.pull("topic")
			s.must(s.hub.SetFaults(onBadDays(seed + 1)))
			end := s.crowd(5, seed)
			s.after(25 * time.Minute)
			s.calm()
			texts := s.summaries(number)
			if len(texts) != 1 || !strings.HasPrefix(texts[0], "**1 failed, 1 passed** of "+sha) {
				t.Errorf("seed %d: the summaries are %q", seed, texts)
			}
			end()
		})
	}
}
