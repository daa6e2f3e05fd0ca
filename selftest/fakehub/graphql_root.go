package fakehub

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	graphql "github.com/graph-gophers/graphql-go"
)

// A gqlRoot answers the fields of Query and Mutation. It has no state: the
// request is in the context.
type gqlRoot struct{}

// Viewer is who asks.
func (*gqlRoot) Viewer(ctx context.Context) *gqlActor {
	g := gqlOf(ctx)
	return g.actor(g.rq.actor.user)
}

// User is a person's account by login.
func (*gqlRoot) User(ctx context.Context, args struct{ Login string }) (*gqlActor, error) {
	g := gqlOf(ctx)
	if u := g.rq.s.users[strings.ToLower(args.Login)]; u != nil && u.kind == "User" {
		return g.actor(u), nil
	}
	return nil, &gqlError{gqlNotFound, fmt.Sprintf("Could not resolve to a User with the login of '%s'.", args.Login)}
}

// Repository is a repository by name, former names included.
func (*gqlRoot) Repository(ctx context.Context, args struct {
	FollowRenames bool
	Name, Owner   string
},
) (*gqlRepo, error) {
	g := gqlOf(ctx)
	r := g.rq.s.repos[strings.ToLower(args.Owner+"/"+args.Name)]
	renamed := r != nil && !strings.EqualFold(r.fullName(), args.Owner+"/"+args.Name)
	if r == nil || !g.sees(r) || renamed && !args.FollowRenames {
		return nil, &gqlError{gqlNotFound, fmt.Sprintf("Could not resolve to a Repository with the name '%s/%s'.", args.Owner, args.Name)}
	}
	return g.repo(r), nil
}

// sees says whether the viewer may know of a repository.
func (g *gql) sees(r *repo) bool {
	return g.rq.s.allowed(g.rq.actor, r, right{area: "metadata", need: Read}, false) == nil
}

// A gqlRateLimit is the viewer's GraphQL budget.
type gqlRateLimit struct {
	Cost, Limit, NodeCount, Remaining, Used int32
	ResetAt                                 gqlScalar
}

// RateLimit is the budget after this query.
func (*gqlRoot) RateLimit(ctx context.Context, _ struct{ DryRun bool }) *gqlRateLimit {
	g := gqlOf(ctx)
	limit, used, reset := g.rq.s.graphqlBudget(g.rq)
	if limit == 0 {
		return nil // as an Enterprise server without limits answers
	}
	return &gqlRateLimit{
		Cost: int32(g.cost.points), NodeCount: int32(g.cost.nodes),
		Limit: int32(limit), Used: int32(used), Remaining: int32(max(0, limit-used)), ResetAt: gqlTime(reset),
	}
}

// A gqlNode is a thing found by its global name.
type gqlNode struct {
	id    graphql.ID
	repo  *gqlRepo
	issue *gqlIssue
	pull  *gqlPull
	actor *gqlActor
}

// Node is a thing by its global name: a repository, issue, pull request or account.
func (*gqlRoot) Node(ctx context.Context, args struct{ Id graphql.ID }) (*gqlNode, error) {
	g := gqlOf(ctx)
	if n := g.node(args.Id); n != nil {
		return n, nil
	}
	return nil, &gqlError{gqlNotFound, fmt.Sprintf("Could not resolve to a node with the global id of '%s'.", args.Id)}
}

// Nodes are things by their global names; null for each that is not there.
func (q *gqlRoot) Nodes(ctx context.Context, args struct{ Ids []graphql.ID }) []*gqlNode {
	nodes := make([]*gqlNode, len(args.Ids))
	for i, id := range args.Ids {
		nodes[i] = gqlOf(ctx).node(id)
	}
	return nodes
}

