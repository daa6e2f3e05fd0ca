package hub_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/selftest/fakehub"
)

var widget = hub.Repo{Owner: "acme", Name: "widget"}

// A world is an emulated GitHub with acme/widget, and its people: owner, bot, reader, stranger. Nothing in it leaves the process, so
// that it runs in a synctest bubble, where time costs nothing.
type world struct {
	t   *testing.T
	srv *fakehub.Server
	sha string // of main
}

func newWorld(t *testing.T, o fakehub.Options) *world {
	t.Helper()
	srv, err := fakehub.New(o)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, srv: srv}
	for _, login := range []string{"owner", "bot", "reader", "stranger"} {
		w.must(srv.AddUser(fakehub.User{Login: login, Token: "tok-" + login}))
	}
	w.must(srv.AddRepo(t.Context(), fakehub.Repo{Name: "acme/widget"}))
	for login, p := range map[string]fakehub.Permission{"owner": fakehub.Admin, "bot": fakehub.Write, "reader": fakehub.Read} {
		w.must(srv.Grant("acme/widget", login, p))
	}
	w.sha = w.commit("main", "README", "hello")
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) commit(branch, file, text string) string {
	w.t.Helper()
	sha, err := w.srv.Commit(w.t.Context(), "acme/widget", fakehub.Commit{Branch: branch, Author: "owner", Files: map[string]string{file: text}})
	w.must(err)
	return sha
}

// client is hub's, as one of the people.
func (w *world) client(login string, change ...func(*hub.Options)) *hub.Client {
	w.t.Helper()
	o := hub.Options{URL: "https://hub.test", Token: hub.Secret("tok-" + login), Transport: w.srv.Transport(), WriteEvery: -1}
	for _, f := range change {
		f(&o)
	}
	c, err := hub.New(o)
	w.must(err)
	return c
}

func (w *world) pull(c *hub.Client, branch string) hub.Pull {
	w.t.Helper()
	w.commit(branch, branch, "x")
	p, err := c.CreatePull(w.t.Context(), widget, hub.NewPull{Title: "Add " + branch, Head: branch, Base: "main"})
	w.must(err)
	return p
}

// emulated runs a test in a bubble with a fresh world.
func emulated(t *testing.T, name string, o fakehub.Options, test func(*testing.T, *world)) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { test(t, newWorld(t, o)) })
	})
}

func TestFakehub(t *testing.T) {
	plain := fakehub.Options{Limits: fakehub.GitHubLimits()}
	emulated(t, "who and where", plain, testPeople)
	emulated(t, "statuses", plain, testStatuses)
	emulated(t, "issues", plain, testIssues)
	emulated(t, "pull requests", plain, testPulls)
	emulated(t, "refs", plain, testRefs)
	emulated(t, "scan", plain, testScan)
	emulated(t, "rename", plain, testRename)
	emulated(t, "refusals", plain, testRefusals)
	emulated(t, "the thousandth status", fakehub.Options{}, testStatusLimit)
	emulated(t, "polls cost nothing", plain, testPolls)
	emulated(t, "an App", plain, testApp)
	emulated(t, "Enterprise", fakehub.Options{}, func(t *testing.T, w *world) {
		c := w.client("bot", func(o *hub.Options) { o.URL = "https://ghe.test/api/v3" })
		if s, err := c.Scan(t.Context(), widget); err != nil || s.DefaultSHA != w.sha {
			t.Errorf("%+v, %v", s, err)
		}
		if _, err := c.PostStatus(t.Context(), widget, w.sha, hub.Status{State: "pending", Context: "verify"}); err != nil {
			t.Error(err)
		}
	})
}

func testPeople(t *testing.T, w *world) {
	c := w.client("bot")
	u, err := c.User(t.Context())
	if err != nil || u.Login != "bot" || u.ID == 0 {
		t.Errorf("%+v, %v", u, err)
	}
	r, err := c.Repository(t.Context(), widget)
	if err != nil || r.Name != widget || r.DefaultBranch != "main" || r.Permission != "write" || r.NodeID == "" {
		t.Errorf("%+v, %v", r, err)
	}
	for login, want := range map[string]string{"owner": "admin", "bot": "write", "reader": "read", "nobody": "none"} {
		if p, err := c.Permission(t.Context(), widget, login); err != nil || p != want {
			t.Errorf("%s: %s, %v", login, p, err)
		}
	}
	if d := time.Until(c.Now()); d > time.Second || d < -time.Second {
		t.Errorf("GitHub's time is %v off", d)
	}
	if b := c.Budget(); b.Core.Limit != 5000 || b.Core.Remaining >= 5000 || b.Requests < 6 {
		t.Errorf("budget %+v", b)
	}
}

