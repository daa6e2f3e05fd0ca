package agent

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/cyborg-bots/cyborg/claim/hub"
)

// What a bot hears. Comments of the last day are read once a round, those of all issues and pull requests in one request,
// which is free while nobody has written: its address changes once an hour.
const (
	hearFor  = 24 * time.Hour // older commands are left alone, though nobody may have been there to hear them
	hearMost = 300            // comments
)

// ears are what a bot remembers of comments. The zero value remembers nothing.
type ears struct {
	mu   sync.Mutex
	me   string                   // login of the bots' account, once it is known
	done map[int64]time.Time      // comments that need nothing more, by id, and when they were written
	now  map[int64]bool           // comments that this bot is about to answer
	bad  map[int64]int            // how often that went wrong
	last map[string][]hub.Comment // by repository: what was heard in this round, with commands in it, oldest first
}

// listen reads what people have written, and stops the runs that they want to be stopped. What else they ask for is done
// by heed, when the round has its queue.
func (a *Agent) listen(ctx context.Context, repo hub.Repo) {
	a.ears.keep(repo, nil)
	since := a.c.Hub.Now().Add(-hearFor)
	list, err := a.c.Hub.RecentComments(ctx, repo, since.Truncate(time.Hour), hearMost)
	if err != nil {
		if ctx.Err() == nil {
			a.c.Log.Warn("cannot read comments", "repo", repo.String(), "error", err)
		}
		return
	}
	a.overhear(ctx, repo, list)
	var asks []hub.Comment
	for _, c := range list {
		if c.CreatedAt.Before(since) || a.ears.answered(c) || len(commandsOf(c.Body)) == 0 {
			continue
		}
		writer, err := a.writes(ctx, repo, c.Author)
		switch {
		case err != nil:
			a.c.Log.Warn("cannot ask who may give commands", "login", c.Author, "error", err)
		case !writer:
			a.ears.finish(c) // a stranger's word is no command, and gets no answer that he could play with
		default:
			asks = append(asks, c)
		}
	}
	a.ears.keep(repo, asks)
	for _, r := range a.runsOn(repo) {
		a.cancelled(r, asks)
	}
}

// cancelled stops a run if a command says so. While the job is being claimed it does not: only who has the claim can say
// that it was cancelled, and the next round hears it.
func (a *Agent) cancelled(r *run, asks []hub.Comment) {
	a.mu.Lock()
	claimed := r.claim != nil
	a.mu.Unlock()
	if !claimed {
		return
	}
	for _, c := range asks {
		if c.Number != max(r.entry.Pull, r.entry.Issue) || c.CreatedAt.Before(r.began.Add(-time.Second).Truncate(time.Second)) {
			continue
		}
		for _, cmd := range commandsOf(c.Body) {
			if cmd.Name == "cancel" && cmd.Err == nil && (len(cmd.Args) == 0 || named(cmd.Args, r.entry)) {
				r.cancel(&cancelledError{c.Author})
				return
			}
		}
	}
}

// keep notes what was heard in a round.
func (e *ears) keep(repo hub.Repo, list []hub.Comment) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.last == nil {
		e.last, e.done, e.now, e.bad = map[string][]hub.Comment{}, map[int64]time.Time{}, map[int64]bool{}, map[int64]int{}
	}
	e.last[strings.ToLower(repo.String())] = list
}

// heard gives what was heard in this round and is not being answered.
func (e *ears) heard(repo hub.Repo) []hub.Comment {
	e.mu.Lock()
	defer e.mu.Unlock()
	var list []hub.Comment
	for _, c := range e.last[strings.ToLower(repo.String())] {
		if !e.now[c.ID] {
			list = append(list, c)
		}
	}
	return list
}

// answered tells whether a comment needs nothing more.
func (e *ears) answered(c hub.Comment) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, done := e.done[c.ID]
	return done
}

// finish notes that a comment needs nothing more, and forgets those that will not be heard again.
func (e *ears) finish(c hub.Comment) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.done[c.ID] = c.CreatedAt
	for id, written := range e.done {
		if c.CreatedAt.Sub(written) > 2*hearFor {
			delete(e.done, id)
		}
	}
}

// fail notes that a comment could not be answered; after some times this bot leaves it to others.
func (e *ears) fail(c hub.Comment) {
	const most = 3
	e.mu.Lock()
	e.bad[c.ID]++
	over := e.bad[c.ID] >= most
	if over {
		delete(e.bad, c.ID)
	}
	e.mu.Unlock()
	if over {
		e.finish(c)
	}
}

// begin notes that this bot answers a comment, and end that it does no longer.
func (e *ears) begin(id int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.now[id] = true
}

func (e *ears) end(id int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.now, id)
}
