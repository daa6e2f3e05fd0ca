package claimtest

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"sync"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/claim/hub"
)

// MemoryRefs is a repository's refs in memory: linearizable, as git's are, with answers that get lost as the Memory's
// do. Safe for concurrent use.
type MemoryRefs struct {
	server  *Memory // for its faults and its chance
	mu      sync.Mutex
	refs    map[string]string
	commits map[string]memoryCommit
}

type memoryCommit struct {
	message string
	at      time.Time
}

var _ claim.Refs = (*MemoryRefs)(nil)

// Refs gives the server a repository for locks.
func (m *Memory) Refs() *MemoryRefs {
	return &MemoryRefs{server: m, refs: map[string]string{}, commits: map[string]memoryCommit{}}
}

// lost draws whether a write is carried out, and whether its answer arrives.
func (r *MemoryRefs) lost(ctx context.Context) (apply bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, &hub.NotSentError{Reason: "connect", Err: err}
	}
	m := r.server
	m.mu.Lock()
	defer m.mu.Unlock()
	ambiguous := &hub.AmbiguousError{Method: "POST", Path: "refs", Err: errLost}
	switch {
	case m.down != nil:
		return false, m.down
	case m.happens(m.faults.Dropped):
		return false, ambiguous
	case m.happens(m.faults.LostAck):
		return true, ambiguous
	}
	return true, nil
}

// Ref is claim.Refs'.
func (r *MemoryRefs) Ref(ctx context.Context, _ hub.Repo, ref string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	sha, ok := r.refs[ref]
	if !ok {
		return "", fmt.Errorf("read ref %s: %w", ref, hub.ErrGone)
	}
	return sha, nil
}

// CreateRef is claim.Refs'.
func (r *MemoryRefs) CreateRef(ctx context.Context, _ hub.Repo, ref, sha string) error {
	apply, err := r.lost(ctx)
	if !apply {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.refs[ref]; ok && err == nil {
		return fmt.Errorf("create ref %s: %w", ref, hub.ErrRefExists)
	} else if !ok {
		r.refs[ref] = sha
	}
	return err
}

// UpdateRefs is claim.Refs'.
func (r *MemoryRefs) UpdateRefs(ctx context.Context, _ hub.Repo, updates []hub.RefUpdate) error {
	apply, err := r.lost(ctx)
	if !apply {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, u := range updates {
		at, ok := r.refs[u.Name]
		if !ok {
			at = hub.NoObject
		}
		if at != u.Before {
			if err != nil {
				return err
			}
			return &hub.RefConflictError{Message: "ref " + u.Name + " is at " + at}
		}
	}
	for _, u := range updates {
		if u.After == hub.NoObject {
			delete(r.refs, u.Name)
		} else {
			r.refs[u.Name] = u.After
		}
	}
	return err
}

// CreateCommit is claim.Refs'.
func (r *MemoryRefs) CreateCommit(ctx context.Context, _ hub.Repo, in hub.NewCommit) (string, error) {
	apply, err := r.lost(ctx)
	if err != nil || !apply {
		return "", err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	sum := sha1.Sum([]byte(fmt.Sprint(in.Message, time.Now(), len(r.commits))))
	sha := hex.EncodeToString(sum[:])
	r.commits[sha] = memoryCommit{in.Message, time.Now().UTC().Truncate(time.Second)}
	return sha, nil
}

// CommitMessage is claim.Refs'.
func (r *MemoryRefs) CommitMessage(ctx context.Context, _ hub.Repo, sha string) (string, time.Time, error) {
	if err := ctx.Err(); err != nil {
		return "", time.Time{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	c, ok := r.commits[sha]
	if !ok {
		return "", time.Time{}, fmt.Errorf("read commit %s: %w", sha, hub.ErrGone)
	}
	return c.message, c.at, nil
}
