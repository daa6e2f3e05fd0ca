package hub

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

type object = map[string]any

// onePull is an entry of a scan's answer.
func onePull(n int, change ...func(object)) object {
	sha := fmt.Sprintf("%040x", n)
	p := object{
		"number": n, "title": fmt.Sprintf("Change %d", n), "isDraft": false, "url": "https://h/1",
		"createdAt": "2026-08-01T10:00:00Z", "updatedAt": "2026-08-01T11:00:00Z", "author": object{"login": "ann"},
		"authorAssociation": "MEMBER", "headRefName": "topic", "headRefOid": sha,
		"headRepository": object{"nameWithOwner": "ann/widget"}, "baseRefName": "main", "baseRefOid": sha1,
		"labels": object{"totalCount": 1, "nodes": []object{{"name": "priority"}}},
		"commits": object{"nodes": []object{{"commit": object{"oid": sha, "status": object{"contexts": []object{{
			"context": "verify", "state": "PENDING", "description": "Not yet tested", "targetUrl": nil,
			"createdAt": "2026-08-01T11:00:00Z", "creator": object{"login": "cyborg"},
		}}}}}}},
	}
	for _, f := range change {
		f(p)
	}
	return p
}

func scanReply(t *testing.T, next string, pulls ...object) *http.Response {
	return jsonReply(t, 200, object{"data": object{"repository": object{
		"defaultBranchRef": object{"name": "main", "target": object{"oid": sha1}},
		"pullRequests":     object{"pageInfo": object{"hasNextPage": next != "", "endCursor": next}, "nodes": pulls},
	}}})
}

func TestScan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		c := testClient(t, roundTrip(func(req *http.Request) (*http.Response, error) {
			in := bodyOf(t, req)
			vars := in["variables"].(object)
			asked = append(asked, fmt.Sprint(req.Method, req.URL.Path, vars["owner"], vars["name"], vars["size"], vars["after"]))
			if vars["after"] == nil {
				return scanReply(t, "c1", onePull(1)), nil
			}
			return scanReply(t, "", onePull(2, func(p object) {
				p["author"], p["headRepository"], p["labels"], p["isDraft"] = nil, nil, nil, true
				p["commits"].(object)["nodes"].([]object)[0]["commit"].(object)["status"] = nil
			})), nil
		}))
		got, err := c.Scan(t.Context(), acme)
		if err != nil {
			t.Fatal(err)
		}
		at := time.Date(2026, 8, 1, 11, 0, 0, 0, time.UTC)
		one := Pull{
			Number: 1, Title: "Change 1", State: "open", Labels: []string{"priority"}, Author: "ann", Association: "MEMBER",
			HeadSHA: fmt.Sprintf("%040x", 1), HeadRef: "topic", HeadRepo: "ann/widget", BaseRef: "main", BaseSHA: sha1, URL: "https://h/1",
			CreatedAt: at.Add(-time.Hour), UpdatedAt: at,
			Contexts: []Status{{State: "pending", Context: "verify", Description: "Not yet tested", Creator: "cyborg", CreatedAt: at}},
		}
		two := one
		two.Number, two.Title, two.HeadSHA, two.Author, two.HeadRepo, two.Labels, two.Contexts, two.Draft =
			2, "Change 2", fmt.Sprintf("%040x", 2), "", "", nil, nil, true
		want := Snapshot{DefaultBranch: "main", DefaultSHA: sha1, Pulls: []Pull{one, two}, Now: time.Now().UTC()}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"POST/graphqlacmewidget100 <nil>", "POST/graphqlacmewidget100c1"}, asked); diff != "" {
			t.Errorf("asked (-want +got):\n%s", diff)
		}
	})
}

