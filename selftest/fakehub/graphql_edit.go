package fakehub

import (
	"fmt"
	"slices"

	graphql "github.com/graph-gophers/graphql-go"
)

// A gqlEdit answers the fields of UserContentEdit: who changed a text, and when.
type gqlEdit struct {
	g *gql
	e textEdit
}

func (e *gqlEdit) Id() graphql.ID       { return gqlID("UserContentEdit", e.e.id) }
func (e *gqlEdit) Editor() *gqlActor    { return e.g.actor(e.e.by) }
func (e *gqlEdit) EditedAt() gqlScalar  { return gqlTime(e.e.at) }
func (e *gqlEdit) CreatedAt() gqlScalar { return gqlTime(e.e.at) }
func (e *gqlEdit) UpdatedAt() gqlScalar { return gqlTime(e.e.at) }

// Diff is the whole text, whatever its name says.
func (e *gqlEdit) Diff() *string { return &e.e.text }

// Editor is who changed the text last, null if nobody has.
func (i *gqlIssue) Editor() *gqlActor {
	if n := len(i.st.edits); n > 0 {
		return i.g.actor(i.st.edits[n-1].by)
	}
	return nil
}

// LastEditedAt is when the text was changed last.
func (i *gqlIssue) LastEditedAt() *gqlScalar {
	if n := len(i.st.edits); n > 0 {
		return new(gqlTime(i.st.edits[n-1].at))
	}
	return nil
}

// UserContentEdits are the changes of the text, newest first. A text that was changed has one more, its writing.
func (i *gqlIssue) UserContentEdits(args struct{ gqlPage }) (*gqlConn[*gqlEdit], error) {
	all := slices.Clone(i.st.edits)
	if len(all) > 0 {
		all = append([]textEdit{{id: i.i.id, by: i.i.author, at: i.i.created, text: orEmpty(i.i.state.versions[0].value.body)}}, all...)
	}
	slices.Reverse(all)
	list := gqlList[textEdit]{items: all, key: func(n int) string { return fmt.Sprintf("%020d", all[n].id) }, desc: true}
	return gqlConnect(list, args.gqlPage, func(e textEdit) *gqlEdit { return &gqlEdit{i.g, e} })
}
