package claim

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cyborg-bots/cyborg/claim/hub"
)

// Issues is what an IssueBoard needs of GitHub. *hub.Client has it.
type Issues interface {
	IssueEvents(ctx context.Context, repo hub.Repo, n int, known int64) (list []hub.Event, now time.Time, err error)
	Issue(ctx context.Context, repo hub.Repo, n int) (hub.Issue, error)
	EditIssue(ctx context.Context, repo hub.Repo, n int, e hub.IssueEdit) (hub.Issue, error)
	AddLabels(ctx context.Context, repo hub.Repo, n int, labels ...string) ([]string, error)
	RemoveLabel(ctx context.Context, repo hub.Repo, n int, label string) error
	Texts(ctx context.Context, repo hub.Repo, n int) ([]hub.TextEdit, error)
}

var _ Issues = (*hub.Client)(nil)

// A Tick changes one item of a checklist: it gives the body with the item ticked, or marked as failed, everything else
// as it was to the byte, and whether no item is open after that.
type Tick func(body, item string, ok bool) (changed string, complete bool)

// An IssueBoard keeps claims of an issue in its title. The title is what people see; the lock is the log of its
// changes, which nobody can edit: GitHub keeps a "renamed" event for each, with an id and a time. Whoever's nonce came
// first owns the issue, also if the title now shows another's.
//
// What differs from a StatusBoard:
//
//   - A result is not a mark. It is one change of title, checklist and state, and afterwards the issue is free as far as the log goes;
//     whether there is more to do is said by the checklist.
//   - A beat is a change of the title, which notifies nobody. A comment could be edited instead, but an edit leaves no trace, and two who
//     look at different times would fold different logs.
//   - A title without the prefix is a person's wish: it cancels the claim. So does "WIP: stef: …".
//   - Only the winner touches the title again (Show); the loser does nothing.
//
// The outputs of such a job are effects on the outside world. They must be ones that can happen once only (a branch
// made by a test-and-set, an issue converted), or the board be wrapped in Refs.
type IssueBoard struct {
	hub    Issues
	policy Policy
	tick   Tick
	label  string
}

var _ Board = (*IssueBoard)(nil)

// NewIssueBoard keeps claims in titles. The label is for people: it is on the issue while it is claimed; empty: none.
func NewIssueBoard(h Issues, p Policy, t Tick, label string) *IssueBoard {
	return &IssueBoard{hub: h, policy: p.filled(), tick: t, label: label}
}

// Marks reads the changes of the title; see Board.
func (b *IssueBoard) Marks(ctx context.Context, s Subject) ([]Mark, time.Time, error) {
	renames, now, err := b.renames(ctx, s)
	if err != nil {
		return nil, now, fmt.Errorf("read marks of %s: %w", s, err)
	}
	var marks []Mark
	for _, r := range renames {
		marks = append(marks, r.mark)
	}
	return marks, now, nil
}

func (b *IssueBoard) renames(ctx context.Context, s Subject) ([]rename, time.Time, error) {
	repo, err := issueRepo(s)
	if err != nil {
		return nil, time.Time{}, err
	}
	events, now, err := b.hub.IssueEvents(ctx, repo, s.Issue, 0)
	if err != nil {
		return nil, now, err
	}
	var list []rename
	for _, e := range events {
		if e.Kind == "renamed" {
			m := ParseTitle(e.To)
			m.ID, m.Creator, m.At = e.ID, e.Actor, e.CreatedAt
			list = append(list, rename{mark: m, from: e.From, to: e.To})
		}
	}
	return list, now, nil
}

// Post changes the title; see Board. The mark that it gives has no ID, since GitHub does not tell the event's.
//
// It gives ErrTaken, and changes nothing, if a person has the issue, or has taken it from this claim, or closed it, or if what a
// claim is for is not to be done any more.
func (b *IssueBoard) Post(ctx context.Context, s Subject, m Mark) (Mark, error) {
	posted, err := b.post(ctx, s, m)
	if err != nil {
		return Mark{}, fmt.Errorf("post %s to %s: %w", m.Kind, s, err)
	}
	return posted, nil
}

