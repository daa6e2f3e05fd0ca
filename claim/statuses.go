package claim

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cyborg-bots/cyborg/claim/hub"
)

// Statuses is what a StatusBoard needs of GitHub. *hub.Client has it, and its comments are the contract: a list never
// has a hole, never lacks a record that was seen or posted by the same client before, and now is GitHub's time when the
// reading began.
type Statuses interface {
	Statuses(ctx context.Context, repo hub.Repo, sha string, known int64) (list []hub.Status, now time.Time, err error)
	PostStatus(ctx context.Context, repo hub.Repo, sha string, s hub.Status) (hub.Status, error)
}

var _ Statuses = (*hub.Client)(nil)

// A StatusBoard keeps claims of a context of a commit as the commit's statuses: GitHub lets nobody change or remove
// one. Safe for concurrent use.
type StatusBoard struct {
	hub    Statuses
	policy Policy

	mu    sync.Mutex
	known map[int64]Mark // what was read already; records never change
}

// mostKnown bounds what is remembered: a commit may have a thousand records of each context, and all are read again with
// each look.
const mostKnown = 20_000

var _ Board = (*StatusBoard)(nil)

// NewStatusBoard uses of the policy what Decide needs, and Jitter and Settle for repairs.
func NewStatusBoard(h Statuses, p Policy) *StatusBoard {
	return &StatusBoard{hub: h, policy: p.filled(), known: map[int64]Mark{}}
}

// Marks reads the commit's log; see Board.
func (b *StatusBoard) Marks(ctx context.Context, s Subject) ([]Mark, time.Time, error) {
	repo, err := statusRepo(s)
	if err != nil {
		return nil, time.Time{}, err
	}
	list, now, err := b.hub.Statuses(ctx, repo, s.SHA, 0)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("read marks of %s: %w", s, err)
	}
	var marks []Mark
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range slices.Backward(list) {
		if strings.EqualFold(r.Context, s.Context) {
			marks = append(marks, b.mark(r))
		}
	}
	return marks, now, nil
}

// mark reads a record, once.
func (b *StatusBoard) mark(r hub.Status) Mark {
	if m, ok := b.known[r.ID]; ok {
		return m
	}
	if len(b.known) >= mostKnown {
		clear(b.known)
	}
	m := statusMark(r)
	b.known[r.ID] = m
	return m
}

// Post appends a status; see Board.
func (b *StatusBoard) Post(ctx context.Context, s Subject, m Mark) (Mark, error) {
	repo, err := statusRepo(s)
	if err != nil {
		return Mark{}, err
	}
	text := FormatStatusText(m)
	r, err := b.hub.PostStatus(ctx, repo, s.SHA, hub.Status{State: m.State, Context: s.Context, Description: text, TargetURL: m.URL})
	if err != nil {
		return Mark{}, fmt.Errorf("post %q to %s: %w", text, s, err)
	}
	return statusMark(r), nil
}

// Show repairs the newest status if it says something else than the verdict: a result that came too late, or a beat
// after the result.
func (b *StatusBoard) Show(ctx context.Context, s Subject, v Verdict) error {
	return mend(ctx, b, b, s, v, b.policy)
}

func statusRepo(s Subject) (hub.Repo, error) {
	if s.Issue != 0 || s.SHA == "" {
		return hub.Repo{}, fmt.Errorf("%s is no context of a commit", s)
	}
	return hub.ParseRepo(s.Repo)
}

func statusMark(r hub.Status) Mark {
	m := ParseStatusText(r.State, r.Description)
	m.ID, m.URL, m.Creator, m.At = r.ID, r.TargetURL, r.Creator, r.CreatedAt
	return m
}
