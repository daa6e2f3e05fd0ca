package checkout

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// What a push can come to, beside the errors of a fetch.
var (
	ErrMoved   = errors.New("the branch is somewhere else")
	ErrRefused = errors.New("the server refuses the push")
)

// A Target is where a harvest is pushed to.
type Target struct {
	URL    string // of the repository, without a credential: the mirror's own, or a fork of it
	Branch string // its name, without refs/heads/
	Before string // the commit that it is at; empty: it must not exist
}

// Push makes the branch of a target be at the harvest's commit, if it is where Target.Before says; ErrMoved: it is not. Nothing
// is ever overwritten: the commit builds on Before. A push whose answer was lost is looked for, so that it can be repeated.
func (m *Mirror) Push(ctx context.Context, h Harvest, to Target) error {
	err := m.push(ctx, h, to)
	if err != nil {
		return fmt.Errorf("push %.12s to %s of %s: %w", h.Commit, to.Branch, to.URL, err)
	}
	return nil
}

func (m *Mirror) push(ctx context.Context, h Harvest, to Target) error {
	ref := "refs/heads/" + to.Branch
	u, err := url.Parse(to.URL)
	own, _ := url.Parse(m.o.URL) // Open has read it
	switch {
	case err != nil || u.User != nil || u.Scheme != m.scheme || u.Host != own.Host:
		return errors.New("not the address of a repository on the same server")
	case !isRef(ref):
		return fmt.Errorf("%.200q is no name for a branch", to.Branch)
	case !isCommit(h.Commit) || to.Before != "" && !isCommit(to.Before):
		return errors.New("there is nothing to push")
	}
	credential, secrets, err := m.credentialFor(ctx, to.URL)
	if err != nil {
		return err
	}
	c := call{
		args: []string{"push", "--quiet", "--force-with-lease=" + ref + ":" + to.Before, to.URL, h.Commit + ":" + ref},
		// The credential is for the server's address alone, and nothing of the job's is read: the repository is ours.
		gitDir: h.dir, config: credential, secrets: secrets, allow: m.scheme,
	}
	_, err = m.git(ctx, c)
	if err == nil {
		return nil
	}
	c.args = []string{"ls-remote", to.URL, ref}
	if out, e := m.git(ctx, c); e == nil && strings.HasPrefix(string(out), h.Commit+"\t") {
		return nil // it was carried out, now or in a try before
	}
	for _, known := range []reason{
		{"stale info", ErrMoved, ""}, {"fetch first", ErrMoved, ""}, {"non-fast-forward", ErrMoved, ""}, {"already exists", ErrMoved, ""},
		{"failed to update ref", ErrMoved, ""}, {"[remote rejected]", ErrRefused, ""}, {"declined", ErrRefused, ""},
		{"returned error: 403", ErrRefused, ""},
	} {
		if said(err, known.text) {
			return fmt.Errorf("%w (%w)", known.err, err)
		}
	}
	return explain(err)
}
