package fakehub

import (
	"errors"
	"strings"

	gqlerrors "github.com/graph-gophers/graphql-go/errors"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// A gqlFault is an entry of the errors of a GraphQL answer in GitHub's shape,
// which has a type beside what the specification asks for.
type gqlFault struct {
	Type       string         `json:"type,omitempty"`
	Path       []any          `json:"path,omitempty"`
	Extensions map[string]any `json:"extensions,omitempty"`
	Locations  []gqlLocation  `json:"locations,omitempty"`
	Message    string         `json:"message"`
}

type gqlLocation struct {
	Line   int `json:"line"`
	Column int `json:"column"`
}

// A gqlError is what a resolver returns to say no; kind is GitHub's type.
type gqlError struct{ kind, message string }

func (e *gqlError) Error() string { return e.message }

// The types of GitHub's errors, as seen in its answers.
const (
	gqlNotFound     = "NOT_FOUND"
	gqlForbidden    = "FORBIDDEN"
	gqlInvalid      = "UNPROCESSABLE"
	gqlStale        = "STALE_DATA"
	gqlNoBoundaries = "MISSING_PAGINATION_BOUNDARIES"
	gqlTooMany      = "EXCESSIVE_PAGINATION"
	gqlBadCursor    = "INVALID_CURSOR_ARGUMENTS"
	gqlTooManyNodes = "MAX_NODE_LIMIT_EXCEEDED"
)

// gqlFaultOf is the error of a resolver.
func gqlFaultOf(err error, path []any) gqlFault {
	if own, ok := errors.AsType[*gqlError](err); ok {
		return gqlFault{Type: own.kind, Message: own.message, Path: path}
	}
	// GitHub gives a number to quote here; the reason is of more use.
	return gqlFault{Message: "Something went wrong while executing your query: " + err.Error(), Path: path}
}

// gqlFaults puts what the executor reports into GitHub's shape. The executor
// does not tell where in the query it was, but fields do.
func gqlFaults(list []*gqlerrors.QueryError, fields ast.SelectionSet) []gqlFault {
	faults := make([]gqlFault, 0, len(list))
	for _, e := range list {
		f := gqlFault{Message: e.Message, Path: e.Path}
		if e.ResolverError != nil {
			f = gqlFaultOf(e.ResolverError, e.Path)
		}
		if at := locate(fields, e.Path); at != nil {
			f.Locations = []gqlLocation{{at.Line, at.Column}}
		}
		faults = append(faults, f)
	}
	return faults
}

// locate finds where in a query the field of an answer's path is; nil if nowhere.
func locate(set ast.SelectionSet, path []any) *ast.Position {
	for len(path) > 0 {
		if _, isName := path[0].(string); isName {
			break
		}
		path = path[1:] // an index of a list
	}
	if len(path) == 0 {
		return nil
	}
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			if s.Alias != path[0] {
				continue
			}
			if below := locate(s.SelectionSet, path[1:]); below != nil {
				return below
			}
			return s.Position
		case *ast.InlineFragment:
			if at := locate(s.SelectionSet, path); at != nil {
				return at
			}
		case *ast.FragmentSpread:
			if s.Definition == nil {
				continue
			}
			if at := locate(s.Definition.SelectionSet, path); at != nil {
				return at
			}
		}
	}
	return nil
}

// gqlRefusals puts what is wrong with a query before it runs into GitHub's shape.
func gqlRefusals(err error) []gqlFault {
	list, ok := errors.AsType[gqlerror.List](err)
	if !ok {
		return []gqlFault{{Message: err.Error()}}
	}
	faults := make([]gqlFault, 0, len(list))
	for _, e := range list {
		f := gqlFault{Message: e.Message}
		for _, l := range e.Locations {
			f.Locations = append(f.Locations, gqlLocation{l.Line, l.Column})
		}
		if field, kind, ok := unknownField(e); ok {
			f.Message = "Field '" + field + "' doesn't exist on type '" + kind + "'"
			f.Path = []any{"query", field}
			f.Extensions = map[string]any{"code": "undefinedField", "typeName": kind, "fieldName": field}
		}
		faults = append(faults, f)
	}
	return faults
}

// unknownField takes the field and the type out of `Cannot query field "a" on type "B".`,
// with whatever the validator proposes after it.
func unknownField(e *gqlerror.Error) (field, kind string, ok bool) {
	if e.Rule != "FieldsOnCorrectType" {
		return "", "", false
	}
	parts := strings.SplitN(e.Message, `"`, 5)
	if len(parts) != 5 {
		return "", "", false
	}
	return parts[1], parts[3], true
}