func (b *IssueBoard) post(ctx context.Context, s Subject, m Mark) (Mark, error) {
	repo, err := issueRepo(s)
	if err != nil {
		return Mark{}, err
	}
	issue, err := b.hub.Issue(ctx, repo, s.Issue)
	if err != nil {
		return Mark{}, notSent(err)
	}
	renames, now, err := b.renames(ctx, s)
	if err != nil {
		return Mark{}, notSent(err)
	}
	edit, err := b.edit(s, m, issue, renames, now)
	if err != nil || edit == nil {
		return m, err
	}
	changed, err := b.hub.EditIssue(ctx, repo, s.Issue, *edit)
	if ambiguous, ok := errors.AsType[*hub.AmbiguousError](err); ok && m.Kind == KindResult {
		changed, err = b.applied(ctx, repo, s, edit, ambiguous)
	}
	if err != nil {
		return Mark{}, err
	}
	if m.Kind == KindResult || m.Kind == KindRelease {
		b.unlabel(ctx, repo, issue)
		b.spare(ctx, repo, s, overwriting{m, issue, renames, *edit})
	}
	m.At, m.Text = changed.UpdatedAt, changed.Title
	return m, nil
}

var errNoPrefix = errors.New("the title has no prefix")

// edit is the change that says the mark; nil if the issue says it already.
func (b *IssueBoard) edit(s Subject, m Mark, issue hub.Issue, renames []rename, now time.Time) (*hub.IssueEdit, error) {
	shown := ParseTitle(issue.Title)
	human := humanPart(renames, issue.Title)
	switch m.Kind {
	case KindClaim, KindBeat:
		if shown.Kind == KindHold || issue.State != "open" {
			return nil, ErrTaken
		}
		if m.Kind == KindBeat && shown.Kind == KindReset {
			// A person took the prefix off, or the answer is old. The log will tell; till then nothing may be written over it.
			return nil, &hub.NotSentError{Reason: "find the claim in the title", Err: errNoPrefix}
		}
		if m.Kind == KindClaim {
			if err := b.claimable(s, issue, shown, renames); err != nil {
				return nil, err
			}
		}
		return &hub.IssueEdit{Title: new(FormatTitle(m, human))}, nil
	case KindRelease:
		if shown.Kind != KindClaim && shown.Kind != KindBeat || shown.Nonce != m.Nonce && !b.mine(m.Nonce, renames, now) {
			return nil, nil // somebody else's by now
		}
		return &hub.IssueEdit{Title: new(human)}, nil
	case KindResult:
		if !b.mine(m.Nonce, renames, now) || shown.Kind == KindHold {
			return nil, ErrTaken
		}
		if shown.Kind == KindReset {
			return nil, &hub.NotSentError{Reason: "find the claim in the title", Err: errNoPrefix}
		}
		return b.finish(s, m, issue, human), nil
	case KindReset:
		return &hub.IssueEdit{Title: new(human)}, nil
	case KindOther, KindNote, KindHold:
	}
	return nil, fmt.Errorf("a title cannot say %s", m.Kind)
}

var errOldTitle = errors.New("the title shows a claim of before")

// claimable looks whether the item is still to be done: a bot that was held up since it looked last would claim what a peer has
// finished meanwhile, as the log does not know of items. Title and text are changed together at the end, so the text is as old as
// the title.
func (b *IssueBoard) claimable(s Subject, issue hub.Issue, shown Mark, renames []rename) error {
	if n := len(renames); n > 0 && shown.Kind != KindReset && renames[n-1].mark.Kind == KindReset {
		return &hub.NotSentError{Reason: "read the issue as it is now", Err: errOldTitle}
	}
	if body, _ := b.tick(issue.Body, s.Item, true); s.Item != "" && body == issue.Body {
		return ErrTaken
	}
	return nil
}

func (b *IssueBoard) mine(nonce string, renames []rename, now time.Time) bool {
	var marks []Mark
	for _, r := range renames {
		marks = append(marks, r.mark)
	}
	v := Decide(marks, now, b.policy)
	return v.Owner.Nonce == nonce && v.State != Done
}

