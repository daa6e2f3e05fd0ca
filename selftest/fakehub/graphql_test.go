package fakehub

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// query asks GraphQL; variables are names and values in turn.
func (h *hub) query(login, query string, variables ...any) reply {
	h.t.Helper()
	vars := dict{}
	for i := 0; i+1 < len(variables); i += 2 {
		vars[variables[i].(string)] = variables[i+1]
	}
	return h.want(200, login, post, "/graphql", dict{"query": query, "variables": vars})
}

// data is an answer that must be without errors.
func (h *hub) data(r reply) any {
	h.t.Helper()
	if r.get("errors") != nil {
		h.t.Fatalf("answer has errors: %s", r)
	}
	return r.get("data")
}

// decode reads JSON for a comparison.
func decode(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// scan is what a bot asks to find its work.
const scan = `query($owner: String!, $name: String!, $after: String) {
	repository(owner: $owner, name: $name) {
		nameWithOwner
		defaultBranchRef { name target { oid } }
		pullRequests(first: 100, after: $after, states: OPEN, orderBy: {field: CREATED_AT, direction: ASC}) {
			totalCount
			pageInfo { hasNextPage endCursor }
			nodes {
				number title body isDraft state merged mergeable author { __typename login } authorAssociation
				labels(first: 20) { nodes { name } }
				headRefName headRefOid headRepository { nameWithOwner owner { login } } baseRefName baseRefOid
				commits(last: 1) { nodes { commit { oid status { state
					contexts { context state description targetUrl createdAt creator { login } } } } } }
			}
		}
	}
	rateLimit { cost limit remaining used nodeCount }
}`

func TestGraphQLScan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{Limits: GitHubLimits()})
		head := h.commit("topic", "new", "1\n")
		pull := h.openPull("bot", "topic", dict{"body": "closes #1", "draft": true})
		h.want(200, "owner", post, strings.Replace(pull, "pulls", "issues", 1)+"/labels", []string{"bug"})
		for _, state := range []string{"pending", "success"} {
			h.want(201, "writer", post, widget+"/statuses/"+head, dict{"state": state, "context": "verify/a", "description": "d", "target_url": "http://x.test/"})
		}
		h.want(201, "bot", post, widget+"/statuses/"+head, dict{"state": "pending", "context": "verify/b"})
		created := time.Now().UTC().Format(time.RFC3339)
		want := decode(t, fmt.Sprintf(`{
			"repository": {
				"nameWithOwner": "acme/widget", "defaultBranchRef": {"name": "main", "target": {"oid": %[1]q}},
				"pullRequests": {"totalCount": 1, "pageInfo": {"hasNextPage": false, "endCursor": "Y3Vyc29yOnYyOjAwMDAwMDAwMDAwMDAwMDAwMDAx"}, "nodes": [{
					"number": 1, "title": "of topic", "body": "closes #1", "isDraft": true, "state": "OPEN", "merged": false, "mergeable": "MERGEABLE",
					"author": {"__typename": "User", "login": "bot"}, "authorAssociation": "MEMBER", "labels": {"nodes": [{"name": "bug"}]},
					"headRefName": "topic", "headRefOid": %[2]q, "headRepository": {"nameWithOwner": "acme/widget", "owner": {"login": "acme"}},
					"baseRefName": "main", "baseRefOid": %[1]q,
					"commits": {"nodes": [{"commit": {"oid": %[2]q, "status": {"state": "PENDING", "contexts": [
						{"context": "verify/a", "state": "SUCCESS", "description": "d", "targetUrl": "http://x.test/", "createdAt": %[3]q, "creator": {"login": "writer"}},
						{"context": "verify/b", "state": "PENDING", "description": null, "targetUrl": null, "createdAt": %[3]q, "creator": {"login": "bot"}}
					]}}}]}
				}]}
			},
			"rateLimit": {"cost": 2, "limit": 5000, "remaining": 4998, "used": 2, "nodeCount": 2200}
		}`, h.sha, head, created))
		r := h.query("bot", scan, "owner", "acme", "name", "widget")
		if diff := cmp.Diff(want, h.data(r)); diff != "" {
			t.Errorf("scan (-want +got):\n%s", diff)
		}
		if got := r.header.Get("X-Ratelimit-Resource") + " " + r.header.Get("X-Ratelimit-Remaining"); got != "graphql 4998" {
			t.Errorf("rate headers say %s", got)
		}
	})
}

