package agent

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/tasks"
)

// tellAtMost bounds what a bot says in one round: the words are for people, and each costs a status.
const tellAtMost = 10

// tell says on GitHub what waits and why, where nobody has said so: people must not guess. One bot speaks, the one that
// is ranked first for the job; it speaks late enough that a job which is claimed at once needs no word, and it reads
// before it speaks. What it posts is a note, which changes nothing for the claims (claim.Waiting). It gives how long until
// it is to be called again, 0 if the next round will do.
func (a *Agent) tell(ctx context.Context, queue []Entry, known []string) (again time.Duration) {
	if a.ails() {
		return 0
	}
	stranger := !slices.Contains(known, a.c.Name) && !a.c.Rehearse
	if stranger && !a.audible(ctx, queue) {
		return a.election.left()
	}
	said := 0
	rules := a.chooser()
	for _, e := range a.election.mine(queue) {
		if !e.Silent || rules.Skip(e) || e.Standing != Ready && e.Standing != Waiting {
			continue
		}
		key := subjectOf(e.Job).Key()
		if wait := 3*a.c.Policy.Settle + a.turn(key, known) - rules.Age(e); wait > 0 && !a.c.Rehearse {
			if stranger && (again == 0 || wait < again) {
				again = wait
			}
			continue
		}
		if e.Issue != 0 && a.told[key] == e.Waits {
			continue
		}
		said++
		posted, err := a.say(ctx, e)
		if !a.spoke(err, e) && !a.c.Rehearse || said >= tellAtMost || ctx.Err() != nil {
			return 0
		}
		if stranger && e.Issue == 0 && !a.election.heard(posted, a.c.Policy.Settle, a.step()) {
			return a.election.left()
		}
	}
	return again
}

// spoke judges how it went to speak, and tells whether to go on.
func (a *Agent) spoke(err error, e Entry) bool {
	if _, unknown := errors.AsType[*hub.AmbiguousError](err); unknown || err == nil {
		return true // it may be there; the next look shows
	}
	if fatal(err) {
		a.ail(err, e.Line().String())
	} else {
		a.c.Log.Warn("cannot say why a job waits", "job", e.Line().String(), "error", err)
	}
	return false
}

// turn is how long a bot leaves it to others to speak. The first of the ranking may be one of the day's dead, so the next
// speaks when the first would have for sure. A stranger, of whom nobody knows as it has claimed nothing yet, comes after
// all who are known; several of them hold an election.
func (a *Agent) turn(key string, known []string) time.Duration {
	if a.c.Rehearse {
		return 0
	}
	if slices.Contains(known, a.c.Name) {
		return time.Duration(claim.Rank(key, known, a.c.Name)) * a.step()
	}
	turn := time.Duration(len(known)) * a.step()
	if !a.election.first {
		turn += time.Duration(a.shy * float64(shyFor*a.c.Poll))
	}
	return turn
}

// step is how long after a bot could have spoken it would have for sure: two bots look at most one and a half polls after
// the time for it, and saw the job as far apart.
func (a *Agent) step() time.Duration { return 3*a.c.Poll + a.c.Policy.Settle }

// note is what people read of a job that waits.
func (e Entry) note() string {
	if e.Waits == "" {
		return claim.Waiting("waiting for a bot")
	}
	return claim.Waiting(e.Waits)
}

// outdated tells whether the newest word on a job hides what people must know: a note that is no longer true, or a wish
// that nobody can fulfil. Notes about what a bot lacks are left alone, as bots differ; what is wrong with a task is the
// same for all.
func (e Entry) outdated(newest claim.Mark) bool {
	switch newest.Kind {
	case claim.KindNote:
		about := strings.HasPrefix(newest.Human, claim.Waiting(tasks.Folder+"/"))
		about = about || newest.Human == claim.Waiting(needsOK) // somebody has said it since
		return (e.Broken || about) && newest.Human != e.note()
	case claim.KindReset, claim.KindRelease:
		return e.Broken
	case claim.KindClaim, claim.KindBeat, claim.KindResult, claim.KindOther, claim.KindHold:
	}
	return false
}

// say posts why a job waits, unless the log has a newer word than the look that raised the question. It gives what it
// posted, whose id is 0 if that was nothing.
func (a *Agent) say(ctx context.Context, e Entry) (ballot, error) {
	if e.Issue != 0 {
		return ballot{}, a.sayIssue(ctx, e)
	}
	b := ballot{on: subjectOf(e.Job)}
	marks, _, err := a.c.Board.Marks(ctx, b.on)
	if err != nil {
		return b, err
	}
	note := claim.Mark{Kind: claim.KindNote, State: "pending", Human: e.note()}
	if n := len(marks); n > 0 {
		newest := marks[n-1]
		if unheard := newest.Kind == claim.KindReset && e.Standing == Waiting; !unheard && !e.outdated(newest) {
			return b, nil
		}
		b.after = newest.ID
	}
	posted, err := a.c.Board.Post(ctx, b.on, note)
	b.id = posted.ID
	return b, err
}
