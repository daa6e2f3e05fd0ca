package claim

import (
	"context"
	"errors"
	"fmt"
)

// A Journal keeps what a bot has claimed where it survives the bot, so that its next start can give it back at once
// instead of letting everybody wait for the lease to end.
type Journal interface {
	Begin(e Entry) error    // before the claim is posted; the claim is not posted if this fails
	End(nonce string) error // the claim is over
}

// An Entry is one claim in a Journal.
type Entry struct {
	Subject Subject
	Name    string
	Nonce   string
}

type noJournal struct{}

func (noJournal) Begin(Entry) error { return nil }
func (noJournal) End(string) error  { return nil }

var _ Journal = noJournal{}

// Return gives back the claims that a bot left behind when it ended: for each entry whose claim still holds its
// subject, a release with the claim's nonce. One that is not on GitHub is released too, in case its write is still
// under way. It tries all of them and gives the entries that it could not settle, with the errors joined.
func Return(ctx context.Context, b Board, entries []Entry, p Policy) (left []Entry, err error) {
	p = p.filled()
	var errs []error
	for _, e := range entries {
		if err := giveBack(ctx, b, e, p); err != nil {
			left = append(left, e)
			errs = append(errs, fmt.Errorf("give back claim %s of %s: %w", e.Nonce, e.Subject, err))
		}
	}
	return left, errors.Join(errs...)
}

func giveBack(ctx context.Context, b Board, e Entry, p Policy) error {
	marks, now, err := b.Marks(ctx, e.Subject)
	if err != nil {
		return err
	}
	v := Decide(marks, now, p)
	_, known := holds(marks, func(m Mark) bool { return m.Nonce == e.Nonce })
	if known && v.Owner.Nonce != e.Nonce || v.State == Done { // it lost, or is over
		return repair(ctx, b, e.Subject, v)
	}
	m, err := b.Post(ctx, e.Subject, Mark{Kind: KindRelease, State: "pending", Name: e.Name, Nonce: e.Nonce})
	if err != nil || v.Mine(e.Nonce) && !m.At.After(v.Until) {
		return err
	}
	// The bot was held up between the look and the write. A peer may have had the subject meanwhile, and then people see
	// this in front of its result. If the bot ends here, its next start comes by above.
	if marks, now, err = b.Marks(ctx, e.Subject); err != nil {
		return err
	}
	return repair(ctx, b, e.Subject, Decide(marks, now, p))
}
