package claim

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cyborg-bots/cyborg/claim/hub"
)

// Refs is what a RefBoard needs of GitHub: the only things there that compare and swap.
type Refs interface {
	Ref(ctx context.Context, repo hub.Repo, ref string) (sha string, err error) // hub.ErrGone: there is none
	CreateRef(ctx context.Context, repo hub.Repo, ref, sha string) error        // hub.ErrRefExists
	UpdateRefs(ctx context.Context, repo hub.Repo, updates []hub.RefUpdate) error
	CreateCommit(ctx context.Context, repo hub.Repo, in hub.NewCommit) (sha string, err error)
	CommitMessage(ctx context.Context, repo hub.Repo, sha string) (message string, committed time.Time, err error)
}

var _ Refs = (*hub.Client)(nil)

// A RefBoard is Mode R: it puts a git ref, in a repository that the fleet may write to, in front of another board.
// People see the same as without.
//
//	claim     create  refs/claims/<job>  →  a fresh commit that says who; of several bots GitHub lets one
//	takeover  move    refs/claims/<job>  from the dead bot's commit to a fresh one, if it is still there
//	publish   delete  refs/claims/<job>  if it is still ours, and with it, all or nothing,
//	          create  refs/done/<job>    →  a commit that says the result
//	give back delete  refs/claims/<job>  if it is still ours
//
// The job is the subject with its item and the last wish of a person (the id of the last reset). That refs/done is
// created once is all that is needed for at most one publication of a job, ever: it depends on no clock, no lag, and no
// bot that stops in time. Two bots may still work on one job for a while, as with any lease.
//
// Every claim has a commit of its own: with one for each bot, a claim that was paused could publish under the same
// bot's next one.
type RefBoard struct {
	inner  Board
	hub    Refs
	repo   hub.Repo
	policy Policy
	mu     sync.Mutex
	own    map[string]*ticket // by nonce
}

var (
	_ Board     = (*RefBoard)(nil)
	_ Exclusive = (*RefBoard)(nil)
	_ Fencer    = (*RefBoard)(nil)
)

// A ticket is what this process knows of one of its claims.
type ticket struct {
	subject string // its key
	job     string // of the refs
	sha     string // commit of the claim

	mu     sync.Mutex
	done   string // commit of the result, once made
	fenced bool   // refs/done is there, and ours
	mark   Mark   // of the claim, as it was posted
}

// NewRefBoard keeps the refs in repo, which may be the served one or any other, and all marks on inner. Of the policy
// it uses what Decide needs.
func NewRefBoard(inner Board, h Refs, repo hub.Repo, p Policy) *RefBoard {
	return &RefBoard{inner: inner, hub: h, repo: repo, policy: p.filled(), own: map[string]*ticket{}}
}

// Exclusive makes Acquire go without the settle wait.
func (b *RefBoard) Exclusive() bool { return true }

// jobOf names the refs of a job. The log is read for the last reset only.
func jobOf(s Subject, marks []Mark, p Policy) string {
	last := int64(0)
	for _, m := range marks {
		if (m.Kind == KindReset || m.Kind == KindHold) && p.counts(m) {
			last = max(last, m.ID)
		}
	}
	sum := sha256.Sum256([]byte(fmt.Sprintf("%s\x00%s\x00%d", s.Key(), s.Item, last)))
	return hex.EncodeToString(sum[:])[:20]
}

func claimRef(job string) string { return "refs/claims/" + job }
func doneRef(job string) string  { return "refs/done/" + job }

// Marks gives the log as the refs say it is: claims count that hold the ref, or that have a result, and no others. See
// Board.
func (b *RefBoard) Marks(ctx context.Context, s Subject) ([]Mark, time.Time, error) {
	marks, now, err := b.inner.Marks(ctx, s)
	if err != nil {
		return nil, now, err
	}
	marks = b.withOwn(s, marks)
	holder, _, err := b.holder(ctx, jobOf(s, marks, b.policy))
	if err != nil {
		return nil, now, fmt.Errorf("read the ref of %s: %w", s, err)
	}
	return byRef(marks, holder.Nonce), now, nil
}

