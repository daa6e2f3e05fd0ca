package hub

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/go-github/v57/github"
)

// Ref reads where a ref is ("refs/claims/…"). ErrGone: it does not exist.
func (c *Client) Ref(ctx context.Context, repo Repo, ref string) (string, error) {
	err := checkRef(repo, ref)
	var out *github.Reference
	if err == nil {
		out, _, _, err = read(ctx, func(ctx context.Context) (*github.Reference, *github.Response, error) {
			return c.gh.Git.GetRef(ctx, repo.Owner, repo.Name, ref)
		})
	}
	if err == nil && (out.GetRef() != ref || !validSHA(out.GetObject().GetSHA())) {
		err = fmt.Errorf("the answer is about %q", cut(out.GetRef(), 200))
	}
	if err != nil {
		return "", fmt.Errorf("read ref %s of %s: %w", cut(ref, 200), repo, err)
	}
	return out.GetObject().GetSHA(), nil
}

// CreateRef makes a ref that must not exist, which GitHub decides for one alone: a test-and-set. ErrRefExists: somebody was first, or
// this client itself in a try that was ambiguous; Ref tells.
func (c *Client) CreateRef(ctx context.Context, repo Repo, ref, sha string) error {
	err := checkRef(repo, ref)
	if err == nil && !validSHA(sha) {
		err = fmt.Errorf("%q is no object id", cut(sha, 64))
	}
	var out *github.Reference
	if err == nil {
		out, err = write(ctx, func(ctx context.Context) (*github.Reference, *github.Response, error) {
			return c.gh.Git.CreateRef(ctx, repo.Owner, repo.Name, &github.Reference{Ref: &ref, Object: &github.GitObject{SHA: &sha}})
		})
	}
	if err == nil && (out.GetRef() != ref || out.GetObject().GetSHA() != sha) {
		err = unasked(http.MethodPost, "git/refs", "ref %q at %s", cut(out.GetRef(), 200), cut(out.GetObject().GetSHA(), 64))
	}
	if err != nil {
		return fmt.Errorf("create ref %s in %s: %w", cut(ref, 200), repo, err)
	}
	return nil
}

// CreateCommit makes a commit and gives its id. It changes nothing that people see until a ref points to it.
func (c *Client) CreateCommit(ctx context.Context, repo Repo, in NewCommit) (string, error) {
	if in.Tree == "" {
		in.Tree = EmptyTree
	}
	err := repo.check()
	commit := &github.Commit{Message: &in.Message, Tree: &github.Tree{SHA: &in.Tree}}
	for _, id := range append([]string{in.Tree}, in.Parents...) {
		if err == nil && !validSHA(id) {
			err = fmt.Errorf("%q is no object id", cut(id, 64))
		}
	}
	for _, id := range in.Parents {
		commit.Parents = append(commit.Parents, &github.Commit{SHA: &id})
	}
	var out *github.Commit
	if err == nil {
		out, err = write(ctx, func(ctx context.Context) (*github.Commit, *github.Response, error) {
			return c.gh.Git.CreateCommit(ctx, repo.Owner, repo.Name, commit, nil)
		})
	}
	if err == nil && (!validSHA(out.GetSHA()) || strings.TrimSpace(out.GetMessage()) != strings.TrimSpace(in.Message)) {
		err = unasked(http.MethodPost, "git/commits", "commit %q", cut(out.GetSHA(), 64))
	}
	if err != nil {
		return "", fmt.Errorf("create commit in %s: %w", repo, err)
	}
	return out.GetSHA(), nil
}

// CommitMessage gives what a commit says and when it was committed, by the clock of whoever made it.
func (c *Client) CommitMessage(ctx context.Context, repo Repo, sha string) (message string, committed time.Time, err error) {
	err = repo.check()
	if err == nil && !validSHA(sha) {
		err = fmt.Errorf("%q is no object id", cut(sha, 64))
	}
	var out *github.Commit
	if err == nil {
		out, _, _, err = read(ctx, func(ctx context.Context) (*github.Commit, *github.Response, error) {
			return c.gh.Git.GetCommit(ctx, repo.Owner, repo.Name, sha)
		})
	}
	if err != nil {
		return "", time.Time{}, fmt.Errorf("read commit %s of %s: %w", cut(sha, 12), repo, err)
	}
	return out.GetMessage(), out.GetCommitter().GetDate().Time, nil
}

