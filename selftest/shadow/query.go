package shadow

import (
	"encoding/json"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

// What a GraphQL request is.
type queryKind int

const (
	queryUnshown queryKind = iota // it asks for what is not shown, or cannot be read
	queryReads
	queryWrites
)

// judgeQuery says what a request of GraphQL is. It may read the repositories that shown says, the limits, and whose token
// it is. What hangs on a repository is not looked at: the people and forks around it are the public part of what it is.
func judgeQuery(body []byte, shown func(owner, name string) bool) queryKind {
	var in struct {
		Query     string         `json:"query"`
		Operation string         `json:"operationName"`
		Variables map[string]any `json:"variables"`
	}
	if json.Unmarshal(body, &in) != nil || len(in.Query) > 100_000 {
		return queryUnshown
	}
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: in.Query}, 20_000)
	if err != nil || len(doc.Operations) == 0 {
		return queryUnshown
	}
	if slices.ContainsFunc(doc.Operations, func(o *ast.OperationDefinition) bool { return o.Operation != ast.Query }) {
		return queryWrites
	}
	for _, o := range doc.Operations {
		if slices.ContainsFunc(o.SelectionSet, func(s ast.Selection) bool { return !shownField(s, in.Variables, shown) }) {
			return queryUnshown
		}
	}
	return queryReads
}

// shownField tells whether a field of the root may be read. A fragment there could hide anything.
func shownField(s ast.Selection, vars map[string]any, shown func(owner, name string) bool) bool {
	f, ok := s.(*ast.Field)
	if !ok {
		return false
	}
	switch f.Name {
	case "rateLimit", "__typename":
		return true
	case "viewer":
		return !slices.ContainsFunc(f.SelectionSet, func(s ast.Selection) bool {
			f, ok := s.(*ast.Field)
			return !ok || len(f.SelectionSet) > 0
		})
	case "repository":
		return shown(argument(f, "owner", vars), argument(f, "name", vars))
	}
	return false
}

// argument is the text of an argument; empty if it is none.
func argument(f *ast.Field, name string, vars map[string]any) string {
	a := f.Arguments.ForName(name)
	if a == nil || a.Value == nil {
		return ""
	}
	v, err := a.Value.Value(vars)
	text, ok := v.(string)
	if err != nil || !ok {
		return ""
	}
	return text
}
