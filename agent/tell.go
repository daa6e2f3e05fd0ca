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
// before it speaks. What it posts is a note, which changes nothing for the claims (claim.Waiting).
func (a *Agent) tell(ctx context.Context, queue []Entry, known []string) {
	if a.ails() {
		return
	}
	said := 0
	rules := a.chooser()
	for _, e := range queue {
		key := subjectOf(e.Job).Key()
		if said >= tellAtMost || ctx.Err() != nil {
			return
		}
		if !e.Silent || rules.Skip(e) || e.Standing != Ready && e.Standing != Waiting {
			continue
		}
		if rules.Age(e) < 3*a.c.Policy.Settle+a.turn(key, known) {
			continue
		}
		if e.Issue != 0 && a.told[key] == e.Waits {
			continue
		}
		said++
		err := a.say(ctx, e)
		if _, unknown := errors.AsType[*hub.AmbiguousError](err); unknown {
			continue // it may be there; the next look shows
		}
		switch {
		case err == nil:
		case fatal(err) && ctx.Err() == nil:
			a.ail(err, e.Line().String())
			return
		default:
			a.c.Log.Warn("cannot say why a job waits", "job", e.Line().String(), "error", err)
			return
		}
	}
}

// turn is how long a bot leaves it to others to speak. The first of the ranking may be one of the day's dead, so the next
// speaks when the first would have for sure: both look at most one and a half polls after the time for it, and saw the job
// as far apart. A bot that nobody knows, as it has said nothing yet, comes after all who are known; of several such bots,
// which do not know of each other either, chance puts one first.
func (a *Agent) turn(key string, known []string) time.Duration {
	step := 3*a.c.Poll + a.c.Policy.Settle
	if slices.Contains(known, a.c.Name) {
		return time.Duration(claim.Rank(key, known, a.c.Name)) * step
	}
	return time.Duration(len(known))*step + time.Duration(a.shy*float64(shyFor*a.c.Poll))
}

// shyFor is over how many polls bots spread that nobody knows. Twenty of them that start in one second, and two seconds
// until a word is seen, say every second thing twice (each five times, were they not spread); one alone is late by a
// minute and a half.
const shyFor = 6

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

// say posts why a job waits, unless the log has a newer word than the look that raised the question.
func (a *Agent) say(ctx context.Context, e Entry) error {
	if e.Issue != 0 {
		return a.sayIssue(ctx, e)
	}
	subject := subjectOf(e.Job)
	marks, _, err := a.c.Board.Marks(ctx, subject)
	if err != nil {
		return err
	}
	note := claim.Mark{Kind: claim.KindNote, State: "pending", Human: e.note()}
	if n := len(marks); n > 0 {
		newest := marks[n-1]
		if unheard := newest.Kind == claim.KindReset && e.Standing == Waiting; !unheard && !e.outdated(newest) {
			return nil
		}
	}
	_, err = a.c.Board.Post(ctx, subject, note)
	return err
}