// TestGraphQLPaging goes through pages while the list changes under it: nobody
// is shown twice and nobody who stays is left out.
func TestGraphQLPaging(t *testing.T) {
	const page = `query($after: String) { repository(owner: "acme", name: "widget") {
		issues(first: 2, after: $after, states: OPEN, orderBy: {field: CREATED_AT, direction: DESC}) {
			totalCount edges { cursor node { number } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }`
	h := newHub(t, Options{})
	for n := range 7 {
		h.newIssue("owner", fmt.Sprint(n))
	}
	var seen []any
	var after any
	for n := range 9 {
		const at = "data.repository.issues."
		r := h.query("bot", page, "after", after)
		for i := 0; r.get(fmt.Sprintf(at+"edges.%d.node.number", i)) != nil; i++ {
			seen = append(seen, r.get(fmt.Sprintf(at+"edges.%d.node.number", i)))
		}
		if got := r.get(at + "pageInfo.hasPreviousPage"); got != (n > 0) {
			t.Errorf("page %d has a page before: %v", n, got)
		}
		if r.get(at+"pageInfo.hasNextPage") != true {
			break
		}
		after = r.get(at + "pageInfo.endCursor")
		if n == 0 { // the last of this page goes, the next page must not begin anew
			h.want(200, "owner", patch, widget+"/issues/6", dict{"state": "closed"})
			h.newIssue("owner", "newer than all")
		}
	}
	if diff := cmp.Diff([]any{7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0}, seen); diff != "" {
		t.Errorf("seen (-want +got):\n%s", diff)
	}
}

// TestGraphQLCost holds the points against the examples of GitHub's documentation
// and our own counting.
func TestGraphQLCost(t *testing.T) {
	for _, c := range []struct {
		name, query   string
		points, nodes int
	}{
		{"no connection", `{viewer{login}}`, 1, 0},
		{"one connection", `{repository(owner:"a",name:"b"){issues(first:100){nodes{title}}}}`, 1, 100},
		{"only a length", `{repository(owner:"a",name:"b"){issues{totalCount}}}`, 1, 0},
		{"scan", scan, 2, 2200},
		{"nested", `{repository(owner:"a",name:"b"){issues(first:50){nodes{labels(first:60){nodes{name}}comments(last:10){totalCount}}}}}`, 1, 3550},
		{"deep", `{repository(owner:"a",name:"b"){pullRequests(first:100){nodes{closingIssuesReferences(first:50){nodes{labels(first:60){nodes{name}}}}}}}}`, 51, 305100},
		{"by fragments", `{repository(owner:"a",name:"b"){...f}} fragment f on Repository{issues(first:10){nodes{...g}}} fragment g on Issue{labels(first:5){nodes{name}}}`, 1, 60},
	} {
		t.Run(c.name, func(t *testing.T) {
			op, faults := graphqlAnalyse(gqlQuery{Query: c.query, Variables: dict{"owner": "a", "name": "b"}})
			if faults != nil || op.cost.points != c.points || op.cost.nodes != c.nodes {
				t.Errorf("%d points, %d nodes (%v), want %d and %d", op.cost.points, op.cost.nodes, faults, c.points, c.nodes)
			}
		})
	}
}