// UpdateRefs moves all of the refs or none, each only if it is where its update says: git's compare-and-swap. A *RefConflictError
// (ErrConflict) says that one was not. Any other refusal changed nothing either, but says nothing about where the refs are.
func (c *Client) UpdateRefs(ctx context.Context, repo Repo, updates []RefUpdate) error {
	err := c.updateRefs(ctx, repo, updates)
	if err != nil {
		return fmt.Errorf("update %d refs of %s: %w", len(updates), repo, err)
	}
	return nil
}

func (c *Client) updateRefs(ctx context.Context, repo Repo, updates []RefUpdate) error {
	if len(updates) == 0 {
		return nil
	}
	list := make([]map[string]any, 0, len(updates))
	for _, u := range updates {
		if err := checkRef(repo, u.Name); err != nil {
			return err
		}
		if !validSHA(u.Before) || !validSHA(u.After) {
			return fmt.Errorf("%s: %q and %q are not both object ids", u.Name, cut(u.Before, 64), cut(u.After, 64))
		}
		list = append(list, map[string]any{"name": u.Name, "beforeOid": u.Before, "afterOid": u.After, "force": u.Force})
	}
	id, err := c.nodeID(ctx, repo)
	if err != nil {
		return err
	}
	var out struct {
		UpdateRefs *struct{ ClientMutationID string }
	}
	vars := map[string]any{"input": map[string]any{"repositoryId": id, "refUpdates": list}}
	_, err = query(ctx, c, true, updateRefsQuery, vars, &out)
	if e, ok := errors.AsType[*RefusedError](err); ok && isRefConflict(e) {
		return &RefConflictError{Message: e.Message, RequestID: e.RequestID}
	}
	if err == nil && out.UpdateRefs == nil {
		return unasked(http.MethodPost, "graphql", "no updateRefs")
	}
	return err
}

// isRefConflict knows the texts by which GitHub says that a ref is elsewhere. Any other refusal stays one of unknown reason.
func isRefConflict(e *RefusedError) bool {
	if e.Kind == "STALE_DATA" {
		return true
	}
	m := strings.ToLower(e.Message)
	return strings.Contains(m, "expected branch to point to") || strings.Contains(m, "beforeoid") || strings.Contains(m, "reference already exists")
}

func checkRef(repo Repo, ref string) error {
	if err := repo.check(); err != nil {
		return err
	}
	if !validRef(ref) {
		return fmt.Errorf("%q is no full name of a ref, as refs/heads/main is", cut(ref, 200))
	}
	return nil
}

// nodeIDs remembers GraphQL's names of repositories, which never change.
type nodeIDs struct {
	mu  sync.Mutex
	ids map[Repo]string
}

func newNodeIDs() *nodeIDs { return &nodeIDs{ids: map[Repo]string{}} }

func (c *Client) nodeID(ctx context.Context, repo Repo) (string, error) {
	c.ids.mu.Lock()
	id, ok := c.ids.ids[repo]
	c.ids.mu.Unlock()
	if ok {
		return id, nil
	}
	var out struct{ Repository *struct{ ID string } }
	if _, err := query(ctx, c, false, nodeQuery, map[string]any{"owner": repo.Owner, "name": repo.Name}, &out); err != nil {
		return "", fmt.Errorf("read the id of %s: %w", repo, err)
	}
	if out.Repository == nil || out.Repository.ID == "" {
		return "", fmt.Errorf("read the id of %s: %w", repo, ErrGone)
	}
	c.ids.mu.Lock()
	c.ids.ids[repo] = out.Repository.ID
	c.ids.mu.Unlock()
	return out.Repository.ID, nil
}
