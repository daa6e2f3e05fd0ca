package hub

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// An editsAnswer is the data of editsQuery.
type editsAnswer struct {
	Repository *struct {
		IssueOrPullRequest *struct {
			UserContentEdits *struct {
				PageInfo struct {
					HasNextPage bool
					EndCursor   string
				}
				Nodes []struct {
					EditedAt time.Time
					Diff     string
					Editor   *struct {
						Typename string `json:"__typename"`
						Login    string
					}
				}
			}
		}
	}
}

// edits are those of a page.
func (a *editsAnswer) edits() []TextEdit {
	if a.Repository.IssueOrPullRequest.UserContentEdits == nil {
		return nil
	}
	var edits []TextEdit
	for _, e := range a.Repository.IssueOrPullRequest.UserContentEdits.Nodes {
		edit := TextEdit{At: e.EditedAt.UTC(), Text: e.Diff}
		if e.Editor != nil {
			edit.Editor = e.Editor.Login
			if e.Editor.Typename == "Bot" { // as the other interface names it
				edit.Editor += "[bot]"
			}
		}
		edits = append(edits, edit)
	}
	return edits
}

// mostEdits is how many changes of a text are read; one with more is a strange one.
const mostEdits = 1000

// TextEdits lists who changed the text of an issue or pull request, newest first; none if it is as it was written. The
// writing itself may be among them. Changes of the title are no part of it. It costs a point of GraphQL.
func (c *Client) TextEdits(ctx context.Context, repo Repo, n int) ([]TextEdit, error) {
	fail := func(err error) ([]TextEdit, error) {
		return nil, fmt.Errorf("read who edited %s: %w", issueKey(repo, n), err)
	}
	if err := checkNumber(repo, n); err != nil {
		return fail(err)
	}
	var edits []TextEdit
	after := ""
	for {
		vars := map[string]any{"owner": repo.Owner, "name": repo.Name, "number": n, "after": nil}
		if after != "" {
			vars["after"] = after
		}
		var page editsAnswer
		if _, err := query(ctx, c, false, editsQuery, vars, &page); err != nil {
			return fail(err)
		}
		if page.Repository == nil || page.Repository.IssueOrPullRequest == nil {
			return fail(ErrGone)
		}
		edits = append(edits, page.edits()...)
		list := page.Repository.IssueOrPullRequest.UserContentEdits
		if list == nil || !list.PageInfo.HasNextPage {
			break
		}
		if after = list.PageInfo.EndCursor; after == "" || len(edits) >= mostEdits {
			return fail(errors.New("it was edited too often"))
		}
	}
	slices.SortStableFunc(edits, func(a, b TextEdit) int { return b.At.Compare(a.At) })
	return edits, nil
}

// Texts lists the newest changes of the text of an issue or pull request, ten at most, newest first, each with the whole text as it
// was after it. It costs a point of GraphQL.
func (c *Client) Texts(ctx context.Context, repo Repo, n int) ([]TextEdit, error) {
	fail := func(err error) ([]TextEdit, error) {
		return nil, fmt.Errorf("read the texts of %s: %w", issueKey(repo, n), err)
	}
	if err := checkNumber(repo, n); err != nil {
		return fail(err)
	}
	var page editsAnswer
	if _, err := query(ctx, c, false, textsQuery, map[string]any{"owner": repo.Owner, "name": repo.Name, "number": n}, &page); err != nil {
		return fail(err)
	}
	if page.Repository == nil || page.Repository.IssueOrPullRequest == nil {
		return fail(ErrGone)
	}
	edits := page.edits()
	slices.SortStableFunc(edits, func(a, b TextEdit) int { return b.At.Compare(a.At) })
	return edits, nil
}
