package agent

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/tasks"
)

func TestTick(t *testing.T) {
	for _, row := range []struct {
		name, body, item string
		ok               bool
		want             string
		complete         bool
	}{
		{"the last one", "Do\r\n\r\n * [ ] a\r\n", "a", true, "Do\r\n\r\n * [x] a\r\n", true},
		{"one of two", "- [ ] a\n- [ ] b", "b", true, "- [ ] a\n- [x] b", false},
		{"a failure", "- [ ] a", "a", false, "- [ ] FAIL: a", false},
		{"a failure before is not done", "- [ ] FAIL: a\n- [ ] b", "b", true, "- [ ] FAIL: a\n- [x] b", false},
		{"gone", "- [x] a", "b", true, "- [x] a", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, complete := Tick(row.body, row.item, row.ok)
			if got != row.want || complete != row.complete {
				t.Errorf("%q, %v; want %q, %v", got, complete, row.want, row.complete)
			}
		})
	}
}

func TestErrands(t *testing.T) {
	taught := &tasks.Task{Name: "po-refresh", Path: "bots/po-refresh", Header: tasks.Header{On: []tasks.Event{{Kind: tasks.Request}}, In: tasks.Place{Kind: tasks.OnHost}}}
	tests := &tasks.Task{Name: "verify", Path: "bots/verify", Header: tasks.Header{On: []tasks.Event{{Kind: tasks.PullRequest}}}}
	big := &tasks.Task{Name: "big", Path: "bots/big", Header: tasks.Header{On: taught.On, In: taught.In, Needs: tasks.Capabilities{{Name: "kvm"}}}}
	now := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	v := &view{
		Repo: hub.Repo{Owner: "acme", Name: "widget"}, Has: tasks.Capabilities{{Name: "host"}}, Trusted: map[string]bool{"ada": true, "grace": true},
		Snapshot:  hub.Snapshot{DefaultBranch: "main", DefaultSHA: strings.Repeat("a", 40), Now: now},
		Catalogue: &tasks.Catalogue{Tasks: []*tasks.Task{big, taught, tests}, Fleet: tasks.DefaultFleet()},
	}
	for _, row := range []struct {
		name  string
		issue asking
		want  string // standing and reason; empty: no job
	}{
		{"ready", asking{hub.Issue{Title: "T", Body: "* [ ] po-refresh de"}, "ada"}, "ready: "},
		{"the first open item alone", asking{hub.Issue{Title: "T", Body: "* [x] big\n* [ ] FAIL: big\n* [ ] po-refresh\n* [ ] big"}, "ada"}, "ready: "},
		{"all done", asking{hub.Issue{Title: "T", Body: "* [x] po-refresh"}, "ada"}, ""},
		{"no list", asking{hub.Issue{Title: "T", Body: "po-refresh"}, "ada"}, ""},
		{"stale", asking{hub.Issue{Title: "T", Body: "* [ ] po-refresh", Stale: true}, "ada"}, ""},
		{"a pull request not seen yet", asking{hub.Issue{Title: "T", Body: "* [ ] po-refresh", Pull: true}, "ada"}, ""},
		{"claimed", asking{hub.Issue{Title: "WIP: a [k7m2q9xa]: T", Body: "* [ ] po-refresh", UpdatedAt: now.Add(-time.Minute)}, "ada"}, "held: "},
		{"its bot is gone", asking{hub.Issue{Title: "WIP: a [k7m2q9xa]: T", Body: "* [ ] po-refresh", UpdatedAt: now.Add(-time.Hour)}, "ada"}, "ready: "},
		{"a person has it", asking{hub.Issue{Title: "WIP: T", Body: "* [ ] po-refresh", UpdatedAt: now.Add(-240 * time.Hour)}, "ada"}, "held: "},
		{"a stranger's edit", asking{hub.Issue{Title: "T", Body: "* [ ] po-refresh"}, "mallory"}, "waiting: @mallory, who edited this, has no write access"},
		{"a deleted editor", asking{hub.Issue{Title: "T", Body: "* [ ] po-refresh"}, ""}, "waiting: a deleted account, who edited this, has no write access"},
		{"lacks something", asking{hub.Issue{Title: "T", Body: "* [ ] big"}, "ada"}, "waiting: needs kvm"},
		{"not on request", asking{hub.Issue{Title: "T", Body: "* [ ] verify"}, "ada"}, "waiting: verify is not done on request, its header says when"},
		{"publishes by itself", asking{hub.Issue{Title: "T", Body: "* [ ] po-refresh --publish"}, "ada"}, "waiting: options are for the shell: an issue is its own subject"},
	} {
		t.Run(row.name, func(t *testing.T) {
			row.issue.Number, row.issue.Author, row.issue.State = 7, "ada", "open"
			got := ""
			for _, e := range v.errands([]asking{row.issue}) {
				got += string(e.Standing) + ": " + e.Waits
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Whatever an item says, the branch has a name that git takes and no shell minds.
func FuzzBranchName(f *testing.F) {
	for _, item := range []string{"po-refresh", "image-refresh debian-13", "x '../../main; rm -rf /'", "", "-", ".lock", "Ünïcode", "a..b@{c}", strings.Repeat("x", 300)} {
		f.Add(item)
	}
	f.Fuzz(func(t *testing.T, item string) {
		name := branchName(item, "k7m2q9xa")
		if len(name) > 70 || !strings.HasSuffix(name, "k7m2q9xa") || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || strings.HasPrefix(name, "-") {
			t.Errorf("%q becomes %q", item, name)
		}
	})
}

// A desk is one on which conversions meet trouble.
type desk struct {
	Desk
	errs  []error // of one conversion after the other
	pull  hub.Pull
	sent  []hub.NewPull
	state string // of the issue
}

func (d *desk) ConvertIssue(_ context.Context, _ hub.Repo, _ int, in hub.NewPull) (hub.Pull, error) {
	d.sent = append(d.sent, in)
	err := d.errs[0]
	d.errs = d.errs[1:]
	return d.pull, err
}

func (d *desk) Issue(context.Context, hub.Repo, int) (hub.Issue, error) {
	return hub.Issue{Number: 7, Title: "T", Body: " * [ ] po-refresh", State: d.state}, nil
}

func (d *desk) Pull(context.Context, hub.Repo, int) (hub.Pull, error) {
	if d.pull.HeadSHA == "" {
		return hub.Pull{}, hub.ErrGone
	}
	return d.pull, nil
}

func TestConvert(t *testing.T) {
	collab := &hub.RefusedError{Status: 422, Fields: []hub.FieldError{{Resource: "PullRequest", Field: "fork_collab", Code: "invalid"}}}
	already := &hub.RefusedError{Status: 422, Message: "Issue is already a pull request"}
	closed := &hub.RefusedError{Status: 422, Message: "Issue is closed"}
	lost := &hub.AmbiguousError{Method: "POST", Path: "pulls", Err: io.ErrUnexpectedEOF}
	ours, theirs := hub.Pull{Number: 7, HeadRef: "po-refresh-k7m2q9xa", HeadSHA: "a"}, hub.Pull{Number: 7, HeadRef: "po-refresh-3fhtw0me", HeadSHA: "b"}
	for _, row := range []struct {
		name string
		errs []error
		pull hub.Pull
		sent []bool // whether maintainers may push, of each request
		want string // "", "withdrawn", "undeliverable"
	}{
		{"at once", []error{nil}, ours, []bool{true}, ""},
		{"an account that may not let others push", []error{collab, nil}, ours, []bool{true, false}, ""},
		{"the answer was lost, and it was done", []error{lost}, ours, []bool{true}, ""},
		{"a peer was first", []error{already}, theirs, []bool{true}, "withdrawn"},
		{"a lost answer of ours was first", []error{already}, ours, []bool{true}, ""},
		{"refused for another reason", []error{already}, hub.Pull{}, []bool{true}, "undeliverable"},
		{"refused since it is closed", []error{closed}, hub.Pull{}, []bool{true}, "withdrawn"},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &desk{errs: row.errs, pull: row.pull, state: "open"}
				if errors.Is(row.errs[0], closed) {
					d.state = "closed"
				}
				a := &Agent{c: Config{Errands: &Errands{Desk: d, ByHand: true}, Policy: claim.DefaultPolicy()}}
				j := &errand{agent: a, entry: Entry{Job: tasks.Job{Issue: 7, Item: "po-refresh", BaseRef: "main"}}, log: io.Discard}
				err := j.convert(t.Context(), Branch{Head: "cyborg:po-refresh-k7m2q9xa"})
				got := ""
				if _, ok := errors.AsType[*withdrawnError](err); ok {
					got = "withdrawn"
				} else if _, ok := errors.AsType[*undeliverableError](err); ok {
					got = "undeliverable"
				} else if err != nil {
					got = "trouble"
				}
				var sent []bool
				for _, in := range d.sent {
					sent = append(sent, in.Maintain)
				}
				if got != row.want || !cmp.Equal(sent, row.sent) {
					t.Errorf("%v (%q), requests %v; want %q, %v", err, got, sent, row.want, row.sent)
				}
			})
		})
	}
}

// A chat is a desk on which comments are lost on the way there, or back.
type chat struct {
	Desk
	lost []bool // of one comment after the other: whether it is there all the same
	list []hub.Comment
}

func (d *chat) Comment(_ context.Context, _ hub.Repo, _ int, body string) (hub.Comment, error) {
	c := hub.Comment{ID: int64(len(d.list) + 1), Body: body, Author: "cyborg"}
	if len(d.lost) == 0 {
		d.list = append(d.list, c)
		return c, nil
	}
	if d.lost[0] {
		d.list = append(d.list, c)
	}
	d.lost = d.lost[1:]
	return hub.Comment{}, &hub.AmbiguousError{Method: "POST", Path: "comments", Err: io.ErrUnexpectedEOF}
}

func (d *chat) Comments(context.Context, hub.Repo, int, time.Time) ([]hub.Comment, error) {
	return d.list, nil
}

func TestSayOnce(t *testing.T) {
	for _, lost := range [][]bool{nil, {true}, {false}, {false, true}, {false, false}} {
		synctest.Test(t, func(t *testing.T) {
			d := &chat{lost: lost}
			a := &Agent{c: Config{Errands: &Errands{Desk: d, Login: "cyborg"}, Policy: claim.DefaultPolicy(), Log: slog.New(slog.DiscardHandler)}}
			j := &errand{agent: a, entry: Entry{Job: tasks.Job{Issue: 7}}}
			if c := j.say(t.Context(), "done"); c.Body != "done" || len(d.list) != 1 {
				t.Errorf("lost %v: said %d times, got %+v", lost, len(d.list), c)
			}
		})
	}
}
