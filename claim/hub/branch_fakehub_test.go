package hub_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/selftest/fakehub"
)

// TestBranches: tips by prefix, with the newest word on each of their contexts; asking again is free.
func TestBranches(t *testing.T) {
	w := newWorld(t, fakehub.Options{Seed: 1})
	want := []hub.Branch{
		{Name: "stable-1", SHA: w.commit("stable-1", "one", "1")},
		{Name: "stable-2#b", SHA: w.commit("stable-2#b", "two", "2")},
	}
	w.commit("topic", "three", "3")
	c := w.client("bot")
	for range 2 {
		got, err := c.Branches(t.Context(), widget, "stable-")
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Fatal(err, diff)
		}
	}
	if all, err := c.Branches(t.Context(), widget, ""); err != nil || len(all) != 4 {
		t.Errorf("%v, %v, want all four branches", all, err)
	}
	if none, err := c.Branches(t.Context(), widget, "release/"); err != nil || len(none) != 0 {
		t.Errorf("%v, %v, want no branch", none, err)
	}
	if _, err := c.Branches(t.Context(), hub.Repo{Owner: "acme", Name: "gone"}, ""); !errors.Is(err, hub.ErrGone) {
		t.Errorf("branches of a repository that is not there: %v", err)
	}

	for _, text := range []string{"first", "second"} {
		if _, err := c.PostStatus(t.Context(), widget, want[0].SHA, hub.Status{State: "pending", Context: "verify", Description: text}); err != nil {
			t.Fatal(err)
		}
	}
	list, err := c.Contexts(t.Context(), widget, want[0].SHA)
	if err != nil || len(list) != 1 || list[0].Description != "second" {
		t.Errorf("%+v, %v, want the second status of verify", list, err)
	}
	if _, err := c.Contexts(t.Context(), widget, "main"); err == nil {
		t.Error("a branch is taken for a commit")
	}
}
