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
// it is. What the token may read is more than that, and logs are public: so a query goes no way that leads out of a
// repository, and of the people and forks around it reads no more than their names.
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
	q := query{fragments: doc.Fragments, vars: in.Variables, shown: shown}
	for _, o := range doc.Operations {
		if slices.ContainsFunc(o.SelectionSet, func(s ast.Selection) bool { return !q.root(s) }) {
			return queryUnshown
		}
	}
	return queryReads
}

// A query is one request that only reads.
type query struct {
	fragments ast.FragmentDefinitionList
	vars      map[string]any
	shown     func(owner, name string) bool
}

// root tells whether a field of the root may be read. A fragment there could hide anything.
func (q query) root(s ast.Selection) bool {
	f, ok := s.(*ast.Field)
	if !ok {
		return false
	}
	switch f.Name {
	case "rateLimit", "__typename":
		return true
	case "viewer":
		return q.stays(f.SelectionSet, nil, deepest)
	case "repository":
		return q.shown(argument(f, "owner", q.vars), argument(f, "name", q.vars)) && q.stays(f.SelectionSet, inside(), deepest)
	}
	return false
}

// deepest bounds how deep a query goes, and so fragments that name each other.
const deepest = 20

// inside are the fields of a repository, and of what is in it, that have fields of their own and lead to what belongs to
// the same repository.
func inside() []string {
	return []string{
		"defaultBranchRef", "ref", "refs", "target", "object", "history", "commits", "commit", "status", "statusCheckRollup", "contexts",
		"pullRequests", "pullRequest", "issues", "issue", "issueOrPullRequest", "labels", "comments", "reviews", "userContentEdits",
		"nodes", "pageInfo",
	}
}

// names are the fields that lead to people and to other repositories.
func names() []string {
	return []string{"author", "creator", "editor", "actor", "committer", "owner", "headRepository", "headRepositoryOwner"}
}

// stays tells whether all that is selected is plain, or lies behind one of the fields.
func (q query) stays(set ast.SelectionSet, fields []string, depth int) bool {
	if depth == 0 {
		return false
	}
	return !slices.ContainsFunc(set, func(s ast.Selection) bool {
		switch s := s.(type) {
		case *ast.Field:
			switch {
			case len(s.SelectionSet) == 0:
				return false
			case slices.Contains(fields, s.Name):
				return !q.stays(s.SelectionSet, fields, depth-1)
			}
			return len(fields) == 0 || !slices.Contains(names(), s.Name) || !q.stays(s.SelectionSet, nil, depth-1)
		case *ast.InlineFragment:
			return !q.stays(s.SelectionSet, fields, depth-1)
		case *ast.FragmentSpread:
			f := q.fragments.ForName(s.Name)
			return f == nil || !q.stays(f.SelectionSet, fields, depth-1)
		}
		return true
	})
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
