package fakehub

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-github/v57/github"
)

// TestReactions: each account reacts in each way once, the first time with 201, and takes back its own alone.
func TestReactions(t *testing.T) {
	h := newHub(t, Options{})
	issue := h.newIssue("owner", "one")
	comment := h.want(201, "owner", post, issue+"/comments", dict{"body": "/retest"})
	path := fmt.Sprintf("%s/issues/comments/%v/reactions", widget, comment.get("id"))
	first := h.want(201, "owner", post, path, dict{"content": "eyes"})
	again := h.want(200, "owner", post, path, dict{"content": "eyes"})
	if first.get("id") != again.get("id") || first.str("user.login") != "owner" {
		t.Errorf("the second time it is another reaction: %s, %s", first, again)
	}
	h.want(422, "owner", post, path, dict{"content": "sneer"})
	other := h.want(201, "reader", post, path, dict{"content": "eyes"})
	h.want(201, "reader", post, path, dict{"content": "rocket"})
	h.want(404, "owner", remove, fmt.Sprintf("%s/%v", path, other.get("id")), nil)
	h.want(204, "reader", remove, fmt.Sprintf("%s/%v", path, other.get("id")), nil)
	h.want(404, "reader", remove, fmt.Sprintf("%s/%v", path, other.get("id")), nil)

	list, _, err := h.client("owner").Reactions.ListIssueCommentReactions(t.Context(), "acme", "widget", int64(comment.get("id").(float64)), nil)
	h.must(err)
	var words []string
	for _, r := range list {
		words = append(words, r.GetUser().GetLogin()+" "+r.GetContent())
	}
	if got := strings.Join(words, ", "); got != "owner eyes, reader rocket" {
		t.Errorf("the reactions are %s", got)
	}
	seen, _, err := h.client("owner").Issues.ListComments(t.Context(), "acme", "widget", 0, &github.IssueListCommentsOptions{Sort: github.String("updated"), Direction: github.String("desc")})
	h.must(err)
	if len(seen) != 1 || seen[0].Reactions.GetTotalCount() != 2 || seen[0].Reactions.GetEyes() != 1 || seen[0].Reactions.GetRocket() != 1 {
		t.Errorf("the comment counts %v", seen)
	}
}
