package agent

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/tasks"
)

// at is when the snapshots of these tests were taken.
var at = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

// catalogue loads tasks from their headers, by name; all are well.
func catalogue(t *testing.T, headers map[string]string) *tasks.Catalogue {
	t.Helper()
	c := taught(t, headers)
	for _, p := range c.Problems {
		t.Fatal(p.Err)
	}
	return c
}

// taught loads tasks from their headers, by name.
func taught(t *testing.T, headers map[string]string) *tasks.Catalogue {
	t.Helper()
	c, _ := tasks.Load(func(yield func(tasks.File) bool) {
		for name, header := range headers {
			text := "#!/bin/sh\n# " + name + ": a task\n"
			for line := range strings.Lines(header) {
				text += "# " + line
			}
			if !yield(tasks.File{Path: "bots/" + name, Mode: 0o755, Data: []byte(text + "\nexit 0\n")}) {
				return
			}
		}
	}) // what is wrong is in c.Problems too
	return c
}

// open is a pull request by a writer, from a branch of the repository.
func open(number int, statuses ...hub.Status) hub.Pull {
	return hub.Pull{
		Number: number, Title: "A change", State: "OPEN", Author: "grace", HeadRepo: "acme/widget", HeadRef: "topic",
		HeadSHA: fmt.Sprintf("%040d", number), BaseRef: "main", Contexts: statuses,
	}
}

func said(state, text string, ago time.Duration) hub.Status {
	return hub.Status{State: state, Context: "verify", Description: text, CreatedAt: at.Add(-ago)}
}

