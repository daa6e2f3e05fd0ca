package fakehub

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// errBaseMoved says that the base branch moved while it was merged into.
var errBaseMoved = errors.New("base branch was modified")

// mergePull merges as PUT /pulls/N/merge asks: method is "merge", "squash" or
// "rebase"; sha is the new tip of the base. A *mergeConflictError says no,
// errBaseMoved that somebody pushed meanwhile. It moves the base branch and
// marks the pull request as merged.
func (s *Server) mergePull(ctx context.Context, now time.Time, is *issue, by *user, method, title, message string) (sha string, err error) {
	st := is.pull.state.last()
	name := "refs/heads/" + st.baseRef
	base := is.repo.refAt(name, now)
	if base == "" {
		return "", fmt.Errorf("merge pull request %d: base %s: %w", is.number, st.baseRef, errNoObject)
	}
	m := merger{ctx: ctx, now: now, is: is, by: by, base: base, head: st.headSHA}
	switch method {
	case "", "merge":
		sha, err = m.merge(title, message)
	case "squash":
		sha, err = m.squash(title, message)
	case "rebase":
		sha, err = m.rebase()
	default:
		return "", fmt.Errorf("merge pull request %d: unknown method %.20q", is.number, method)
	}
	if err != nil {
		return "", err
	}
	change := refChange{name: name, old: base, new: sha}
	if err := is.repo.git.update(ctx, []refChange{change}); err != nil {
		if _, moved := errors.AsType[*refConflictError](err); moved {
			return "", errBaseMoved
		}
		return "", err
	}
	f := follower{s: s, ctx: context.WithoutCancel(ctx), now: now, by: by, is: is}
	if err := f.merged(base, sha); err != nil {
		s.gitTrouble(ctx, is.repo, "mark pull request as merged", err)
	}
	// The pull request is merged already when the rest follows the branch.
	s.recordRefs(ctx, now, is.repo, by, []refChange{change})
	return sha, nil
}

// A merger makes the commits of one merge.
type merger struct {
	ctx        context.Context
	now        time.Time
	is         *issue
	by         *user
	base, head string
}

func (m merger) git() repository { return m.is.repo.git }

// merge makes a commit with two parents, with GitHub's words as its default.
func (m merger) merge(title, message string) (string, error) {
	tree, err := m.git().mergeTree(m.ctx, m.base, m.head)
	if err != nil {
		return "", err
	}
	if title == "" {
		p := m.is.pull
		owner := m.is.repo.owner.login
		if p.headRepo != nil {
			owner = p.headRepo.owner.login
		}
		title = fmt.Sprintf("Merge pull request #%d from %s/%s", m.is.number, owner, p.headRef)
		if message == "" {
			message = m.is.state.last().title
		}
	}
	return writeCommit(m.ctx, m.git(), gitCommit{
		Tree: tree, Parents: []string{m.base, m.head},
		Author: m.by.person(m.now), Committer: webFlow(m.now), Message: joinMessage(title, message),
	})
}

// squash makes one commit of all, by the pull request's author.
func (m merger) squash(title, message string) (string, error) {
	tree, err := m.git().mergeTree(m.ctx, m.base, m.head)
	if err != nil {
		return "", err
	}
	list, err := m.own()
	if err != nil {
		return "", err
	}
	if title == "" {
		title = m.is.state.last().title
		if len(list) == 1 {
			title, _, _ = strings.Cut(list[0].Message, "\n")
		}
		title += fmt.Sprintf(" (#%d)", m.is.number)
	}
	if message == "" {
		message = squashMessage(list)
	}
	return writeCommit(m.ctx, m.git(), gitCommit{
		Tree: tree, Parents: []string{m.base},
		Author: m.is.author.person(m.now), Committer: webFlow(m.now), Message: joinMessage(title, message),
	})
}

// squashMessage is GitHub's default: the body of a single commit, else a list
// of all messages.
func squashMessage(list []gitCommit) string {
	if len(list) == 1 {
		_, body, _ := strings.Cut(list[0].Message, "\n")
		return strings.TrimSpace(body)
	}
	var b strings.Builder
	for _, c := range list {
		fmt.Fprintf(&b, "* %s\n\n", strings.TrimSpace(c.Message))
	}
	return strings.TrimSpace(b.String())
}

// own lists the commits that only the head has, oldest first.
func (m merger) own() ([]gitCommit, error) {
	names, err := m.git().commits(m.ctx, m.head, []string{m.base}, 0)
	if err != nil {
		return nil, err
	}
	slices.Reverse(names)
	list := make([]gitCommit, 0, len(names))
	for _, sha := range names {
		c, err := m.is.repo.commit(m.ctx, sha)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, nil
}

// rebase puts each commit of the head on top of the base, merges left out.
// Authors stay; whoever merges is the committer.
func (m merger) rebase() (string, error) {
	list, err := m.own()
	if err != nil {
		return "", err
	}
	tip := m.base
	for _, c := range list {
		if len(c.Parents) > 1 {
			continue
		}
		tree, err := m.pick(tip, c)
		if err != nil {
			return "", err
		}
		c.Tree, c.Parents, c.Committer, c.Signature = tree, []string{tip}, m.by.person(m.now), ""
		if tip, err = writeCommit(m.ctx, m.git(), c); err != nil {
			return "", err
		}
	}
	return tip, nil
}

// pick gives the tree of c's change on top of tip. A merge with c's parent as
// the common ancestor is what a cherry-pick is; since mergeTree finds the
// ancestor itself, tip's tree is given to it as a child of that parent.
func (m merger) pick(tip string, c gitCommit) (string, error) {
	onto, err := m.is.repo.commit(m.ctx, tip)
	if err != nil {
		return "", err
	}
	onto.Parents, onto.Signature = c.Parents, ""
	stand, err := writeCommit(m.ctx, m.git(), onto)
	if err != nil {
		return "", err
	}
	return m.git().mergeTree(m.ctx, stand, c.SHA)
}

func joinMessage(title, message string) string {
	if message = strings.TrimSpace(message); message == "" {
		return title
	}
	return title + "\n\n" + message
}
