package fakehub

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// bothWays executes a query by our executor and by the library's, on the same
// resolvers and data.
func (h *hub) bothWays(login string, q gqlQuery) (ours, theirs any) {
	h.t.Helper()
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	op, faults := graphqlAnalyse(q)
	if faults != nil {
		h.t.Fatalf("query is refused: %+v", faults)
	}
	rq := &request{
		s: h.s, ctx: h.t.Context(), http: httptest.NewRequest(post, "/graphql", nil), now: time.Now(),
		actor: actor{user: h.s.users[login], token: h.s.tokens[login+"-token"]}, site: address{api: "http://hub.test", html: "http://hub.test"},
	}
	run := func(execute func(context.Context, *gql) (json.RawMessage, []gqlFault)) (v any) {
		g := &gql{rq: rq, cost: op.cost, actors: map[*user]*gqlActor{}}
		body := graphqlBody(execute(context.WithValue(rq.ctx, gqlKey{}, g), g))
		if err := json.Unmarshal(body, &v); err != nil {
			h.t.Fatalf("read answer %s: %v", body, err)
		}
		return v
	}
	ours = run(func(ctx context.Context, g *gql) (json.RawMessage, []gqlFault) {
		e := gqlExec{ctx: ctx, types: graphqlTypes(), vars: op.vars}
		return e.run(g, e.root(op.OperationDefinition)), e.faults
	})
	theirs = run(func(ctx context.Context, _ *gql) (json.RawMessage, []gqlFault) {
		return executeByLibrary(ctx, &gqlPrepared{gqlOperation: op, query: q})
	})
	return ours, theirs
}