func testStatuses(t *testing.T, w *world) {
	c := w.client("bot")
	var posted []hub.Status
	for i := range 250 {
		s, err := c.PostStatus(t.Context(), widget, w.sha, hub.Status{
			State: "pending", Context: fmt.Sprintf("verify/%d", i%57), Description: "Testing in progress [bot] k7m2q9xa", TargetURL: "https://logs/1",
		})
		if err != nil {
			t.Fatal(err)
		}
		posted = append([]hub.Status{s}, posted...)
		<-time.After(time.Second)
	}
	list, now, err := c.Statuses(t.Context(), widget, w.sha, 0)
	if err != nil || time.Until(now).Abs() > time.Second {
		t.Fatalf("%v, %v", now, err)
	}
	if diff := cmp.Diff(posted, list); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if s := list[0]; s.Creator != "bot" || s.TargetURL != "https://logs/1" || s.CreatedAt.IsZero() {
		t.Errorf("%+v", s)
	}
	other := w.client("owner")
	if list, _, err = other.Statuses(t.Context(), widget, w.sha, 0); err != nil || len(list) != 250 {
		t.Errorf("%d, %v", len(list), err)
	}
	if list, _, err = w.client("bot").Statuses(t.Context(), widget, w.sha, posted[10].ID); err != nil || len(list) != 198 {
		t.Errorf("%d, %v", len(list), err)
	}
}

func testIssues(t *testing.T, w *world) {
	c, ctx := w.client("bot"), t.Context()
	i, err := c.CreateIssue(ctx, widget, hub.NewIssue{Title: "Update translations", Body: " * [ ] po-refresh", Labels: []string{"bot"}})
	if err != nil || !slices.Equal(i.Labels, []string{"bot"}) || i.Author != "bot" || i.State != "open" || i.Pull {
		t.Fatalf("%+v, %v", i, err)
	}
	var titles []string
	for n := range 120 {
		<-time.After(time.Second)
		title := fmt.Sprintf("WIP: bot-%d: Update translations", n)
		titles = append(titles, title)
		if i, err = c.EditIssue(ctx, widget, i.Number, hub.IssueEdit{Title: &title}); err != nil || i.Title != title {
			t.Fatalf("%+v, %v", i, err)
		}
	}
	events, _, err := c.IssueEvents(ctx, widget, i.Number, 0)
	w.must(err)
	var renamed []string
	for _, e := range events {
		if e.Kind == "renamed" {
			renamed = append(renamed, e.To)
		}
	}
	if diff := cmp.Diff(titles, renamed); diff != "" {
		t.Errorf("renamed (-want +got):\n%s", diff)
	}
	if !slices.IsSortedFunc(events, func(a, b hub.Event) int { return int(a.ID - b.ID) }) {
		t.Error("events are out of order")
	}
	labels, err := c.AddLabels(ctx, widget, i.Number, "in-progress", "a/b c?#")
	if err != nil || len(labels) != 3 {
		t.Errorf("%q, %v", labels, err)
	}
	w.must(c.RemoveLabel(ctx, widget, i.Number, "a/b c?#"))
	if err := c.RemoveLabel(ctx, widget, i.Number, "a/b c?#"); !errors.Is(err, hub.ErrGone) {
		t.Errorf("removed twice: %v", err)
	}
	if labels, err = c.Labels(ctx, widget, i.Number); err != nil || !slices.Equal(labels, []string{"bot", "in-progress"}) {
		t.Errorf("%q, %v", labels, err)
	}
	m, err := c.Comment(ctx, widget, i.Number, "po-refresh in progress on bot.\nLog: https://logs/1")
	w.must(err)
	<-time.After(5 * time.Second)
	since := time.Now()
	if _, err = c.EditComment(ctx, widget, m.ID, "Task aborted."); err != nil {
		t.Error(err)
	}
	comments, err := c.Comments(ctx, widget, i.Number, time.Time{})
	if err != nil || len(comments) != 1 || comments[0].Body != "Task aborted." || comments[0].Author != "bot" {
		t.Errorf("%+v, %v", comments, err)
	}
	if comments, err = c.Comments(ctx, widget, i.Number, since.Add(time.Second)); err != nil || len(comments) != 0 {
		t.Errorf("%+v, %v", comments, err)
	}
	list, err := c.Issues(ctx, widget, hub.IssueFilter{Labels: []string{"bot"}})
	if err != nil || len(list) != 1 || list[0].Number != i.Number || list[0].Comments != 1 {
		t.Errorf("%+v, %v", list, err)
	}
	closed, reason := "closed", "completed"
	if i, err = c.EditIssue(ctx, widget, i.Number, hub.IssueEdit{State: &closed, Reason: &reason}); err != nil || i.State != "closed" || i.ClosedAt.IsZero() {
		t.Errorf("%+v, %v", i, err)
	}
	if list, err = c.Issues(ctx, widget, hub.IssueFilter{}); err != nil || len(list) != 0 {
		t.Errorf("%+v, %v", list, err)
	}
	if got, err := c.Issue(ctx, widget, i.Number); err != nil || cmp.Diff(i, got) != "" {
		t.Errorf("%v\n%s", err, cmp.Diff(i, got))
	}
}