// TestGraphQLErrors holds the shape of GitHub's refusals.
func TestGraphQLErrors(t *testing.T) {
	h := newHub(t, Options{})
	for _, c := range []struct{ name, query, want string }{
		{
			"unknown repository", `{repository(owner:"no",name:"body"){id}}`,
			`{"data":{"repository":null},"errors":[{"type":"NOT_FOUND","path":["repository"],"locations":[{"line":1,"column":2}],"message":"Could not resolve to a Repository with the name 'no/body'."}]}`,
		},
		{
			"secret repository", `{repository(owner:"acme",name:"secret"){id}}`,
			`{"data":{"repository":null},"errors":[{"type":"NOT_FOUND","path":["repository"],"locations":[{"line":1,"column":2}],"message":"Could not resolve to a Repository with the name 'acme/secret'."}]}`,
		},
		{
			"unknown pull request", `{repository(owner:"acme",name:"widget"){name pullRequest(number:9){id}}}`,
			`{"data":{"repository":{"name":"widget","pullRequest":null}},"errors":[{"type":"NOT_FOUND","path":["repository","pullRequest"],"locations":[{"line":1,"column":46}],"message":"Could not resolve to a PullRequest with the number of 9."}]}`,
		},
		{
			"unknown field", `{viewer{nonsense}}`,
			`{"errors":[{"path":["query","nonsense"],"extensions":{"code":"undefinedField","typeName":"User","fieldName":"nonsense"},"locations":[{"line":1,"column":9}],"message":"Field 'nonsense' doesn't exist on type 'User'"}]}`,
		},
		{
			"no bound", `{repository(owner:"acme",name:"widget"){issues{nodes{id}}}}`,
			"{\"errors\":[{\"type\":\"MISSING_PAGINATION_BOUNDARIES\",\"path\":[\"query\",\"repository\",\"issues\"],\"locations\":[{\"line\":1,\"column\":41}],\"message\":\"You must provide a `first` or `last` value to properly paginate the `issues` connection.\"}]}",
		},
		{
			"too many", `{repository(owner:"acme",name:"widget"){issues(first:101){nodes{id}}}}`,
			"{\"errors\":[{\"type\":\"EXCESSIVE_PAGINATION\",\"path\":[\"query\",\"repository\",\"issues\"],\"locations\":[{\"line\":1,\"column\":41}],\"message\":\"Requesting 101 records on the `issues` connection exceeds the `first` limit of 100 records.\"}]}",
		},
		{
			"too much at once", `{repository(owner:"acme",name:"widget"){pullRequests(first:100){nodes{closingIssuesReferences(first:100){nodes{comments(first:100){nodes{id}}}}}}}}`,
			`{"errors":[{"type":"MAX_NODE_LIMIT_EXCEEDED","message":"This query requests up to 1,010,100 possible nodes which exceeds the maximum limit of 500,000."}]}`,
		},
		{
			"bad cursor", `{repository(owner:"acme",name:"widget"){issues(first:1,after:"x"){nodes{id}}}}`,
			"{\"data\":{\"repository\":null},\"errors\":[{\"type\":\"INVALID_CURSOR_ARGUMENTS\",\"path\":[\"repository\",\"issues\"],\"locations\":[{\"line\":1,\"column\":41}],\"message\":\"`x` does not appear to be a valid cursor.\"}]}",
		},
		{"no query", ``, `{"errors":[{"message":"A query attribute must be specified and must be a string."}]}`},
		{
			"unknown node", `{node(id:"MDU6"){id}}`,
			`{"data":{"node":null},"errors":[{"type":"NOT_FOUND","path":["node"],"locations":[{"line":1,"column":2}],"message":"Could not resolve to a node with the global id of 'MDU6'."}]}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			h.t = t
			if diff := cmp.Diff(decode(t, c.want), decode(t, string(h.query("stranger", c.query).body))); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
	h.t = t
	if r := h.want(401, "", post, "/graphql", dict{"query": "{viewer{login}}"}); r.str("message") != "This endpoint requires you to be authenticated." {
		t.Errorf("anonymous: %s", r)
	}
	h.want(400, "bot", post, "/graphql", `{"query":`)
	h.want(401, "nobody", post, "/graphql", dict{"query": "{viewer{login}}"})
}

// TestGraphQLBudget uses the points up: then the answer is 200 with an error.
func TestGraphQLBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{Limits: Limits{GraphQL: 5}})
		for range 3 { // 2 points each: the third begins with one left, as GitHub lets it
			h.data(h.query("bot", scan, "owner", "acme", "name", "widget"))
		}
		r := h.query("bot", `{viewer{login}}`)
		if r.str("errors.0.type") != "RATE_LIMITED" || !strings.HasPrefix(r.str("errors.0.message"), "API rate limit exceeded for user ID ") || r.get("data") != nil {
			t.Errorf("over the limit: %s", r)
		}
		h.data(h.query("writer", `{viewer{login}}`)) // others have their own
		h.want(200, "bot", get, widget, nil)         // and REST too
		h.pass(time.Hour)
		h.data(h.query("bot", `{viewer{login}}`))
	})
}

// TestGraphQLLag makes the replicas of statuses alone lag.
func TestGraphQLLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{Faults: Faults{Lag: Lag{Statuses: Duration(5 * time.Second)}}})
		head := h.commit("topic", "new", "1\n")
		h.openPull("bot", "topic", nil)
		h.want(201, "bot", post, widget+"/statuses/"+head, dict{"state": "pending"})
		contexts := func() any {
			return h.query("bot", scan, "owner", "acme", "name", "widget").get("data.repository.pullRequests.nodes.0.commits.nodes.0.commit.status")
		}
		if got := contexts(); got != nil {
			t.Errorf("a lagging replica shows %v", got)
		}
		h.pass(5 * time.Second)
		if got := contexts(); got == nil {
			t.Error("the status is not seen after the lag")
		}
	})
}

// TestGraphQLObjects reads references and what they point to.
func TestGraphQLObjects(t *testing.T) {
	h := newHub(t, Options{})
	h.commit("feature/x", "dir/file", "text\n")
	const ask = `query($e: String) { repository(owner: "acme", name: "widget") { object(expression: $e) { __typename oid abbreviatedOid
		... on Blob { text byteSize isBinary } ... on Commit { messageHeadline parents(first: 1) { nodes { oid } } tree { oid } author { name user { login } } } } } }`
	for expression, want := range map[string]string{
		"feature/x:dir/file": "Blob", "feature/x:dir": "Tree", "feature/x": "Commit", "HEAD": "Commit", "main:": "Tree", h.sha: "Commit",
		h.sha[:10]: "Commit", "refs/heads/main": "Commit", "nothing": "", "main:no/file": "", "feature/x:dir/file/deeper": "",
	} {
		got := h.query("bot", ask, "e", expression)
		if name := got.str("data.repository.object.__typename"); name != want || got.get("errors") != nil {
			t.Errorf("%s is a %q, want %q: %s", expression, name, want, got)
		}
	}
	r := h.query("bot", ask, "e", "feature/x")
	if r.str("data.repository.object.parents.nodes.0.oid") != h.sha || r.str("data.repository.object.author.user.login") != "owner" {
		t.Errorf("commit is %s", r)
	}
	r = h.query("bot", `{repository(owner:"acme",name:"widget"){ refs(refPrefix:"refs/heads/",first:10){nodes{name prefix target{oid}}}
		ref(qualifiedName:"main"){name} gone: ref(qualifiedName:"nope"){name}}}`)
	if r.str("data.repository.refs.nodes.0.name") != "feature/x" || r.str("data.repository.refs.nodes.1.name") != "main" ||
		r.str("data.repository.ref.name") != "main" || r.get("data.repository.gone") != nil || r.get("errors") != nil {
		t.Errorf("refs are %s", r)
	}
}

// TestGraphQLIssues filters issues and finds nodes by their ids.
func TestGraphQLIssues(t *testing.T) {
	h := newHub(t, Options{})
	one, two := h.newIssue("owner", "one"), h.newIssue("bot", "two")
	h.want(200, "owner", post, one+"/labels", []string{"Bug"})
	h.want(201, "stranger", post, two+"/comments", dict{"body": "see #1 <script>"})
	h.want(200, "owner", patch, two, dict{"state": "closed", "state_reason": "not_planned"})
	count := func(args string) any {
		r := h.query("reader", `{repository(owner:"acme",name:"widget"){issues(first:9`+args+`){totalCount nodes{number}}}}`)
		h.data(r)
		return r.get("data.repository.issues.totalCount")
	}
	for args, want := range map[string]float64{
		``: 2, `,states:OPEN`: 1, `,states:[CLOSED]`: 1, `,labels:["bug"]`: 1, `,labels:["other"]`: 0, `,filterBy:{createdBy:"BOT"}`: 1,
		`,filterBy:{assignee:"*"}`: 0, `,filterBy:{since:"2001-01-01T00:00:00Z"}`: 2, `,orderBy:{field:COMMENTS,direction:DESC}`: 2,
		`,orderBy:{field:UPDATED_AT,direction:ASC}`: 2,
	} {
		if got := count(args); got != want {
			t.Errorf("issues(%s): %v, want %v", args, got, want)
		}
	}
	r := h.query("reader", `{repository(owner:"acme",name:"widget"){id issue(number:2){id state stateReason closedAt url
		comments(first:5){nodes{author{login} authorAssociation body bodyHTML}}}}}`)
	if r.str("data.repository.issue.stateReason") != "NOT_PLANNED" || r.str("data.repository.issue.comments.nodes.0.authorAssociation") != "NONE" {
		t.Errorf("issue is %s", r)
	}
	if html := r.str("data.repository.issue.comments.nodes.0.bodyHTML"); !strings.Contains(html, `<a href="/acme/widget/issues/1"`) || strings.Contains(html, "<script") {
		t.Errorf("comment is rendered as %s", html)
	}
	for kind, id := range map[string]string{"Repository": r.str("data.repository.id"), "Issue": r.str("data.repository.issue.id")} {
		if got := h.query("reader", `query($id:ID!){node(id:$id){__typename id}}`, "id", id); got.str("data.node.__typename") != kind || got.str("data.node.id") != id {
			t.Errorf("node %s is %s", id, got)
		}
	}
}

// TestGraphQLLostAck applies a mutation and then breaks the connection.
func TestGraphQLLostAck(t *testing.T) {
	h := newHub(t, Options{})
	id := h.query("bot", `{repository(owner:"acme",name:"widget"){id}}`).str("data.repository.id")
	h.must(h.s.SetFaults(Faults{LostAcks: 1}))
	h.data(h.query("bot", `{viewer{login}}`)) // a query is no write
	_, err := h.try("bot", http.MethodPost, "/graphql", dict{"query": updateRefs, "variables": dict{"input": dict{
		"repositoryId": id, "refUpdates": []dict{{"name": "refs/locks/a", "beforeOid": zeroOID, "afterOid": h.sha}},
	}}})
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the mutation is answered: %v", err)
	}
	if got := h.s.Truth().Ref("acme/widget", "refs/locks/a"); got != h.sha {
		t.Errorf("the mutation was not applied: %q", got)
	}
}
