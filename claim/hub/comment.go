package hub

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-github/v57/github"
)

// Comments lists an issue's comments, oldest first, those that were changed at or after since if that is set.
func (c *Client) Comments(ctx context.Context, repo Repo, n int, since time.Time) ([]Comment, error) {
	opts := &github.IssueListCommentsOptions{}
	if !since.IsZero() {
		opts.Since = &since
	}
	err := checkNumber(repo, n)
	var list []*github.IssueComment
	if err == nil {
		list, err = pages(ctx, repo, fullPage, 0, func(ctx context.Context, o github.ListOptions) ([]*github.IssueComment, *github.Response, error) {
			opts.ListOptions = o
			return c.gh.Issues.ListComments(ctx, repo.Owner, repo.Name, n, opts)
		})
	}
	if err != nil {
		return nil, fmt.Errorf("list comments of %s: %w", issueKey(repo, n), err)
	}
	comments := make([]Comment, 0, len(list))
	for _, in := range list {
		if in.GetID() != 0 {
			comments = append(comments, commentOf(in))
		}
	}
	return comments, nil
}

// RecentComments lists the comments of all issues and pull requests of a repository that were changed at or after since, the last changed
// first, at most most of them.
func (c *Client) RecentComments(ctx context.Context, repo Repo, since time.Time, most int) ([]Comment, error) {
	opts := &github.IssueListCommentsOptions{Sort: new("updated"), Direction: new("desc"), Since: &since}
	list, err := pages(ctx, repo, fullPage, most, func(ctx context.Context, o github.ListOptions) ([]*github.IssueComment, *github.Response, error) {
		opts.ListOptions = o
		return c.gh.Issues.ListComments(ctx, repo.Owner, repo.Name, 0, opts)
	})
	if err != nil {
		return nil, fmt.Errorf("list comments of %s: %w", repo, err)
	}
	comments := make([]Comment, 0, len(list))
	for _, in := range list {
		if out := commentOf(in); out.ID != 0 && out.Number != 0 {
			comments = append(comments, out)
		}
	}
	return comments, nil
}

// DeleteComment takes a comment away. It is ErrGone if it is not there any more.
func (c *Client) DeleteComment(ctx context.Context, repo Repo, id int64) error {
	err := repo.check()
	if err == nil {
		_, err = write(ctx, func(ctx context.Context) (struct{}, *github.Response, error) {
			resp, err := c.gh.Issues.DeleteComment(ctx, repo.Owner, repo.Name, id)
			return struct{}{}, resp, err
		})
	}
	if err != nil {
		return fmt.Errorf("delete comment %d of %s: %w", id, repo, err)
	}
	return nil
}

// Comment adds a comment. It notifies people, and is not idempotent: after an *AmbiguousError read the comments first.
func (c *Client) Comment(ctx context.Context, repo Repo, n int, body string) (Comment, error) {
	err := checkNumber(repo, n)
	if err == nil {
		err = checkComment(body)
	}
	var out *github.IssueComment
	if err == nil {
		out, err = write(ctx, func(ctx context.Context) (*github.IssueComment, *github.Response, error) {
			return c.gh.Issues.CreateComment(ctx, repo.Owner, repo.Name, n, &github.IssueComment{Body: &body})
		})
	}
	if err == nil && out.GetID() == 0 {
		err = unasked(http.MethodPost, "comments", "a comment without id")
	}
	if err != nil {
		return Comment{}, fmt.Errorf("comment on %s: %w", issueKey(repo, n), err)
	}
	return commentOf(out), nil
}

// EditComment replaces a comment's text. It notifies nobody.
func (c *Client) EditComment(ctx context.Context, repo Repo, id int64, body string) (Comment, error) {
	err := repo.check()
	if err == nil {
		err = checkComment(body)
	}
	var out *github.IssueComment
	if err == nil {
		out, err = write(ctx, func(ctx context.Context) (*github.IssueComment, *github.Response, error) {
			return c.gh.Issues.EditComment(ctx, repo.Owner, repo.Name, id, &github.IssueComment{Body: &body})
		})
	}
	if err == nil && out.GetID() != id {
		err = unasked(http.MethodPatch, "comments", "comment %d", out.GetID())
	}
	if err != nil {
		return Comment{}, fmt.Errorf("edit comment %d of %s: %w", id, repo, err)
	}
	return commentOf(out), nil
}

func checkComment(body string) error {
	if n := len([]rune(body)); n == 0 || n > longestText {
		return fmt.Errorf("the text has %d characters, github takes 1 to %d", n, longestText)
	}
	return nil
}

func commentOf(in *github.IssueComment) Comment {
	return Comment{
		ID: in.GetID(), Body: in.GetBody(), Author: in.GetUser().GetLogin(), Association: in.GetAuthorAssociation(),
		Number: numberOf(in.GetIssueURL()), Reactions: in.GetReactions().GetTotalCount(),
		URL: in.GetHTMLURL(), CreatedAt: in.GetCreatedAt().Time.UTC(), UpdatedAt: in.GetUpdatedAt().Time.UTC(),
	}
}

// numberOf is the number at the end of an issue's address; 0 if there is none.
func numberOf(address string) int {
	n, err := strconv.Atoi(address[strings.LastIndexByte(address, '/')+1:])
	if err != nil || n < 0 {
		return 0
	}
	return n
}
