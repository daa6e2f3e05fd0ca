package publish_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyborg-bots/cyborg/publish"
)

// records reads a repository's history or ends the test.
func records(t *testing.T, s publish.Store, since time.Time) (list []publish.Record) {
	t.Helper()
	for r, err := range publish.History(t.Context(), s, "acme/widget", since) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, r)
	}
	return list
}

// The history has a line for the attempt and for each test that ended, with all
// that statistics need, and nothing that is secret.
func TestHistory(t *testing.T) {
	s, i := openDir(t), info(t)
	i.Redact, _ = publish.NewRedactor(publish.Secret{Name: "KEY", Value: "hush-hush"})
	a := begin(t, s, i)
	tests := append([]publish.Test{{Name: "TestLeaky", Status: publish.Failed, Message: "hush-hush " + strings.Repeat("x", 5000)}}, someTests...)
	a.Report(publish.Report{Tests: tests, Planned: 7})
	if err := a.Finish(t.Context(), publish.Outcome{State: publish.StateFailure, Description: "2 tests failed", Finished: i.Started.Add(90 * time.Second)}); err != nil {
		t.Fatal(err)
	}
	name := "acme/widget/history/pull-7/" + a.Prefix()[strings.LastIndex(a.Prefix(), "/")+1:] + ".jsonl"
	text := read(t, s, name)
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) != 1+6 || strings.Contains(text, "hush-hush") {
		t.Errorf("%d lines, want that of the attempt and 6 of tests that ended:\n%s", len(lines), text)
	}
	wantLine := `{"type":"test","version":1,"attempt":"` + a.Prefix() + `","context":"verify/fedora-42","pull":7,` +
		`"sha":"6dcb09b5b57875f334f61aebed695e2e4193db5e","started":"2026-01-31T10:15:00Z","name":"TestTwo","status":"failed","retries":2,"line":3,` +
		`"message":"got \u003c1\u003e\nwant \"2\" \u0026 more"}`
	if lines[3] != wantLine {
		t.Errorf("got  %s\nwant %s", lines[3], wantLine)
	}
	list := records(t, s, i.Started)
	if len(list) != 1 || len(list[0].Tests) != 6 || list[0].Tests[0].Name != "TestLeaky" || len(list[0].Tests[0].Message) != 1000 {
		t.Fatalf("read back: %+v", list)
	}
	want := publish.AttemptLine{
		Type: "attempt", Version: 1, Attempt: a.Prefix(), Repo: i.Repo, Task: i.Task, Context: i.Context, Pull: 7, SHA: i.SHA, Base: i.Base,
		Title: i.Title, Bot: i.Bot, Host: i.Host, Cyborg: i.Version, Started: i.Started, Finished: new(i.Started.Add(90 * time.Second)),
		Seconds: 90, Timeout: 7200, State: publish.StateFailure, Description: "2 tests failed",
		Counts: publish.Counts{Total: 7, Passed: 1, Failed: 2, Known: 1, Skipped: 1, Todo: 1, Running: 1, Retried: 1, ToGo: 1},
	}
	if diff := cmp.Diff(want, list[0].AttemptLine); diff != "" {
		t.Errorf("attempt (-want +got):\n%s", diff)
	}
	if later := records(t, s, i.Started.Add(time.Second)); len(later) != 0 {
		t.Errorf("older than asked for: %+v", later)
	}
}

// One object that makes no sense does not hide the others.
func TestHistoryIsRobust(t *testing.T) {
	s := openDir(t)
	for name, text := range map[string]string{
		"1": `{"type":"attempt","version":1,"attempt":"a"}` + "\n\n" + `{"type":"future","version":9,"x":[1]}` + "\n" + `{"type":"test","version":1,"name":"T"}`,
		"2": "not JSON",
		"3": "",
		"4": `{"type":"test","version":1,"name":"T"}`,
		"5": `{"type":"attempt","version":1,"pull":"seven"}`,
		"6": `{"type":"attempt","version":1,"attempt":"z"}`,
	} {
		if err := s.Put(t.Context(), "acme/widget/history/pull-1/2026010"+name+"-000000-x.jsonl", strings.NewReader(text), publish.Meta{}); err != nil {
			t.Fatal(err)
		}
	}
	var good []string
	bad := 0
	for r, err := range publish.History(t.Context(), s, "acme/widget", time.Time{}) {
		if err != nil {
			bad++
			continue
		}
		good = append(good, r.Attempt)
		for _, test := range r.Tests {
			good = append(good, test.Name)
		}
	}
	if diff := cmp.Diff([]string{"a", "T", "z"}, good); diff != "" || bad != 4 {
		t.Errorf("%d bad, want 4 (-want +got):\n%s", bad, diff)
	}
}

func FuzzRecord(f *testing.F) {
	f.Add(`{"type":"attempt","version":1,"attempt":"a","counts":{"failed":1}}` + "\n" + `{"type":"test","version":1,"name":"T","started":"2026-01-31T10:15:00Z"}`)
	f.Add("{}\n[]\n\"\"")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := publish.ParseRecord(strings.NewReader(text))
		if err == nil && r.Type != "attempt" {
			t.Errorf("read %+v of %q", r, text)
		}
		if errors.Is(err, io.EOF) {
			t.Errorf("%q: an end is an error of its own kind: %v", text, err)
		}
	})
}
