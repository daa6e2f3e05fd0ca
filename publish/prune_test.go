package publish_test

import (
	"context"
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

// shelfOfLogs publishes an attempt for each pull request, and gives their folders.
func shelfOfLogs(t *testing.T, s publish.Store, pulls ...int) (prefixes []string) {
	t.Helper()
	for n, pull := range pulls {
		i := info(t)
		i.Pull, i.Started = pull, i.Started.Add(time.Duration(n)*time.Minute)
		a := begin(t, s, i)
		fmt.Fprintln(a, "some log")
		a.Report(publish.Report{Tests: someTests})
		finish(t, a, publish.StateSuccess, "")
		prefixes = append(prefixes, a.Prefix())
	}
	return prefixes
}

// all are the names of a store's objects.
func all(t *testing.T, s publish.Store, prefix string) (list []string) {
	t.Helper()
	for e, err := range s.List(t.Context(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, e.Name)
	}
	return list
}

// later is when everything that the tests have just written is 100 days old.
func later() time.Time { return time.Now().Add(100 * 24 * time.Hour) }

const days = 24 * time.Hour

// What is old goes, with all its objects; what an open pull request has, what is
// young and what is not ours stays; the history outlives the logs.
func TestPrune(t *testing.T) {
	s := openDir(t)
	shelfOfLogs(t, s, 7, 7, 8)
	foreign := []string{"acme/widget/README.txt", "acme/widget/pull-7/verify/notes/x.txt", "acme/widget/images/20260101-000000-x/disk.bin", "acme/widgets/pull-7/v/20260101-000000-x/log.txt"}
	for _, name := range foreign {
		if err := s.Put(t.Context(), name, strings.NewReader("x"), publish.Meta{}); err != nil {
			t.Fatal(err)
		}
	}
	before := all(t, s, "")
	keep := publish.Keep{Logs: 90 * days, History: 400 * days, Now: later(), Pinned: func(kind string) bool { return kind == "pull-8" }, DryRun: true}
	told, err := publish.Prune(t.Context(), s, "acme/widget", keep)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, all(t, s, "")); diff != "" {
		t.Errorf("a dry run (-before +after):\n%s", diff)
	}
	keep.DryRun = false
	done, err := publish.Prune(t.Context(), s, "acme/widget", keep)
	if err != nil || done != told || done.Attempts != 2 || done.Pinned != 1 || done.Objects != 2*6 || done.Bytes == 0 {
		t.Errorf("deleted %+v, a dry run told %+v, %v", done, told, err)
	}
	for _, name := range all(t, s, "") {
		if strings.Contains(name, "/pull-7/") && !strings.Contains(name, "/history/") && !slices.Contains(foreign, name) {
			t.Errorf("%s is still there", name)
		}
	}
	for _, name := range foreign {
		read(t, s, name)
	}
	if got := shows(t, s, "acme/widget/index.json"); len(got) != 1 || !strings.Contains(got[0], " 8 ") {
		t.Errorf("the index shows %q", got)
	}
	if got := records(t, s, time.Time{}); len(got) != 3 {
		t.Errorf("the history has %d attempts, want all 3", len(got))
	}
	keep.Now = keep.Now.Add(400 * days)
	keep.Pinned = nil
	if done, err = publish.Prune(t.Context(), s, "acme/widget", keep); err != nil || done.History != 3 || done.Attempts != 1 {
		t.Errorf("much later: %+v, %v", done, err)
	}
}

// The young stay, and nobody can ask for less than a day.
func TestPruneKeeps(t *testing.T) {
	s := openDir(t)
	shelfOfLogs(t, s, 7) // began in January, by its own clock, and was written just now
	before := all(t, s, "")
	if done, err := publish.Prune(t.Context(), s, "acme/widget", publish.Keep{Logs: days}); err != nil || done != (publish.Pruned{}) {
		t.Errorf("deleted %+v, %v", done, err)
	}
	for _, keep := range []publish.Keep{{}, {Logs: time.Hour, Now: later()}, {Logs: 90 * days, History: days, Now: later()}} {
		if _, err := publish.Prune(t.Context(), s, "acme/widget", keep); err == nil {
			t.Errorf("%+v was done", keep)
		}
	}
	if diff := cmp.Diff(before, all(t, s, "")); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}

// stubborn lets only some deletions through.
type stubborn struct {
	publish.Store
	mu   sync.Mutex
	left int
}

var errStubborn = errors.New("no")

func (s *stubborn) Delete(ctx context.Context, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.left--; s.left < 0 {
		return errStubborn
	}
	return s.Store.Delete(ctx, name)
}

// A bot that dies half way, at any deletion, leaves what the next one finds; and
// of an attempt of which anything is left the page is left.
func TestPruneGoesOn(t *testing.T) {
	for died := range 14 {
		s := openDir(t)
		prefixes := shelfOfLogs(t, s, 7, 8)
		keep := publish.Keep{Logs: 90 * days, Now: later()}
		if _, err := publish.Prune(t.Context(), &stubborn{Store: s, left: died}, "acme/widget", keep); err != nil && !errors.Is(err, errStubborn) {
			t.Fatal(err)
		}
		for _, p := range prefixes {
			if left := all(t, s, p); len(left) > 0 && !slices.Contains(left, p+"/log.html") {
				t.Errorf("died at deletion %d: of an attempt there are %q, and no page", died, left)
			}
		}
		if _, err := publish.Prune(t.Context(), s, "acme/widget", keep); err != nil {
			t.Fatal(err)
		}
		for _, name := range all(t, s, "") {
			if !strings.Contains(name, "/history/") && !strings.HasPrefix(name, "acme/widget/index.") {
				t.Errorf("died at deletion %d: %s is still there", died, name)
			}
		}
	}
}

// Several bots prune at the same time, while others publish.
func TestPruneSideBySide(t *testing.T) {
	s := openDir(t)
	shelfOfLogs(t, s, 1, 2, 3, 4, 5, 6)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := publish.Prune(t.Context(), s, "acme/widget", publish.Keep{Logs: 90 * days, Now: later(), Pinned: func(kind string) bool { return kind == "pull-9" }}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Go(func() { shelfOfLogs(t, s, 9) })
	wg.Wait()
	if got := shows(t, s, "acme/widget/index.json"); len(got) != 1 || !strings.Contains(got[0], " 9 success") {
		t.Errorf("the index shows %q", got)
	}
}
