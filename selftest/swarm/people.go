package swarm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/selftest/fakehub"
	"github.com/cyborg-bots/cyborg/tasks"
)

// A pull is a pull request and what people did to it.
type pull struct {
	number int
	branch string
	heads  []head // oldest first
	open   bool
}

// A head is a commit that a pull request had as its head, and since when.
type head struct {
	sha   string
	since time.Time
}

// people plan all that they do before it begins, and do it. It returns when all is done.
func (w *world) people(ctx context.Context) error {
	plan := w.plan()
	if !w.game.Merge {
		return plan.run(ctx)
	}
	merging, stop := context.WithCancel(ctx)
	var group sync.WaitGroup
	var merged error
	group.Go(func() { merged = w.merge(merging) })
	err := plan.run(ctx)
	stop()
	group.Wait()
	return errors.Join(err, merged)
}

// plan draws all that people do.
func (w *world) plan() *schedule {
	r := w.die.of("people").rand()
	plan := new(schedule)
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range (w.game.Jobs + w.game.Contexts - 1) / w.game.Contexts {
		begin := between(r, 0, w.game.Span)
		if i == 0 {
			begin = time.Second
		}
		p := &pull{branch: fmt.Sprint("topic-", i)}
		w.pulls = append(w.pulls, p)
		plan.add(begin, func(ctx context.Context) error { return w.openPull(ctx, p, i) })
		w.planPull(plan, r, p, begin)
	}
	return plan
}

// merge closes pull requests whose jobs are all done, a few minutes later.
func (w *world) merge(ctx context.Context) error {
	for pause(ctx, 5*time.Minute) == nil {
		w.mu.Lock()
		var done []*pull
		for _, p := range w.pulls {
			if p.open && w.done(p) {
				done = append(done, p)
			}
		}
		w.mu.Unlock()
		for _, p := range done {
			if err := w.edit(ctx, p, map[string]any{"state": "closed"}, false); err != nil && ctx.Err() == nil {
				return err
			}
		}
	}
	return nil
}

// planPull draws what happens to one pull request. What is not possible when its time has come is left out.
func (w *world) planPull(plan *schedule, r *rand.Rand, p *pull, begin time.Duration) {
	f := &w.game.Faults
	later := func() time.Duration { return begin + time.Minute + between(r, 0, w.game.Span) }
	for range 3 {
		if r.Float64() < f.Pushes/3 {
			text := fmt.Sprint(r.Uint64())
			plan.add(later(), func(ctx context.Context) error { return w.push(ctx, p, text) })
		}
		if r.Float64() < f.Triggers/3 {
			at, which := later(), r.IntN(w.game.Contexts)
			plan.add(at, func(ctx context.Context) error { return w.trigger(ctx, p, which) })
		}
	}
	if r.Float64() < f.Renames {
		title := []string{"Mend the widget", "WIP: mend the widget", "Mend the widget, and its handle"}[r.IntN(3)]
		plan.add(later(), func(ctx context.Context) error { return w.edit(ctx, p, map[string]any{"title": title}, true) })
	}
	if r.Float64() < f.Closes {
		at := later()
		plan.add(at, func(ctx context.Context) error { return w.edit(ctx, p, map[string]any{"state": "closed"}, false) })
		if r.IntN(2) == 0 {
			plan.add(at+between(r, time.Minute, w.game.Lease), func(ctx context.Context) error {
				return w.edit(ctx, p, map[string]any{"state": "open"}, true)
			})
		}
	}
}

