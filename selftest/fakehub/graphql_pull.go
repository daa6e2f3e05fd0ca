package fakehub

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	graphql "github.com/graph-gophers/graphql-go"
)

// A gqlPull answers the fields of PullRequest; those of its conversation are the issue's.
type gqlPull struct {
	*gqlIssue
	p  *pull
	ps pullState // as the viewer's replica has it
}

func (g *gql) pull(i *issue) *gqlPull {
	ps, ok := i.pull.state.at(g.rq.asOf(pullDomain))
	if !ok { // a replica that lags more in pulls than in issues: it shows the first state
		ps = i.pull.state.versions[0].value
	}
	return &gqlPull{g.issue(i), i.pull, ps}
}

// PullRequest is a pull request by number.
func (r *gqlRepo) PullRequest(args struct{ Number int32 }) (*gqlPull, error) {
	if i := r.g.findIssue(r.r, args.Number); i != nil && i.isPull(r.g.rq.asOf(issueDomain)) {
		return r.g.pull(i), nil
	}
	return nil, &gqlError{gqlNotFound, fmt.Sprintf("Could not resolve to a PullRequest with the number of %d.", args.Number)}
}

// PullRequests are the pull requests of the repository.
func (r *gqlRepo) PullRequests(args struct {
	gqlPage
	BaseRefName *string
	HeadRefName *string
	Labels      *[]string
	OrderBy     *gqlOrder
	States      *[]string
},
) (*gqlConn[*gqlPull], error) {
	t := r.g.rq.asOf(issueDomain)
	var list []*gqlPull
	for _, i := range r.r.issues {
		if _, ok := i.state.at(t); !ok || !i.isPull(t) {
			continue
		}
		p := r.g.pull(i)
		if hasLabels(p.st.labels, args.Labels) && oneOf(p.State(), args.States) &&
			(args.BaseRefName == nil || p.ps.baseRef == *args.BaseRefName) &&
			(args.HeadRefName == nil || p.p.headRef == *args.HeadRefName) {
			list = append(list, p)
		}
	}
	return orderIssues(list, args.OrderBy, args.gqlPage,
		func(p *gqlPull) *gqlIssue { return p.gqlIssue }, func(p *gqlPull) *gqlPull { return p })
}

func (p *gqlPull) Id() graphql.ID             { return gqlID("PullRequest", p.p.id) }
func (p *gqlPull) FullDatabaseId() *gqlScalar { return new(gqlScalar(strconv.FormatInt(p.p.id, 10))) }
func (p *gqlPull) BaseRef() *gqlRef           { return p.g.ref(p.i.repo, "refs/heads/"+p.ps.baseRef) }
func (p *gqlPull) BaseRefName() string        { return p.ps.baseRef }
func (p *gqlPull) BaseRefOid() gqlScalar      { return gqlScalar(p.ps.baseSHA) }
func (p *gqlPull) BaseRepository() *gqlRepo   { return p.g.repo(p.i.repo) }
func (p *gqlPull) HeadRefName() string        { return p.p.headRef }
func (p *gqlPull) HeadRefOid() gqlScalar      { return gqlScalar(p.ps.headSHA) }
func (p *gqlPull) HeadRepository() *gqlRepo   { return p.g.repo(p.p.headRepo) }
func (p *gqlPull) IsCrossRepository() bool    { return p.p.headRepo != p.i.repo }
func (p *gqlPull) IsDraft() bool              { return p.ps.draft }
func (p *gqlPull) MaintainerCanModify() bool  { return p.ps.modify }
func (p *gqlPull) Merged() bool               { return p.ps.merged }
func (p *gqlPull) MergedAt() *gqlScalar       { return gqlTimeOrNil(p.ps.mergedAt) }
func (p *gqlPull) MergedBy() *gqlActor        { return p.g.actor(p.ps.mergedBy) }

// HeadRef is null once the branch is gone.
func (p *gqlPull) HeadRef() *gqlRef {
	if p.p.headRepo == nil {
		return nil
	}
	return p.g.ref(p.p.headRepo, "refs/heads/"+p.p.headRef)
}

// HeadRepositoryOwner is null once the fork is gone.
func (p *gqlPull) HeadRepositoryOwner() *gqlActor {
	if p.p.headRepo == nil {
		return nil
	}
	return p.g.actor(p.p.headRepo.owner)
}

// State knows a third word beside an issue's.
func (p *gqlPull) State() string {
	if p.ps.merged {
		return "MERGED"
	}
	return p.gqlIssue.State()
}

// Mergeable is unknown until the test merge was tried.
func (p *gqlPull) Mergeable() string {
	switch {
	case !p.ps.checked || p.st.closed:
		return "UNKNOWN"
	case p.ps.clean:
		return "MERGEABLE"
	}
	return "CONFLICTING"
}

