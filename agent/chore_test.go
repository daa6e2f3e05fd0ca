package agent_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/agent"
	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/selftest/fakehub"
	"github.com/cyborg-bots/cyborg/tasks"
)

const weekly = "every: 7 days\nin: host\npaths: po/\n"

// seeds is how many games a test plays: few, or as many as CYBORG_SEEDS says.
func seeds(few uint64) uint64 {
	if n, err := strconv.ParseUint(os.Getenv("CYBORG_SEEDS"), 10, 32); err == nil {
		return n
	}
	return few
}

// choreIssues are the issues that ask for the chore, and how many bots have ever filed.
func (s *stage) choreIssues() (open []fakehub.Issue, filed int) {
	for _, i := range s.hub.Truth().Issues(widget) {
		if strings.HasPrefix(i.Body, "<!-- cyborg: chore ") {
			filed++
		}
		if i.State == "open" && slices.Contains(i.Labels, "bot") {
			open = append(open, i)
		}
	}
	return open, filed
}

// crowd starts bots of two accounts; those of every second seed are alike to the nanosecond, so that all do the same at once.
func (s *stage) crowd(n int, seed uint64) (end func()) {
	if seed%2 == 1 {
		return s.fleet(n, seed)
	}
	return s.fleetOf(n, func(int) uint64 { return seed + 1 })
}

// TestChoreOnce: 20 bots of two accounts cross one due date at once, in the same second, while GitHub lags: one issue
// remains that asks for the chore, and none beside it is open a minute after it is there.
func TestChoreOnce(t *testing.T) {
	filed, most := 0, 0
	number := seeds(2)
	for seed := range number {
		play(t, map[string]string{"po-refresh": weekly}, func(t *testing.T, s *stage) {
			lag := fakehub.Duration(time.Duration(seed%4) * time.Second)
			s.must(s.hub.SetFaults(fakehub.Faults{Lag: fakehub.Lag{Issues: lag, Refs: lag, Comments: lag}}))
			i, err := s.client("cyborg-token").CreateIssue(t.Context(), acmeWidget, hub.NewIssue{Title: "Translate", Body: " * [x] po-refresh", Labels: []string{"bot"}})
			s.must(err)
			_, err = s.client("cyborg-token").EditIssue(t.Context(), acmeWidget, i.Number, hub.IssueEdit{State: new("closed")})
			s.must(err)
			s.after(7*24*time.Hour - time.Minute)
			end := s.crowd(20, seed)
			var first time.Time
			for range 60 {
				if !first.IsZero() && time.Since(first) > 4*time.Minute {
					break // also the bot that comes last in the draw has had its turn
				}
				s.after(10 * time.Second)
				open, _ := s.choreIssues()
				asking := slices.ContainsFunc(open, func(i fakehub.Issue) bool { return strings.Contains(i.Body, "* [ ] po-refresh") })
				if asking && first.IsZero() {
					first = time.Now()
				}
				if !first.IsZero() && time.Since(first) >= time.Minute && len(open) != 1 {
					t.Errorf("seed %d: %s after it was asked for, these are open: %+v", seed, time.Since(first), open)
				}
			}
			open, n := s.choreIssues()
			if len(open) != 1 || !strings.Contains(open[0].Body, "* [ ] po-refresh") || open[0].Title != "A task" {
				t.Errorf("seed %d: open are %+v", seed, open)
			}
			filed, most = filed+n, max(most, n)
			end()
		})
	}
	t.Logf("%d due dates, %d issues filed, at most %d for one", number, filed, most)
}

// TestChoreDue: when a chore is filed, and when not.
func TestChoreDue(t *testing.T) {
	day := 24 * time.Hour
	issue := func(login, body, state string) func(s *stage) {
		return func(s *stage) {
			i, err := s.client(login+"-token").CreateIssue(s.t.Context(), acmeWidget, hub.NewIssue{Title: "An issue", Body: body})
			s.must(err)
			_, err = s.person().EditIssue(s.t.Context(), acmeWidget, i.Number, hub.IssueEdit{State: &state, Labels: &[]string{"bot"}})
			s.must(err)
		}
	}
	change := func(file string) func(s *stage) {
		return func(s *stage) {
			_, err := s.hub.Commit(s.t.Context(), widget, fakehub.Commit{Branch: "main", Files: map[string]string{file: "x"}})
			s.must(err)
		}
	}
	const item = " * [ ] po-refresh"
	for name, row := range map[string]struct {
		before []func(s *stage)
		wait   time.Duration
		filed  int
	}{
		"never done":             {nil, 0, 1},
		"closed lately":          {[]func(*stage){issue("ada", item, "closed")}, 6 * day, 0},
		"closed long ago":        {[]func(*stage){issue("ada", item, "closed")}, 8 * day, 1},
		"open":                   {[]func(*stage){issue("ada", item, "open")}, 30 * day, 0},
		"open and failed":        {[]func(*stage){issue("ada", " * [ ] FAIL: po-refresh", "open")}, 30 * day, 0},
		"open by a stranger":     {[]func(*stage){issue("mallory", item, "open")}, 0, 1},
		"open for something":     {[]func(*stage){issue("ada", " * [ ] image-refresh", "open")}, 0, 1},
		"changed by hand":        {[]func(*stage){change("po/de.po")}, 6 * day, 0},
		"changed long ago":       {[]func(*stage){change("po/de.po")}, 8 * day, 1},
		"something else changed": {[]func(*stage){change("po/de.po"), func(s *stage) { s.after(6 * day); change("src/x")(s) }}, 2 * day, 1},
	} {
		play(t, map[string]string{"po-refresh": weekly}, func(t *testing.T, s *stage) {
			for _, f := range row.before {
				f(s)
			}
			s.after(row.wait)
			end := s.fleet(3, 11)
			s.after(20 * time.Minute)
			if _, filed := s.choreIssues(); filed != row.filed {
				t.Errorf("%s: filed %d, want %d", name, filed, row.filed)
			}
			end()
		})
	}
}

