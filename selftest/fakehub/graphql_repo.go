package fakehub

import (
	"net/url"
	"slices"
	"strings"
	"time"

	graphql "github.com/graph-gophers/graphql-go"
)

// A gqlRepo answers the fields of Repository.
type gqlRepo struct {
	g *gql
	r *repo
}

func (g *gql) repo(r *repo) *gqlRepo {
	if r == nil {
		return nil
	}
	return &gqlRepo{g, r}
}

func (r *gqlRepo) Id() graphql.ID        { return gqlID("Repository", r.r.id) }
func (r *gqlRepo) DatabaseId() *int32    { return gqlInt(r.r.id) }
func (r *gqlRepo) Name() string          { return r.r.name }
func (r *gqlRepo) NameWithOwner() string { return r.r.fullName() }
func (r *gqlRepo) Owner() *gqlActor      { return r.g.actor(r.r.owner) }
func (r *gqlRepo) Parent() *gqlRepo      { return r.g.repo(r.r.parent) }
func (r *gqlRepo) ForkCount() int32      { return int32(len(r.r.forks)) }
func (r *gqlRepo) IsArchived() bool      { return false }
func (r *gqlRepo) IsFork() bool          { return r.r.parent != nil }
func (r *gqlRepo) IsPrivate() bool       { return r.r.private }
func (r *gqlRepo) CreatedAt() gqlScalar  { return gqlTime(r.r.created) }
func (r *gqlRepo) UpdatedAt() gqlScalar  { return gqlTime(r.r.updated) }
func (r *gqlRepo) PushedAt() *gqlScalar  { return gqlTimeOrNil(r.r.pushed) }
func (r *gqlRepo) ResourcePath() gqlScalar {
	return gqlScalar("/" + r.r.fullName())
}
func (r *gqlRepo) Url() gqlScalar { return gqlScalar(r.g.rq.site.repoHTML(r.r)) }
func (r *gqlRepo) IsEmpty() bool  { return len(r.branches()) == 0 }

func (r *gqlRepo) Description() *string {
	if r.r.description == "" {
		return nil
	}
	return &r.r.description
}

func (r *gqlRepo) Visibility() string {
	if r.r.private {
		return "PRIVATE"
	}
	return "PUBLIC"
}

func (r *gqlRepo) ViewerCanAdminister() bool {
	return r.r.permission(r.g.rq.actor.user) >= Admin
}

func (r *gqlRepo) ViewerPermission() *string {
	p := strings.ToUpper(r.r.permission(r.g.rq.actor.user).String())
	if p == "NONE" {
		return nil
	}
	return &p
}

// DefaultBranchRef is null as long as nothing was pushed to the default branch.
func (r *gqlRepo) DefaultBranchRef() *gqlRef {
	return r.g.ref(r.r, "refs/heads/"+r.r.defaultBranch)
}

// Ref takes a full name, or a short one as git does: a branch before a tag.
func (r *gqlRepo) Ref(args struct{ QualifiedName string }) *gqlRef {
	for _, prefix := range []string{"", "refs/", "refs/heads/", "refs/tags/"} {
		name := prefix + args.QualifiedName
		if strings.HasPrefix(name, "refs/") {
			if ref := r.g.ref(r.r, name); ref != nil {
				return ref
			}
		}
	}
	return nil
}

// branches are the full names of the branches the viewer's replica has.
func (r *gqlRepo) branches() []string { return r.refNames("refs/heads/") }

func (r *gqlRepo) refNames(prefix string) []string {
	t := r.g.rq.asOf(refDomain)
	var names []string
	for name := range r.r.refs {
		if strings.HasPrefix(name, prefix) && r.r.refAt(name, t) != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Refs are the references below a prefix, by name.
func (r *gqlRepo) Refs(args struct {
	gqlPage
	Direction *string
	OrderBy   *gqlOrder
	Query     *string
	RefPrefix string
},
) (*gqlConn[*gqlRef], error) {
	prefix := args.RefPrefix
	if !strings.HasSuffix(prefix, "/") {
		prefix += "/"
	}
	names := r.refNames(prefix)
	if args.Query != nil {
		names = slices.DeleteFunc(names, func(n string) bool {
			return !strings.Contains(strings.TrimPrefix(n, prefix), *args.Query)
		})
	}
	desc := args.Direction != nil && *args.Direction == "DESC" || args.OrderBy != nil && args.OrderBy.Direction == "DESC"
	if desc {
		slices.Reverse(names)
	}
	list := gqlList[string]{items: names, key: func(i int) string { return names[i] }, desc: desc}
	return gqlConnect(list, args.gqlPage, func(name string) *gqlRef { return r.g.ref(r.r, name) })
}

// A gqlOrder is how a list is to be sorted.
type gqlOrder struct{ Direction, Field string }

// Label finds a label by name, without regard to case.
func (r *gqlRepo) Label(args struct{ Name string }) *gqlLabel {
	if l := r.r.label(args.Name); l != nil {
		return &gqlLabel{r.g, r.r, l}
	}
	return nil
}

// Labels are the labels which issues may have.
func (r *gqlRepo) Labels(args struct {
	gqlPage
	OrderBy gqlOrder
	Query   *string
},
) (*gqlConn[*gqlLabel], error) {
	all, _ := r.r.labels.at(r.g.rq.asOf(issueDomain))
	list := slices.Clone(all)
	if args.Query != nil {
		list = slices.DeleteFunc(list, func(l *label) bool {
			return !strings.Contains(strings.ToLower(l.name), strings.ToLower(*args.Query))
		})
	}
	return r.g.labels(r.r, list, args.gqlPage, args.OrderBy)
}

// labels pages through labels in an order of GitHub's. The list may be sorted.
func (g *gql) labels(r *repo, list []*label, page gqlPage, order gqlOrder) (*gqlConn[*gqlLabel], error) {
	key := func(l *label) string { return timeKey(time.Unix(0, 0), l.id) }
	if order.Field == "NAME" {
		key = func(l *label) string { return strings.ToLower(l.name) }
	}
	desc := order.Direction == "DESC"
	if len(list) > 1 {
		list = slices.SortedFunc(slices.Values(list), func(a, b *label) int {
			if desc {
				a, b = b, a
			}
			return strings.Compare(key(a), key(b))
		})
	}
	return gqlConnect(gqlList[*label]{items: list, key: func(i int) string { return key(list[i]) }, desc: desc}, page,
		func(l *label) *gqlLabel { return &gqlLabel{g, r, l} })
}

// A gqlLabel answers the fields of Label.
type gqlLabel struct {
	g *gql
	r *repo
	l *label
}

func (l *gqlLabel) Id() graphql.ID        { return gqlID("Label", l.l.id) }
func (l *gqlLabel) Name() string          { return l.l.name }
func (l *gqlLabel) Color() string         { return l.l.color }
func (l *gqlLabel) CreatedAt() *gqlScalar { return nil }
func (l *gqlLabel) IsDefault() bool       { return l.l.builtin }
func (l *gqlLabel) Repository() *gqlRepo  { return l.g.repo(l.r) }
func (l *gqlLabel) ResourcePath() gqlScalar {
	return gqlScalar("/" + l.r.fullName() + "/labels/" + url.PathEscape(l.l.name))
}
func (l *gqlLabel) Url() gqlScalar { return gqlScalar(l.g.rq.site.html) + l.ResourcePath() }

func (l *gqlLabel) Description() *string {
	if l.l.description == "" {
		return nil
	}
	return &l.l.description
}
