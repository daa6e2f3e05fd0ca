package fakehub

import (
	"encoding/base64"
	"fmt"
	"math"
	"strings"
	"time"

	graphql "github.com/graph-gophers/graphql-go"
)

// A gqlScalar is a value of GitHub's scalars that are strings in JSON: DateTime,
// URI, GitObjectID, GitRefname, HTML and the like.
type gqlScalar string

// ImplementsGraphQLType takes each of GitHub's own scalars.
func (gqlScalar) ImplementsGraphQLType(name string) bool {
	switch name {
	case "Base64String", "BigInt", "DateTime", "GitObjectID", "GitRefname", "GitTimestamp", "HTML", "URI":
		return true
	}
	return false
}

// UnmarshalGraphQL reads an argument.
func (s *gqlScalar) UnmarshalGraphQL(input any) error {
	v, ok := input.(string)
	if !ok {
		return fmt.Errorf("read scalar: %T is not a string", input)
	}
	*s = gqlScalar(v)
	return nil
}

// gqlTime is a time as GraphQL shows it, to the second.
func gqlTime(t time.Time) gqlScalar { return gqlScalar(t.UTC().Format(time.RFC3339)) }

// gqlTimeOrNil is nil for the zero time.
func gqlTimeOrNil(t time.Time) *gqlScalar {
	if t.IsZero() {
		return nil
	}
	return new(gqlTime(t))
}

// gqlInt is a database id, nil if it does not fit into GraphQL's Int.
func gqlInt(id int64) *int32 {
	if id > math.MaxInt32 {
		return nil
	}
	return new(int32(id))
}

// gqlID is the global name of a thing.
func gqlID(kind string, id int64) graphql.ID { return graphql.ID(nodeID(kind, id)) }

// gqlNamedID is the global name of a thing that has a name, not a number, in a repository.
func gqlNamedID(kind string, r *repo, name string) graphql.ID {
	return graphql.ID(base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "0%d:%s%d:%s", len(kind), kind, r.id, name)))
}

// A gqlPage is the arguments of every connection.
type gqlPage struct {
	First, Last   *int32
	After, Before *string
}

// A gqlList is all that a connection can page through. Keys are unique, in the
// order of the list, and stay with their item, so that paging goes on at the
// right place when items came or went between two pages.
type gqlList[S any] struct {
	items []S
	key   func(int) string // of the item at an index
	desc  bool             // keys fall
}

// A gqlEdge is a node with its place.
type gqlEdge[T any] struct {
	Cursor string
	Node   T
}

// A gqlPageInfo says where a page ends and whether there are more.
type gqlPageInfo struct {
	EndCursor, StartCursor       *string
	HasNextPage, HasPreviousPage bool
}

// A gqlConn is a page of a list of T, its nodes made only if they are asked for.
type gqlConn[T any] struct {
	TotalCount int32
	PageInfo   *gqlPageInfo
	cursors    []string
	make       func(int) T // the node at an index of the page
	nodes      []T
}

// Nodes are the things of this page.
func (c *gqlConn[T]) Nodes() *[]T {
	if c.nodes == nil {
		c.nodes = make([]T, len(c.cursors))
		for i := range c.nodes {
			c.nodes[i] = c.make(i)
		}
	}
	return &c.nodes
}

// Edges are the things of this page with their places.
func (c *gqlConn[T]) Edges() *[]*gqlEdge[T] {
	edges := make([]*gqlEdge[T], len(c.cursors))
	for i, n := range *c.Nodes() {
		edges[i] = &gqlEdge[T]{Cursor: c.cursors[i], Node: n}
	}
	return &edges
}

// gqlConnect cuts the page that a asks for out of a list.
func gqlConnect[S, T any](l gqlList[S], a gqlPage, node func(S) T) (*gqlConn[T], error) {
	from, to, err := l.cut(a)
	if err != nil {
		return nil, err
	}
	page := l.items[from:to]
	c := &gqlConn[T]{
		TotalCount: int32(len(l.items)),
		PageInfo:   &gqlPageInfo{HasNextPage: to < len(l.items), HasPreviousPage: from > 0},
		cursors:    make([]string, len(page)),
		make:       func(i int) T { return node(page[i]) },
	}
	for i := range page {
		c.cursors[i] = cursor(l.key(from + i))
	}
	if n := len(page); n > 0 {
		c.PageInfo.StartCursor, c.PageInfo.EndCursor = &c.cursors[0], &c.cursors[n-1]
	}
	return c, nil
}

// cut finds the bounds of a page.
func (l gqlList[S]) cut(a gqlPage) (from, to int, err error) {
	to = len(l.items)
	if a.After != nil {
		key, err := cursorKey(*a.After)
		if err != nil {
			return 0, 0, err
		}
		for from < to && !l.beyond(l.key(from), key) {
			from++
		}
	}
	if a.Before != nil {
		key, err := cursorKey(*a.Before)
		if err != nil {
			return 0, 0, err
		}
		for to > from && !l.beyond(key, l.key(to-1)) {
			to--
		}
	}
	switch {
	case a.First != nil && *a.First < 0 || a.Last != nil && *a.Last < 0:
		return 0, 0, &gqlError{gqlBadCursor, "`first` and `last` cannot be less than zero."}
	case a.First != nil:
		to = min(to, from+int(*a.First))
	case a.Last != nil:
		from = max(from, to-int(*a.Last))
	default:
		to = from // only its length was asked for; anything else was refused before
	}
	return from, to, nil
}

// beyond says whether key a comes after key b in the list.
func (l gqlList[S]) beyond(a, b string) bool {
	if l.desc {
		return a < b
	}
	return a > b
}

const cursorPrefix = "cursor:v2:"

func cursor(key string) string {
	return base64.StdEncoding.EncodeToString([]byte(cursorPrefix + key))
}

func cursorKey(c string) (string, error) {
	raw, err := base64.StdEncoding.DecodeString(c)
	key, ok := strings.CutPrefix(string(raw), cursorPrefix)
	if err != nil || !ok {
		return "", &gqlError{gqlBadCursor, fmt.Sprintf("`%s` does not appear to be a valid cursor.", c)}
	}
	return key, nil
}

// timeKey orders by a time, then by an id.
func timeKey(t time.Time, id int64) string { return fmt.Sprintf("%020d:%020d", t.UnixNano(), id) }

// indexKey orders a list whose order cannot change.
func indexKey(i int) string { return fmt.Sprintf("%010d", i) }
