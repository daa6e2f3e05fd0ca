package hub

import (
	"context"
	"fmt"
	"net/http"

	"github.com/google/go-github/v57/github"
)

// mostPages bounds a list that will not end.
const mostPages = 200

// pages reads a list in pages of size from the first on until it ends, or has most entries if that is above 0.
func pages[T any](
	ctx context.Context, repo Repo, size, most int, get func(ctx context.Context, o github.ListOptions) ([]T, *github.Response, error),
) ([]T, error) {
	if err := repo.check(); err != nil {
		return nil, err
	}
	var all []T
	for page := 1; page <= mostPages; page++ {
		list, _, resp, err := read(ctx, func(ctx context.Context) ([]T, *github.Response, error) {
			return get(ctx, github.ListOptions{Page: page, PerPage: size})
		})
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
		if most > 0 && len(all) >= most {
			return all[:most], nil
		}
		if !hasMore(resp.Header, page, len(list), size) {
			return all, nil
		}
	}
	return nil, fmt.Errorf("the list has more than %d pages", mostPages)
}

// hasMore tells whether a page may have another after it. Its Link header says so; but the one of a kept answer is as old as the answer,
// and a full page stays the same when the list goes on behind it, so that a full page is always followed.
func hasMore(h http.Header, page, got, size int) bool {
	return got >= size || parseLink(h.Get("Link"))["next"] > page
}
