package fakehub

import (
	"context"
	"fmt"
	"time"
)

// webFlow is who GitHub names as the committer of what it commits by itself.
func webFlow(now time.Time) gitPerson {
	return gitPerson{Name: "GitHub", Email: "noreply@github.com", When: now.UTC().Truncate(time.Second)}
}

// person is how a user signs a commit.
func (u *user) person(now time.Time) gitPerson {
	p := gitPerson{Name: u.name, Email: u.email, When: now.UTC().Truncate(time.Second)}
	if p.Name == "" {
		p.Name = u.login
	}
	return p
}

// writeCommit stores a commit and gives its name.
func writeCommit(ctx context.Context, g objectStore, c gitCommit) (string, error) {
	sha, err := g.write(ctx, object{kind: "commit", data: c.raw()})
	if err != nil {
		return "", fmt.Errorf("write commit: %w", err)
	}
	return sha, nil
}

// pullRef is the reference of a pull request: side is "head" or "merge".
func pullRef(is *issue, side string) string {
	return fmt.Sprintf("refs/pull/%d/%s", is.number, side)
}
