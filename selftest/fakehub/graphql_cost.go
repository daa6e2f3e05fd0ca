package fakehub

import (
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
)

// The bounds of a query, from "Rate limits and query limits for the GraphQL API".
const (
	gqlMaxPage  = 100
	gqlMaxNodes = 500_000
	// gqlMaxTokens bounds the work for a hostile query; GitHub's own bound is not published.
	gqlMaxTokens = 10_000
)

// A gqlCost is what a query is worth before it runs.
type gqlCost struct {
	points   int // a hundredth of the requests behind all connections, rounded, at least 1
	nodes    int // what it could return at most
	requests int
}

// A gqlOperation is what is known of a query before it runs.
type gqlOperation struct {
	*ast.OperationDefinition
	cost     gqlCost
	vars     map[string]any
	inspects bool // asks for the schema itself
}

// graphqlTypes is the schema as the validator has it.
var graphqlTypes = sync.OnceValue(func() *ast.Schema {
	return gqlparser.MustLoadSchema(&ast.Source{Name: "schema.graphql", Input: graphqlSDL})
})

// graphqlAnalyse validates a query and counts its cost. The count is GitHub's
// documented one: each connection is asked for as often as all those around it
// can have nodes, and each asking is a request.
func graphqlAnalyse(q gqlQuery) (gqlOperation, []gqlFault) {
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: q.Query}, gqlMaxTokens)
	if err != nil {
		return gqlOperation{}, gqlRefusals(err)
	}
	if errs := validator.ValidateWithRules(graphqlTypes(), doc, nil); len(errs) > 0 {
		return gqlOperation{}, gqlRefusals(errs)
	}
	op := doc.Operations.ForName(q.OperationName)
	if op == nil {
		return gqlOperation{}, []gqlFault{{Message: "An operation name is required"}}
	}
	vars, err := validator.VariableValues(graphqlTypes(), op, q.Variables)
	if err != nil {
		return gqlOperation{}, gqlRefusals(err)
	}
	w := gqlWalk{variables: vars, prefix: string(op.Operation)}
	w.selections(op.SelectionSet, 1, nil)
	if w.fault != nil {
		return gqlOperation{}, []gqlFault{*w.fault}
	}
	w.cost.points = max(1, (w.cost.requests+50)/100)
	if w.cost.nodes > gqlMaxNodes {
		return gqlOperation{}, []gqlFault{{Type: gqlTooManyNodes, Message: fmt.Sprintf(
			"This query requests up to %s possible nodes which exceeds the maximum limit of %s.",
			thousands(w.cost.nodes), thousands(gqlMaxNodes))}}
	}
	return gqlOperation{op, w.cost, vars, w.inspects}, nil
}

// A gqlWalk goes through a query and adds up.
type gqlWalk struct {
	variables map[string]any
	prefix    string
	cost      gqlCost
	inspects  bool
	fault     *gqlFault
}

// selections visits a selection set that is resolved times times.
func (w *gqlWalk) selections(set ast.SelectionSet, times int, path []any) {
	for _, s := range set {
		// Past the bound nothing is added up any more, so that no product overflows.
		if w.fault != nil || w.cost.nodes > gqlMaxNodes*10 {
			return
		}
		switch s := s.(type) {
		case *ast.Field:
			w.field(s, times, path)
		case *ast.InlineFragment:
			w.selections(s.SelectionSet, times, path)
		case *ast.FragmentSpread:
			if s.Definition != nil {
				w.selections(s.Definition.SelectionSet, times, path)
			}
		}
	}
}

func (w *gqlWalk) field(f *ast.Field, times int, path []any) {
	w.inspects = w.inspects || f.Name == "__schema" || f.Name == "__type"
	path = append(path[:len(path):len(path)], f.Alias)
	if f.Definition == nil || !isConnection(f.Definition) {
		w.selections(f.SelectionSet, times, path)
		return
	}
	size, given := w.limit(f, "first")
	if !given {
		size, given = w.limit(f, "last")
	}
	switch {
	case !given && asksForNodes(f.SelectionSet):
		w.refuse(f, path, gqlNoBoundaries, fmt.Sprintf(
			"You must provide a `first` or `last` value to properly paginate the `%s` connection.", f.Name))
		return
	case size > gqlMaxPage:
		which := "first"
		if f.Arguments.ForName("first") == nil {
			which = "last"
		}
		w.refuse(f, path, gqlTooMany, fmt.Sprintf(
			"Requesting %d records on the `%s` connection exceeds the `%s` limit of %d records.", size, f.Name, which, gqlMaxPage))
		return
	}
	w.cost.requests += times
	w.cost.nodes += times * size
	w.selections(f.SelectionSet, times*max(size, 1), path)
}

func (w *gqlWalk) refuse(f *ast.Field, path []any, kind, message string) {
	fault := &gqlFault{Type: kind, Message: message, Path: append([]any{w.prefix}, path...)}
	if f.Position != nil {
		fault.Locations = []gqlLocation{{f.Position.Line, f.Position.Column}}
	}
	w.fault = fault
}

// limit is the value of first or last, and whether there is one.
func (w *gqlWalk) limit(f *ast.Field, name string) (int, bool) {
	a := f.Arguments.ForName(name)
	if a == nil {
		return 0, false
	}
	v, err := a.Value.Value(w.variables)
	if err != nil {
		return 0, false
	}
	switch v := v.(type) {
	case int64:
		return int(max(v, 0)), true
	case float64: // as JSON has numbers
		return int(max(v, 0)), true
	}
	return 0, false
}

// isConnection says whether a field is a list that pages.
func isConnection(d *ast.FieldDefinition) bool {
	return strings.HasSuffix(d.Type.Name(), "Connection") && d.Arguments.ForName("first") != nil
}

// asksForNodes says whether a connection is asked for more than its length.
func asksForNodes(set ast.SelectionSet) bool {
	for _, s := range set {
		f, ok := s.(*ast.Field)
		if !ok || f.Name != "totalCount" && f.Name != "__typename" {
			return true
		}
	}
	return false
}

// thousands writes a number as 1,234,567.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
