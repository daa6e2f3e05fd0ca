package claimtest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
)

// apply does what an action says. The same action in the same state always has the same effect, so a path can be told
// again.
func (x *explorer) apply(w world, a action, tell func(string, ...any)) world {
	say := func(format string, args ...any) {
		if tell != nil {
			tell(format, args...)
		}
	}
	b := int(a.bot)
	w.moved = true
	switch a.what {
	case begin:
	case ticks:
		w.now++
		if w.ghost.some {
			w.ghost = ghost{}
			say("what was under way is lost for good")
		}
		say("time goes on")
	case reads, wakes, succeeds, fails:
		x.proceed(&w, a, tell, say)
	case posts, loses, drops, haunts:
		x.write(&w, a, tell, say)
	case appears:
		w.add(w.ghost.rec)
		w.ghost = ghost{}
		say("record %d, which was under way, is there: %s", w.n, w.log[w.n-1])
	case returns:
		w.left.releases--
		say("%s gives the subject back", botName(b))
		x.feed(&w, b, event(returns), tell)
	case cancels:
		w.left.cancels--
		say("%s does not want it any more", botName(b))
		x.feed(&w, b, event(cancels), tell)
	case crashes:
		w.left.crashes--
		say("%s crashes and starts again", botName(b))
		x.restart(&w, b, tell)
	case asks:
		w.left.resets--
		w.add(w.line(-1, 0, claim.Mark{Kind: claim.KindReset, State: "pending"}))
		w.settled = 0
		say("a person asks for the job again: record %d", w.n)
	case leaps:
		w.left.leaps--
		w.leaped += lease + claim.Epsilon(lease) + tick
		say("GitHub's clock jumps: every lease is over")
	}
	return w
}

// proceed is a bot that goes on after a wait, or whose work is done, and what it reads then.
func (x *explorer) proceed(w *world, a action, tell, say func(string, ...any)) {
	b := int(a.bot)
	if a.what != reads {
		if a.what != wakes {
			say("%s has done its work", botName(b))
		}
		if a.what == wakes && w.bots[b].life.Phase == claim.Working && w.left.beats > 0 {
			w.left.beats--
		}
		x.feed(w, b, event(a.what), tell)
	}
	if w.bots[b].do != claim.DoRead {
		return
	}
	marks := x.view(*w, a.mask)
	if x.m.Distort != nil {
		marks = x.m.Distort(marks, w.bots[b].life)
	}
	if tell != nil {
		say("%s reads: %s", botName(b), texts(marks))
	}
	x.feed(w, b, claim.Event{Kind: claim.OnListed, Marks: marks, Now: epoch.Add(w.server())}, tell)
}

func (x *explorer) write(w *world, a action, tell, say func(string, ...any)) {
	b := int(a.bot)
	me := &w.bots[b]
	l := w.line(a.bot, me.num, claim.Mark{Kind: me.kind, State: me.state, Beat: me.beat})
	missed := claim.Event{Kind: claim.OnMissed, Fault: claim.FaultAmbiguous}
	switch a.what {
	case posts:
		i := w.add(l)
		say("%s writes record %d: %s", botName(b), i+1, l)
		x.feed(w, b, claim.Event{Kind: claim.OnPosted, Mark: l.mark(i)}, tell)
	case loses:
		w.left.lostAcks--
		i := w.add(l)
		say("%s writes record %d, and gets no answer: %s", botName(b), i+1, l)
		x.feed(w, b, missed, tell)
	case drops:
		w.left.drops--
		say("%s gets no answer, and nothing was written: %s", botName(b), l)
		x.feed(w, b, missed, tell)
	default:
		w.left.ghosts--
		w.ghost = ghost{rec: l, some: true}
		say("%s gets no answer, and its record is under way: %s", botName(b), l)
		x.feed(w, b, missed, tell)
	}
}

// line is a mark as it is written now.
func (w *world) line(bot, life int8, m claim.Mark) line {
	state := slices.Index(states[:], m.State)
	return line{bot: bot, life: life, kind: int8(m.Kind), state: int8(state), tick: w.now, beat: int16(m.Beat / time.Second), at: int16(w.server() / time.Second)}
}

func (w *world) add(l line) int {
	w.log[w.n] = l
	w.n++
	return int(w.n) - 1
}

// restart is the next start of a bot: it gives back what its last life may have claimed, with claim.Return, and wants
// the subject again.
func (x *explorer) restart(w *world, b int, tell func(string, ...any)) {
	old := w.bots[b].num
	noted := w.bots[b].life.Phase >= claim.Claiming
	if noted {
		entry := claim.Entry{Subject: contest, Name: botName(b), Nonce: nonceOf(b, int(old))}
		desk := &desk{x: x, w: w, bot: int8(b), life: old}
		if _, err := claim.Return(x.ctx, desk, []claim.Entry{entry}, x.policy); err != nil && tell != nil {
			tell("%s: %v", botName(b), err)
		}
	}
	w.bots[b].num++
	x.start(w, b, tell)
}

