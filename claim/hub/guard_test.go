package hub

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// L11: one of GitHub's servers gave pull requests from the past.
func TestGuard(t *testing.T) {
	for _, row := range []struct {
		name  string
		ages  []time.Duration // of the answers, in turn; the last one stays
		stale bool
		asked int
		took  time.Duration
	}{
		{"always the same", []time.Duration{0, 0}, false, 2, 0},
		{"one from the past", []time.Duration{0, time.Minute, 0}, false, 3, time.Second},
		{"two from the past", []time.Duration{0, time.Minute, time.Hour, 0}, false, 4, 3 * time.Second},
		{"a replica that stays behind", []time.Duration{0, time.Minute}, true, 4, 3 * time.Second},
	} {
		for _, kind := range []string{"issues", "pulls"} {
			t.Run(row.name+" "+kind, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					newest, asked := time.Now().UTC().Truncate(time.Second), 0
					c := testClient(t, roundTrip(func(req *http.Request) (*http.Response, error) {
						age := row.ages[min(asked, len(row.ages)-1)]
						asked++
						return jsonReply(t, 200, map[string]any{"number": 12, "updated_at": newest.Add(-age), "title": "x"}), nil
					}))
					read := func() error {
						if kind == "pulls" {
							_, err := c.Pull(t.Context(), acme, 12)
							return err
						}
						_, err := c.Issue(t.Context(), acme, 12)
						return err
					}
					if err := read(); err != nil {
						t.Fatal(err)
					}
					begun := time.Now()
					err := read()
					e, stale := errors.AsType[*StaleError](err)
					if stale != row.stale || !stale && err != nil || asked != row.asked || time.Since(begun) != row.took {
						t.Errorf("%v; asked %d in %v", err, asked, time.Since(begun))
					}
					if stale && (e.Subject != "acme/widget#12" || !strings.Contains(err.Error(), "is stale")) {
						t.Errorf("got %v", err)
					}
				})
			})
		}
	}
}

// What this client changed itself must not be forgotten by a read.
func TestGuardKnowsOwnWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old := time.Now().UTC().Truncate(time.Second)
		c := testClient(t, roundTrip(func(req *http.Request) (*http.Response, error) {
			at := old
			if req.Method == http.MethodPatch {
				at = old.Add(time.Minute)
			}
			if strings.HasSuffix(req.URL.Path, "/issues") {
				return jsonReply(t, 200, []any{map[string]any{"number": 12, "updated_at": at}, map[string]any{"number": 13, "updated_at": at}}), nil
			}
			return jsonReply(t, 200, map[string]any{"number": 12, "updated_at": at}), nil
		}))
		title := "WIP: x"
		if _, err := c.EditIssue(t.Context(), acme, 12, IssueEdit{Title: &title}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Issue(t.Context(), acme, 12); kindOf(err) != "stale" {
			t.Errorf("got %v", err)
		}
		list, err := c.Issues(t.Context(), acme, IssueFilter{})
		if err != nil || len(list) != 2 || !list[0].Stale || list[1].Stale {
			t.Errorf("%+v, %v", list, err)
		}
	})
}

// Of two reads at once the later answer may be the older one; that is no replica that lags.
func TestGuardOfConcurrentReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard()
		asked := time.Now()
		<-time.After(time.Second)
		g.note("k", noon, asked)
		if newest, stale := g.note("k", noon.Add(-time.Hour), asked); stale || !newest.Equal(noon) {
			t.Errorf("stale %v, newest %v", stale, newest)
		}
		if _, stale := g.note("k", noon.Add(-time.Hour), time.Now()); !stale {
			t.Error("a read that began later is not stale")
		}
	})
}

func TestGuardBelievesAfterAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard()
		g.note("k", noon, time.Now())
		for i, row := range []struct {
			wait  time.Duration
			at    time.Time
			stale bool
		}{
			{time.Minute, noon.Add(-time.Hour), true},
			{50 * time.Minute, noon.Add(-time.Hour), true},
			{time.Minute, noon, false}, // one good answer, and it begins anew
			{30 * time.Minute, noon.Add(-time.Hour), true},
			{61 * time.Minute, noon.Add(-time.Hour), false},
			{time.Minute, noon.Add(-time.Hour), false},
			{time.Minute, noon.Add(-2 * time.Hour), true},
		} {
			<-time.After(row.wait)
			if _, stale := g.note("k", row.at, time.Now()); stale != row.stale {
				t.Errorf("step %d: stale %v", i, stale)
			}
		}
	})
}

func TestGuardIsBounded(t *testing.T) {
	g := newGuard()
	for i := range mostSightings + 10 {
		g.note(fmt.Sprint(i), noon, time.Now())
	}
	if g.order.Len() != mostSightings || len(g.byKey) != mostSightings {
		t.Errorf("%d, %d", g.order.Len(), len(g.byKey))
	}
	if _, stale := g.note(fmt.Sprint(mostSightings), noon.Add(-time.Hour), time.Now()); !stale {
		t.Error("a recent one is forgotten")
	}
}
