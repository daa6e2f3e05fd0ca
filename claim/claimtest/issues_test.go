package claimtest_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/selftest/fakehub"
)

const refresh = "image-refresh debian-13"

func wait(ctx context.Context, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	<-ctx.Done()
}

func (g *github) edit(t *testing.T, s claim.Subject, e hub.IssueEdit) {
	t.Helper()
	_, err := g.stef.EditIssue(t.Context(), repo, s.Issue, e)
	must(t, err)
}

// works has a bot claim an issue and work on it for a while, with a person about meanwhile; it gives what the release said.
func (g *github) works(t *testing.T, s claim.Subject, result claim.Result, meanwhile func()) (context.Context, error) {
	t.Helper()
	c, err := claim.Acquire(t.Context(), g.issues(t), s, claim.Owner{Name: "bot-1"}, g.policy())
	if err != nil {
		t.Fatal(err)
	}
	work, release := c.Keep(t.Context())
	wait(work, time.Minute)
	meanwhile()
	wait(work, 25*time.Minute)
	return work, release(result)
}

// TestPeopleAndBots: what a person does to an issue while a bot works on it.
func TestPeopleAndBots(t *testing.T) {
	ok, bad := claim.Result{State: "success", Text: "done"}, claim.Result{State: "failure", Text: "failed"}
	const body = "Please.\r\n\r\n * [ ] image-refresh debian-13\r\n * [ ] po-refresh\r\n"
	tests := []struct {
		name, body  string
		result      claim.Result
		meanwhile   func(t *testing.T, g *github, s claim.Subject)
		title, want string // afterwards
		state       string
		lost        bool
	}{
		{name: "nothing", body: body, result: ok, title: "Image refresh", state: "open",
			want: "Please.\r\n\r\n * [x] image-refresh debian-13\r\n * [ ] po-refresh\r\n"},
		{name: "failure", body: body, result: bad, title: "Image refresh", state: "open",
			want: "Please.\r\n\r\n * [ ] FAIL: image-refresh debian-13\r\n * [ ] po-refresh\r\n"},
		{name: "last item", body: " * [x] po-refresh\n * [ ] image-refresh debian-13", result: ok, title: "Image refresh", state: "closed",
			want: " * [x] po-refresh\n * [x] image-refresh debian-13"},
		{name: "given back", body: body, title: "Image refresh", state: "open", want: body},
		{name: "edits the title behind the prefix", body: body, result: ok, title: "Image refresh, please", state: "open",
			meanwhile: func(t *testing.T, g *github, s claim.Subject) {
				now := g.read(t, s).Title
				g.edit(t, s, hub.IssueEdit{Title: new(strings.Replace(now, "refresh", "refresh, please", 1))})
			}, want: "Please.\r\n\r\n * [x] image-refresh debian-13\r\n * [ ] po-refresh\r\n"},
		{name: "edits the body", body: body, result: ok, title: "Image refresh", state: "open",
			meanwhile: func(t *testing.T, g *github, s claim.Subject) {
				g.edit(t, s, hub.IssueEdit{Body: new("Soon!\r\n * [x] po-refresh\r\n * [ ] image-refresh debian-13\r\n * [ ] more\r\n")})
			}, want: "Soon!\r\n * [x] po-refresh\r\n * [x] image-refresh debian-13\r\n * [ ] more\r\n"},
		{name: "ticks the box", body: body, result: ok, title: "Image refresh", state: "open",
			meanwhile: func(t *testing.T, g *github, s claim.Subject) {
				g.edit(t, s, hub.IssueEdit{Body: new(strings.Replace(body, "[ ]", "[X]", 1))})
			}, want: "Please.\r\n\r\n * [X] image-refresh debian-13\r\n * [ ] po-refresh\r\n"},
		{name: "removes the item", body: body, result: ok, title: "Image refresh", state: "open",
			meanwhile: func(t *testing.T, g *github, s claim.Subject) {
				g.edit(t, s, hub.IssueEdit{Body: new(" * [ ] po-refresh\n")})
			}, want: " * [ ] po-refresh\n"},
		{name: "takes the prefix off", body: body, result: ok, title: "Image refresh", state: "open", lost: true,
			meanwhile: func(t *testing.T, g *github, s claim.Subject) {
				g.edit(t, s, hub.IssueEdit{Title: new("Image refresh")})
			}, want: body},
		{name: "takes the issue", body: body, result: ok, title: "WIP: stef: Image refresh", state: "open", lost: true,
			meanwhile: func(t *testing.T, g *github, s claim.Subject) {
				g.edit(t, s, hub.IssueEdit{Title: new("WIP: stef: Image refresh")})
			}, want: body},
		{name: "a bot that lost writes its name over it", body: body, result: ok, title: "Image refresh", state: "open",
			meanwhile: func(t *testing.T, g *github, s claim.Subject) {
				_, err := g.client(t, "cyborg").EditIssue(t.Context(), repo, s.Issue, hub.IssueEdit{Title: new("WIP: late [aaaaaaaa]: Image refresh")})
				must(t, err)
			}, want: "Please.\r\n\r\n * [x] image-refresh debian-13\r\n * [ ] po-refresh\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGithub(t, 2*time.Second)
				s := g.issue(t, "Image refresh", tt.body)
				work, err := g.works(t, s, tt.result, func() {
					if tt.meanwhile != nil {
						tt.meanwhile(t, g, s)
					}
				})
				if errors.Is(err, claim.ErrLost) != tt.lost || !tt.lost && err != nil || tt.lost != errors.Is(context.Cause(work), claim.ErrLost) {
					t.Errorf("release: %v, work: %v", err, context.Cause(work))
				}
				i := g.read(t, s)
				if i.Title != tt.title || i.Body != tt.want || i.State != tt.state {
					t.Errorf("title %q, state %s, body %q\nwant  %q,       %s,      %q", i.Title, i.State, i.Body, tt.title, tt.state, tt.want)
				}
				if !tt.lost && slices.Contains(i.Labels, "in-progress") || !slices.Contains(i.Labels, "bot") {
					t.Errorf("labels %q", i.Labels)
				}
			})
		})
	}
}

