package fakehub

import (
	"net/http"
	"strings"
)

// A route is a method and a pattern with its handler. Patterns are made of
// literal segments, {name} for one segment and a last {name...} for the rest.
type route struct {
	method  string
	pattern string
	names   []string
	handle  handler
	right   right  // in the repository of the pattern
	scopes  string // X-Accepted-OAuth-Scopes
	docs    string // below the documentation's root
	content bool   // makes content that notifies people, for the content budget
	budget  resource
}

// A router finds the route of a path. It is built once and then only read.
type router struct{ root node }

type node struct {
	literal map[string]*node
	param   *node
	routes  map[string]*route // which end here, by method
	rest    map[string]*route // which take all that follows
}

// add enters a route.
func (t *router) add(rt route) {
	n := &t.root
	for part := range strings.SplitSeq(strings.TrimPrefix(rt.pattern, "/"), "/") {
		if part == "" { // of "/" alone
			break
		}
		name, isParam := strings.CutPrefix(part, "{")
		name = strings.TrimSuffix(name, "}")
		name, isRest := strings.CutSuffix(name, "...")
		switch {
		case isRest:
			rt.names = append(rt.names, name)
			if n.rest == nil {
				n.rest = map[string]*route{}
			}
			n.rest[rt.method] = &rt
			return
		case isParam:
			rt.names = append(rt.names, name)
			if n.param == nil {
				n.param = &node{}
			}
			n = n.param
		default:
			if n.literal == nil {
				n.literal = map[string]*node{}
			}
			if n.literal[part] == nil {
				n.literal[part] = &node{}
			}
			n = n.literal[part]
		}
	}
	if n.routes == nil {
		n.routes = map[string]*route{}
	}
	n.routes[rt.method] = &rt
}

// find gives the route of a method and a path (without query) with the values
// of its parameters, still escaped as the path is.
func (t *router) find(method, path string) (*route, []string) {
	return t.root.find(method, strings.Trim(path, "/"), make([]string, 0, 5))
}

func (n *node) find(method, path string, params []string) (*route, []string) {
	if path == "" {
		return n.routes[method], params
	}
	part, rest, _ := strings.Cut(path, "/")
	if next := n.literal[part]; next != nil {
		if rt, p := next.find(method, rest, params); rt != nil {
			return rt, p
		}
	}
	if n.param != nil {
		if rt, p := n.param.find(method, rest, append(params, part)); rt != nil {
			return rt, p
		}
	}
	if rt := n.rest[method]; rt != nil {
		return rt, append(params, path)
	}
	return nil, nil
}

// routes builds the table out of what each room contributes.
func routes() *router {
	t := &router{}
	for _, room := range []func() []route{
		metaRoutes, userRoutes, repoRoutes, issueRoutes, commentRoutes, reactionRoutes, labelRoutes,
		eventRoutes, statusRoutes, pullRoutes, searchRoutes,
		gitRoutes, contentRoutes, // git*.go
		releaseRoutes, appRoutes, graphqlRoutes,
	} {
		for _, rt := range room() {
			t.add(rt)
		}
	}
	return t
}

// Shorthands for the tables of the rooms.
const (
	get    = http.MethodGet
	post   = http.MethodPost
	put    = http.MethodPut
	patch  = http.MethodPatch
	remove = http.MethodDelete
)
