package hub

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/google/go-github/v57/github"
)

// The reactions with which bots answer; GitHub has others.
const (
	Eyes     = "eyes"     // seen, and being done
	Rocket   = "rocket"   // done
	Confused = "confused" // not understood
)

// A Reaction is what an account thinks of a comment. It has each kind at most once.
type Reaction struct {
	ID        int64
	Content   string
	Author    string
	CreatedAt time.Time
}

// reactionJSON is a reaction as GitHub tells it; the client library leaves the time out.
type reactionJSON struct {
	ID        int64     `json:"id"`
	Content   string    `json:"content"`
	CreatedAt time.Time `json:"created_at"`
	User      *struct {
		Login string `json:"login"`
	} `json:"user"`
}

func (r reactionJSON) reaction() Reaction {
	out := Reaction{ID: r.ID, Content: r.Content, CreatedAt: r.CreatedAt.UTC()}
	if r.User != nil {
		out.Author = r.User.Login
	}
	return out
}

// Reactions lists the reactions to a comment, oldest first.
func (c *Client) Reactions(ctx context.Context, repo Repo, comment int64) ([]Reaction, error) {
	list, err := pages(ctx, repo, fullPage, 0, func(ctx context.Context, o github.ListOptions) ([]reactionJSON, *github.Response, error) {
		path := reactionsPath(repo, comment) + "?" + url.Values{"per_page": {strconv.Itoa(o.PerPage)}, "page": {strconv.Itoa(o.Page)}}.Encode()
		var some []reactionJSON
		resp, err := c.send(ctx, http.MethodGet, path, nil, &some)
		return some, resp, err
	})
	if err != nil {
		return nil, fmt.Errorf("list reactions to comment %d of %s: %w", comment, repo, err)
	}
	out := make([]Reaction, 0, len(list))
	for _, r := range list {
		out = append(out, r.reaction())
	}
	return out, nil
}

// React adds a reaction to a comment. GitHub takes each from an account once: first is false if it was there already, and the reaction
// is then the old one. So of several who react alike with one account, one is first. It notifies nobody.
func (c *Client) React(ctx context.Context, repo Repo, comment int64, content string) (r Reaction, first bool, err error) {
	err = repo.check()
	var out reactionJSON
	if err == nil {
		out, err = write(ctx, func(ctx context.Context) (reactionJSON, *github.Response, error) {
			var in reactionJSON
			resp, err := c.send(ctx, http.MethodPost, reactionsPath(repo, comment), map[string]string{"content": content}, &in)
			first = err == nil && resp.StatusCode == http.StatusCreated
			return in, resp, err
		})
	}
	if err == nil && (out.ID == 0 || out.Content != content) {
		err = unasked(http.MethodPost, "reactions", "reaction %d, %q", out.ID, cut(out.Content, 40))
	}
	if err != nil {
		return Reaction{}, false, fmt.Errorf("react to comment %d of %s: %w", comment, repo, err)
	}
	return out.reaction(), first, nil
}

// Unreact takes a reaction of this account back. It is ErrGone if somebody else did before, which tells two apart who try at once.
func (c *Client) Unreact(ctx context.Context, repo Repo, comment, reaction int64) error {
	err := repo.check()
	if err == nil {
		_, err = write(ctx, func(ctx context.Context) (struct{}, *github.Response, error) {
			resp, err := c.send(ctx, http.MethodDelete, reactionsPath(repo, comment)+"/"+strconv.FormatInt(reaction, 10), nil, nil)
			return struct{}{}, resp, err
		})
	}
	if err != nil {
		return fmt.Errorf("take back reaction %d to comment %d of %s: %w", reaction, comment, repo, err)
	}
	return nil
}

func reactionsPath(repo Repo, comment int64) string {
	return fmt.Sprintf("repos/%s/%s/issues/comments/%d/reactions", repo.Owner, repo.Name, comment)
}

// send is a request that the client library has no method for.
func (c *Client) send(ctx context.Context, method, path string, in, out any) (*github.Response, error) {
	req, err := c.gh.NewRequest(method, path, in)
	if err != nil {
		return nil, err
	}
	return c.gh.Do(ctx, req, out)
}