func TestPlan(t *testing.T) {
	const onPulls = "on: pull request\nin: host\n"
	fork := open(1)
	fork.HeadRepo, fork.Author = "mallory/widget", "mallory"
	friend := open(1)
	friend.HeadRepo, friend.Author = "ada/widget", "Ada"
	lent := open(1)
	lent.HeadRepo, lent.Author = "mallory/widget", "Ada"
	gone := open(1)
	gone.HeadRepo, gone.Author = "", "Ada"
	orphan := open(1)
	orphan.HeadRepo, orphan.Author = "", ""
	stable := open(1)
	stable.BaseRef = "stable-1"
	closed := open(1)
	closed.State = "closed"
	stale := open(1)
	stale.Stale = true
	skipped := open(1)
	skipped.Labels = []string{"no-test"}
	asked := open(1, said("pending", "Not yet tested (direct trigger)", time.Minute))
	asked.Labels = []string{"no-test"}
	returned := open(1, said("pending", "Not yet tested (released) k7m2q9xa", time.Minute))
	returned.Labels = []string{"no-test"}
	left := open(1, said("pending", "Testing in progress [bot-a] k7m2q9xa 30m", time.Hour))
	left.Labels = []string{"no-test"}

	for _, row := range []struct {
		name   string
		header string
		pull   hub.Pull
		want   string // standing, holder and wait of verify; empty: no job
	}{
		{"a new head", onPulls, open(1), "ready silent"},
		{"somebody asked for it", onPulls, open(1, said("pending", "Not yet tested", time.Minute)), "ready"},
		{"a peer has it", onPulls, open(1, said("pending", "Testing in progress [bot-a] k7m2q9xa 30m", time.Minute)), "held bot-a"},
		{"a peer renews it", onPulls, open(1, said("pending", "Testing in progress [bot-a] k7m2q9xa 30m +1h20m", 29*time.Minute)), "held bot-a"},
		{"a peer that died has it no longer", onPulls, open(1, said("pending", "Testing in progress [bot-a] k7m2q9xa 30m", 32*time.Minute)), "ready"},
		{"within the allowed difference of times it still has", onPulls, open(1, said("pending", "Testing in progress [bot-a] k7m2q9xa 30m", 30*time.Minute+30*time.Second)), "held bot-a"},
		{"a bot of 2017 has it", onPulls, open(1, said("pending", "Testing in progress [host]", time.Hour)), "held host"},
		{"given back", onPulls, open(1, said("pending", "Not yet tested (released) k7m2q9xa", time.Second)), "ready"},
		{"given up", onPulls, open(1, said("pending", "Not yet tested: given up: 20 claims brought no result", time.Minute)), "waiting: given up: 20 claims brought no result"},
		{"passed", onPulls, open(1, said("success", "Tests passed [bot-a] k7m2q9xa", time.Minute)), "done"},
		{"failed", onPulls, open(1, said("failure", "3 tests failed [bot-a] k7m2q9xa", time.Minute)), "done"},
		{"contexts are compared without case", onPulls, open(1, hub.Status{State: "SUCCESS", Context: "Verify", Description: "Tests passed", CreatedAt: at}), "done"},
		{"another base branch", onPulls + "branches: main\n", stable, ""},
		{"closed meanwhile", onPulls, closed, ""},
		{"an answer older than one before", onPulls, stale, ""},
		{"not asked for by pull requests", "on: request\n", open(1), ""},
		{"a stranger's fork", onPulls, fork, "waiting silent: @mallory has no write access, and this task runs on the host"},
		{"a writer's fork", onPulls, friend, "ready silent"},
		{"a fork that was deleted with its owner", onPulls, orphan, "waiting silent: the author has no write access, and this task runs on the host"},
		{"a stranger's fork in the name of a writer", onPulls, lent, "waiting silent: @mallory, whose fork this is, has no write access, and this task runs on the host"},
		{"a writer's, of a fork that was deleted", onPulls, gone, "waiting silent: the owner of a deleted fork has no write access, and this task runs on the host"},
		{"a place that this bot does not have", "on: pull request\nin: vm\n", open(1), "waiting silent: needs vm"},
		{"more than this bot has", onPulls + "needs: memory=64G\n", open(1), "waiting silent: needs memory=64G, has 8G"},
		{"label no-test", onPulls, skipped, "waiting silent: no-test: only a direct trigger runs it"},
		{"label no-test, and asked for directly", onPulls, asked, "ready"},
		{"asked for what this bot cannot do", "on: pull request\nin: vm\n", open(1, said("pending", "Not yet tested", time.Minute)), "waiting silent: needs vm"},
		{"label no-test, and asked for directly what this bot cannot do", "on: pull request\nin: vm\n", asked, "waiting: needs vm"},
		{"label no-test, asked for, and given back by a peer", onPulls, returned, "ready"},
		{"label no-test, asked for, and held by a peer that died", onPulls, left, "ready"},
	} {
		t.Run(row.name, func(t *testing.T) {
			v := view{
				Repo: hub.Repo{Owner: "acme", Name: "widget"}, Snapshot: hub.Snapshot{Pulls: []hub.Pull{row.pull}, Now: at},
				Catalogue: catalogue(t, map[string]string{"verify": row.header}), Trusted: map[string]bool{"ada": true},
				Has: tasks.Capabilities{{Name: "host"}, {Name: "memory", Bytes: 8 << 30}},
			}
			got := ""
			for _, e := range plan(v) {
				got = string(e.Standing)
				if e.Holder != "" && e.Standing == Held {
					got += " " + e.Holder
				}
				if e.Silent {
					got += " silent"
				}
				if e.Waits != "" {
					got += ": " + e.Waits
				}
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestPlanOfBrokenTasks: what is wrong with a task on the protected branch is seen on every pull request that waits for
// it, and is said again when it is something else.
func TestPlanOfBrokenTasks(t *testing.T) {
	const note = `Not yet tested: bots/verify:4: unknown key "tiemout" (did you mean "timeout"?)`
	stable := open(1)
	stable.BaseRef = "stable-1"
	for _, row := range []struct {
		name   string
		header string
		pull   hub.Pull
		want   string
	}{
		{"nobody has said it", "on: pull request\ntiemout: 2h\n", open(1), `waiting silent: bots/verify:4: unknown key "tiemout" (did you mean "timeout"?)`},
		{"it was said", "on: pull request\ntiemout: 2h\n", open(1, said("pending", note, time.Minute)), `waiting: bots/verify:4: unknown key "tiemout" (did you mean "timeout"?)`},
		{"something else is wrong now", "on: pull request\nimgae: x\n", open(1, said("pending", note, time.Minute)), `waiting silent: bots/verify:4: unknown key "imgae" (did you mean "image"?)`},
		{"all is well now", "on: pull request\nin: host\n", open(1, said("pending", note, time.Minute)), "ready silent"},
		{"somebody asked in vain", "on: pull request\ntiemout: 2h\n", open(1, said("pending", "Not yet tested", time.Minute)), `waiting silent: bots/verify:4: unknown key "tiemout" (did you mean "timeout"?)`},
		{"it passed when it was well", "on: pull request\ntiemout: 2h\n", open(1, said("success", "Tests passed", time.Minute)), "done"},
		{"a bot that saw it well has it", "on: pull request\ntiemout: 2h\n", open(1, said("pending", "Testing in progress [bot-a] k7m2q9xa 30m", time.Minute)), "held"},
		{"of another branch", "on: pull request\nbranches: main\ntiemout: 2h\n", stable, ""},
		{"a chore", "every: 7 days\ntiemout: 2h\n", open(1), ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			v := view{Repo: hub.Repo{Owner: "acme", Name: "widget"}, Snapshot: hub.Snapshot{Pulls: []hub.Pull{row.pull}, Now: at},
				Catalogue: taught(t, map[string]string{"verify": row.header}), Has: tasks.Capabilities{{Name: "host"}}}
			got := ""
			for _, e := range plan(v) {
				got += string(e.Standing)
				if e.Silent {
					got += " silent"
				}
				if e.Waits != "" {
					got += ": " + e.Waits
				}
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPlanIsTheSameForEverybody(t *testing.T) {
	c := catalogue(t, map[string]string{"verify": "on: pull request\nin: host\nimage: a b\nwith: browser=x y", "lint": "on: pull request\nin: host"})
	urgent := open(7)
	urgent.Labels = []string{"priority"}
	v := view{Repo: hub.Repo{Owner: "acme", Name: "widget"}, Catalogue: c, Has: tasks.Capabilities{{Name: "host"}},
		Snapshot: hub.Snapshot{Now: at, Pulls: []hub.Pull{open(9), urgent, open(8)}}}
	var got []string
	for _, e := range plan(v) {
		got = append(got, fmt.Sprintf("#%d %s", e.Pull, e.Context))
	}
	var want []string
	for _, n := range []int{7, 8, 9} {
		for _, c := range []string{"lint", "verify/a/x", "verify/a/y", "verify/b/x", "verify/b/y"} {
			want = append(want, fmt.Sprintf("#%d %s", n, c))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestChoose(t *testing.T) {
	entry := func(pull int, priority float64) Entry {
		return Entry{Standing: Ready, Job: tasks.Job{Repo: "acme/widget", Pull: pull, SHA: fmt.Sprint(pull), Context: "verify", Priority: priority}}
	}
	queue := []Entry{entry(1, 12.9), entry(2, 10.9), entry(3, 10.8), entry(4, 10.7), entry(5, 7.5)}
	queue[3].Standing = Held
	ranks := map[string]int{"1": 0, "2": 2, "3": 1, "5": 0}
	for _, row := range []struct {
		name  string
		slots int
		age   time.Duration
		skip  string
		take  []int
		wait  time.Duration
	}{
		{"the most urgent goes first", 1, 0, "", []int{0}, 0},
		{"what is ranked second waits a pause", 3, 0, "", []int{0}, 5 * time.Second},
		{"which shrinks as the job waits", 3, 3 * time.Second, "", []int{0}, 2 * time.Second},
		{"and is over then", 3, 5 * time.Second, "", []int{0, 2}, 5 * time.Second},
		{"no less urgent job while a more urgent one is a pause away", 5, 5 * time.Second, "1", []int{2}, 5 * time.Second},
		{"all when all have waited", 5, time.Minute, "", []int{0, 2, 1, 4}, 0},
		{"nothing without a slot", 0, time.Minute, "", nil, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := chooser{Me: "me", Slots: row.slots, Pause: 5 * time.Second,
				Age:  func(Entry) time.Duration { return row.age },
				Skip: func(e Entry) bool { return e.SHA == row.skip },
				Place: func(keys, _ []string, _ string) []int {
					places := make([]int, len(keys))
					for i, key := range keys {
						places[i] = ranks[strings.TrimSuffix(strings.TrimPrefix(key, "acme/widget@"), ":verify")]
					}
					return places
				}}
			got := c.choose(queue, nil)
			if diff := cmp.Diff(choice{Take: row.take, Wait: row.wait}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestChooseOneHeadOnce: two pull requests with the same head (into two branches, say) ask for one job. Taken twice, the
// bot would compete with itself and lose sight of the run that wins.
func TestChooseOneHeadOnce(t *testing.T) {
	entry := func(pull int, sha string, priority float64) Entry {
		return Entry{Standing: Ready, Job: tasks.Job{Repo: "acme/widget", Pull: pull, SHA: sha, Context: "verify", Priority: priority}}
	}
	queue := []Entry{entry(1, "a", 20.9), entry(2, "a", 10.9), entry(3, "b", 10.8), entry(4, "b", 10.7)}
	c := chooser{Me: "me", Slots: 4, Age: func(Entry) time.Duration { return 0 }, Skip: func(Entry) bool { return false },
		Place: func(keys, _ []string, _ string) []int { return make([]int, len(keys)) }}
	if diff := cmp.Diff(choice{Take: []int{0, 2}}, c.choose(queue, nil)); diff != "" {
		t.Error(diff)
	}
}

// TestPlace: a task that names no place runs in the strictest that the bot offers and that fits it.
func TestPlace(t *testing.T) {
	for _, row := range []struct {
		name, header, has string
		want              tasks.PlaceKind
	}{
		{"a disk, and machines", "on: pull request\nimage: debian\n", "host vm", tasks.InVM},
		{"no disk, and machines", "on: pull request\n", "host vm", tasks.OnHost},
		{"a disk, and no machines", "on: pull request\nimage: debian\n", "host", tasks.OnHost},
		{"what the header says", "on: pull request\nimage: debian\nin: host\n", "host vm", tasks.OnHost},
	} {
		t.Run(row.name, func(t *testing.T) {
			has, err := tasks.ParseCapabilities(strings.Fields(row.has))
			if err != nil {
				t.Fatal(err)
			}
			task, err := catalogue(t, map[string]string{"verify": row.header}).Find("verify")
			if err != nil {
				t.Fatal(err)
			}
			if got := (&view{Has: has}).place(task); got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}
