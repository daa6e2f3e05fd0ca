package claimtest

import (
	"context"
	"fmt"
	"hash/maphash"
	"strings"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
)

// Explore walks through every state that the model's bots and GitHub can reach, breadth first, so that the story it
// tells of a broken invariant is as short as any. The bots are real: each is a claim.Life, and what a log comes to is
// claim.Decide. It ends early with ctx.
func Explore(ctx context.Context, m Model) Report {
	x := newExplorer(ctx, m)
	first := x.first()
	level := []world{first}
	x.note(first, 0, action{})
	for len(level) > 0 {
		var next []world
		for _, w := range level {
			if ctx.Err() != nil || m.Limit > 0 && len(x.seen) >= m.Limit {
				return Report{States: len(x.seen), Met: x.met}
			}
			from := x.key(w)
			for _, a := range x.actions(w) {
				after := x.apply(w, a, nil)
				if !x.note(after, from, a) {
					continue
				}
				if broken := x.broken(after); broken != "" {
					return Report{States: len(x.seen), Broken: broken, Story: x.story(after), Met: x.met}
				}
				next = append(next, after)
			}
		}
		level = next
	}
	return Report{States: len(x.seen), Complete: true, Met: x.met}
}

// An action is one thing that can happen next.
type action struct {
	what deed
	bot  int8
	mask uint16 // of reads: which of the records that may be missed are there
}

type deed int8

const (
	begin    deed = iota
	ticks         // time goes on
	reads         // a bot reads
	posts         // a bot's record is written, and it learns of it
	loses         // a bot's record is written, and it does not learn of it
	drops         // a bot's record is not written, and it does not learn of that
	haunts        // the same, but it is under way
	appears       // a record that was under way is written
	wakes         // a bot's wait is over
	succeeds      // a bot's work ends
	fails         // a bot's work ends otherwise
	returns       // a bot gives the subject back
	cancels       // a bot does not want the subject any more
	crashes       // a bot ends, and starts again
	asks          // a person asks for the job again
	leaps         // GitHub's clock jumps
)

// A key stands for a state: a hash, of 64 bits, so that of a million states two are taken for one with a chance of 1 in
// 30 million.
type key uint64

type way struct {
	from key
	act  action
}

type explorer struct {
	ctx    context.Context
	m      Model
	policy claim.Policy
	lives  [maxBots][maxLives]claim.Life
	seen   map[key]way
	seed   maphash.Seed
	met    map[string]int
}

func newExplorer(ctx context.Context, m Model) *explorer {
	x := &explorer{ctx: ctx, m: m, policy: m.policy(), seen: map[key]way{}, met: map[string]int{}, seed: maphash.MakeSeed()}
	for b := range x.lives {
		for l := range x.lives[b] {
			x.lives[b][l] = claim.NewLife(claim.Owner{Name: botName(b)}, x.policy, nonceOf(b, l))
		}
	}
	return x
}

func botName(b int) string { return "ABC"[b : b+1] }

// nonceOf names a claim readably: "aaaaaaa1" is A's first.
func nonceOf(b, l int) string { return nonces[b][l] }

var nonces = [maxBots][maxLives]string{
	{"aaaaaaa1", "aaaaaaa2", "aaaaaaa3", "aaaaaaa4"}, {"bbbbbbb1", "bbbbbbb2", "bbbbbbb3", "bbbbbbb4"},
	{"ccccccc1", "ccccccc2", "ccccccc3", "ccccccc4"},
}

func (x *explorer) first() world {
	m := x.m
	w := world{left: budget{
		beats: int8(m.Beats), lostAcks: int8(m.LostAcks), drops: int8(m.Drops), ghosts: int8(m.Ghosts), crashes: int8(m.Crashes), releases: int8(m.Releases),
		cancels: int8(m.Cancels), resets: int8(m.Resets), leaps: int8(m.Leaps),
	}}
	for b := range maxBots {
		w.bots[b].ended = true
		if b < m.Bots {
			x.start(&w, b, nil)
		}
	}
	return w
}

// start gives a bot its next life.
func (x *explorer) start(w *world, b int, tell func(string, ...any)) {
	w.bots[b] = bot{life: x.lives[b][w.bots[b].num], num: w.bots[b].num}
	x.feed(w, b, claim.Event{Kind: claim.OnStart}, tell)
}

func (x *explorer) key(w world) key {
	return key(max(maphash.Comparable(x.seed, w), 1))
}

// note remembers how a state was reached, and tells whether it is new.
func (x *explorer) note(w world, from key, a action) bool {
	k := x.key(w)
	if _, known := x.seen[k]; known {
		return false
	}
	x.seen[k] = way{from, a}
	return true
}

// actions are all that can happen next.
func (x *explorer) actions(w world) []action {
	var list []action
	busy := w.ghost.some
	for b := range x.m.Bots {
		if !w.bots[b].ended {
			busy = true
			if b > 0 && !w.moved {
				continue // bots are alike, so the first to move may be called A, and its first move be at the beginning of time
			}
			list = x.actionsOf(list, w, b)
		}
	}
	if w.ghost.some {
		list = append(list, action{what: appears})
	}
	if !busy {
		return list
	}
	if int(w.now) < x.m.Ticks && w.moved {
		list = append(list, action{what: ticks})
	}
	if w.left.resets > 0 && w.n > 0 && w.n < maxLog {
		list = append(list, action{what: asks})
	}
	if w.left.leaps > 0 && w.n > 0 {
		list = append(list, action{what: leaps})
	}
	return list
}

