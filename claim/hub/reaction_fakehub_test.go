package hub_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/selftest/fakehub"
)

// TestReactions: of two who react alike with one account one is first, and of two who take it back one succeeds.
func TestReactions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, fakehub.Options{})
		one, two, other := w.client("bot"), w.client("bot"), w.client("owner")
		issue, err := other.CreateIssue(t.Context(), widget, hub.NewIssue{Title: "Slow"})
		w.must(err)
		began := time.Now()
		c, err := other.Comment(t.Context(), widget, issue.Number, "/retest")
		w.must(err)
		r, first, err := one.React(t.Context(), widget, c.ID, hub.Eyes)
		w.must(err)
		r2, first2, err := two.React(t.Context(), widget, c.ID, hub.Eyes)
		w.must(err)
		if !first || first2 || r.ID != r2.ID || r.Author != "bot" || r.CreatedAt.Before(began.Truncate(time.Second)) {
			t.Errorf("%v was first: %v; %v: %v", r, first, r2, first2)
		}
		if _, first, err = other.React(t.Context(), widget, c.ID, hub.Eyes); err != nil || !first {
			t.Errorf("another account: %v, %v", first, err)
		}
		list, err := one.RecentComments(t.Context(), widget, began.Add(-time.Hour), 10)
		w.must(err)
		if len(list) != 1 || list[0].Number != issue.Number || list[0].Reactions != 2 || list[0].Author != "owner" {
			t.Errorf("the recent comments are %+v", list)
		}
		w.must(one.Unreact(t.Context(), widget, c.ID, r.ID))
		if err := two.Unreact(t.Context(), widget, c.ID, r.ID); !errors.Is(err, hub.ErrGone) {
			t.Errorf("taken back twice: %v", err)
		}
		left, err := two.Reactions(t.Context(), widget, c.ID)
		w.must(err)
		if len(left) != 1 || left[0].Author != "owner" || left[0].Content != hub.Eyes {
			t.Errorf("left is %v", left)
		}
		w.must(other.DeleteComment(t.Context(), widget, c.ID))
		if err := other.DeleteComment(t.Context(), widget, c.ID); !errors.Is(err, hub.ErrGone) {
			t.Errorf("deleted twice: %v", err)
		}
		if list, err := two.RecentComments(t.Context(), widget, began.Add(-time.Hour), 10); err != nil || len(list) != 0 {
			t.Errorf("after that there is %v, %v", list, err)
		}
	})
}
