package hub_test

import (
	"testing"

	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/selftest/fakehub"
)

func TestTextEdits(t *testing.T) {
	emulated(t, "who edited a text", fakehub.Options{}, func(t *testing.T, w *world) {
		owner, bot := w.client("owner"), w.client("bot")
		made, err := owner.CreateIssue(t.Context(), widget, hub.NewIssue{Title: "T", Body: "one"})
		w.must(err)
		edits, err := bot.TextEdits(t.Context(), widget, made.Number)
		if err != nil || len(edits) != 0 {
			t.Fatalf("before any edit: %v, %v", edits, err)
		}
		_, err = bot.EditIssue(t.Context(), widget, made.Number, hub.IssueEdit{Title: new("Another title")})
		w.must(err)
		for n := range 120 { // more than a page
			_, err = bot.EditIssue(t.Context(), widget, made.Number, hub.IssueEdit{Body: new(string(rune('a'+n%26)) + "x")})
			w.must(err)
		}
		_, err = owner.EditIssue(t.Context(), widget, made.Number, hub.IssueEdit{Body: new("three")})
		w.must(err)
		edits, err = bot.TextEdits(t.Context(), widget, made.Number)
		if err != nil || len(edits) != 122 { // with the writing of the text
			t.Fatalf("%d edits, %v", len(edits), err)
		}
		texts, err := owner.Texts(t.Context(), widget, made.Number)
		if err != nil || len(texts) != 10 || texts[0].Text != "three" || texts[0].Editor != "owner" || texts[1].Text != string(rune('a'+119%26))+"x" {
			t.Errorf("the newest texts are %v, %v", texts, err)
		}
		if _, err := bot.TextEdits(t.Context(), widget, 99); err == nil {
			t.Error("an issue that is not there has edits")
		}
	})
	emulated(t, "a pull request's text", fakehub.Options{}, func(t *testing.T, w *world) {
		c := w.client("bot")
		p := w.pull(c, "topic")
		_, err := w.client("owner").EditIssue(t.Context(), widget, p.Number, hub.IssueEdit{Body: new("changed")})
		w.must(err)
		edits, err := c.TextEdits(t.Context(), widget, p.Number)
		if texts, err := c.Texts(t.Context(), widget, p.Number); err != nil || len(texts) != 2 || texts[0].Text != "changed" {
			t.Errorf("%v, %v", texts, err)
		}
		if err != nil || len(edits) != 2 || !(edits[0].Editor == "owner" || edits[1].Editor == "owner") {
			t.Errorf("%v, %v", edits, err)
		}
	})
}

func TestFork(t *testing.T) {
	emulated(t, "made once, and found", fakehub.Options{}, func(t *testing.T, w *world) {
		c := w.client("reader")
		made, err := c.Fork(t.Context(), widget, "reader")
		if err != nil || made.Name.String() != "reader/widget" || made.CloneURL == "" {
			t.Fatalf("%+v, %v", made, err)
		}
		again, err := c.Fork(t.Context(), widget, "reader")
		if err != nil || again.ID != made.ID || again.Parent != "acme/widget" {
			t.Errorf("%+v, %v", again, err)
		}
	})
	emulated(t, "beside a repository of the same name", fakehub.Options{}, func(t *testing.T, w *world) {
		w.must(w.srv.AddRepo(t.Context(), fakehub.Repo{Name: "reader/widget"}))
		made, err := w.client("reader").Fork(t.Context(), widget, "reader")
		if err != nil || made.Name.Owner != "reader" || made.Name.Name == "widget" {
			t.Errorf("%+v, %v", made, err)
		}
	})
	emulated(t, "not for somebody else", fakehub.Options{}, func(t *testing.T, w *world) {
		if _, err := w.client("reader").Fork(t.Context(), widget, "stranger"); err == nil {
			t.Error("a fork was made for somebody else")
		}
	})
}