// openPull pushes a branch and makes a pull request of it.
func (w *world) openPull(ctx context.Context, p *pull, i int) error {
	sha, err := w.hub.Commit(ctx, repoName, fakehub.Commit{Branch: p.branch, Author: person, Files: map[string]string{p.branch: "1"}})
	if err != nil {
		return err
	}
	if !w.game.Claims {
		if p.number, err = w.makePull(ctx, p, i, sha); err != nil {
			return err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	p.open = true
	p.heads = append(p.heads, head{sha, time.Now()})
	if w.begun.IsZero() {
		w.begun = time.Now()
	}
	return nil
}

// makePull opens the pull request itself.
func (w *world) makePull(ctx context.Context, p *pull, i int, sha string) (int, error) {
	var made struct{ Number int }
	in := map[string]any{"title": fmt.Sprint("Topic ", i), "head": p.branch, "base": "main"}
	if err := w.ask(ctx, http.MethodPost, "/repos/"+repoName+"/pulls", in, &made); err != nil {
		return 0, err
	}
	for _, is := range w.hub.Truth().Issues(repoName) { // the answer may be lost, and asked for again
		if is.Pull && is.HeadSHA == sha {
			made.Number = is.Number
		}
	}
	return made.Number, nil
}

// push moves the branch to a new commit on top of main.
func (w *world) push(ctx context.Context, p *pull, text string) error {
	if _, open := w.state(p); !open {
		return nil
	}
	main := w.hub.Truth().Ref(repoName, "refs/heads/main")
	sha, err := w.hub.Commit(ctx, repoName, fakehub.Commit{Branch: p.branch, Parent: main, Author: person, Files: map[string]string{p.branch: text}})
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ledger.tell(person, subject{sha: p.heads[len(p.heads)-1].sha}, "pushes %.8s over it", sha)
	p.heads = append(p.heads, head{sha, time.Now()})
	return nil
}

// trigger asks for a context again, whatever became of it.
func (w *world) trigger(ctx context.Context, p *pull, which int) error {
	sha, open := w.state(p)
	if !open {
		return nil
	}
	of := w.subjects(sha)[which]
	in := map[string]any{"state": "pending", "context": of.context, "description": claim.Triggered}
	return w.ask(ctx, http.MethodPost, "/repos/"+repoName+"/statuses/"+sha, in, nil)
}

// edit changes a pull request; open is what it is afterwards.
func (w *world) edit(ctx context.Context, p *pull, change map[string]any, open bool) error {
	sha, was := w.state(p)
	if w.game.Claims || sha == "" || !was && change["state"] == nil {
		return nil
	}
	if err := w.ask(ctx, http.MethodPatch, fmt.Sprintf("/repos/%s/pulls/%d", repoName, p.number), change, nil); err != nil {
		return err
	}
	w.ledger.tell(person, subject{sha: sha}, "edits #%d: %v", p.number, change)
	w.mu.Lock()
	defer w.mu.Unlock()
	if open && !p.open { // nobody worked on it while it was closed
		p.heads[len(p.heads)-1].since = time.Now()
	}
	p.open = open
	return nil
}

// state is the head of a pull request, empty before it was opened.
func (w *world) state(p *pull) (sha string, open bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(p.heads) == 0 {
		return "", false
	}
	return p.heads[len(p.heads)-1].sha, p.open
}

// subjects are the contexts of a commit that bots are asked for.
func (w *world) subjects(sha string) []subject {
	var list []subject
	for _, c := range w.taught.ContextsFor(tasks.PullRequest, "main") {
		list = append(list, subject{sha, c.Name})
	}
	return list
}

// ask sends a request as a person does: again and again until it works.
func (w *world) ask(ctx context.Context, method, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	client := w.hub.Client()
	for tries := range 2000 {
		err = send(ctx, client, method, path, body, out)
		if err == nil {
			return nil
		}
		if e := pause(ctx, 20*time.Second+w.die.of("person", path).at(int64(tries)).below(20*time.Second)); e != nil {
			return e
		}
	}
	return err
}

func send(ctx context.Context, client *http.Client, method, path string, body []byte, out any) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, apiURL+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "token "+person+"-token")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode == http.StatusUnprocessableEntity && method == http.MethodPost { // it is there already
		return nil
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s: %.200s", method, path, resp.Status, data)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(data, out)
}