func (g *gql) node(id graphql.ID) *gqlNode {
	kind, n, ok := splitNodeID(string(id))
	if !ok {
		return nil
	}
	switch kind {
	case "Repository":
		if r := g.rq.s.byID[n]; r != nil && g.sees(r) {
			return &gqlNode{id: id, repo: g.repo(r)}
		}
	case "User", "Bot", "Organization":
		for _, u := range g.rq.s.users {
			if u.id == n && u.kind == kind {
				return &gqlNode{id: id, actor: g.actor(u)}
			}
		}
	case "Issue", "PullRequest":
		return g.issueNode(id, kind, n)
	}
	return nil
}

func (g *gql) issueNode(id graphql.ID, kind string, n int64) *gqlNode {
	for _, r := range g.rq.s.byID {
		if !g.sees(r) {
			continue
		}
		for _, i := range r.issues {
			isPull := i.isPull(g.rq.asOf(issueDomain))
			switch {
			case kind == "Issue" && i.id == n && !isPull:
				return &gqlNode{id: id, issue: g.issue(i)}
			case kind == "PullRequest" && isPull && i.pull.id == n:
				return &gqlNode{id: id, pull: g.pull(i)}
			}
		}
	}
	return nil
}

// splitNodeID takes a global name apart; ok is false for what is none of ours.
func splitNodeID(id string) (kind string, n int64, ok bool) {
	raw, err := base64.StdEncoding.DecodeString(id)
	if err != nil || len(raw) == 0 || raw[0] != '0' {
		return "", 0, false
	}
	length, rest, ok := strings.Cut(string(raw[1:]), ":")
	size, err := strconv.Atoi(length)
	if !ok || err != nil || size < 1 || size > len(rest) {
		return "", 0, false
	}
	n, err = strconv.ParseInt(rest[size:], 10, 64)
	return rest[:size], n, err == nil
}

// Id is the name it was asked for by.
func (n *gqlNode) Id() graphql.ID { return n.id }

// The To methods say what kind of thing it is.

func (n *gqlNode) ToRepository() (*gqlRepo, bool)    { return n.repo, n.repo != nil }
func (n *gqlNode) ToIssue() (*gqlIssue, bool)        { return n.issue, n.issue != nil }
func (n *gqlNode) ToPullRequest() (*gqlPull, bool)   { return n.pull, n.pull != nil }
func (n *gqlNode) ToUser() (*gqlActor, bool)         { return n.actor, n.is("User") }
func (n *gqlNode) ToBot() (*gqlActor, bool)          { return n.actor, n.is("Bot") }
func (n *gqlNode) ToOrganization() (*gqlActor, bool) { return n.actor, n.is("Organization") }
func (n *gqlNode) is(kind string) bool               { return n.actor != nil && n.actor.u.kind == kind }

func (*gqlNode) ToUserContentEdit() (*gqlEdit, bool)                { return nil, false }
func (*gqlNode) ToLabel() (*gqlLabel, bool)                         { return nil, false }
func (*gqlNode) ToRef() (*gqlRef, bool)                             { return nil, false }
func (*gqlNode) ToIssueComment() (*gqlComment, bool)                { return nil, false }
func (*gqlNode) ToPullRequestCommit() (*gqlPullCommit, bool)        { return nil, false }
func (*gqlNode) ToCommit() (*gqlCommit, bool)                       { return nil, false }
func (*gqlNode) ToTree() (*gqlObject, bool)                         { return nil, false }
func (*gqlNode) ToBlob() (*gqlBlob, bool)                           { return nil, false }
func (*gqlNode) ToTag() (*gqlTag, bool)                             { return nil, false }
func (*gqlNode) ToStatus() (*gqlStatus, bool)                       { return nil, false }
func (*gqlNode) ToStatusContext() (*gqlStatusContext, bool)         { return nil, false }
func (*gqlNode) ToStatusCheckRollup() (*gqlStatusCheckRollup, bool) { return nil, false }
func (*gqlNode) ToCheckRun() (*gqlCheckRun, bool)                   { return nil, false }
