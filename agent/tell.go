package agent

import (
	"context"

	"github.com/cyborg-bots/cyborg/claim"
)

// tellAtMost bounds what a bot says in one round: the words are for people, and each costs a status.
const tellAtMost = 10

// tell says on GitHub what waits and why, where nobody has said so: people must not guess. One bot speaks, the one that
// is ranked first for the job; it speaks late enough that a job which is claimed at once needs no word, and it reads
// before it speaks. What it posts is a note, which changes nothing for the claims (claim.Waiting).
func (a *Agent) tell(ctx context.Context, queue []Entry, idle []string) {
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
		patience := 3 * a.c.Policy.Settle
		if rules.Age(e) < patience || claim.Rank(key, idle, a.c.Name) != 0 {
			continue
		}
		reason := e.Waits
		if reason == "" {
			reason = "waiting for a bot"
		}
		said++
		if err := a.say(ctx, e, reason); err != nil {
			a.c.Log.Warn("cannot say why a job waits", "job", e.Line().String(), "error", err)
			return
		}
	}
}

// say posts the reason for which a job waits, unless the log has a word already.
func (a *Agent) say(ctx context.Context, e Entry, reason string) error {
	subject := subjectOf(e.Job)
	marks, _, err := a.c.Board.Marks(ctx, subject)
	if err != nil {
		return err
	}
	note := claim.Mark{Kind: claim.KindNote, State: "pending", Human: claim.Waiting(reason)}
	for i, m := range marks {
		if m.Kind != claim.KindReset || i == len(marks)-1 && e.Standing == Ready {
			return nil
		}
	}
	_, err = a.c.Board.Post(ctx, subject, note)
	return err
}