func testPulls(t *testing.T, w *world) {
	c, ctx := w.client("bot"), t.Context()
	p := w.pull(c, "topic")
	if p.HeadRef != "topic" || p.HeadRepo != "acme/widget" || p.BaseRef != "main" || p.BaseSHA != w.sha || p.State != "open" || p.Author != "bot" {
		t.Errorf("%+v", p)
	}
	got, err := c.Pull(ctx, widget, p.Number)
	if err != nil || cmp.Diff(p, got) != "" {
		t.Errorf("%v\n%s", err, cmp.Diff(p, got))
	}
	list, err := c.Pulls(ctx, widget, hub.PullFilter{Head: "acme:topic"})
	if err != nil || len(list) != 1 || list[0].Number != p.Number {
		t.Errorf("%+v, %v", list, err)
	}
	if _, err := c.CreatePull(ctx, widget, hub.NewPull{Title: "again", Head: "topic", Base: "main"}); status(err) != 422 {
		t.Errorf("the same again: %v", err)
	}
	i, err := c.CreateIssue(ctx, widget, hub.NewIssue{Title: "Image refresh", Body: "text"})
	w.must(err)
	w.commit("bot-1", "image", "x")
	w.commit("bot-2", "image", "y")
	q, err := c.ConvertIssue(ctx, widget, i.Number, hub.NewPull{Head: "bot-1", Base: "main"})
	if err != nil || q.Title != "Image refresh" || q.Body != "text" || q.Number != i.Number {
		t.Errorf("%+v, %v", q, err)
	}
	if _, err := c.ConvertIssue(ctx, widget, i.Number, hub.NewPull{Head: "bot-2", Base: "main"}); status(err) != 422 {
		t.Errorf("the second conversion: %v", err)
	}
}

func testRefs(t *testing.T, w *world) {
	c, ctx := w.client("bot"), t.Context()
	mine, err := c.CreateCommit(ctx, widget, hub.NewCommit{Message: "claim by bot, nonce k7m2q9xa"})
	w.must(err)
	theirs, err := c.CreateCommit(ctx, widget, hub.NewCommit{Message: "claim by peer, nonce aaaaaaaa"})
	w.must(err)
	const ref = "refs/claims/0123456789abcdef"
	if _, err := c.Ref(ctx, widget, ref); !errors.Is(err, hub.ErrGone) {
		t.Errorf("before: %v", err)
	}
	w.must(c.CreateRef(ctx, widget, ref, mine))
	if err := c.CreateRef(ctx, widget, ref, theirs); !errors.Is(err, hub.ErrRefExists) {
		t.Errorf("the second: %v", err)
	}
	if at, err := c.Ref(ctx, widget, ref); err != nil || at != mine {
		t.Errorf("%s, %v", at, err)
	}
	move := func(before, after string) error {
		return c.UpdateRefs(ctx, widget, []hub.RefUpdate{{Name: ref, Before: before, After: after, Force: true}})
	}
	for i, row := range []struct {
		before, after string
		conflict      bool
	}{{theirs, mine, true}, {mine, theirs, false}, {mine, theirs, true}, {hub.NoObject, mine, true}, {theirs, hub.NoObject, false}, {hub.NoObject, mine, false}} {
		if err := move(row.before, row.after); errors.Is(err, hub.ErrConflict) != row.conflict || err != nil && !row.conflict {
			t.Errorf("move %d: %v", i, err)
		}
	}
	// All or none.
	err = c.UpdateRefs(ctx, widget, []hub.RefUpdate{
		{Name: "refs/claims/new", Before: hub.NoObject, After: mine}, {Name: ref, Before: theirs, After: mine, Force: true},
	})
	if _, ok := errors.AsType[*hub.RefConflictError](err); !ok {
		t.Errorf("got %v", err)
	}
	if _, err := c.Ref(ctx, widget, "refs/claims/new"); !errors.Is(err, hub.ErrGone) {
		t.Errorf("half of it was done: %v", err)
	}
}