// TestExecutorsAgree holds our executor against the library's: lists, edges,
// fragments on types, interfaces and unions, aliases, merged fields, skipped
// ones, variables with defaults, coerced lists, nulls and errors in all places.
func TestExecutorsAgree(t *testing.T) {
	h := newHub(t, Options{Limits: GitHubLimits()})
	for n := range 3 {
		head := h.commit(fmt.Sprintf("topic-%d", n), "new", fmt.Sprint(n, "é\u2028\"<&>\\\x01"))
		h.openPull("bot", fmt.Sprintf("topic-%d", n), dict{"title": "quote \" <b> & é \u2028 \\ end", "body": "closes #4\r\n\ttab"})
		for c := range n {
			h.want(201, "bot", post, widget+"/statuses/"+head, dict{"state": "failure", "context": fmt.Sprint("c/", c)})
		}
	}
	issue := h.newIssue("owner", "an issue")
	h.want(200, "owner", post, issue+"/labels", []string{"bug", "Zebra"})
	h.want(201, "stranger", post, issue+"/comments", dict{"body": "hello"})
	for name, q := range map[string]gqlQuery{
		"scan":           {Query: scan, Variables: dict{"owner": "acme", "name": "widget"}},
		"edges":          {Query: `{repository(owner:"acme",name:"widget"){pullRequests(last:2){edges{cursor node{number}}pageInfo{startCursor hasPreviousPage}}}}`},
		"merged":         {Query: `{repository(owner:"acme",name:"widget"){owner{login} owner{id} a:owner{url} issue(number:4){labels(first:1){nodes{name}} labels(first:1){nodes{color}}}}}`},
		"typename":       {Query: `{__typename viewer{__typename} repository(owner:"acme",name:"widget"){owner{__typename} object(expression:"main"){__typename}}}`},
		"fragments":      {Query: `query Q{repository(owner:"acme",name:"widget"){...r owner{...on User{email} ...on Organization{name} ...on Actor{login}}}} fragment r on Repository{name issueOrPullRequest(number:1){...on Issue{title}...p}} fragment p on PullRequest{number ...on PullRequest{isDraft}}`},
		"skip":           {Query: `query($yes:Boolean!,$no:Boolean=false){viewer{login @skip(if:$yes) id @include(if:$no) url @include(if:$yes)}}`, Variables: dict{"yes": true}},
		"coerced":        {Query: `query($s:[IssueState!]){repository(owner:"acme",name:"widget"){issues(first:5,states:$s,labels:"bug"){totalCount}}}`, Variables: dict{"s": "OPEN"}},
		"defaults":       {Query: `query($n:Int=1,$name:String="widget"){repository(owner:"acme",name:$name){issues(first:$n,orderBy:{field:UPDATED_AT,direction:DESC}){nodes{number}} labels(first:3,orderBy:{field:NAME,direction:DESC}){nodes{name}}}}`},
		"null inside":    {Query: `{repository(owner:"acme",name:"widget"){name parent{name} pullRequest(number:99){title} ref(qualifiedName:"none"){name}}}`},
		"null of a must": {Query: `{repository(owner:"acme",name:"widget"){name issues(first:1,after:"junk"){totalCount}}}`},
		"null all up":    {Query: `{viewer{login} nodes(ids:["junk"]){id}}`},
		"two errors":     {Query: `{a:repository(owner:"x",name:"y"){id} b:repository(owner:"acme",name:"secret"){id} viewer{login}}`},
		"rollup":         {Query: `{repository(owner:"acme",name:"widget"){pullRequest(number:3){statusCheckRollup{state contexts(first:1){totalCount statusContextCount pageInfo{hasNextPage} nodes{__typename ...on StatusContext{context state} ...on CheckRun{name}}}} commits(first:5){totalCount nodes{commit{message committer{date} parents(first:1){nodes{oid}}}}}}}}`},
		"closing":        {Query: `{repository(owner:"acme",name:"widget"){pullRequest(number:1){closingIssuesReferences(first:5){nodes{number title comments(first:2){nodes{body bodyHTML author{login}}}}}}}}`},
		"blob":           {Query: `{repository(owner:"acme",name:"widget"){object(expression:"topic-1:new"){...on Blob{text byteSize} ...on GitObject{oid id repository{name}}}}}`},
		"named":          {Query: `query A{viewer{login}} query B{viewer{id}}`, OperationName: "B"},
		"list of one":    {Query: `{repository(owner:"acme",name:"widget"){refs(refPrefix:"refs/heads",first:2){nodes{name target{...on Commit{oid}}}}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			ours, theirs := h.bothWays("bot", q)
			if diff := cmp.Diff(theirs, ours); diff != "" {
				t.Errorf("the library's answer and ours (-library +ours):\n%s", diff)
			}
		})
	}
}

// TestIntrospection is what clients ask to find out what a server knows.
func TestIntrospection(t *testing.T) {
	h := newHub(t, Options{})
	r := h.query("bot", `{__type(name:"RefUpdate"){kind inputFields{name type{kind}}} viewer{login}}`)
	if r.str("data.__type.kind") != "INPUT_OBJECT" || r.str("data.__type.inputFields.0.type.kind") != "NON_NULL" || r.str("data.viewer.login") != "bot" {
		t.Errorf("introspection: %s", r)
	}
}

// TestExecutorSurvivesPanic lets a resolver panic: the answer is an error and
// the server goes on.
func TestExecutorSurvivesPanic(t *testing.T) {
	h := newHub(t, Options{})
	e := gqlExec{ctx: t.Context(), types: graphqlTypes()}
	op, faults := graphqlAnalyse(gqlQuery{Query: `{viewer{login}}`})
	if faults != nil {
		t.Fatal(faults)
	}
	g := &gql{rq: &request{s: h.s}} // without the context that the resolver needs
	if data := e.run(g, e.root(op.OperationDefinition)); string(data) != "null" || len(e.faults) != 1 {
		t.Errorf("answer is %s with %v", data, e.faults)
	}
}

// FuzzGraphQL feeds anything to the analysis; it must end with an answer.
func FuzzGraphQL(f *testing.F) {
	for _, q := range []string{
		scan, updateRefs, `{viewer{login}}`, `{`, `query($a:[Int!]=[1]){nodes(ids:$a){id}}`, `{a:viewer{...f}} fragment f on User{...f}`,
		`{repository(owner:"a",name:"b"){issues(first:99999999999999999999){nodes{id}}}}`,
	} {
		f.Add(q, `{"owner":"acme","name":"widget","a":1}`)
	}
	f.Fuzz(func(t *testing.T, query, variables string) {
		q := gqlQuery{Query: query}
		if json.Unmarshal([]byte(variables), &q.Variables) != nil {
			return
		}
		op, faults := graphqlAnalyse(q)
		if faults == nil && (op.cost.points < 1 || op.cost.nodes < 0 || op.cost.nodes > gqlMaxNodes) {
			t.Errorf("%q costs %+v", query, op.cost)
		}
	})
}
