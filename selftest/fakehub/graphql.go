package fakehub

import (
	"context"
	_ "embed"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	graphql "github.com/graph-gophers/graphql-go"
	"github.com/vektah/gqlparser/v2/ast"
)

// graphqlSDL is our part of GitHub's schema. A test holds it against the whole.
//
//go:embed schema.graphql
var graphqlSDL string

// graphqlDocs is where GitHub sends people for errors of its GraphQL API.
const graphqlDocs = "https://docs.github.com/graphql"

// graphqlSchema is the executable schema. It has no state: the request is in
// the context. Resolvers run one at a time, since all of them read the model
// under the server's mutex and none of them waits.
var graphqlSchema = sync.OnceValue(func() *graphql.Schema {
	return graphql.MustParseSchema(graphqlSDL, &gqlRoot{},
		graphql.UseFieldResolvers(), graphql.MaxParallelism(1), graphql.DisableFieldSelections())
})

// graphqlRoutes is the one route of GraphQL. On an Enterprise server it is at
// /api/graphql, which the server maps here.
func graphqlRoutes() []route {
	return []route{{method: post, pattern: "/graphql", handle: serveGraphQL, budget: graphqlResource}}
}

// A gql is one query or mutation on its way through the resolvers.
type gql struct {
	rq     *request
	cost   gqlCost
	actors map[*user]*gqlActor
}

type gqlKey struct{}

// gqlOf is the query a resolver of the root works for.
func gqlOf(ctx context.Context) *gql { return ctx.Value(gqlKey{}).(*gql) }

// A gqlQuery is the body of a request.
type gqlQuery struct {
	Query         string         `json:"query"`
	OperationName string         `json:"operationName"`
	Variables     map[string]any `json:"variables"`
}

// serveGraphQL answers a query. What is wrong with a query is said with status
// 200, as GitHub does; only what is wrong with the request has a status.
func serveGraphQL(rq *request) response {
	if rq.actor.user == nil {
		return response{status: http.StatusUnauthorized, body: &errorBody{
			Message: "This endpoint requires you to be authenticated.",
			URL:     graphqlDocs + "/guides/forming-calls-with-graphql#authentication",
			Status:  "401",
		}}
	}
	op, no := rq.s.prepare(rq)
	if no != nil {
		return *no
	}
	rq.cost = max(1, op.cost.points) // a query that is refused costs as well
	rq.mutation = op.OperationDefinition != nil && op.Operation == ast.Mutation
	if fault := rq.s.spendGraphQL(rq); fault != nil {
		return ok(graphqlBody(nil, []gqlFault{*fault}))
	}
	if op.faults != nil {
		return ok(graphqlBody(nil, op.faults))
	}
	if rq.mutation { // only now is it known that this is a write
		rq.plan.lag = [domainCount]time.Duration{}
	}
	g := &gql{rq: rq, cost: op.cost, actors: map[*user]*gqlActor{}}
	// A client that went away does not stop what GitHub began.
	ctx := context.WithValue(context.WithoutCancel(rq.ctx), gqlKey{}, g)
	if op.inspects || rq.s.options.Dir != "" {
		return ok(graphqlBody(executeByLibrary(ctx, op)))
	}
	e := gqlExec{ctx: ctx, types: graphqlTypes(), vars: op.vars}
	data := e.run(g, op.plan)
	return ok(graphqlBody(data, e.faults))
}

// executeByLibrary executes the query with graph-gophers' executor: all queries of a server with real repositories, and
// those about the schema itself of a simulation, which executes its scans with gqlExec.
func executeByLibrary(ctx context.Context, op *gqlPrepared) (json.RawMessage, []gqlFault) {
	res := graphqlSchema().Exec(ctx, op.query.Query, op.query.OperationName, op.query.Variables)
	return res.Data, gqlFaults(res.Errors, op.SelectionSet)
}

// graphqlBody puts an answer together without another look at the data, which
// is JSON already and may be long.
func graphqlBody(data json.RawMessage, faults []gqlFault) json.RawMessage {
	body := make([]byte, 0, len(data)+64)
	body = append(body, '{')
	if len(data) > 0 {
		body = append(append(body, `"data":`...), data...)
	}
	if len(faults) > 0 {
		if len(data) > 0 {
			body = append(body, ',')
		}
		body = append(append(body, `"errors":`...), encode(faults)...)
	}
	return append(body, '}')
}
