package fakehub

import "github.com/vektah/gqlparser/v2/ast"

// How many queries are remembered, and up to what length. Bots send a handful.
const (
	maxPrepared     = 100
	maxPreparedBody = 16 << 10
)

// A gqlPrepared is a query, with its variables, that was parsed, validated and
// planned before. Most requests of a bot are the same scan, and all that is
// ahead of its resolvers takes longer than they do.
type gqlPrepared struct {
	gqlOperation
	query  gqlQuery
	faults []gqlFault
	plan   *gqlPlan // fills itself with what execution learns about Go types
}

// prepare gives what is known of the request's query. The answer is nil, or what
// to answer to a request that is none.
func (s *Server) prepare(rq *request) (*gqlPrepared, *response) {
	if p := s.prepared[string(rq.body)]; p != nil {
		return p, nil
	}
	var q gqlQuery
	if r := rq.decode(&q); r != nil {
		return nil, r
	}
	if q.Query == "" {
		none := ok(graphqlBody(nil, []gqlFault{{Message: "A query attribute must be specified and must be a string."}}))
		return nil, &none
	}
	p := &gqlPrepared{}
	p.gqlOperation, p.faults = graphqlAnalyse(q)
	if p.OperationDefinition != nil && !p.inspects {
		e := gqlExec{types: graphqlTypes(), vars: p.vars}
		p.plan = e.root(p.OperationDefinition)
	}
	p.query = q
	if len(s.prepared) >= maxPrepared {
		clear(s.prepared)
	}
	if len(rq.body) <= maxPreparedBody {
		s.prepared[string(rq.body)] = p
	}
	return p, nil
}

// root is the plan of a whole operation.
func (e *gqlExec) root(op *ast.OperationDefinition) *gqlPlan {
	kind := e.types.Query
	if op.Operation == ast.Mutation {
		kind = e.types.Mutation
	}
	return e.plan(kind, op.SelectionSet)
}