// A desk lets claim.Return read and write the world.
type desk struct {
	x         *explorer
	w         *world
	bot, life int8
}

var _ claim.Board = (*desk)(nil)

func (d *desk) Marks(context.Context, claim.Subject) ([]claim.Mark, time.Time, error) {
	return d.x.view(*d.w, ^uint16(0)), epoch.Add(d.w.server()), nil
}

func (d *desk) Post(_ context.Context, _ claim.Subject, m claim.Mark) (claim.Mark, error) {
	i := d.w.add(d.w.line(d.bot, d.life, m))
	return d.w.log[i].mark(i), nil
}

func (d *desk) Show(context.Context, claim.Subject, claim.Verdict) error { return nil }

// broken names the invariant that does not hold in a state.
func (x *explorer) broken(w world) string {
	if x.m.within() {
		workers := 0
		for b := range x.m.Bots {
			if !w.bots[b].ended && w.bots[b].life.Holds(x.clock(&w, b)) {
				workers++
			}
		}
		if workers > 1 {
			return "I2: more than one bot works"
		}
	}
	v := x.truth(w)
	x.meet(w, v)
	if v.State == claim.Done && !x.claimed(w, v.Result) {
		return "I4: a result without a claim"
	}
	if w.settled > 0 && (v.State != claim.Done || v.Result.ID != int64(w.settled)) {
		return fmt.Sprintf("I1: record %d was the result, and is not any more", w.settled)
	}
	for b := range x.m.Bots {
		if !w.bots[b].ended {
			return ""
		}
	}
	if w.ghost.some {
		return ""
	}
	x.met["rest"]++
	return x.brokenAtRest(w, v)
}

// meet counts what there is to see in a state, so that a test can tell whether the exploration went anywhere.
func (x *explorer) meet(w world, v claim.Verdict) {
	for b := range x.m.Bots {
		if !w.bots[b].ended && w.bots[b].life.Holds(x.clock(&w, b)) {
			x.met["work"]++
		}
	}
	if len(v.Racers) > 0 {
		x.met["race"]++
	}
	if v.Tries > 1 {
		x.met["takeover"]++
	}
	if v.State == claim.Done {
		x.met["result"]++
	}
	if v.Newest.Kind == claim.KindResult && v.Newest.ID != v.Result.ID {
		x.met["late result"]++
	}
}

func (x *explorer) claimed(w world, result claim.Mark) bool {
	for i := range int(w.n) {
		if m := w.log[i].mark(i); m.Kind == claim.KindClaim && m.Nonce == result.Nonce && m.ID < result.ID {
			return true
		}
	}
	return false
}

// brokenAtRest checks what must come true once all bots are gone: a healthy bot finishes the job, and people see the
// truth.
func (x *explorer) brokenAtRest(w world, v claim.Verdict) string {
	if v.State != claim.Done {
		if w.n+2 > maxLog {
			return ""
		}
		w.leaped += lease + claim.Epsilon(lease) + tick
		w.bots[0] = bot{num: maxLives - 1}
		x.start(&w, 0, nil)
		for !w.bots[0].ended && w.n < maxLog {
			w = x.apply(w, x.healthy(w), nil)
		}
		if v = x.truth(w); v.State != claim.Done && w.n < maxLog {
			return "I3: a healthy bot cannot finish the job: " + v.Why()
		}
	}
	if repair, needed := v.Repair(); needed && w.n < maxLog {
		w.add(w.line(int8(repair.Nonce[0]-'a'), int8(repair.Nonce[7]-'1'), repair))
		if again := x.truth(w); again.NeedsRepair() || again.Result.ID != v.Result.ID {
			return "I5: a repair does not show the truth"
		}
	} else if !needed && v.Newest.State != v.Result.State {
		return "I5: people see " + v.Newest.State + " for " + v.Result.State
	}
	return ""
}

// healthy is what bot 0 does next in a world without trouble.
func (x *explorer) healthy(w world) action {
	switch a := w.bots[0]; {
	case a.do == claim.DoRead:
		return action{what: reads, mask: ^uint16(0)}
	case a.do == claim.DoPost:
		return action{what: posts}
	case a.life.Phase == claim.Working:
		return action{what: succeeds, mask: ^uint16(0)}
	case w.now < a.due:
		return action{what: ticks}
	}
	return action{what: wakes, mask: ^uint16(0)}
}

// text is a record in a story.
func text(m claim.Mark) string {
	who := m.Nonce
	if who == "" {
		who = "a person"
	}
	if m.Kind == claim.KindResult {
		return fmt.Sprintf("%s of %s", m.State, who)
	}
	return fmt.Sprintf("%s of %s", m.Kind, who)
}

// String is for stories.
func (l line) String() string { return text(l.mark(0)) }

func texts(marks []claim.Mark) string {
	var list []string
	for _, m := range marks {
		list = append(list, fmt.Sprintf("%d %s", m.ID, text(m)))
	}
	if list == nil {
		return "nothing"
	}
	return strings.Join(list, ", ")
}