// withOwn adds the claims of this process that the log does not show yet.
func (b *RefBoard) withOwn(s Subject, marks []Mark) []Mark {
	b.mu.Lock()
	defer b.mu.Unlock()
	for nonce, t := range b.own {
		if t.subject != s.Key() {
			continue
		}
		t.mu.Lock()
		mark := t.mark
		t.mu.Unlock()
		_, shown := holds(marks, func(m Mark) bool { return m.Nonce == nonce && m.Kind == KindClaim })
		if mark.ID > 0 && !shown {
			marks = append(marks, mark)
		}
	}
	return marks
}

// byRef makes the log say what the refs say: only whoever holds the ref has a claim, and where there is a result only
// its claim counts. All others stay as tries that have expired long ago.
func byRef(marks []Mark, holder string) []Mark {
	published, claimed := "", map[string]bool{}
	for _, m := range inOrder(marks) {
		switch {
		case m.Kind == KindReset || m.Kind == KindHold:
			published = ""
			clear(claimed)
		case m.Kind == KindClaim:
			claimed[m.Nonce] = true
		case m.Kind == KindResult && m.Nonce != "" && claimed[m.Nonce] && published == "":
			published = m.Nonce
		}
	}
	if published != "" {
		holder = published
	}
	kept := slices.Clone(marks)
	for i, m := range kept {
		if m.Kind == KindClaim && m.Nonce != holder && m.Nonce != "" {
			kept[i].At = time.Time{}
		}
	}
	return kept
}

// holder reads who has the ref: the claim as its commit says it, with GitHub's time of the commit, and the commit's id.
// Nobody: both empty.
func (b *RefBoard) holder(ctx context.Context, job string) (Mark, string, error) {
	sha, err := b.hub.Ref(ctx, b.repo, claimRef(job))
	if errors.Is(err, hub.ErrGone) {
		return Mark{}, "", nil
	}
	if err != nil {
		return Mark{}, "", err
	}
	m, err := b.said(ctx, sha, "pending")
	return m, sha, err
}

// said reads the mark that a commit says.
func (b *RefBoard) said(ctx context.Context, sha, state string) (Mark, error) {
	message, at, err := b.hub.CommitMessage(ctx, b.repo, sha)
	if err != nil {
		return Mark{}, err
	}
	lines := strings.SplitN(message+"\n\n\n", "\n", 4)
	if state == "" {
		state = lines[1]
	}
	m := ParseStatusText(state, lines[0])
	m.URL, m.At = lines[2], at
	return m, nil
}

// commit makes a commit that says the mark.
func (b *RefBoard) commit(ctx context.Context, m Mark) (string, error) {
	sha, err := b.hub.CreateCommit(ctx, b.repo, hub.NewCommit{Message: FormatStatusText(m) + "\n" + m.State + "\n" + m.URL})
	if err != nil {
		return "", notSent(err) // a commit that no ref points to is nothing
	}
	return sha, nil
}

// Show repairs by what the refs say, and leaves the rest to the inner board.
func (b *RefBoard) Show(ctx context.Context, s Subject, v Verdict) error {
	if v.NeedsRepair() {
		return mend(ctx, b, b.inner, s, v, b.policy)
	}
	return b.inner.Show(ctx, s, v)
}

// Post moves the ref, and then posts to the inner board; see Board.
func (b *RefBoard) Post(ctx context.Context, s Subject, m Mark) (Mark, error) {
	switch m.Kind {
	case KindClaim:
		return b.claim(ctx, s, m)
	case KindResult:
		return b.publish(ctx, s, m)
	case KindRelease:
		if err := b.giveBack(ctx, s, m); err != nil {
			return Mark{}, err
		}
	case KindOther, KindBeat, KindReset, KindNote, KindHold:
	}
	return b.inner.Post(ctx, s, m)
}

