package hub

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/go-github/v57/github"
)

// What a scan takes at most of what others made.
const (
	scanPage        = 100
	mostPulls       = 10_000
	labelsAsked     = 20
	contextsTrusted = 100 // as many or more, and the list is read again over REST, which has pages
)

// A scanAnswer is the data of scanQuery.
type scanAnswer struct {
	Repository *struct {
		DefaultBranchRef *struct {
			Name   string
			Target struct{ Oid string }
		}
		PullRequests struct {
			PageInfo struct {
				HasNextPage bool
				EndCursor   string
			}
			Nodes []scanPull
		}
	}
}

type scanPull struct {
	Number               int
	Title                string
	IsDraft              bool
	URL                  string
	CreatedAt, UpdatedAt time.Time
	Author               *struct{ Login string }
	AuthorAssociation    string
	HeadRefName          string
	HeadRefOid           string
	HeadRepository       *struct{ NameWithOwner string }
	BaseRefName          string
	BaseRefOid           string
	Labels               *struct {
		TotalCount int
		Nodes      []struct{ Name string }
	}
	Commits struct{ Nodes []struct{ Commit scanCommit } }
}

type scanCommit struct {
	Oid    string
	Status *struct{ Contexts []scanContext }
}

type scanContext struct {
	Context, State         string
	Description, TargetURL string
	CreatedAt              time.Time
	Creator                *struct{ Login string }
}

// Scan reads what there is to do in a repository: its open pull requests with labels and the newest status of each context, and the
// default branch's head. 100 pull requests cost one request and 2 points. Bodies are left out.
//
// It finds candidates. Statuses have no id here, and a replica may lag, so that whoever wants to act on one asks Statuses.
func (c *Client) Scan(ctx context.Context, repo Repo) (Snapshot, error) {
	var s Snapshot
	err := repo.check()
	size, after := scanPage, ""
	for err == nil {
		var page scanAnswer
		var date time.Time
		vars := map[string]any{"owner": repo.Owner, "name": repo.Name, "size": size, "after": nil}
		if after != "" {
			vars["after"] = after
		}
		asked := time.Now()
		date, err = query(ctx, c, false, scanQuery, vars, &page)
		if err != nil {
			if size > 10 && tooMuch(err) && ctx.Err() == nil {
				size, err = size/2, nil // GitHub gave up in the middle: ask for less at once
				continue
			}
			break
		}
		if page.Repository == nil {
			err = &RefusedError{Status: 200, Kind: "NOT_FOUND", Message: "no repository in the answer", sentinel: ErrGone}
			break
		}
		if s.Now.IsZero() {
			s.Now = date
		}
		if ref := page.Repository.DefaultBranchRef; ref != nil {
			s.DefaultBranch, s.DefaultSHA = ref.Name, ref.Target.Oid
		}
		var pulls []Pull
		if pulls, err = c.completePulls(ctx, repo, page.Repository.PullRequests.Nodes, asked); err != nil {
			break
		}
		s.Pulls = append(s.Pulls, pulls...)
		info := page.Repository.PullRequests.PageInfo
		if !info.HasNextPage {
			return s, nil
		}
		if info.EndCursor == "" || info.EndCursor == after || len(s.Pulls) >= mostPulls {
			err = fmt.Errorf("the list of pull requests does not end (%d so far)", len(s.Pulls))
		}
		after = info.EndCursor
	}
	return Snapshot{}, fmt.Errorf("scan %s: %w", repo, err)
}

// tooMuch tells whether GitHub could not answer a query that a smaller one might get answered.
func tooMuch(err error) bool {
	_, unavailable := errors.AsType[*UnavailableError](err)
	return unavailable || errors.Is(err, errTooLong) || errors.Is(err, context.DeadlineExceeded)
}