// MergeCommit is null until it is merged.
func (p *gqlPull) MergeCommit() *gqlCommit {
	if !p.ps.merged || p.ps.mergeSHA == "" {
		return nil
	}
	return &gqlCommit{gqlObject: p.g.object(p.i.repo, p.ps.mergeSHA)}
}

// StatusCheckRollup is that of the head.
func (p *gqlPull) StatusCheckRollup() *gqlStatusCheckRollup { return p.head().StatusCheckRollup() }

func (p *gqlPull) head() *gqlCommit {
	return &gqlCommit{gqlObject: p.g.object(p.i.repo, p.ps.headSHA)}
}

// Commits are the commits which the base does not have, oldest first.
func (p *gqlPull) Commits(args gqlPage) (*gqlPullCommits, error) {
	return &gqlPullCommits{p: p, page: args}, nil
}

// A gqlPullCommits is a connection that knows its last node without asking git,
// since that is what every scan asks for.
type gqlPullCommits struct {
	p    *gqlPull
	page gqlPage
	conn *gqlConn[*gqlPullCommit]
}

// full is the connection with all that git knows.
func (c *gqlPullCommits) full() (*gqlConn[*gqlPullCommit], error) {
	if c.conn != nil {
		return c.conn, nil
	}
	p := c.p
	oids, err := p.i.repo.git.commits(p.g.rq.ctx, p.ps.headSHA, []string{p.ps.baseSHA}, 250)
	if err != nil {
		return nil, fmt.Errorf("list commits of pull request %d: %w", p.i.number, err)
	}
	slices.Reverse(oids)
	c.conn, err = gqlConnect(gqlList[string]{items: oids, key: indexKey}, c.page, func(oid string) *gqlPullCommit {
		return &gqlPullCommit{p, oid}
	})
	return c.conn, err
}

// Nodes are the commits of the page.
func (c *gqlPullCommits) Nodes() (*[]*gqlPullCommit, error) {
	a := c.page
	if a.Last != nil && *a.Last == 1 && a.First == nil && a.After == nil && a.Before == nil && c.p.ps.headSHA != c.p.ps.baseSHA {
		return &[]*gqlPullCommit{{c.p, c.p.ps.headSHA}}, nil
	}
	conn, err := c.full()
	if err != nil {
		return nil, err
	}
	return conn.Nodes(), nil
}

// Edges are the commits of the page with their places.
func (c *gqlPullCommits) Edges() (*[]*gqlEdge[*gqlPullCommit], error) {
	conn, err := c.full()
	if err != nil {
		return nil, err
	}
	return conn.Edges(), nil
}

// PageInfo says whether there are more.
func (c *gqlPullCommits) PageInfo() (*gqlPageInfo, error) {
	conn, err := c.full()
	if err != nil {
		return nil, err
	}
	return conn.PageInfo, nil
}

// TotalCount is how many commits there are, as far as GitHub lists them.
func (c *gqlPullCommits) TotalCount() (int32, error) {
	conn, err := c.full()
	if err != nil {
		return 0, err
	}
	return conn.TotalCount, nil
}

// A gqlPullCommit is a commit of a pull request.
type gqlPullCommit struct {
	p   *gqlPull
	oid string
}

func (c *gqlPullCommit) Id() graphql.ID { return gqlNamedID("PullRequestCommit", c.p.i.repo, c.oid) }
func (c *gqlPullCommit) Commit() *gqlCommit {
	return &gqlCommit{gqlObject: c.p.g.object(c.p.i.repo, c.oid)}
}
func (c *gqlPullCommit) PullRequest() *gqlPull { return c.p }
func (c *gqlPullCommit) ResourcePath() gqlScalar {
	return c.p.ResourcePath() + "/commits/" + gqlScalar(c.oid)
}
func (c *gqlPullCommit) Url() gqlScalar { return c.p.Url() + "/commits/" + gqlScalar(c.oid) }

// ClosingIssuesReferences are the issues which merging this would close.
func (p *gqlPull) ClosingIssuesReferences(args struct {
	gqlPage
	OrderBy        *gqlOrder
	UserLinkedOnly bool
},
) (*gqlConn[*gqlIssue], error) {
	var list []*gqlIssue
	if !args.UserLinkedOnly {
		for _, ref := range closingReferences(p.Body()) {
			if ref.repo != "" && !strings.EqualFold(ref.repo, p.i.repo.fullName()) {
				continue
			}
			if i := p.g.findIssue(p.i.repo, int32(ref.number)); i != nil && !i.isPull(p.g.rq.asOf(issueDomain)) {
				list = append(list, p.g.issue(i))
			}
		}
	}
	slices.SortFunc(list, func(a, b *gqlIssue) int { return a.i.number - b.i.number })
	return orderIssues(list, args.OrderBy, args.gqlPage,
		func(i *gqlIssue) *gqlIssue { return i }, func(i *gqlIssue) *gqlIssue { return i })
}