func (x *explorer) actionsOf(list []action, w world, b int) []action {
	add := func(what deed, ok bool) {
		if ok {
			list = append(list, action{what: what, bot: int8(b)})
		}
	}
	a := &w.bots[b]
	room := w.n < maxLog
	switch a.do {
	case claim.DoRead:
		list = x.readsOf(list, w, action{what: reads, bot: int8(b)})
	case claim.DoPost:
		add(posts, room)
		add(loses, room && w.left.lostAcks > 0)
		add(drops, w.left.drops > 0)
		add(haunts, room && w.left.ghosts > 0 && !w.ghost.some)
	case claim.DoPause:
		working := a.life.Phase == claim.Working
		if w.now >= a.due && (!working || w.left.beats > 0 || x.clock(&w, b) >= a.life.Stop) {
			list = x.readsOf(list, w, action{what: wakes, bot: int8(b)})
		}
		if working {
			list = x.readsOf(list, w, action{what: succeeds + deed(b%2), bot: int8(b)})
		}
		add(returns, working && w.left.releases > 0)
		add(cancels, !working && w.left.cancels > 0)
	case claim.DoNote, claim.DoEnd:
	}
	add(crashes, w.left.crashes > 0 && a.num+1 < maxLives-1 && room)
	return list
}

// readsOf adds an action which may end in a read, once for each thing that the read may give. That the read follows at
// once loses nothing: a bot that is paused before it might as well have been paused before the action.
func (x *explorer) readsOf(list []action, w world, a action) []action {
	trial := w
	if a.what != reads {
		x.feed(&trial, int(a.bot), event(a.what), nil)
	}
	if trial.bots[a.bot].do != claim.DoRead {
		return append(list, a)
	}
	for a.mask = range uint16(1) << len(x.maybe(w)) {
		list = append(list, a)
	}
	return list
}

// event is what a bot is told at the beginning of an action.
func event(d deed) claim.Event {
	switch d {
	case succeeds:
		return claim.Event{Kind: claim.OnFinish, Result: claim.Result{State: "success"}}
	case fails:
		return claim.Event{Kind: claim.OnFinish, Result: claim.Result{State: "failure"}}
	case returns:
		return claim.Event{Kind: claim.OnFinish}
	case cancels:
		return claim.Event{Kind: claim.OnCancel}
	default:
		return claim.Event{Kind: claim.OnWake}
	}
}

// maybe gives the records that a read may miss.
func (x *explorer) maybe(w world) []int {
	var list []int
	for i := range int(w.n) {
		if w.log[i].tick == w.now || int(w.n)-i <= x.m.Stale {
			list = append(list, i)
		}
	}
	return list
}

// view is what a read gives.
func (x *explorer) view(w world, mask uint16) []claim.Mark {
	missing := [maxLog]bool{}
	for bit, i := range x.maybe(w) {
		missing[i] = mask&(1<<bit) == 0
	}
	marks := make([]claim.Mark, 0, w.n)
	for i := range int(w.n) {
		if !missing[i] {
			marks = append(marks, w.log[i].mark(i))
		}
	}
	return marks
}

func (l line) mark(i int) claim.Mark {
	m := claim.Mark{ID: int64(i + 1), Kind: claim.Kind(l.kind), State: states[l.state], At: epoch.Add(time.Duration(l.at) * time.Second)}
	if l.bot >= 0 {
		m.Name, m.Nonce = botName(int(l.bot)), nonceOf(int(l.bot), int(l.life))
	}
	if m.Kind == claim.KindClaim || m.Kind == claim.KindBeat {
		m.Lease, m.Beat = lease, time.Duration(l.beat)*time.Second
	}
	return m
}

// truth is what the whole log comes to.
func (x *explorer) truth(w world) claim.Verdict {
	marks := make([]claim.Mark, 0, w.n)
	for i := range int(w.n) {
		marks = append(marks, w.log[i].mark(i))
	}
	return claim.Decide(marks, epoch.Add(w.server()), x.policy)
}

// clock is a bot's clock.
func (x *explorer) clock(w *world, b int) time.Duration {
	if x.m.Slow && b == 0 {
		return 0
	}
	return w.elapsed()
}

// feed tells a bot's life what happened, and notes what it asks for.
func (x *explorer) feed(w *world, b int, e claim.Event, tell func(string, ...any)) {
	a := &w.bots[b]
	for {
		e.Elapsed = x.clock(w, b)
		was := a.life.Phase
		life, req := a.life.Step(e)
		life.Lags = 0 // counted for people only; states that differ in it are the same
		a.life, a.do, a.kind, a.state, a.beat, a.due = life, req.Do, req.Mark.Kind, req.Mark.State, req.Mark.Beat, 0
		if tell != nil && life.Phase == claim.Working && was == claim.Deciding {
			tell("%s WORKS", botName(b))
		}
		switch req.Do {
		case claim.DoNote:
			e = claim.Event{Kind: claim.OnNoted}
			continue
		case claim.DoPause:
			a.due = w.now + wait(req.For)
		case claim.DoEnd:
			if tell != nil {
				tell("%s ends: %s %s", botName(b), life.Outcome, req.Why)
			}
			*a = bot{num: a.num, ended: true}
		case claim.DoRead, claim.DoPost:
		}
		return
	}
}

// wait gives ticks for a wait; what is shorter than a tick takes one.
func wait(d time.Duration) int8 {
	if d > 0 && d < tick {
		return 1
	}
	return int8(d / tick)
}

// story replays how a state was reached.
func (x *explorer) story(w world) string {
	var path []action
	for k := x.key(w); k != 0; {
		step := x.seen[k]
		path = append(path, step.act)
		k = step.from
	}
	b := new(strings.Builder)
	at := x.first()
	for i := len(path) - 2; i >= 0; i-- {
		now := at.now
		at = x.apply(at, path[i], func(format string, args ...any) {
			fmt.Fprintf(b, "%2ds  %s\n", int(now)*3, fmt.Sprintf(format, args...))
		})
	}
	return b.String()
}