// What does not fit into the answer is read elsewhere; what is about another commit is not believed.
func TestScanCompletes(t *testing.T) {
	var rest []string
	c := testClient(t, roundTrip(func(req *http.Request) (*http.Response, error) {
		switch path := req.URL.Path; {
		case path == "/graphql":
			many := make([]object, 100)
			for i := range many {
				many[i] = object{"context": fmt.Sprint("c", i), "state": "SUCCESS", "createdAt": "2026-08-01T11:00:00Z"}
			}
			commit := func(p object) object { return p["commits"].(object)["nodes"].([]object)[0]["commit"].(object) }
			return scanReply(
				t, "",
				onePull(1, func(p object) { p["labels"].(object)["totalCount"] = 21 }),
				onePull(2, func(p object) { commit(p)["status"] = object{"contexts": many} }),
				onePull(3, func(p object) { commit(p)["oid"] = sha1 }),
				onePull(4, func(p object) { commit(p)["oid"] = sha1 }),
			), nil
		case strings.HasSuffix(path, "/labels"):
			rest = append(rest, path)
			return reply(200, `[{"name":"a"},{"name":"b"}]`), nil
		case strings.Contains(path, fmt.Sprintf("%040x", 4)):
			return reply(422, `{"message":"No commit found"}`), nil
		default:
			rest = append(rest, path+"?"+req.URL.Query().Get("page"))
			if req.URL.Query().Get("page") == "1" {
				return reply(200, `{"statuses":[{"id":9,"context":"z","state":"success"},{"id":8,"context":"y","state":"failure"}]}`,
					`Link: <https://h/?page=2>; rel="next"`), nil
			}
			return reply(200, `{"statuses":[{"id":7,"context":"x","state":"success"}]}`), nil
		}
	}))
	s, err := c.Scan(t.Context(), acme)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a", "b"}, s.Pulls[0].Labels); diff != "" {
		t.Error(diff)
	}
	for _, p := range s.Pulls[1:3] {
		if len(p.Contexts) != 3 || p.Contexts[0].Context != "x" || p.Contexts[0].ID != 7 || p.Stale {
			t.Errorf("pull %d: %+v", p.Number, p)
		}
	}
	if !s.Pulls[3].Stale || len(s.Pulls[3].Contexts) != 0 {
		t.Errorf("a head that is not there: %+v", s.Pulls[3])
	}
	if len(rest) != 5 {
		t.Errorf("asked %q", rest)
	}
}

// GitHub gives up on a query that takes too long; half of it may be answered.
func TestScanAsksForLess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sizes []any
		c := testClient(t, roundTrip(func(req *http.Request) (*http.Response, error) {
			size := bodyOf(t, req)["variables"].(object)["size"].(float64)
			sizes = append(sizes, size)
			switch {
			case size > 50:
				return reply(200, `{"data":null,"errors":[{"message":"Something went wrong while executing your query. This may be the result of a timeout"}]}`), nil
			case size > 25:
				return reply(502, "Unicorn"), nil
			}
			return scanReply(t, "", onePull(1)), nil
		}))
		s, err := c.Scan(t.Context(), acme)
		if err != nil || len(s.Pulls) != 1 {
			t.Fatalf("%+v, %v", s, err)
		}
		if diff := cmp.Diff([]any{100.0, 50.0, 50.0, 50.0, 50.0, 25.0}, sizes); diff != "" {
			t.Error(diff)
		}
	})
}

func TestScanRefusals(t *testing.T) {
	for _, row := range []struct {
		name, body, want string
		is               error
		says             string
	}{
		{"no such repository", `{"data":{"repository":null},"errors":[{"type":"NOT_FOUND","path":["repository"],"message":"Could not resolve to a Repository with the name 'acme/widget'."}]}`, "refused", ErrGone, "check the name"},
		{"nothing at all", `{"data":{"repository":null}}`, "refused", ErrGone, ""},
		{"a scope", `{"errors":[{"type":"INSUFFICIENT_SCOPES","message":"Your token has not been granted the required scopes"}]}`, "refused", ErrForbidden, "INSUFFICIENT_SCOPES"},
		{"two errors", `{"errors":[{"type":"X","message":"one"},{"type":"Y","message":"two"}]}`, "refused", nil, "two"},
		{"no JSON", `<html>`, "*fmt.wrapError", nil, "read the answer"},
		{"a head that is none", `{"data":{"repository":{"pullRequests":{"nodes":[{"number":1,"headRefOid":"--upload-pack=x"}]}}}}`, "*fmt.wrapError", nil, "with head"},
		{"a list without end", `{"data":{"repository":{"pullRequests":{"pageInfo":{"hasNextPage":true,"endCursor":""}}}}}`, "*fmt.wrapError", nil, "does not end"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := testClient(t, roundTrip(func(*http.Request) (*http.Response, error) { return reply(200, row.body), nil }))
			_, err := c.Scan(t.Context(), acme)
			if kindOf(err) != row.want || row.is != nil && !errors.Is(err, row.is) || !strings.Contains(err.Error(), row.says) {
				t.Errorf("%s: %v", kindOf(err), err)
			}
		})
	}
}

func TestScanMarksWhatGoesBackwards(t *testing.T) {
	updated := "2026-08-01T11:00:00Z"
	c := testClient(t, roundTrip(func(*http.Request) (*http.Response, error) {
		return scanReply(t, "", onePull(1, func(p object) { p["updatedAt"] = updated }), onePull(2)), nil
	}))
	for _, row := range []struct {
		updated string
		stale   bool
	}{{"2026-08-01T11:00:00Z", false}, {"2026-08-01T10:59:59Z", true}, {"2026-08-01T11:00:01Z", false}} {
		updated = row.updated
		s, err := c.Scan(t.Context(), acme)
		if err != nil || s.Pulls[0].Stale != row.stale || s.Pulls[1].Stale {
			t.Errorf("%s: %v, %v", row.updated, s.Pulls[0].Stale, err)
		}
	}
}
