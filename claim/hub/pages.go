package hub

import (
	"context"
	"fmt"

	"github.com/google/go-github/v57/github"
)

// mostPages bounds a list that will not end.
const mostPages = 200

// pages reads a list from its first page on until it ends, or has most entries if that is above 0.
func pages[T any](ctx context.Context, repo Repo, most int, get func(ctx context.Context, page int) ([]T, *github.Response, error)) ([]T, error) {
	if err := repo.check(); err != nil {
		return nil, err
	}
	var all []T
	for page, n := 1, 0; ; n++ {
		if n == mostPages {
			return nil, fmt.Errorf("the list has more than %d pages", mostPages)
		}
		list, _, resp, err := read(ctx, func(ctx context.Context) ([]T, *github.Response, error) { return get(ctx, page) })
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
		if most > 0 && len(all) >= most {
			return all[:most], nil
		}
		next := parseLink(resp.Header.Get("Link"))["next"]
		if next <= page {
			return all, nil
		}
		page = next
	}
}
