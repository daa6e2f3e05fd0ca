package fakehub

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
)

// A branchMove is what happened to one branch: object names, "" for absence.
type branchMove struct{ old, new string }

// branchMoves picks the branches out of changed references.
func branchMoves(moved []refChange) map[string]branchMove {
	moves := map[string]branchMove{}
	for _, c := range moved {
		if branch, ok := strings.CutPrefix(c.name, "refs/heads/"); ok {
			moves[branch] = branchMove{old: orAbsent(c.old), new: orAbsent(c.new)}
		}
	}
	return moves
}

// orAbsent is the reverse of orZero.
func orAbsent(sha string) string {
	if sha == zeroOID {
		return ""
	}
	return sha
}

// sortChanges puts references in the order of their names, so that what follows
// from several of them is the same in every run.
func sortChanges(changes []refChange) {
	slices.SortFunc(changes, func(a, b refChange) int { return strings.Compare(a.name, b.name) })
}

// refsMoved brings the open pull requests up to date which have one of the
// changed branches as head or base: heads, refs/pull/N/…, mergeability, events
// (head_ref_force_pushed, closed, merged). The model's refs are already new.
// The old side of each change is what the reference was.
//
// Git has moved already, so nothing here may undo it: what goes wrong is
// logged, and a later change of the same branch sets it right.
func (s *Server) refsMoved(ctx context.Context, now time.Time, r *repo, by *user, moved []refChange) {
	moves := branchMoves(moved)
	if len(moves) == 0 {
		return // a tag, or a reference of somebody's own: nothing follows it
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	for _, is := range openPulls(r) {
		f := follower{s: s, ctx: ctx, now: now, by: by, is: is}
		if err := f.follow(r, moves); err != nil {
			s.gitTrouble(ctx, is.repo, "follow pull request", err)
		}
	}
	if m, ok := moves[r.defaultBranch]; ok && m.new != "" && m.old != "" {
		if err := s.closeByCommits(ctx, now, r, by, m); err != nil {
			s.gitTrouble(ctx, r, "close issues by keyword", err)
		}
	}
}

func (s *Server) gitTrouble(ctx context.Context, r *repo, what string, err error) {
	s.log.ErrorContext(ctx, "git side out of step", "repo", r.fullName(), "doing", what, "error", err)
}

// openPulls lists the open pull requests that may have a branch of r as head
// or base, over all repositories that r is a fork of or is forked to.
func openPulls(r *repo) []*issue {
	root := r
	for root.parent != nil {
		root = root.parent
	}
	var list []*issue
	var visit func(*repo)
	visit = func(member *repo) {
		for _, is := range member.issues {
			if is.pull != nil && !is.state.last().closed && (is.repo == r || is.pull.headRepo == r) {
				list = append(list, is)
			}
		}
		for _, f := range member.forks {
			visit(f)
		}
	}
	visit(root)
	return list
}

// A follower brings one pull request up to date.
type follower struct {
	s   *Server
	ctx context.Context
	now time.Time
	by  *user
	is  *issue
}

// follow reacts to moved branches of r. The new state is derived from where
// the branches are now, not from the single move, so it is right whatever was
// missed before.
func (f follower) follow(r *repo, moves map[string]branchMove) error {
	p := f.is.pull
	st := p.state.last()
	head, headMoved := moves[p.headRef]
	headMoved = headMoved && p.headRepo == r
	base, baseMoved := moves[st.baseRef]
	baseMoved = baseMoved && f.is.repo == r
	if !headMoved && !baseMoved {
		return nil
	}
	if headMoved && head.new != "" {
		if err := f.synchronize(head); err != nil {
			return err
		}
	}
	if baseMoved && base.new != "" && (head.new != "" || !headMoved) {
		merged, err := f.mergedByPush(base)
		if merged || err != nil {
			return err
		}
	}
	switch {
	case headMoved && head.new == "":
		f.s.pullEvent(f.now, f.is, f.by, "head_ref_deleted", "")
		f.s.closePull(f.now, f.is, f.by, "")
		return nil
	case baseMoved && base.new == "":
		f.s.pullEvent(f.now, f.is, f.by, "base_ref_deleted", "")
		f.s.closePull(f.now, f.is, f.by, "")
		return nil
	case headMoved:
		empty, err := f.nothingLeft()
		if empty || err != nil {
			return err
		}
	}
	return f.retest()
}

// synchronize takes over a new head: the reference for readers, the model, and
// the event of a force-push.
func (f follower) synchronize(head branchMove) error {
	p := f.is.pull
	was := p.state.last().headSHA
	if was == head.new {
		return nil
	}
	if err := f.takeHead(head.new); err != nil {
		return err
	}
	base := f.is.repo.refAt("refs/heads/"+p.state.last().baseRef, f.now)
	p.edit(f.now, func(st *pullState) {
		st.headSHA, st.checked = head.new, false
		if base != "" { // GitHub notes the base's tip with each push to the head, and then only
			st.baseSHA = base
		}
	})
	f.is.edit(f.now, func(*issueState) {})
	forward, err := reaches(f.ctx, f.is.repo.git, head.new, was)
	if err != nil {
		return err
	}
	if !forward {
		f.s.pullEvent(f.now, f.is, f.by, "head_ref_force_pushed", head.new)
	}
	return nil
}

// takeHead makes the head's objects present in the base repository and points
// refs/pull/N/head at it.
func (f follower) takeHead(sha string) error {
	p := f.is.pull
	if p.headRepo != nil && p.headRepo != f.is.repo {
		if err := f.is.repo.git.take(f.ctx, p.headRepo.git, sha); err != nil {
			return err
		}
	}
	return f.s.updateRefs(f.ctx, f.now, f.is.repo, f.by, []refChange{{name: pullRef(f.is, "head"), new: sha}})
}

// mergedByPush marks the pull request as merged when its head came into the
// base by a push, as GitHub does, and reports whether it did.
func (f follower) mergedByPush(base branchMove) (bool, error) {
	head := f.is.pull.state.last().headSHA
	in, err := reaches(f.ctx, f.is.repo.git, base.new, head)
	if err != nil || !in {
		return false, err
	}
	if base.old != "" {
		// Already there before: this push did not merge it.
		already, err := reaches(f.ctx, f.is.repo.git, base.old, head)
		if err != nil || already {
			return false, err
		}
	}
	before := base.old
	if before == "" {
		before = f.is.pull.state.last().baseSHA
	}
	return true, f.merged(before, base.new)
}

// nothingLeft closes a pull request whose head went back into its base: there
// is nothing to merge any more, and GitHub closes it.
func (f follower) nothingLeft() (bool, error) {
	st := f.is.pull.state.last()
	base := f.is.repo.refAt("refs/heads/"+st.baseRef, f.now)
	if base == "" {
		return false, nil
	}
	in, err := reaches(f.ctx, f.is.repo.git, base, st.headSHA)
	if err != nil || !in {
		return false, err
	}
	f.s.closePull(f.now, f.is, f.by, "")
	return true, nil
}

// merged notes that commit brought the pull request into its base, which was
// at before till then.
func (f follower) merged(before, commit string) error {
	f.is.pull.edit(f.now, func(st *pullState) {
		st.merged, st.mergedAt, st.mergedBy, st.mergeSHA = true, f.now, f.by, commit
		st.checked, st.clean, st.baseSHA = false, false, before
	})
	f.s.pullEvent(f.now, f.is, f.by, "merged", commit)
	f.s.closePull(f.now, f.is, f.by, commit)
	f.s.closeByBody(f.now, f.is, f.by, commit)
	return f.setMergeRef("")
}

// retest makes the test merge of head and base anew, unless it is of these two.
func (f follower) retest() error {
	st := f.is.pull.state.last()
	base := f.is.repo.refAt("refs/heads/"+st.baseRef, f.now)
	if base == "" {
		return nil
	}
	if st.checked && st.clean && st.mergeSHA != "" {
		c, err := f.is.repo.commit(f.ctx, st.mergeSHA)
		if err == nil && slices.Equal(c.Parents, []string{base, st.headSHA}) {
			return nil
		}
	}
	commit, err := f.testMerge(base, st.headSHA)
	if _, conflict := errors.AsType[*mergeConflictError](err); err != nil && !conflict {
		return err
	}
	if err := f.setMergeRef(commit); err != nil {
		return err
	}
	f.is.pull.edit(f.now, func(st *pullState) {
		st.checked, st.clean, st.mergeSHA = true, commit != "", commit
	})
	return nil
}

// testMerge makes the commit that refs/pull/N/merge names.
func (f follower) testMerge(base, head string) (string, error) {
	tree, err := f.is.repo.git.mergeTree(f.ctx, base, head)
	if err != nil {
		return "", err
	}
	who := webFlow(f.now)
	return writeCommit(f.ctx, f.is.repo.git, gitCommit{
		Tree: tree, Parents: []string{base, head}, Author: who, Committer: who,
		Message: "Merge " + head + " into " + base,
	})
}

// setMergeRef points refs/pull/N/merge at commit, or takes it away for "".
func (f follower) setMergeRef(commit string) error {
	name := pullRef(f.is, "merge")
	have := f.is.repo.refAt(name, f.now)
	switch {
	case have == commit:
		return nil
	case commit == "":
		commit = zeroOID
	}
	return f.s.updateRefs(f.ctx, f.now, f.is.repo, f.by, []refChange{{name: name, new: commit}})
}

// pullOpened sets up the git side of a pull request that was just opened or
// reopened: refs/pull/N/head and merge, mergeability.
func (s *Server) pullOpened(ctx context.Context, now time.Time, is *issue) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	f := follower{s: s, ctx: ctx, now: now, by: is.author, is: is}
	if err := f.open(); err != nil {
		s.gitTrouble(ctx, is.repo, "open pull request", err)
	}
}

func (f follower) open() error {
	p := f.is.pull
	tip := p.state.last().headSHA
	if p.headRepo != nil {
		if now := p.headRepo.refAt("refs/heads/"+p.headRef, f.now); now != "" {
			tip = now
		}
	}
	if err := f.takeHead(tip); err != nil {
		return err
	}
	p.edit(f.now, func(st *pullState) {
		st.headSHA = tip
		if base := f.is.repo.refAt("refs/heads/"+st.baseRef, f.now); base != "" {
			st.baseSHA = base
		}
	})
	return f.retest()
}
