package hub

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/google/go-github/v57/github"
)

// Labels lists the labels of an issue or pull request.
func (c *Client) Labels(ctx context.Context, repo Repo, n int) ([]string, error) {
	err := checkNumber(repo, n)
	var list []*github.Label
	if err == nil {
		list, err = pages(ctx, repo, fullPage, 0, func(ctx context.Context, o github.ListOptions) ([]*github.Label, *github.Response, error) {
			return c.gh.Issues.ListLabelsByIssue(ctx, repo.Owner, repo.Name, n, &o)
		})
	}
	if err != nil {
		return nil, fmt.Errorf("list labels of %s: %w", issueKey(repo, n), err)
	}
	return labelNames(list), nil
}

// AddLabels adds labels and gives the whole set. Those that are there already stay; a label that the repository lacks is made. It is
// idempotent, hence no lock.
func (c *Client) AddLabels(ctx context.Context, repo Repo, n int, labels ...string) ([]string, error) {
	if len(labels) == 0 {
		return c.Labels(ctx, repo, n)
	}
	err := checkNumber(repo, n)
	var out []*github.Label
	if err == nil {
		out, err = write(ctx, func(ctx context.Context) ([]*github.Label, *github.Response, error) {
			return c.gh.Issues.AddLabelsToIssue(ctx, repo.Owner, repo.Name, n, labels)
		})
	}
	names := labelNames(out)
	for _, want := range labels {
		if err == nil && !hasLabel(names, want) {
			err = unasked(http.MethodPost, "labels", "%q is not among %q", want, names)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("add labels to %s: %w", issueKey(repo, n), err)
	}
	return names, nil
}

// RemoveLabel takes one label off. It is ErrGone if the label is not on the issue, which also tells two apart who try at once, mostly.
func (c *Client) RemoveLabel(ctx context.Context, repo Repo, n int, label string) error {
	err := checkNumber(repo, n)
	if err == nil && (label == "" || label == "." || label == "..") {
		err = fmt.Errorf("%q is no label", label)
	}
	if err == nil {
		_, err = write(ctx, func(ctx context.Context) (struct{}, *github.Response, error) {
			resp, err := c.gh.Issues.RemoveLabelForIssue(ctx, repo.Owner, repo.Name, n, url.PathEscape(label))
			return struct{}{}, resp, err
		})
	}
	if err != nil {
		return fmt.Errorf("remove label %q from %s: %w", cut(label, 60), issueKey(repo, n), err)
	}
	return nil
}

// hasLabel compares as GitHub does, without regard to case.
func hasLabel(names []string, want string) bool {
	return slices.ContainsFunc(names, func(s string) bool { return strings.EqualFold(s, want) })
}
