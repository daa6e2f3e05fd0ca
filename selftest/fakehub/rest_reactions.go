package fakehub

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

// A reaction is what a user thinks of a comment, in one of GitHub's eight ways. A user has each at most once.
type reaction struct {
	id      int64
	content string
	author  *user
	created time.Time
}

// reactionRoutes is the reactions to comments of issues and pull requests.
func reactionRoutes() []route {
	const list = "/repos/{owner}/{repo}/issues/comments/{id}/reactions"
	reads := right{area: "issues", need: Read}
	return []route{
		{method: get, pattern: list, handle: listReactions, right: reads, scopes: "repo", docs: "reactions/reactions#list-reactions-for-an-issue-comment"},
		{method: post, pattern: list, handle: createReaction, right: reads, docs: "reactions/reactions#create-reaction-for-an-issue-comment"},
		{method: remove, pattern: list + "/{reaction}", handle: deleteReaction, right: reads, docs: "reactions/reactions#delete-an-issue-comment-reaction"},
	}
}

// reactionWords are the eight reactions.
func reactionWords() []string {
	return []string{"+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"}
}

// jsonReaction is one reaction.
type jsonReaction struct {
	ID        int64     `json:"id"`
	NodeID    string    `json:"node_id"`
	User      any       `json:"user"`
	Content   string    `json:"content"`
	CreatedAt time.Time `json:"created_at"`
}

func (rq *request) reaction(r *reaction) *jsonReaction {
	return &jsonReaction{ID: r.id, NodeID: nodeID("Reaction", r.id), User: rq.user(r.author), Content: r.content, CreatedAt: jsonTime(r.created)}
}

// reactions counts what a read as of this request's time finds.
func (rq *request) reactions(c *comment, url string) jsonReactions {
	out := jsonReactions{URL: url}
	list, _ := c.reacted.at(rq.asOf(commentDomain))
	for _, r := range list {
		out.Total++
		switch r.content {
		case "+1":
			out.PlusOne++
		case "-1":
			out.MinusOne++
		case "laugh":
			out.Laugh++
		case "hooray":
			out.Hooray++
		case "confused":
			out.Confused++
		case "heart":
			out.Heart++
		case "rocket":
			out.Rocket++
		case "eyes":
			out.Eyes++
		}
	}
	return out
}

func listReactions(rq *request) response {
	c := rq.commentAt(rq.asOf(commentDomain))
	if c == nil {
		return notFound()
	}
	list, _ := c.reacted.at(rq.asOf(commentDomain))
	if want := rq.arg("content"); want != "" {
		list = slices.DeleteFunc(slices.Clone(list), func(r *reaction) bool { return r.content != want })
	}
	return listed(rq, list, func(r *reaction) any { return rq.reaction(r) })
}

// createReaction answers 201 to whoever is the first to react so for an account, and 200 with what is there to others.
func createReaction(rq *request) response {
	c := rq.repo.byComment[rq.number("id")]
	if c == nil || c.state.last().deleted {
		return notFound()
	}
	var in struct {
		Content string `json:"content"`
	}
	if no := rq.decode(&in); no != nil {
		return *no
	}
	if !slices.Contains(reactionWords(), in.Content) {
		return rq.invalid(fieldError{Resource: "Reaction", Field: "content", Code: "invalid"})
	}
	have := c.reacted.last()
	for _, r := range have {
		if r.author == rq.actor.user && r.content == in.Content {
			return ok(rq.reaction(r))
		}
	}
	r := &reaction{id: rq.s.nextID(), content: in.Content, author: rq.actor.user, created: rq.s.stamp(rq.now)}
	c.reacted.set(rq.now, append(slices.Clone(have), r))
	return response{status: http.StatusCreated, body: rq.reaction(r)}
}

// deleteReaction takes a reaction back, which only who has made it can.
func deleteReaction(rq *request) response {
	c := rq.repo.byComment[rq.number("id")]
	if c == nil || c.state.last().deleted {
		return notFound()
	}
	have := c.reacted.last()
	at := slices.IndexFunc(have, func(r *reaction) bool { return r.id == rq.number("reaction") && r.author == rq.actor.user })
	if at < 0 {
		return notFound()
	}
	c.reacted.set(rq.now, slices.Delete(slices.Clone(have), at, at+1))
	return noContent()
}

// facesOf are the reactions to a comment as pages show them: a picture of each kind, and how many.
func facesOf(list []*reaction) []string {
	pictures := [...]string{"👍", "👎", "😄", "😕", "❤️", "🎉", "🚀", "👀"}
	var faces []string
	for i, word := range reactionWords() {
		n := 0
		for _, r := range list {
			if r.content == word {
				n++
			}
		}
		if n > 0 {
			faces = append(faces, pictures[i]+" "+strconv.Itoa(n))
		}
	}
	return faces
}
