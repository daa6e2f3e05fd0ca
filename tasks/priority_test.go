package tasks

import (
	"math"
	"slices"
	"testing"
)

// TestPriority has the arithmetic of the bots of 2017, row by row.
func TestPriority(t *testing.T) {
	tests := []struct {
		name  string
		facts PullFacts
		want  float64
		why   string
	}{
		{"nothing special", PullFacts{Number: 42}, 10.99958, "pull request, older first"},
		{"old", PullFacts{Number: 1}, 10.99999, "pull request, older first"},
		{"beyond all numbers", PullFacts{Number: 200_000}, 10, "pull request, older first"},
		{"priority", PullFacts{Labels: []string{"Priority"}}, 13, "label priority +2"},
		{"blocked", PullFacts{Labels: []string{"blocked"}}, 10, "label blocked -1"},
		{"WIP", PullFacts{Title: "WIP: foo"}, 8, "title WIP -3"},
		{"wip in brackets", PullFacts{Title: " [wip] foo"}, 8, "title WIP -3"},
		{"wipe is a word", PullFacts{Title: "Wipe the disk"}, 11, "pull request, older first"},
		{"needswork", PullFacts{Labels: []string{"needswork"}}, 8, "label needswork -3"},
		{"draft", PullFacts{Draft: true}, 8, "draft -3"},
		{"WIP counts once", PullFacts{Title: "WIP", Labels: []string{"needswork"}, Draft: true}, 8, "title WIP -3"},
		{"error", PullFacts{State: "error"}, 5, "state error -6"},
		{"all of it", PullFacts{Title: "wip x", Labels: []string{"priority", "blocked"}, State: "error"}, 3,
			"label priority +2, label blocked -1, title WIP -3, state error -6"},
		{"never below what is done", PullFacts{Title: "wip x", Labels: []string{"blocked"}, State: "error"}, 1,
			"label blocked -1, title WIP -3, state error -6"},
		{"pending", PullFacts{State: "pending", Description: NotTested}, 11, "pull request, older first"},
		{"success", PullFacts{State: "success", Labels: []string{"priority"}}, 0, "done: success"},
		{"failure", PullFacts{State: "failure"}, 0, "done: failure"},
		{"no-test", PullFacts{Labels: []string{"no-test"}}, 0, "no-test: only a direct trigger runs it"},
		{"no-test in the title", PullFacts{Title: "Foo [no-test]"}, 0, "no-test: only a direct trigger runs it"},
		{"no-test, waiting", PullFacts{Labels: []string{"no-test"}, State: "pending", Description: NotTested}, 0, "no-test: only a direct trigger runs it"},
		{"no-test, direct trigger", PullFacts{Labels: []string{"no-test"}, State: "pending", Description: NotTestedDirect}, 11, "pull request, older first"},
		{"labels of another name", PullFacts{Labels: []string{"urgent"}, Names: Labels{Priority: "urgent"}}, 13, "label priority +2"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, why := Priority(test.facts)
			if math.Abs(got-test.want) > 1e-9 || why != test.why {
				t.Errorf("got %v (%s), want %v (%s)", got, why, test.want, test.why)
			}
		})
	}
}

func TestOrder(t *testing.T) {
	jobs := []Job{
		{Task: "e", Repo: "a/a", Pull: 9, Context: "e", Priority: 5},
		{Task: "c", Repo: "a/a", Pull: 3, Context: "c/2", Priority: 9},
		{Task: "c", Repo: "a/a", Pull: 3, Context: "c/1", Priority: 9},
		{Task: "d", Repo: "a/b", Pull: 2, Context: "d", Priority: 9},
		{Task: "b", Repo: "a/a", Issue: 2, Priority: 9},
		{Task: "a", Repo: "z/z", Pull: 99, Context: "a", Priority: 12},
	}
	slices.Reverse(jobs)
	Order(jobs)
	got := ""
	for _, j := range jobs {
		got += " " + j.Task + j.Context
	}
	if want := " aa b cc/1 cc/2 dd ee"; got != want {
		t.Errorf("order is%s, want%s", got, want)
	}
}
