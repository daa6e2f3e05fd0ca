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
	"github.com/cyborg-bots/cyborg/tasks"
)

// can reads capabilities.
func can(words string) tasks.Capabilities {
	list, err := tasks.ParseCapabilities(strings.Fields(words))
	if err != nil {
		panic(err)
	}
	return list
}

// TestFullDisk: a disk that fills after the start ends claiming before a word is written; with room again the jobs are done.
func TestFullDisk(t *testing.T) {
	play(t, map[string]string{"verify": "on: pull request\n"}, func(t *testing.T, s *stage) {
		var full atomic.Bool
		s.work = func(context.Context, tasks.Job) agent.Outcome { return passed() }
		end := s.run(s.bot("bot-a", func(c *agent.Config) {
			c.Fit = func(context.Context) (tasks.Capabilities, error) {
				if full.Load() {
					return nil, errors.New("disk: full: 3 MB free of 80 GB in /state")
				}
				return c.Has, nil
			}
		}))
		_, first := s.pull("one")
		s.after(2 * time.Minute)
		if got := claims(s.statuses(first)); got != 1 {
			t.Fatalf("claimed %d times with room on the disk", got)
		}
		full.Store(true)
		_, second := s.pull("two")
		s.after(20 * time.Minute)
		if said := s.statuses(second); claims(said) > 0 {
			t.Errorf("claimed with a full disk: %q", said)
		}
		full.Store(false)
		s.after(15 * time.Minute) // it asks ever more seldom
		if said := s.statuses(second); claims(said) != 1 || !strings.Contains(strings.Join(said, "\n"), "success Tests passed") {
			t.Errorf("with room again: %q", said)
		}
		end()
	})
}

// TestLost: a bot whose hypervisor dies claims no more jobs that want a machine, says what they lack, and does the others;
// when it is back they are done.
func TestLost(t *testing.T) {
	headers := map[string]string{"verify": "on: pull request\nin: vm\n", "lint": "on: pull request\nin: host\n", "large": "on: pull request\nneeds: disk=40G\n"}
	play(t, headers, func(t *testing.T, s *stage) {
		var words atomic.Value
		words.Store("host vm disk=80G")
		s.work = func(context.Context, tasks.Job) agent.Outcome { return passed() }
		end := s.run(s.bot("bot-a", func(c *agent.Config) {
			c.Has, c.Jobs = can("host vm disk=80G"), 5
			c.Fit = func(context.Context) (tasks.Capabilities, error) { return can(words.Load().(string)), nil }
		}))
		_, first := s.pull("one")
		s.after(2 * time.Minute)
		if got := claims(s.statuses(first)); got != 3 {
			t.Fatalf("%d claims while all is there: %q", got, s.statuses(first))
		}
		words.Store("host disk=5G")
		_, second := s.pull("two")
		s.after(10 * time.Minute)
		said := s.statuses(second)
		if claims(said) != 1 || !slices.Contains(said, "pending Not yet tested: needs vm") || !slices.Contains(said, "pending Not yet tested: needs disk=40G, has 5G") {
			t.Errorf("without machines: %q", said)
		}
		words.Store("host vm disk=70G")
		s.after(5 * time.Minute)
		if said := s.statuses(second); claims(said) != 3 {
			t.Errorf("when they are back: %q", said)
		}
		end()
	})
}
