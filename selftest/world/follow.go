package world

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
)

// A follower watches the statuses of the demonstration's pull requests as a visitor of the page does, by the API.
type follower struct {
	demo  *Demo
	shown map[string]string // pull and context to the text told last
	stale string            // the head of #3 that was pushed over
}

// status is one commit status, as the API gives it.
type status struct {
	State, Description, Context string
	TargetURL                   string `json:"target_url"`
}

// pull is a pull request, as the API gives it.
type pull struct {
	Number int
	Title  string
	Head   struct{ SHA string }
}

// every calls look a few times a second until it says that it is done.
func (f *follower) every(ctx context.Context, look func() (bool, error)) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		if done, err := look(); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the bots: %w", context.Cause(ctx))
		case <-tick.C:
		}
	}
}

// read gives the open pull requests in order, and the newest statuses of each, and tells what is new.
func (f *follower) read(ctx context.Context) ([]pull, map[int][]status, error) {
	visitor := f.demo.World.Person(Visitor)
	var pulls []pull
	if err := visitor.Do(ctx, "GET", "repos/"+Widget+"/pulls?per_page=100", nil, &pulls); err != nil {
		return nil, nil, err
	}
	slices.SortFunc(pulls, func(a, b pull) int { return cmp.Compare(a.Number, b.Number) })
	all := map[int][]status{}
	for _, p := range pulls {
		var combined struct{ Statuses []status }
		if err := visitor.Do(ctx, "GET", "repos/"+Widget+"/commits/"+p.Head.SHA+"/status?per_page=100", nil, &combined); err != nil {
			return nil, nil, err
		}
		all[p.Number] = combined.Statuses
		for _, s := range combined.Statuses {
			f.tell(p, s)
		}
	}
	return pulls, all, nil
}

// tell says what a status says, once.
func (f *follower) tell(p pull, s status) {
	key := fmt.Sprintf("%s %s", p.Head.SHA, s.Context)
	m := claim.ParseStatusText(s.State, s.Description)
	text := m.Human
	if m.Name != "" {
		text += " [" + m.Name + "]"
	}
	if shown, ok := f.shown[key]; ok && shown == text {
		return
	}
	f.shown[key] = text
	icon := map[string]string{"pending": "…", "success": "✓", "failure": "✗", "error": "!"}[s.State]
	f.demo.say("#%d %-7s %s %s", p.Number, s.Context, icon, text)
}

// untilRunning waits until a bot works on a context of a pull request.
func (f *follower) untilRunning(ctx context.Context, number int, context string) error {
	return f.every(ctx, func() (bool, error) {
		pulls, all, err := f.read(ctx)
		if err != nil {
			return false, err
		}
		running := slices.ContainsFunc(all[number], func(s status) bool {
			return s.Context == context && strings.HasPrefix(s.Description, claim.Testing)
		})
		for _, p := range pulls {
			if p.Number == number {
				f.stale = p.Head.SHA
			}
		}
		return running, nil
	})
}

// untilDone waits until every expected context has a result.
func (f *follower) untilDone(ctx context.Context) error {
	return f.every(ctx, func() (bool, error) {
		pulls, all, err := f.read(ctx)
		if err != nil {
			return false, err
		}
		done := len(pulls) == len(changes())
		for n, ch := range changes() {
			for name := range ch.expect {
				done = done && slices.ContainsFunc(all[n+1], func(s status) bool { return s.Context == name && s.State != "pending" })
			}
		}
		return done, nil
	})
}

// check compares what GitHub shows with what each change deserves, and the logs of statuses with one run a job.
func (f *follower) check(ctx context.Context) error {
	pulls, all, err := f.read(ctx)
	if err != nil {
		return err
	}
	var wrong []string
	runs := 0
	for n, ch := range changes() {
		for _, s := range all[n+1] {
			if want := ch.expect[s.Context]; s.State != want {
				wrong = append(wrong, fmt.Sprintf("#%d %s: got %s (%s), want %s", n+1, s.Context, s.State, s.Description, want))
			}
		}
		head := pulls[n].Head.SHA
		for name := range ch.expect {
			results, err := f.results(ctx, head, name)
			if err != nil {
				return err
			}
			runs += results
			if results != 1 {
				wrong = append(wrong, fmt.Sprintf("#%d %s: %d results, want 1", n+1, name, results))
			}
		}
	}
	if results, err := f.results(ctx, f.stale, "verify"); err != nil || results != 0 {
		wrong = append(wrong, fmt.Sprintf("#3 verify: the head that was pushed over has %d results (%v), want 0", results, err))
	}
	if len(wrong) > 0 {
		return fmt.Errorf("the story ended wrongly:\n%s", strings.Join(wrong, "\n"))
	}
	f.demo.say("all as it must be: %d jobs, each with one result; the run of the old head of #3 published none", runs)
	return nil
}

// results counts the results that bots posted to a context of a commit, repairs of what GitHub shows left out.
func (f *follower) results(ctx context.Context, sha, context string) (int, error) {
	var list []status
	err := f.demo.World.Person(Visitor).Do(ctx, "GET", "repos/"+Widget+"/commits/"+sha+"/statuses?per_page=100", nil, &list)
	nonces := map[string]bool{}
	for _, s := range list {
		if m := claim.ParseStatusText(s.State, s.Description); s.Context == context && m.Kind == claim.KindResult {
			nonces[m.Nonce] = true
		}
	}
	return len(nonces), err
}
