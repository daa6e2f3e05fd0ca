package fakehub

import (
	"context"
	"strings"
	"time"
)

// updateRefs makes changes in git, all or none, and then in the model. The
// error is that of [refStore].update. The caller holds the mutex.
func (s *Server) updateRefs(ctx context.Context, now time.Time, r *repo, by *user, changes []refChange) error {
	if err := r.git.update(ctx, changes); err != nil {
		return err // callers tell conflicts from the rest by its type
	}
	s.recordRefs(ctx, now, r, by, changes)
	return nil
}

// recordRefs takes over into the model what has happened in git: the references
// themselves, and the pull requests that follow them. The old side of each
// change is ignored, the model knows it.
func (s *Server) recordRefs(ctx context.Context, now time.Time, r *repo, by *user, changes []refChange) {
	moved := make([]refChange, 0, len(changes))
	for _, c := range changes {
		old, sha := r.refAt(c.name, now), c.new
		if sha == zeroOID {
			sha = ""
		}
		if old == sha {
			continue
		}
		h := r.refs[c.name]
		if h == nil {
			h = &history[string]{}
			r.refs[c.name] = h
		}
		h.set(now, sha)
		if strings.HasPrefix(c.name, "refs/pull/") {
			continue
		}
		moved = append(moved, refChange{name: c.name, old: orZero(old), new: c.new})
	}
	if len(moved) == 0 {
		return
	}
	r.pushed = now
	s.adoptBranch(r, now)
	s.noteRefs(now, r, by, moved)
	s.refsMoved(ctx, now, r, by, moved)
}

// adoptBranch makes the first branch of a repository its default if the named
// default does not exist, as the first push to GitHub does.
func (s *Server) adoptBranch(r *repo, now time.Time) {
	if r.refAt("refs/heads/"+r.defaultBranch, now) != "" {
		return
	}
	only := ""
	for name := range r.refs {
		if branch, ok := strings.CutPrefix(name, "refs/heads/"); ok && r.refAt(name, now) != "" {
			if only != "" {
				return
			}
			only = branch
		}
	}
	if only != "" {
		r.defaultBranch = only
	}
}

// orZero turns absence into the object name git writes for it.
func orZero(sha string) string {
	if sha == "" {
		return zeroOID
	}
	return sha
}