func (b *RefBoard) publish(ctx context.Context, s Subject, m Mark) (Mark, error) {
	if m.Nonce != "" {
		if err := b.Fence(ctx, s, m); err != nil {
			return Mark{}, err
		}
	}
	posted, err := b.inner.Post(ctx, s, m)
	if err == nil {
		b.forget(m.Nonce)
	}
	return posted, err
}

func (b *RefBoard) forget(nonce string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.own, nonce)
}

func (b *RefBoard) ticket(nonce string) *ticket {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.own[nonce]
}

// claim takes the ref. It may be called again for the same claim after an error.
func (b *RefBoard) claim(ctx context.Context, s Subject, m Mark) (Mark, error) {
	marks, now, err := b.inner.Marks(ctx, s)
	if err != nil {
		return Mark{}, notSent(err)
	}
	t := b.ticket(m.Nonce)
	if t == nil {
		sha, err := b.commit(ctx, m)
		if err != nil {
			return Mark{}, err
		}
		t = &ticket{subject: s.Key(), job: jobOf(s, marks, b.policy), sha: sha}
		b.mu.Lock()
		b.own[m.Nonce] = t
		b.mu.Unlock()
	}
	err = b.take(ctx, t, marks, now)
	if fault, _ := faultOf(err, true); err != nil {
		if fault != FaultAmbiguous {
			b.forget(m.Nonce)
		}
		return Mark{}, fmt.Errorf("take the ref of %s: %w", s, err)
	}
	done, err := b.isDone(ctx, s, t)
	if done {
		err = ErrTaken
	}
	if err != nil {
		return Mark{}, errors.Join(err, b.drop(ctx, t, m.Nonce))
	}
	posted, err := b.inner.Post(ctx, s, m)
	if fault, _ := faultOf(err, true); err != nil && fault != FaultAmbiguous {
		return Mark{}, errors.Join(err, b.drop(ctx, t, m.Nonce))
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mark = posted
	return posted, err
}

// take creates the ref, or moves it from a claim that has expired.
func (b *RefBoard) take(ctx context.Context, t *ticket, marks []Mark, now time.Time) error {
	err := b.hub.CreateRef(ctx, b.repo, claimRef(t.job), t.sha)
	if err == nil {
		return nil
	}
	_, ambiguous := errors.AsType[*hub.AmbiguousError](err)
	if !ambiguous && !errors.Is(err, hub.ErrRefExists) {
		return err
	}
	held, sha, e := b.holder(ctx, t.job)
	switch {
	case e != nil && ambiguous:
		return err
	case e != nil:
		return notSent(e)
	case sha == t.sha:
		return nil // it was carried out
	case sha == "" && ambiguous:
		return err
	case sha == "": // given back this moment
		return &hub.NotSentError{Reason: "create the ref", Err: err}
	case !expired(held, marks, now):
		return ErrTaken
	}
	err = b.hub.UpdateRefs(ctx, b.repo, []hub.RefUpdate{{Name: claimRef(t.job), Before: sha, After: t.sha, Force: true}})
	if errors.Is(err, hub.ErrConflict) {
		return ErrTaken // somebody was faster
	}
	return err
}

// expired tells whether a claim's lease is over. Safety does not depend on it.
func expired(held Mark, marks []Mark, now time.Time) bool {
	lease := held.Lease
	if lease <= 0 {
		lease = ForeignLease
	}
	last := held.At
	for _, m := range marks {
		if m.Nonce == held.Nonce && (m.Kind == KindClaim || m.Kind == KindBeat) && m.At.After(last) {
			last = m.At
		}
	}
	return now.After(last.Add(lease + Epsilon(lease)))
}

// isDone tells whether the job was published, and if so sees to it that the log says so: the bot that published may
// have ended before it could.
func (b *RefBoard) isDone(ctx context.Context, s Subject, t *ticket) (bool, error) {
	sha, err := b.hub.Ref(ctx, b.repo, doneRef(t.job))
	if errors.Is(err, hub.ErrGone) {
		return false, nil
	}
	if err != nil {
		return false, notSent(err)
	}
	result, err := b.said(ctx, sha, "")
	if err != nil {
		return true, nil //nolint:nilerr // it is done; the next who looks may say so
	}
	marks, now, err := b.inner.Marks(ctx, s)
	if err == nil && Decide(byRef(marks, ""), now, b.policy).State != Done && result.Kind == KindResult {
		result.At = time.Time{}
		_, err = b.inner.Post(ctx, s, result)
	}
	if err != nil {
		b.policy.Log.Warn("say a result that was published", "subject", s.String(), "error", err)
	}
	return true, nil
}

// Fence publishes the result in the refs: at most one of all claims of the job can. ErrTaken: another has, or has taken
// this claim over. It may be called again.
func (b *RefBoard) Fence(ctx context.Context, s Subject, m Mark) error {
	t := b.ticket(m.Nonce)
	if t == nil {
		return fmt.Errorf("publish %s: %w", s, ErrTaken)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.fenced {
		return nil
	}
	if t.done == "" {
		sha, err := b.commit(ctx, m)
		if err != nil {
			return fmt.Errorf("publish %s: %w", s, err)
		}
		t.done = sha
	}
	err := b.hub.UpdateRefs(ctx, b.repo, []hub.RefUpdate{
		{Name: claimRef(t.job), Before: t.sha, After: hub.NoObject, Force: true},
		{Name: doneRef(t.job), Before: hub.NoObject, After: t.done},
	})
	if err != nil {
		sha, e := b.hub.Ref(ctx, b.repo, doneRef(t.job))
		switch {
		case e == nil && sha == t.done: // an earlier try, or this one, was carried out
		case e == nil, errors.Is(err, hub.ErrConflict) && errors.Is(e, hub.ErrGone):
			return fmt.Errorf("publish %s: %w", s, ErrTaken)
		default:
			return fmt.Errorf("publish %s: %w", s, err)
		}
	}
	t.fenced = true
	return nil
}

// giveBack deletes the ref if it is the claim's, also one of a process that has ended.
func (b *RefBoard) giveBack(ctx context.Context, s Subject, m Mark) error {
	if t := b.ticket(m.Nonce); t != nil {
		return b.drop(ctx, t, m.Nonce)
	}
	marks, _, err := b.inner.Marks(ctx, s)
	if err != nil {
		return notSent(err)
	}
	t := &ticket{job: jobOf(s, marks, b.policy)}
	held, sha, err := b.holder(ctx, t.job)
	if err != nil {
		return notSent(err)
	}
	if held.Nonce != m.Nonce {
		return nil
	}
	t.sha = sha
	return b.drop(ctx, t, m.Nonce)
}

func (b *RefBoard) drop(ctx context.Context, t *ticket, nonce string) error {
	err := b.hub.UpdateRefs(ctx, b.repo, []hub.RefUpdate{{Name: claimRef(t.job), Before: t.sha, After: hub.NoObject, Force: true}})
	if err != nil && !errors.Is(err, hub.ErrConflict) {
		return fmt.Errorf("delete ref %s: %w", claimRef(t.job), err)
	}
	b.forget(nonce)
	return nil
}

// Forget deletes the refs of a subject that nobody will ever claim again: its commit is no pull request's head any
// more, its issue is closed. Any bot may do it.
func (b *RefBoard) Forget(ctx context.Context, s Subject) error {
	marks, _, err := b.inner.Marks(ctx, s)
	if err != nil {
		return fmt.Errorf("forget %s: %w", s, err)
	}
	job := jobOf(s, marks, b.policy)
	for _, ref := range []string{claimRef(job), doneRef(job)} {
		sha, err := b.hub.Ref(ctx, b.repo, ref)
		if errors.Is(err, hub.ErrGone) {
			continue
		}
		if err == nil {
			err = b.hub.UpdateRefs(ctx, b.repo, []hub.RefUpdate{{Name: ref, Before: sha, After: hub.NoObject, Force: true}})
		}
		if err != nil && !errors.Is(err, hub.ErrConflict) {
			return fmt.Errorf("forget %s: %w", s, err)
		}
	}
	return nil
}
