package fakehub

import (
	"strings"

	graphql "github.com/graph-gophers/graphql-go"
)

// A gqlActor is an account: a person, a bot or an organisation.
type gqlActor struct {
	Login string // a bot's without "[bot]", as GraphQL has it
	g     *gql
	u     *user
}

// actor is the account's resolver, nil for nobody.
func (g *gql) actor(u *user) *gqlActor {
	if u == nil {
		return nil
	}
	a := g.actors[u]
	if a == nil {
		a = &gqlActor{Login: strings.TrimSuffix(u.login, "[bot]"), g: g, u: u}
		g.actors[u] = a
	}
	return a
}

func (a *gqlActor) ToUser() (*gqlActor, bool)         { return a, a.u.kind == "User" }
func (a *gqlActor) ToBot() (*gqlActor, bool)          { return a, a.u.kind == "Bot" }
func (a *gqlActor) ToOrganization() (*gqlActor, bool) { return a, a.u.kind == "Organization" }

func (a *gqlActor) Id() graphql.ID       { return gqlID(a.u.kind, a.u.id) }
func (a *gqlActor) DatabaseId() *int32   { return gqlInt(a.u.id) }
func (a *gqlActor) CreatedAt() gqlScalar { return gqlTime(a.u.created) }
func (a *gqlActor) Email() string        { return a.u.email }
func (a *gqlActor) IsViewer() bool       { return a.u == a.g.rq.actor.user }
func (a *gqlActor) Description() *string { return nil }
func (a *gqlActor) Url() gqlScalar       { return gqlScalar(a.g.rq.site.userHTML(a.u)) }

func (a *gqlActor) AvatarUrl(struct{ Size *int32 }) gqlScalar {
	return gqlScalar(a.g.rq.site.avatar(a.u))
}

func (a *gqlActor) Name() *string {
	if a.u.name == "" {
		return nil
	}
	return &a.u.name
}

func (a *gqlActor) ResourcePath() gqlScalar {
	if a.u.kind == "Bot" {
		return gqlScalar("/apps/" + a.Login)
	}
	return gqlScalar("/" + a.u.login)
}
