package publish_test

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyborg-bots/cyborg/publish"
	"github.com/cyborg-bots/cyborg/publish/dir"
)

func openDir(t testing.TB) *dir.Store {
	t.Helper()
	s, err := dir.Open(t.TempDir(), dir.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// info is an ordinary job. The scratch folder must be empty in the end.
func info(t testing.TB) publish.Info {
	t.Helper()
	scratch := t.TempDir()
	t.Cleanup(func() {
		if left, err := os.ReadDir(scratch); err != nil || len(left) > 0 {
			t.Errorf("scratch files are left behind: %v, %v", left, err)
		}
	})
	return publish.Info{
		Repo: "acme/widget", Task: "verify", Context: "verify/fedora-42", Pull: 7, SHA: "6dcb09b5b57875f334f61aebed695e2e4193db5e",
		Base: "c5b97d5ae6c19d5c5df71a34c7fbeeda2479ccbc", Title: "Sort the widgets by size", Web: "https://github.com",
		Bot: "rack-3-x7k2q", Host: "rack-3", Version: "v1.2.3", Nonce: "n0nce", Line: "cyborg verify --pull 7 fedora-42",
		Started: time.Date(2026, 1, 31, 10, 15, 0, 0, time.UTC), Timeout: 2 * time.Hour, Scratch: scratch,
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
}

func begin(t testing.TB, s publish.Store, i publish.Info) *publish.Attempt {
	t.Helper()
	a, err := publish.Begin(t.Context(), s, i)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func finish(t testing.TB, a *publish.Attempt, state publish.State, description string) {
	t.Helper()
	if err := a.Finish(t.Context(), publish.Outcome{State: state, Description: description}); err != nil {
		t.Fatalf("finish: %v", err)
	}
}

func read(t testing.TB, s publish.Store, name string) string {
	t.Helper()
	r, err := s.Get(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func readJSON[T any](t testing.TB, s publish.Store, name string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(read(t, s, name)), &v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return v
}

// objects are the names below an attempt's prefix.
func objects(t testing.TB, s publish.Store, a *publish.Attempt) (list []string) {
	t.Helper()
	for e, err := range s.List(t.Context(), a.Prefix()+"/") {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, strings.TrimPrefix(e.Name, a.Prefix()+"/"))
	}
	return list
}

var someTests = []publish.Test{
	{Name: "TestOne", Status: publish.Passed, Duration: 1500 * time.Millisecond, Line: 1, End: 2},
	{Name: "TestTwo", Status: publish.Failed, Message: "got <1>\nwant \"2\" & more", Line: 3, End: 5, Retries: 2},
	{Name: "TestThree", Status: publish.Failed, Message: "boom", Issue: 42},
	{Name: "TestFour", Status: publish.Skipped, Message: "no network"},
	{Name: "TestFive", Status: publish.Todo},
	{Name: "TestSix", Status: publish.Running},
}

func TestWholeLife(t *testing.T) {
	s := openDir(t)
	a := begin(t, s, info(t))
	fmt.Fprintf(a, "checkout\nmerge\n")
	if got := a.Lines(); got != 3 {
		t.Errorf("lines: %d, want 3 with the one that repeats the run", got)
	}
	a.Report(publish.Report{Tests: someTests, Planned: 10, Offset: a.Lines(), Problem: "planned 10 tests but ran 6"})
	fmt.Fprintf(a, "output of the job, not ended")
	shot := path.Join(t.TempDir(), "x.png")
	if err := os.WriteFile(shot, []byte("\x89PNG"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := a.Artifact(t.Context(), "shots/TestTwo-fedora.png", shot); err != nil {
		t.Error(err)
	}
	finish(t, a, publish.StateFailure, "1 test failed")

	want := []string{"files/shots/TestTwo-fedora.png", "junit.xml", "log.html", "log.json", "log.txt", "results.json"}
	if diff := cmp.Diff(want, objects(t, s, a)); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	if got, want := read(t, s, a.Prefix()+"/log.txt"), "cyborg verify --pull 7 fedora-42\ncheckout\nmerge\noutput of the job, not ended"; got != want {
		t.Errorf("log is %q", got)
	}
	index := readJSON[publish.Index](t, s, a.Prefix()+"/log.json")
	if index.State != publish.StateFailure || index.Log != "log.txt" || len(index.Chunks) != 0 || index.Cut != nil {
		t.Errorf("index: %+v", index)
	}
	checkResults(t, readJSON[publish.Results](t, s, a.Prefix()+"/results.json"))
	checkJUnit(t, read(t, s, a.Prefix()+"/junit.xml"))
	if n, err := a.Write([]byte("too late")); n != 8 || err != nil {
		t.Errorf("write after the end: %d, %v", n, err)
	}
	if a.Finish(t.Context(), publish.Outcome{}) == nil {
		t.Error("the second Finish says nothing")
	}
}

func checkResults(t *testing.T, r publish.Results) {
	t.Helper()
	if r.State != publish.StateFailure || r.Description != "1 test failed" || r.Finished == nil || r.Planned != 10 || len(r.Problems) != 1 {
		t.Errorf("results: %+v", r)
	}
	counts := publish.Counts{Total: 6, Passed: 1, Failed: 1, Known: 1, Skipped: 1, Todo: 1, Running: 1, Retried: 1, ToGo: 5}
	if diff := cmp.Diff(counts, r.Counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	want := publish.TestResult{
		Name: "TestTwo", Status: publish.Failed, Message: "got <1>\nwant \"2\" & more", Line: 6, End: 8, Retries: 2,
		Files: []string{"files/shots/TestTwo-fedora.png"},
	}
	if diff := cmp.Diff(want, r.Tests[1]); diff != "" {
		t.Errorf("test (-want +got):\n%s", diff)
	}
	file := publish.File{Name: "shots/TestTwo-fedora.png", File: "files/shots/TestTwo-fedora.png", Size: 4, Type: "image/png"}
	if diff := cmp.Diff([]publish.File{file}, r.Artifacts); diff != "" {
		t.Errorf("artifacts (-want +got):\n%s", diff)
	}
}

func checkJUnit(t *testing.T, text string) {
	t.Helper()
	var suites struct {
		Suite []struct {
			Tests    int `xml:"tests,attr"`
			Failures int `xml:"failures,attr"`
			Cases    []struct {
				Name    string `xml:"name,attr"`
				Failure *struct {
					Text string `xml:",chardata"`
				} `xml:"failure"`
				Skipped *struct {
					Message string `xml:"message,attr"`
				} `xml:"skipped"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal([]byte(text), &suites); err != nil || len(suites.Suite) != 1 {
		t.Fatalf("junit: %v\n%s", err, text)
	}
	s := suites.Suite[0]
	if s.Tests != 6 || s.Failures != 1 || s.Cases[1].Failure == nil || s.Cases[1].Failure.Text != "got <1>\nwant \"2\" & more" || s.Cases[2].Skipped.Message != "known issue #42" {
		t.Errorf("junit: %+v\n%s", s, text)
	}
}

// L6: two bots, or one bot twice, never share an address.
func TestPrefixesNeverMeet(t *testing.T) {
	s, seen := openDir(t), map[string]bool{}
	for range 5 {
		a := begin(t, s, info(t))
		if !strings.HasPrefix(a.Prefix(), "acme/widget/pull-7/verify/fedora-42/20260131-101500-n0nce-") || seen[a.Prefix()] {
			t.Errorf("prefix %s", a.Prefix())
		}
		if want := publish.Folder("acme/widget", 7, 0, "", "verify/fedora-42"); !strings.HasPrefix(a.Prefix(), want) {
			t.Errorf("%s is not in %s", a.Prefix(), want)
		}
		seen[a.Prefix()] = true
		if a.URL() != "" || !strings.HasPrefix(a.Where(), "rack-3:/") || !strings.HasSuffix(a.Where(), a.Prefix()+"/log.html") {
			t.Errorf("address %q, place %q", a.URL(), a.Where())
		}
		finish(t, a, publish.StateSuccess, "Tests passed")
	}
}

// A claim names the log's address before there is an attempt.
func TestAddressBeforehand(t *testing.T) {
	s, i := serve(t), info(t)
	i.Prefix = i.NewPrefix()
	address := publish.PageURL(s, i.Prefix)
	a := begin(t, s, i)
	if a.URL() != address || a.Where() != address || a.Prefix() != i.Prefix {
		t.Errorf("the address is %s, was to be %s", a.URL(), address)
	}
	finish(t, a, publish.StateSuccess, "")
	if got := s.URL(a.Prefix() + "/log.html"); got != address {
		t.Errorf("the page is at %s", got)
	}
	i.Prefix = "../elsewhere"
	if _, err := publish.Begin(t.Context(), s, i); err == nil {
		t.Error("a prefix that leads out of the store was taken")
	}
}

func TestBeginRefuses(t *testing.T) {
	s, good := openDir(t), info(t)
	for name, spoil := range map[string]func(*publish.Info){
		"no repository": func(i *publish.Info) { i.Repo = "widget" },
		"no task":       func(i *publish.Info) { i.Task, i.Context = "", "" },
		"no scratch":    func(i *publish.Info) { i.Scratch = "/no/such/folder" },
	} {
		bad := good
		spoil(&bad)
		if _, err := publish.Begin(t.Context(), s, bad); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// All names come from people: none may lead out of the prefix or break it.
func TestHostileInfo(t *testing.T) {
	s, i := openDir(t), info(t)
	evil := "../..//<script>\x00\n\u202e" + strings.Repeat("é/", 300)
	i.Repo, i.Context, i.Title, i.Branch, i.Nonce, i.Bot, i.Host, i.SHA = "a/"+evil, evil, evil, evil, evil, evil, evil, evil
	i.Web, i.Previous, i.Line, i.Pull = "javascript:alert(1)", "javascript:alert(2)", "line\nbreak", 0
	a := begin(t, s, i)
	if err := publish.CheckName(a.Prefix() + "/log.html"); err != nil {
		t.Error(err)
	}
	finish(t, a, publish.StateError, evil)
	r := readJSON[publish.Results](t, s, a.Prefix()+"/results.json")
	if r.Web != "" || r.Previous != "" || strings.ContainsAny(r.Title+r.Description, "\x00\n\u202e") || len(r.Title) > 500 {
		t.Errorf("results: %+v", r)
	}
	if got := read(t, s, a.Prefix()+"/log.txt"); got != "line break\n" {
		t.Errorf("log %q", got)
	}
}

// A secret leaves in no object, whatever way it takes.
func TestNoSecretLeaves(t *testing.T) {
	const secret = "hunter2-and-more"
	s, i := openDir(t), info(t)
	i.Redact, _ = publish.NewRedactor(publish.Secret{Name: "TOKEN", Value: secret})
	i.Title, i.Line, i.Bot = "fix "+secret, "cyborg run "+secret, secret
	a := begin(t, s, i)
	for _, c := range "before " + secret + " after\n" {
		fmt.Fprintf(a, "%c", c)
	}
	a.Report(publish.Report{Tests: []publish.Test{{Name: "Test" + secret, Status: publish.Failed, Message: "x " + secret + "\n" + secret}}, Problem: secret})
	file := path.Join(t.TempDir(), secret+".log")
	if err := os.WriteFile(file, []byte("a\x00b "+secret+" c\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := a.Artifact(t.Context(), secret+".log", file)
	if leak, ok := errors.AsType[*publish.LeakError](err); !ok || strings.Contains(leak.Error(), secret) {
		t.Errorf("artifact with a secret: %v", err)
	}
	finish(t, a, publish.StateFailure, "failed with "+secret)
	for _, name := range objects(t, s, a) {
		if strings.Contains(name, secret) || strings.Contains(read(t, s, a.Prefix()+"/"+name), secret) {
			t.Errorf("%s has it", name)
		}
	}
	if got := read(t, s, a.Prefix()+"/log.txt"); got != "cyborg run [secret]\nbefore [secret] after\n" {
		t.Errorf("log %q", got)
	}
	if got := read(t, s, a.Prefix()+"/files/-secret-.log"); got != "a\x00b ****************"+" c\n" {
		t.Errorf("artifact %q", got)
	}
}

// The caller's job is cancelled, its log is not.
func TestAttemptOutlivesItsContext(t *testing.T) {
	s, i := openDir(t), info(t)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		a, err := publish.Begin(ctx, s, i)
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		fmt.Fprintln(a, "last words")
		if err := pause(t.Context(), 5*time.Second); err != nil {
			t.Fatal(err)
		}
		if got := liveLog(t, s, a.Prefix()); !strings.HasSuffix(got, "last words\n") {
			t.Errorf("log %q", got)
		}
		finish(t, a, publish.StateCancelled, "Cancelled")
	})
}
