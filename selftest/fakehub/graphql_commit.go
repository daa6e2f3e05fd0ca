package fakehub

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"

	graphql "github.com/graph-gophers/graphql-go"
)

// A gqlCommitInput is the input of createCommitOnBranch.
type gqlCommitInput struct {
	Branch struct {
		BranchName              *string
		Id                      *graphql.ID
		RepositoryNameWithOwner *string
	}
	ClientMutationId *string
	ExpectedHeadOid  gqlScalar
	FileChanges      *struct {
		Additions []struct {
			Contents gqlScalar
			Path     string
		}
		Deletions []struct{ Path string }
	}
	Message struct {
		Body     *string
		Headline string
	}
}

// A gqlCommitPayload is the new commit and the branch which it is on.
type gqlCommitPayload struct {
	ClientMutationId *string
	Commit           *gqlCommit
	Ref              *gqlRef
}

// CreateCommitOnBranch commits file changes on top of a branch if its head is
// still the expected one.
func (*gqlRoot) CreateCommitOnBranch(ctx context.Context, args struct{ Input gqlCommitInput }) (*gqlCommitPayload, error) {
	g, in := gqlOf(ctx), args.Input
	r, name, err := g.committable(in)
	if err != nil {
		return nil, err
	}
	if err := g.mayPush(r, "CreateCommitOnBranch"); err != nil {
		return nil, err
	}
	have := r.refAt(name, g.rq.now)
	if have == "" {
		return nil, &gqlError{gqlNotFound, fmt.Sprintf("No ref found for `%s`", name)}
	}
	if have != string(in.ExpectedHeadOid) {
		return nil, staleRef(name, string(in.ExpectedHeadOid))
	}
	oid, err := g.commit(r, have, in)
	if err != nil {
		return nil, err
	}
	if err := g.move(r, []refChange{{name: name, old: have, new: oid}}); err != nil {
		return nil, err
	}
	return &gqlCommitPayload{in.ClientMutationId, &gqlCommit{gqlObject: g.object(r, oid)}, g.ref(r, name)}, nil
}

// committable finds the branch, given by the name of its repository and itself.
func (g *gql) committable(in gqlCommitInput) (*repo, string, error) {
	if in.Branch.RepositoryNameWithOwner == nil || in.Branch.BranchName == nil {
		return nil, "", &gqlError{gqlInvalid, "Branch must be given by `repositoryNameWithOwner` and `branchName`."}
	}
	r := g.rq.s.repos[strings.ToLower(*in.Branch.RepositoryNameWithOwner)]
	if r == nil || !g.sees(r) {
		return nil, "", &gqlError{gqlNotFound, fmt.Sprintf(
			"Could not resolve to a Repository with the name '%s'.", *in.Branch.RepositoryNameWithOwner)}
	}
	return r, "refs/heads/" + strings.TrimPrefix(*in.Branch.BranchName, "refs/heads/"), nil
}

// commit writes the objects of the new commit.
func (g *gql) commit(r *repo, parent string, in gqlCommitInput) (string, error) {
	base, err := r.commit(g.ctx(), parent)
	if err != nil {
		return "", err
	}
	edits, err := g.edits(r, in)
	if err != nil {
		return "", err
	}
	tree, err := editTree(g.ctx(), r.git, base.Tree, edits)
	if err != nil {
		return "", &gqlError{gqlInvalid, err.Error()}
	}
	message := in.Message.Headline
	if in.Message.Body != nil && *in.Message.Body != "" {
		message += "\n\n" + *in.Message.Body
	}
	return writeCommit(g.ctx(), r.git, gitCommit{
		Tree: tree, Parents: []string{parent}, Message: message,
		Author: g.rq.actor.user.person(g.rq.now), Committer: webFlow(g.rq.now),
	})
}

// edits are the file changes as those of a tree.
func (g *gql) edits(r *repo, in gqlCommitInput) ([]treeEdit, error) {
	var edits []treeEdit
	if in.FileChanges == nil {
		return nil, nil
	}
	for _, d := range in.FileChanges.Deletions {
		edits = append(edits, treeEdit{Path: d.Path})
	}
	for _, a := range in.FileChanges.Additions {
		data, err := base64.StdEncoding.DecodeString(string(a.Contents))
		if err != nil {
			return nil, &gqlError{gqlInvalid, fmt.Sprintf("Contents of `%s` are not valid Base64.", a.Path)}
		}
		oid, err := r.git.write(g.ctx(), object{kind: "blob", data: data})
		if err != nil {
			return nil, fmt.Errorf("write %s: %w", a.Path, err)
		}
		edits = append(edits, treeEdit{Path: a.Path, Mode: "100644", SHA: oid})
	}
	return edits, nil
}
