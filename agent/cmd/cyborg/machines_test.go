package main

import (
	"testing"

	"github.com/cyborg-bots/cyborg/agent"
	"github.com/cyborg-bots/cyborg/tasks"
	"github.com/cyborg-bots/cyborg/vmimage/machine/place"
)

// TestRoom: a job waits for machines that run, and does not wait for room that never comes: it is taken, and given back with
// what it needs.
func TestRoom(t *testing.T) {
	m := &machinery{budget: place.NewBudget(place.Share{Memory: 4 << 30, CPUs: 8})}
	m.place = place.New(place.Options{Budget: m.budget})
	job := func(in tasks.PlaceKind, needs string) agent.Entry {
		task, err := tasks.ReadTask(tasks.File{Path: "bots/verify", Mode: 0o755, Data: []byte("#!/bin/sh\n# verify: test it\n# on: pull request\n# in: vm\n# image: small\n# needs: memory=" + needs + "\n")})
		if err != nil {
			t.Fatal(err)
		}
		return agent.Entry{Taught: task, Place: in}
	}
	small, large, never := job(tasks.InVM, "1G"), job(tasks.InVM, "3G"), job(tasks.InVM, "5G")
	if !m.room(small) || !m.room(large) || !m.room(never) {
		t.Error("nothing runs, and there is no room")
	}
	give, err := m.budget.Take(t.Context(), m.place.ShareOf(agent.LimitsOf(small.Taught)))
	if err != nil {
		t.Fatal(err)
	}
	defer give()
	if !m.room(small) || m.room(large) || !m.room(never) || !m.room(job(tasks.InContainer, "3G")) {
		t.Error("beside one of 1G there is room for another, for what needs no machine, and not for one of 3G")
	}
}
