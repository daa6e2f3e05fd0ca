package publish_test

import (
	"fmt"
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