// TestIssueNotForBots: a person's issue, and a closed one, are not claimed and not changed.
func TestIssueNotForBots(t *testing.T) {
	for _, tt := range []struct {
		name, title string
		closed      bool
	}{{"by hand from the beginning", "WIP: stef: Image refresh", false}, {"closed", "Image refresh", true}} {
		synctest.Test(t, func(t *testing.T) {
			g := newGithub(t, time.Second)
			s := g.issue(t, tt.title, "* [ ] "+refresh)
			if tt.closed {
				g.edit(t, s, hub.IssueEdit{State: new("closed")})
				wait(t.Context(), 2*time.Second)
			}
			_, err := claim.Acquire(t.Context(), g.issues(t), s, claim.Owner{Name: "bot-1"}, g.policy())
			if taken, ok := errors.AsType[*claim.TakenError](err); !ok || taken.Verdict.State != claim.Held {
				t.Errorf("%s: %v", tt.name, err)
			}
			if i := g.read(t, s); i.Title != tt.title {
				t.Errorf("%s: title %q", tt.name, i.Title)
			}
		})
	}
}

// TestLoserLeavesTheTitle: of several that write their names, the winner's is there in the end, and the losers do not touch it.
func TestLoserLeavesTheTitle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGithub(t, 2*time.Second)
		s := g.issue(t, "Image refresh", "* [ ] "+refresh)
		type end struct {
			c   *claim.Claim
			err error
		}
		ends := make(chan end)
		for _, name := range []string{"bot-1", "bot-2", "bot-3"} {
			b := &late{Board: g.issues(t)}
			go func() {
				c, err := claim.Acquire(t.Context(), b, s, claim.Owner{Name: name}, g.policy())
				ends <- end{c, err}
			}()
		}
		var won *claim.Claim
		for range 3 {
			e := <-ends
			if e.err == nil && won == nil {
				won = e.c
			} else if _, taken := errors.AsType[*claim.TakenError](e.err); !taken {
				t.Errorf("%v, and %v", e.err, e.c)
			}
		}
		if title := g.read(t, s).Title; !strings.Contains(title, won.Nonce) {
			t.Errorf("title %q, and %s has it", title, won.Nonce)
		}
		marks, _, err := g.issues(t).Marks(t.Context(), s)
		must(t, err)
		if len(marks) != 4 { // three claims, and the winner's again
			t.Errorf("%d changes of the title: %+v", len(marks), marks)
		}
	})
}

// TestFinishWithoutAnswer: the change that ends a job is done once, whether its answer came or not.
func TestFinishWithoutAnswer(t *testing.T) {
	for _, f := range []fakehub.Faults{{LostAcks: 1}, {FailAfter: 1}, {FailBefore: 1}} {
		synctest.Test(t, func(t *testing.T) {
			g := newGithub(t, 0)
			s := g.issue(t, "Image refresh", "* [ ] "+refresh+"\n* [ ] po-refresh")
			c, err := claim.Acquire(t.Context(), g.issues(t), s, claim.Owner{Name: "bot-1"}, g.policy())
			must(t, err)
			_, release := c.Keep(t.Context())
			must(t, g.server.SetFaults(f))
			go func() {
				wait(t.Context(), 3*time.Second)
				must(t, g.server.SetFaults(fakehub.Faults{}))
			}()
			if err := release(claim.Result{State: "success", Text: "done"}); err != nil {
				t.Errorf("%+v: %v", f, err)
			}
			synctest.Wait()
			if i := g.read(t, s); i.Title != "Image refresh" || i.Body != "* [x] "+refresh+"\n* [ ] po-refresh" {
				t.Errorf("%+v: title %q, body %q", f, i.Title, i.Body)
			}
		})
	}
}
