package fakehub

import (
	"context"
	"errors"
	"fmt"
	"strings"

	graphql "github.com/graph-gophers/graphql-go"
)

// A gqlRefUpdate is one line of an updateRefs.
type gqlRefUpdate struct {
	AfterOid  gqlScalar
	BeforeOid *gqlScalar
	Force     bool
	Name      gqlScalar
}

// A gqlUpdateRefsPayload only echoes.
type gqlUpdateRefsPayload struct{ ClientMutationId *string }

// UpdateRefs moves references, all or none. beforeOid makes a line conditional:
// a name is what the reference must be, zeros are that it must not exist. An
// afterOid of zeros deletes. Without force a branch must move forward.
func (*gqlRoot) UpdateRefs(ctx context.Context, args struct {
	Input struct {
		ClientMutationId *string
		RefUpdates       []gqlRefUpdate
		RepositoryId     graphql.ID
	}
},
) (*gqlUpdateRefsPayload, error) {
	g := gqlOf(ctx)
	r, err := g.writable(args.Input.RepositoryId, "UpdateRefs")
	if err != nil {
		return nil, err
	}
	if len(args.Input.RefUpdates) == 0 {
		return nil, &gqlError{gqlInvalid, "At least one ref update is required."}
	}
	changes := make([]refChange, 0, len(args.Input.RefUpdates))
	names := map[string]bool{}
	for _, u := range args.Input.RefUpdates {
		c, err := g.refChange(r, u)
		if err != nil {
			return nil, err
		}
		if names[c.name] {
			return nil, &gqlError{gqlInvalid, fmt.Sprintf("Ref %q is updated more than once.", c.name)}
		}
		names[c.name] = true
		changes = append(changes, c)
	}
	if err := g.move(r, changes); err != nil {
		return nil, err
	}
	return &gqlUpdateRefsPayload{args.Input.ClientMutationId}, nil
}

// writable finds the repository of a mutation that needs the right to push.
func (g *gql) writable(id graphql.ID, mutation string) (*repo, error) {
	n := g.node(id)
	if n == nil || n.repo == nil {
		return nil, &gqlError{gqlNotFound, fmt.Sprintf("Could not resolve to a node with the global id of '%s'.", id)}
	}
	return n.repo.r, g.mayPush(n.repo.r, mutation)
}

func (g *gql) mayPush(r *repo, mutation string) error {
	denied := fmt.Sprintf("%s does not have the correct permissions to execute `%s`", g.rq.actor.login(), mutation)
	want := right{area: "contents", need: Write, denied: denied}
	no := g.rq.s.allowed(g.rq.actor, r, want, true)
	if no == nil {
		return nil
	}
	if g.rq.actor.installation() != nil {
		denied = "Resource not accessible by integration"
	}
	return &gqlError{gqlForbidden, denied}
}

// refChange checks one line of an updateRefs against what is there now: a
// mutation sees no lag.
func (g *gql) refChange(r *repo, u gqlRefUpdate) (refChange, error) {
	c := refChange{name: string(u.Name), new: string(u.AfterOid)}
	if !strings.HasPrefix(c.name, "refs/") || strings.HasPrefix(c.name, "refs/pull/") || checkRefName(c.name) != nil {
		return c, &gqlError{gqlInvalid, fmt.Sprintf("%q is not a valid ref name.", c.name)}
	}
	if !isSHA(c.new) {
		return c, &gqlError{gqlInvalid, fmt.Sprintf("%q is not a valid object id.", c.new)}
	}
	have := orZero(r.refAt(c.name, g.rq.now))
	if u.BeforeOid != nil {
		c.old = string(*u.BeforeOid)
		if !isSHA(c.old) {
			return c, &gqlError{gqlInvalid, fmt.Sprintf("%q is not a valid object id.", c.old)}
		}
		if c.old != have {
			return c, staleRef(c.name, c.old)
		}
	}
	if c.new == zeroOID {
		if have == zeroOID {
			return c, &gqlError{gqlInvalid, fmt.Sprintf("Ref %q does not exist.", c.name)}
		}
		return c, nil
	}
	return c, g.checkMove(r, c, have, u.Force)
}

// checkMove says whether a reference may move to an object that must exist.
func (g *gql) checkMove(r *repo, c refChange, have string, force bool) error {
	kind, err := r.kindOf(g.rq.ctx, c.new)
	switch {
	case err != nil:
		return fmt.Errorf("look up %s: %w", c.new, err)
	case kind == "":
		return &gqlError{gqlInvalid, fmt.Sprintf("Object %s does not exist.", c.new)}
	case kind != "commit" && strings.HasPrefix(c.name, "refs/heads/"):
		return &gqlError{gqlInvalid, fmt.Sprintf("Object %s is not a commit.", c.new)}
	case force || have == zeroOID || have == c.new || kind != "commit":
		return nil
	}
	forward, err := reaches(g.rq.ctx, r.git, c.new, have)
	if err != nil {
		return fmt.Errorf("compare %s with %s: %w", have, c.new, err)
	}
	if !forward {
		return &gqlError{gqlInvalid, fmt.Sprintf("Update of %q is not a fast-forward.", c.name)}
	}
	return nil
}

// staleRef says that a reference is not what the client took it for, in the
// words of createCommitOnBranch; those of updateRefs are not published.
func staleRef(name, want string) error {
	return &gqlError{gqlStale, fmt.Sprintf("Expected branch to point to \"%s\" but it did not. Pull and try again. (%s)", want, name)}
}

// move makes all changes or none.
func (g *gql) move(r *repo, changes []refChange) error {
	err := g.rq.s.updateRefs(g.ctx(), g.rq.now, r, g.rq.actor.user, changes)
	if conflict, ok := errors.AsType[*refConflictError](err); ok {
		return staleRef(conflict.name, conflict.want)
	}
	if err != nil {
		return fmt.Errorf("update refs: %w", err)
	}
	return nil
}

// ctx is the request's, but does not end with it: what GitHub began it ends.
func (g *gql) ctx() context.Context { return context.WithoutCancel(g.rq.ctx) }