// finish edits what is on GitHub now, whatever people changed meanwhile: the prefix goes, one line of the checklist
// changes, and the issue closes if nothing is left to do.
func (b *IssueBoard) finish(s Subject, m Mark, issue hub.Issue, human string) *hub.IssueEdit {
	edit := &hub.IssueEdit{Title: new(human)}
	ok := m.State == "success"
	body, complete := b.tick(issue.Body, s.Item, ok)
	if body != issue.Body {
		edit.Body = &body
	}
	if ok && complete && !issue.Pull && issue.State == "open" {
		edit.State, edit.Reason = new("closed"), new("completed")
	}
	return edit
}

// applied looks whether a finish without an answer was carried out, for as long as it may still be.
func (b *IssueBoard) applied(ctx context.Context, repo hub.Repo, s Subject, edit *hub.IssueEdit, cause *hub.AmbiguousError) (hub.Issue, error) {
	for range 3 {
		if err := rest(ctx, doubtFor(b.policy.Lease)/3); err != nil {
			break
		}
		issue, err := b.hub.Issue(ctx, repo, s.Issue)
		if err == nil && issue.Title == *edit.Title && (edit.Body == nil || issue.Body == *edit.Body) {
			return issue, nil
		}
	}
	return hub.Issue{}, cause
}

// unlabel is for people only; if it does not work the next claim of the issue does it.
func (b *IssueBoard) unlabel(ctx context.Context, repo hub.Repo, issue hub.Issue) {
	for _, l := range issue.Labels {
		if l != b.label || l == "" {
			continue
		}
		if err := b.hub.RemoveLabel(ctx, repo, issue.Number, l); err != nil && !errors.Is(err, hub.ErrGone) {
			b.policy.Log.Warn("remove label", "issue", issue.Number, "label", l, "error", err)
		}
	}
}

// Show makes the title say who has the issue, if a bot that lost has written its own name over it, and puts the label
// on. It does nothing when the claim is about to expire: to say it then again could be taken for a claim anew.
func (b *IssueBoard) Show(ctx context.Context, s Subject, v Verdict) error {
	if v.State != Held || v.Owner.Kind != KindClaim || v.Owner.Nonce == "" {
		return nil
	}
	repo, err := issueRepo(s)
	if err != nil {
		return err
	}
	renames, now, err := b.renames(ctx, s)
	if err != nil {
		return fmt.Errorf("show claim of %s: %w", s, err)
	}
	issue, err := b.hub.Issue(ctx, repo, s.Issue)
	if err != nil {
		return fmt.Errorf("show claim of %s: %w", s, err)
	}
	shown := ParseTitle(issue.Title)
	if !b.mine(v.Owner.Nonce, renames, now) || v.Until.Sub(now) < v.Owner.Lease/10 || shown.Kind != KindClaim && shown.Kind != KindBeat {
		return nil
	}
	if shown.Nonce != v.Owner.Nonce {
		m := Mark{Kind: KindClaim, Name: v.Owner.Name, Nonce: v.Owner.Nonce, Lease: v.Owner.Lease}
		if _, err := b.hub.EditIssue(ctx, repo, s.Issue, hub.IssueEdit{Title: new(FormatTitle(m, humanPart(renames, issue.Title)))}); err != nil {
			return fmt.Errorf("show claim of %s: %w", s, err)
		}
	}
	if b.label == "" {
		return nil
	}
	if _, err := b.hub.AddLabels(ctx, repo, s.Issue, b.label); err != nil {
		return fmt.Errorf("show claim of %s: %w", s, err)
	}
	return nil
}

func issueRepo(s Subject) (hub.Repo, error) {
	if s.Issue <= 0 {
		return hub.Repo{}, fmt.Errorf("%s is no issue", s)
	}
	return hub.ParseRepo(s.Repo)
}

// notSent marks an error that came before anything was written.
func notSent(err error) error {
	if _, limited := errors.AsType[*hub.LimitedError](err); limited || errors.Is(err, hub.ErrGone) || errors.Is(err, hub.ErrUnauthorized) || errors.Is(err, hub.ErrForbidden) {
		return err
	}
	return &hub.NotSentError{Reason: "read the issue", Err: err}
}