// TestChoreAgain: a chore whose issue people close is filed again after its period, not before.
func TestChoreAgain(t *testing.T) {
	play(t, map[string]string{"po-refresh": "every: 2 hours\nin: host\n"}, func(t *testing.T, s *stage) {
		end := s.fleet(3, 4)
		for i := range 3 {
			s.after(20 * time.Minute)
			open, filed := s.choreIssues()
			if len(open) != 1 || filed != i+1 {
				t.Fatalf("after %d periods: filed %d, open %+v", i, filed, open)
			}
			_, err := s.person().EditIssue(t.Context(), acmeWidget, open[0].Number, hub.IssueEdit{State: new("closed")})
			s.must(err)
			s.after(100 * time.Minute)
			if _, filed := s.choreIssues(); filed != i+1 {
				t.Fatalf("filed %d before it was due again", filed)
			}
			s.after(10 * time.Minute)
		}
		end()
	})
}

// TestChoresCapped: bots file no more within an hour than they may.
func TestChoresCapped(t *testing.T) {
	headers := map[string]string{}
	for i := range 6 {
		headers[fmt.Sprintf("chore-%d", i)] = "every: 30 days\nin: host\n"
	}
	play(t, headers, func(t *testing.T, s *stage) {
		end := s.fleet(3, 2)
		for hours := range 2 {
			s.after(time.Hour)
			if _, filed := s.choreIssues(); filed < 4*hours+1 || filed > min(4*(hours+1)+2, 6) {
				t.Errorf("after %d hours: filed %d", hours+1, filed)
			}
		}
		s.after(time.Hour)
		if open, filed := s.choreIssues(); filed != 6 || len(open) != 6 {
			t.Errorf("at the end %d are filed, %d open", filed, len(open))
		}
		end()
	})
}

// TestChoreLeftBehind: an issue whose bot died before it asked for anything is completed, and a double is closed.
func TestChoreLeftBehind(t *testing.T) {
	play(t, map[string]string{"po-refresh": weekly}, func(t *testing.T, s *stage) {
		for _, nonce := range []string{"k7m2q9xa", "k7m2q9xb"} {
			_, err := s.client("cyborg-token").CreateIssue(t.Context(), acmeWidget, hub.NewIssue{Title: "A task", Body: "<!-- cyborg: chore po-refresh " + nonce + " -->\nIt is due.\n", Labels: []string{"bot"}})
			s.must(err)
		}
		end := s.fleet(3, 2)
		s.after(10 * time.Minute)
		open, filed := s.choreIssues()
		if len(open) != 1 || filed != 2 || open[0].Number != 1 || !strings.HasSuffix(open[0].Body, "It is due.\n\n * [ ] po-refresh\n") {
			t.Errorf("filed %d, open %+v", filed, open)
		}
		end()
	})
}

// TestChoreOfTheFleet: a built-in task becomes a chore by a line in fleet.toml.
func TestChoreOfTheFleet(t *testing.T) {
	play(t, nil, func(t *testing.T, s *stage) {
		var err error
		s.taught, err = tasks.Load(slices.Values([]tasks.File{{Path: "bots/fleet.toml", Mode: 0o644, Data: []byte("[chores]\nexample-task = \"7 days\"\n")}}))
		s.must(err)
		end := s.run(s.bot("bot-a", func(c *agent.Config) {}))
		s.after(20 * time.Minute)
		if open, _ := s.choreIssues(); len(open) != 1 || !strings.Contains(open[0].Body, "* [ ] example-task") {
			t.Errorf("open are %+v", open)
		}
		end()
	})
}
