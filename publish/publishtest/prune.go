package publishtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyborg-bots/cyborg/publish"
)

// Pruning goes by what a store says of its objects: their times, which no test can set on a server. So the clock moves.
const (
	day      = 24 * time.Hour
	keepLogs = 90 * day
)

// later is when all that is written now is old enough to go.
func later() time.Time { return time.Now().Add(keepLogs + 10*day) }

// attempts publishes one attempt for each pull request of a repository, begun at a time, and gives their folders.
func attempts(t *testing.T, s publish.Store, repo string, began time.Time, pulls ...int) (prefixes []string) {
	t.Helper()
	for n, pull := range pulls {
		a, err := publish.Begin(t.Context(), s, publish.Info{
			Repo: repo, Task: "verify", Pull: pull, Started: began.Add(time.Duration(n) * time.Second), Scratch: t.TempDir(),
		})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(a, "some log")
		a.Report(publish.Report{Tests: []publish.Test{{Name: "counts", Status: publish.Passed}}})
		if err := a.Finish(t.Context(), publish.Outcome{State: publish.StateSuccess}); err != nil {
			t.Fatal(err)
		}
		prefixes = append(prefixes, a.Prefix())
	}
	return prefixes
}

// listed are the numbers of the pull requests that an index shows, in order.
func listed(t *testing.T, s publish.Store, name string) (pulls []int) {
	t.Helper()
	var l publish.Listing
	if err := json.Unmarshal(get(t, s, name), &l); err != nil {
		t.Fatal(err)
	}
	for _, a := range l.Attempts {
		pulls = append(pulls, a.Pull)
	}
	return slices.Sorted(slices.Values(pulls))
}

// pinned keeps all about some pull requests, which are open.
func pinned(pulls ...int) func(kind string) bool {
	return func(kind string) bool {
		return slices.ContainsFunc(pulls, func(n int) bool { return kind == fmt.Sprintf("pull-%d", n) })
	}
}

// pruned: what is old goes, with all its objects; what an open pull request has, what is young and what is not ours stays;
// the history outlives the logs.
func pruned(t *testing.T, s publish.Store, at string) {
	now := later()
	attempts(t, s, at, time.Now(), 7, 7, 8)
	attempts(t, s, at, now.Add(-keepLogs+day), 9)
	foreign := []string{
		at + "/README.txt", at + "/pull-7/verify/notes/x.txt", at + "/images/20260101-000000-x/disk.bin", at + "s/pull-7/v/20260101-000000-x/log.txt",
	}
	for _, name := range foreign {
		put(t, s, name, []byte("x"))
	}
	before := names(t, s, at)
	keep := publish.Keep{Logs: keepLogs, History: 400 * day, Now: time.Now().Add(keepLogs - day), Pinned: pinned(8)}
	if done, err := publish.Prune(t.Context(), s, at, keep); err != nil || done != (publish.Pruned{}) {
		t.Errorf("a day too early: %+v, %v", done, err)
	}
	keep.Now, keep.DryRun = now, true
	told, err := publish.Prune(t.Context(), s, at, keep)
	if diff := cmp.Diff(before, names(t, s, at)); diff != "" || err != nil {
		t.Errorf("a dry run: %v (-before +after):\n%s", err, diff)
	}
	keep.DryRun = false
	done, err := publish.Prune(t.Context(), s, at, keep)
	if err != nil || done != told || done.Attempts != 2 || done.Pinned != 1 || done.Objects != 2*6 || done.Bytes == 0 {
		t.Errorf("deleted %+v, a dry run told %+v, %v", done, told, err)
	}
	for _, name := range names(t, s, at+"/pull-7/") {
		if !slices.Contains(foreign, name) {
			t.Errorf("%s is still there", name)
		}
	}
	for _, name := range foreign {
		get(t, s, name)
	}
	if got := listed(t, s, at+"/index.json"); !slices.Equal(got, []int{8, 9}) {
		t.Errorf("the index shows %v", got)
	}
	if got := names(t, s, at+"/history/"); len(got) != 4 {
		t.Errorf("the history has %q, want all 4", got)
	}
	keep.Now, keep.Pinned = keep.Now.Add(400*day), nil // and the pull request is closed
	if done, err = publish.Prune(t.Context(), s, at, keep); err != nil || done.History != 4 || done.Attempts != 2 {
		t.Errorf("much later: %+v, %v", done, err)
	}
	if left := names(t, s, at+"/attempts/"); len(left) > 0 {
		t.Errorf("much later there is %q", left)
	}
}

// dying lets only some deletions through.
type dying struct {
	publish.Store
	mu   sync.Mutex
	left int
}

var errDying = errors.New("died")

func (d *dying) Delete(ctx context.Context, name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.left--; d.left < 0 {
		return errDying
	}
	return d.Store.Delete(ctx, name)
}

// goesOn: a bot may die at any deletion. Of an attempt of which it left anything the page is left, and the next bot finds it.
func goesOn(t *testing.T, s publish.Store, at string) {
	for died := range 14 {
		repo := fmt.Sprintf("%s-died-%d", at, died)
		prefixes := attempts(t, s, repo, time.Now(), 7, 8)
		keep := publish.Keep{Logs: keepLogs, Now: later()}
		if _, err := publish.Prune(t.Context(), &dying{Store: s, left: died}, repo, keep); !errors.Is(err, errDying) {
			t.Fatalf("died at deletion %d: %v", died, err)
		}
		for _, p := range prefixes {
			if left := names(t, s, p); len(left) > 0 && !slices.Contains(left, p+"/log.html") {
				t.Errorf("died at deletion %d: of an attempt there are %q, and no page", died, left)
			}
		}
		if _, err := publish.Prune(t.Context(), s, repo, keep); err != nil {
			t.Fatal(err)
		}
		for _, name := range names(t, s, repo+"/") {
			if !strings.Contains(name, "/history/") && !strings.HasPrefix(name, repo+"/index.") {
				t.Errorf("died at deletion %d: %s is still there", died, name)
			}
		}
	}
}

// sideBySide: several bots prune at the same time, while another publishes.
func sideBySide(t *testing.T, s publish.Store, at string) {
	attempts(t, s, at, time.Now(), 1, 2, 3, 4)
	keep := publish.Keep{Logs: keepLogs, Now: later(), Pinned: pinned(4, 9)}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := publish.Prune(t.Context(), s, at, keep); err != nil {
				t.Error(err)
			}
		})
	}
	kept := attempts(t, s, at, time.Now(), 9)
	wg.Wait()
	if got := listed(t, s, at+"/index.json"); !slices.Equal(got, []int{4, 9}) {
		t.Errorf("the index shows %v", got)
	}
	for n := 1; n <= 3; n++ {
		if left := names(t, s, fmt.Sprintf("%s/pull-%d/", at, n)); len(left) > 0 {
			t.Errorf("of pull request %d there is %q", n, left)
		}
	}
	get(t, s, kept[0]+"/log.txt")
}