func testScan(t *testing.T, w *world) {
	c, ctx := w.client("bot"), t.Context()
	w.must(w.srv.SetFaults(fakehub.Faults{}))
	var want []hub.Pull
	for n := range 103 {
		p := w.pull(c, fmt.Sprintf("topic-%d", n))
		<-time.After(time.Minute) // GitHub's limits on content
		want = append(want, p)
	}
	contexts := func(p hub.Pull, n int) {
		for i := range n {
			if _, err := c.PostStatus(ctx, widget, p.HeadSHA, hub.Status{State: "pending", Context: fmt.Sprintf("c%d", i), Description: "Not yet tested"}); err != nil {
				t.Fatal(err)
			}
			<-time.After(10 * time.Second)
		}
	}
	contexts(want[0], 3)
	contexts(want[1], 120)
	var labels []string
	for i := range 25 {
		labels = append(labels, fmt.Sprintf("l%02d", i))
	}
	_, err := c.AddLabels(ctx, widget, want[2].Number, labels...)
	w.must(err)
	<-time.After(time.Hour)
	used := c.Budget().GraphQL.Remaining
	s, err := c.Scan(ctx, widget)
	w.must(err)
	if s.DefaultBranch != "main" || s.DefaultSHA != w.sha || time.Until(s.Now).Abs() > time.Second {
		t.Errorf("%s at %s, %v", s.DefaultBranch, s.DefaultSHA, s.Now)
	}
	want[2].Labels = labels
	if diff := cmp.Diff(want, s.Pulls, cmpopts.IgnoreFields(hub.Pull{}, "Contexts", "UpdatedAt", "URL"), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if a, b, n := len(s.Pulls[0].Contexts), len(s.Pulls[1].Contexts), len(s.Pulls[3].Contexts); a != 3 || b != 120 || n != 0 {
		t.Errorf("%d, %d, %d contexts", a, b, n)
	}
	if one := s.Pulls[0].Contexts[0]; one.State != "pending" || one.Description != "Not yet tested" || one.CreatedAt.IsZero() {
		t.Errorf("%+v", one)
	}
	_, err = c.Scan(ctx, widget)
	w.must(err)
	b := c.Budget().GraphQL
	if cost := b.Limit - b.Remaining; cost != 2*4 { // 4-github: 2 points for 100; two pages, two scans
		t.Errorf("two scans of 103 cost %d points (before: %d left)", cost, used)
	}
}

func testRename(t *testing.T, w *world) {
	c, ctx := w.client("bot"), t.Context()
	w.must(w.srv.Rename("acme/widget", "gadget"))
	if s, err := c.PostStatus(ctx, widget, w.sha, hub.Status{State: "pending", Context: "verify"}); err != nil || s.ID == 0 {
		t.Errorf("a write: %+v, %v", s, err)
	}
	if list, _, err := c.Statuses(ctx, widget, w.sha, 0); err != nil || len(list) != 1 {
		t.Errorf("a read: %+v, %v", list, err)
	}
	r, err := c.Repository(ctx, widget)
	if err != nil || r.Name.Name != "gadget" {
		t.Errorf("%+v, %v", r, err)
	}
}

func testRefusals(t *testing.T, w *world) {
	ctx, s := t.Context(), hub.Status{State: "pending", Context: "verify"}
	for _, row := range []struct {
		login string
		is    error
		says  string
	}{
		{"unknown", hub.ErrUnauthorized, "set GITHUB_TOKEN to a valid token"},
		{"reader", nil, "github refused"},
		{"stranger", nil, "github refused"},
	} {
		_, err := w.client(row.login).PostStatus(ctx, widget, w.sha, s)
		if row.is == nil && !errors.Is(err, hub.ErrForbidden) && !errors.Is(err, hub.ErrGone) || row.is != nil && !errors.Is(err, row.is) ||
			!strings.Contains(err.Error(), row.says) || strings.Contains(err.Error(), "tok-") {
			t.Errorf("%s: %v", row.login, err)
		}
	}
	c := w.client("bot")
	if _, err := c.Scan(ctx, hub.Repo{Owner: "acme", Name: "nothing"}); !errors.Is(err, hub.ErrGone) {
		t.Errorf("got %v", err)
	}
	if _, err := c.Issue(ctx, widget, 99); !errors.Is(err, hub.ErrGone) {
		t.Errorf("got %v", err)
	}
	w.must(w.srv.Revoke("tok-bot"))
	if _, _, err := c.Statuses(ctx, widget, w.sha, 0); !errors.Is(err, hub.ErrUnauthorized) {
		t.Errorf("got %v", err)
	}
}

func testStatusLimit(t *testing.T, w *world) {
	c := w.client("bot")
	var err error
	n := 0
	for ; err == nil && n < 1010; n++ {
		_, err = c.PostStatus(t.Context(), widget, w.sha, hub.Status{State: "pending", Context: "verify"})
	}
	if !errors.Is(err, hub.ErrStatusLimit) || n != 1001 {
		t.Errorf("after %d: %v", n, err)
	}
	if list, _, err := c.Statuses(t.Context(), widget, w.sha, 0); err != nil || len(list) != 1000 {
		t.Errorf("%d, %v", len(list), err)
	}
}

func testPolls(t *testing.T, w *world) {
	c, ctx := w.client("bot"), t.Context()
	p := w.pull(c, "topic")
	poll := func() {
		for range 50 {
			_, _, e1 := c.Statuses(ctx, widget, p.HeadSHA, 0)
			_, e2 := c.Pull(ctx, widget, p.Number)
			_, e3 := c.Issues(ctx, widget, hub.IssueFilter{})
			if err := errors.Join(e1, e2, e3); err != nil {
				t.Fatal(err)
			}
		}
	}
	poll()
	before := c.Budget()
	poll()
	if after := c.Budget(); after.Core.Remaining != before.Core.Remaining || after.Requests != before.Requests+150 {
		t.Errorf("150 polls cost %d", before.Core.Remaining-after.Core.Remaining)
	}
}

func testApp(t *testing.T, w *world) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	w.must(err)
	id, err := w.srv.AddApp(fakehub.App{Slug: "cyborg", Owner: "acme", Key: &key.PublicKey})
	w.must(err)
	in, err := w.srv.Install(id, map[string]fakehub.Permission{"statuses": fakehub.Write, "issues": fakehub.Read}, "acme/widget")
	w.must(err)
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	c := w.client("", func(o *hub.Options) {
		o.Token, o.App = "", &hub.App{ID: id, Installation: in, Key: hub.Secret(text)}
	})
	for range 5 { // two and a half hours
		s, err := c.PostStatus(t.Context(), widget, w.sha, hub.Status{State: "pending", Context: "verify"})
		if err != nil || s.Creator != "cyborg[bot]" {
			t.Errorf("%+v, %v", s, err)
		}
		if _, _, err := c.Statuses(t.Context(), widget, w.sha, 0); err != nil {
			t.Error(err)
		}
		<-time.After(30 * time.Minute)
	}
	refreshed := 0
	for _, e := range w.srv.Journal() {
		if strings.HasSuffix(e.Path, "/access_tokens") {
			refreshed++
		}
	}
	if refreshed != 3 {
		t.Errorf("%d tokens", refreshed)
	}
	if u, err := c.User(t.Context()); err != nil || u.Login != "cyborg[bot]" || !u.App {
		t.Errorf("%+v, %v", u, err)
	}
	if _, err := c.CreateIssue(t.Context(), widget, hub.NewIssue{Title: "x"}); !errors.Is(err, hub.ErrForbidden) {
		t.Errorf("got %v", err)
	}
}

func status(err error) int {
	if e, ok := errors.AsType[*hub.RefusedError](err); ok {
		return e.Status
	}
	return 0
}