// completePulls reads over REST what does not fit into the query's answer.
func (c *Client) completePulls(ctx context.Context, repo Repo, nodes []scanPull, asked time.Time) ([]Pull, error) {
	pulls := make([]Pull, 0, len(nodes))
	for _, n := range nodes {
		if n.Number <= 0 || !validSHA(n.HeadRefOid) {
			return nil, fmt.Errorf("the answer has a pull request %d with head %q", n.Number, cut(n.HeadRefOid, 64))
		}
		p, odd := n.pull(), false // odd: gone in the meantime, or a replica that lags; the others are still worth it
		if n.Labels != nil && n.Labels.TotalCount > len(n.Labels.Nodes) {
			labels, err := c.Labels(ctx, repo, n.Number)
			if err != nil && !isRefused(err) {
				return nil, err
			}
			p.Labels, odd = labels, err != nil
		}
		contexts, ok := n.contexts()
		if !ok {
			var err error
			if contexts, err = c.combined(ctx, repo, n.HeadRefOid); err != nil && !isRefused(err) {
				return nil, err
			}
			odd = odd || err != nil
		}
		p.Contexts = contexts
		_, stale := c.guard.note(issueKey(repo, n.Number), n.UpdatedAt, asked)
		p.Stale = stale || odd
		pulls = append(pulls, p)
	}
	return pulls, nil
}

func isRefused(err error) bool {
	_, ok := errors.AsType[*RefusedError](err)
	return ok
}

func (n scanPull) pull() Pull {
	p := Pull{
		Number: n.Number, Title: n.Title, State: "open", Draft: n.IsDraft, Association: n.AuthorAssociation,
		HeadSHA: n.HeadRefOid, HeadRef: n.HeadRefName, BaseRef: n.BaseRefName, BaseSHA: n.BaseRefOid, URL: n.URL,
		CreatedAt: n.CreatedAt.UTC(), UpdatedAt: n.UpdatedAt.UTC(),
	}
	if n.Author != nil {
		p.Author = n.Author.Login
	}
	if n.HeadRepository != nil {
		p.HeadRepo = n.HeadRepository.NameWithOwner
	}
	if n.Labels != nil {
		for _, l := range n.Labels.Nodes {
			p.Labels = append(p.Labels, l.Name)
		}
	}
	return p
}

// contexts gives the head's statuses. It is false if they are of another commit, as in the moment after a push, or may not be all.
func (n scanPull) contexts() ([]Status, bool) {
	if len(n.Commits.Nodes) != 1 || n.Commits.Nodes[0].Commit.Oid != n.HeadRefOid {
		return nil, false
	}
	status := n.Commits.Nodes[0].Commit.Status
	if status == nil {
		return nil, true
	}
	if len(status.Contexts) >= contextsTrusted {
		return nil, false
	}
	list := make([]Status, 0, len(status.Contexts))
	for _, s := range status.Contexts {
		out := Status{
			State: strings.ToLower(s.State), Context: s.Context, Description: s.Description,
			TargetURL: s.TargetURL, CreatedAt: s.CreatedAt.UTC(),
		}
		if s.Creator != nil {
			out.Creator = s.Creator.Login
		}
		list = append(list, out)
	}
	return sortContexts(list), true
}

// combined reads the newest status of each context over REST. They have ids, but no creator.
func (c *Client) combined(ctx context.Context, repo Repo, sha string) ([]Status, error) {
	list, err := pages(ctx, repo, fullPage, 0, func(ctx context.Context, o github.ListOptions) ([]*github.RepoStatus, *github.Response, error) {
		all, resp, err := c.gh.Repositories.GetCombinedStatus(ctx, repo.Owner, repo.Name, sha, &o)
		if err != nil {
			return nil, resp, err
		}
		return all.Statuses, resp, nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the combined status of %s: %w", sha, err)
	}
	out := make([]Status, 0, len(list))
	for _, s := range list {
		out = append(out, statusOfREST(s))
	}
	return sortContexts(out), nil
}

func sortContexts(list []Status) []Status {
	slices.SortFunc(list, func(a, b Status) int { return strings.Compare(a.Context, b.Context) })
	return list
}
