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
