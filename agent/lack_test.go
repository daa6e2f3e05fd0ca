package agent_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/agent"
	"github.com/cyborg-bots/cyborg/container"
	"github.com/cyborg-bots/cyborg/tasks"
)

// noDisk is the outcome of a job whose disk cannot be had.
func noDisk() agent.Outcome {
	lack := &container.LackError{Thing: "the disk debian-0123456789ab", Name: "debian.qcow2", Cause: errors.New("nobody has it")}
	return agent.Outcome{State: "cancelled", Err: lack}
}

// claims counts those among the statuses.
func claims(statuses []string) int {
	n := 0
	for _, s := range statuses {
		if strings.Contains(s, "Testing in progress") {
			n++
		}
	}
	return n
}

// TestLack: a job whose disk is nowhere waits, and people read why; the bot claims it once, does others meanwhile, and takes
// it when the disk has come.
func TestLack(t *testing.T) {
	play(t, map[string]string{"verify": "on: pull request\n"}, func(t *testing.T, s *stage) {
		var there atomic.Bool
		_, first := s.pull("one")
		s.work = func(_ context.Context, job tasks.Job) agent.Outcome {
			if job.SHA == first && !there.Load() {
				return noDisk()
			}
			return passed()
		}
		end := s.run(s.bot("bot-a", func(c *agent.Config) {
			c.Had = func(_ context.Context, name string) bool { return name == "debian.qcow2" && there.Load() }
		}))
		s.after(10 * time.Minute)
		said := s.statuses(first)
		if claims(said) != 1 || !slices.ContainsFunc(said, func(text string) bool {
			return strings.HasSuffix(text, "Not yet tested: needs the disk debian-0123456789ab")
		}) {
			t.Errorf("while there is no disk: %q", said)
		}
		_, second := s.pull("two")
		s.after(5 * time.Minute)
		if said := s.statuses(second); !strings.Contains(strings.Join(said, "\n"), "success Tests passed (log on host) [bot-a]") {
			t.Errorf("another job: %q", said)
		}
		if got := claims(s.statuses(first)); got != 1 {
			t.Errorf("it was claimed %d times for nothing", got)
		}
		there.Store(true)
		s.after(5 * time.Minute)
		if said := s.statuses(first); !strings.Contains(strings.Join(said, "\n"), "success Tests passed (log on host) [bot-a]") {
			t.Errorf("when the disk is there: %q", said)
		}
		end()
	})
}

// TestLackOfOne: what one bot cannot have a peer has.
func TestLackOfOne(t *testing.T) {
	play(t, map[string]string{"verify": "on: pull request\n"}, func(t *testing.T, s *stage) {
		_, sha := s.pull("one")
		s.work = func(context.Context, tasks.Job) agent.Outcome { return noDisk() }
		poor := s.run(s.bot("bot-a", func(c *agent.Config) {
			c.Had = func(context.Context, string) bool { return false }
		}))
		s.after(5 * time.Minute)
		s.work = func(context.Context, tasks.Job) agent.Outcome { return passed() }
		rich := s.run(s.bot("bot-b", nil))
		s.after(5 * time.Minute)
		if said := s.statuses(sha); !strings.Contains(strings.Join(said, "\n"), "success Tests passed (log on host) [bot-b]") {
			t.Errorf("the statuses are %q", said)
		}
		poor()
		rich()
	})
}
