package fakehub

import (
	"encoding/base64"
	"strings"

	graphql "github.com/graph-gophers/graphql-go"
)

// statusesOf are the newest statuses of a commit, one of each context, as the
// viewer's replica has them, in the order of their ids.
func (g *gql) statusesOf(r *repo, sha string) []*status {
	log := r.statuses[sha]
	if log == nil {
		return nil
	}
	return log.newestAt(g.rq.asOf(statusDomain))
}

// A gqlStatus answers the fields of Status: all contexts of a commit.
type gqlStatus struct {
	g    *gql
	r    *repo
	sha  string
	list []*status
}

// Status is null if the commit has none.
func (c *gqlCommit) Status() *gqlStatus {
	list := c.g.statusesOf(c.r, c.oid)
	if len(list) == 0 {
		return nil
	}
	return &gqlStatus{c.g, c.r, c.oid, list}
}

func (s *gqlStatus) Id() graphql.ID     { return gqlNamedID("Status", s.r, s.sha) }
func (s *gqlStatus) Commit() *gqlCommit { return &gqlCommit{gqlObject: s.g.object(s.r, s.sha)} }
func (s *gqlStatus) State() string      { return strings.ToUpper(combinedState(s.list)) }

// Contexts are the newest status of each context.
func (s *gqlStatus) Contexts() []*gqlStatusContext {
	list := make([]*gqlStatusContext, len(s.list))
	leaves := make([]gqlStatusContext, len(s.list)) // one allocation: a scan has thousands of them
	for i, st := range s.list {
		leaves[i] = s.g.statusContext(s.r, st)
		list[i] = &leaves[i]
	}
	return list
}

// Context finds a context by name, without regard to case.
func (s *gqlStatus) Context(args struct{ Name string }) *gqlStatusContext {
	for _, st := range s.list {
		if strings.EqualFold(st.context, args.Name) {
			return new(s.g.statusContext(s.r, st))
		}
	}
	return nil
}

// A gqlStatusContext answers the fields of StatusContext. What a scan asks for
// are fields, not methods: they are read much faster.
type gqlStatusContext struct {
	Context     string
	State       string
	Description *string
	TargetUrl   *gqlScalar
	CreatedAt   gqlScalar
	Creator     *gqlActor

	g *gql
	r *repo
	s *status
}

func (g *gql) statusContext(r *repo, s *status) gqlStatusContext {
	return gqlStatusContext{
		Context: s.context, State: strings.ToUpper(s.state), Description: s.description,
		TargetUrl: (*gqlScalar)(s.target), CreatedAt: gqlTime(s.created), Creator: g.actor(s.creator),
		g: g, r: r, s: s,
	}
}

// Id does not tell the status's number: GitHub's does not either in its newer
// form, and StatusContext has no databaseId.
func (c *gqlStatusContext) Id() graphql.ID {
	return graphql.ID("SC_" + base64.RawURLEncoding.EncodeToString([]byte(c.s.sha[:20]+c.s.created.String()+c.s.context)))
}
func (c *gqlStatusContext) Commit() *gqlCommit {
	return &gqlCommit{gqlObject: c.g.object(c.r, c.s.sha)}
}

func (c *gqlStatusContext) AvatarUrl(struct{ Size int32 }) *gqlScalar {
	return new(gqlScalar(c.g.rq.site.avatar(c.s.creator)))
}

// IsRequired is false: there are no protected branches here.
func (c *gqlStatusContext) IsRequired(struct {
	PullRequestId     *graphql.ID
	PullRequestNumber *int32
},
) bool {
	return false
}

// A gqlStatusCheckRollup answers the fields of StatusCheckRollup, which on
// GitHub also has the check runs.
type gqlStatusCheckRollup struct{ *gqlStatus }

// StatusCheckRollup is null if the commit has no statuses.
func (c *gqlCommit) StatusCheckRollup() *gqlStatusCheckRollup {
	if s := c.Status(); s != nil {
		return &gqlStatusCheckRollup{s}
	}
	return nil
}

func (r *gqlStatusCheckRollup) Id() graphql.ID {
	return gqlNamedID("StatusCheckRollup", r.r, r.sha)
}

// Contexts pages through the newest status of each context.
func (r *gqlStatusCheckRollup) Contexts(args gqlPage) (*gqlRollupConn, error) {
	list := gqlList[*status]{items: r.list, key: func(i int) string { return timeKey(r.list[i].received, r.list[i].id) }}
	conn, err := gqlConnect(list, args, func(s *status) *gqlRollupContext {
		return &gqlRollupContext{new(r.g.statusContext(r.r, s))}
	})
	if err != nil {
		return nil, err
	}
	return &gqlRollupConn{*conn}, nil
}

// A gqlRollupConn is a page of a rollup's contexts.
type gqlRollupConn struct{ gqlConn[*gqlRollupContext] }

func (*gqlRollupConn) CheckRunCount() int32        { return 0 }
func (c *gqlRollupConn) StatusContextCount() int32 { return c.TotalCount }

// A gqlRollupContext is a status context or, on GitHub, a check run.
type gqlRollupContext struct{ context *gqlStatusContext }

func (c *gqlRollupContext) ToStatusContext() (*gqlStatusContext, bool) { return c.context, true }
func (c *gqlRollupContext) ToCheckRun() (*gqlCheckRun, bool)           { return nil, false }

// A gqlCheckRun is never made: only Apps have check runs, and this server has none.
type gqlCheckRun struct {
	CompletedAt, DetailsUrl, StartedAt *gqlScalar
	Conclusion                         *string
	Id                                 graphql.ID
	Name, Status                       string
}
