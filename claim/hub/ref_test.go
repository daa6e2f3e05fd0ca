package hub

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const sha2 = "2222222222222222222222222222222222222222"

func TestCreateRef(t *testing.T) {
	for _, row := range []struct {
		name   string
		status int
		body   string
		want   string
		is     error
	}{
		{"made", 201, `{"ref":"refs/claims/a","object":{"sha":"` + sha1 + `"}}`, "", nil},
		{"somebody was first", 422, `{"message":"Reference already exists"}`, "refused", ErrRefExists},
		{"rest-api-description#4887 no reason", 422, `{"message":"Reference update failed"}`, "refused", nil},
		{"of another commit", 201, `{"ref":"refs/claims/a","object":{"sha":"` + sha2 + `"}}`, "ambiguous", nil},
		{"no answer that matters", 502, ``, "ambiguous", nil},
	} {
		c := testClient(t, roundTrip(func(*http.Request) (*http.Response, error) { return reply(row.status, row.body), nil }))
		err := c.CreateRef(t.Context(), acme, "refs/claims/a", sha1)
		if kindOf(err) != row.want || (row.is != nil) != errors.Is(err, ErrRefExists) {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}

func TestUpdateRefs(t *testing.T) {
	for _, row := range []struct{ name, body, want string }{
		{"moved", `{"data":{"updateRefs":{"clientMutationId":null}}}`, ""},
		{"ghcommit#153 stale data", `{"data":{"updateRefs":null},"errors":[{"type":"STALE_DATA","message":"Expected branch to point to \"x\" but it did not."}]}`, "conflict"},
		{"the same words without the kind", `{"errors":[{"type":"UNPROCESSABLE","message":"Expected branch to point to \"x\" but it did not."}]}`, "conflict"},
		{"rest-api-description#4887 no reason is no conflict", `{"errors":[{"type":"UNPROCESSABLE","message":"Reference update failed"}]}`, "refused"},
		{"a right is missing", `{"errors":[{"type":"FORBIDDEN","message":"Resource not accessible by integration"}]}`, "refused"},
		{"a timeout in other words", `{"errors":[{"message":"Something went wrong while executing your query."}]}`, "ambiguous"},
		{"no data", `{"data":{"updateRefs":null}}`, "ambiguous"},
		{"no JSON", `<html>`, "ambiguous"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var j journal
			var sent []object
			c := testClient(t, roundTrip(func(req *http.Request) (*http.Response, error) {
				in := bodyOf(t, req)
				if strings.HasPrefix(in["query"].(string), "query") {
					return reply(200, `{"data":{"repository":{"id":"R_1"}}}`), nil
				}
				sent = append(sent, in["variables"].(object))
				return reply(200, row.body), nil
			}), func(o *Options) { o.Journal = j.add })
			err := c.UpdateRefs(t.Context(), acme, []RefUpdate{{Name: "refs/claims/a", Before: NoObject, After: sha1, Force: true}})
			if kindOf(err) != row.want || errors.Is(err, ErrConflict) != (row.want == "conflict") {
				t.Errorf("%s: %v", kindOf(err), err)
			}
			want := []object{{"input": object{"repositoryId": "R_1", "refUpdates": []any{
				object{"name": "refs/claims/a", "beforeOid": NoObject, "afterOid": sha1, "force": true},
			}}}}
			if diff := cmp.Diff(want, sent); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
			if len(j.all()) != 1 || j.all()[0].Path != "graphql" { // the question for the id is no write
				t.Errorf("journal %+v", j.all())
			}
		})
	}
}

func TestRefArguments(t *testing.T) {
	c := testClient(t, roundTrip(func(*http.Request) (*http.Response, error) {
		t.Error("sent")
		return reply(200, "{}"), nil
	}))
	ctx := t.Context()
	_, e1 := c.Ref(ctx, acme, "refs/heads/../x")
	_, e2 := c.Ref(ctx, Repo{"a/b", "c"}, "refs/heads/x")
	_, e3 := c.CreateCommit(ctx, acme, NewCommit{Message: "m", Parents: []string{"HEAD"}})
	for i, err := range []error{
		e1, e2, e3,
		c.CreateRef(ctx, acme, "main", sha1), c.CreateRef(ctx, acme, "refs/heads/x", "HEAD"),
		c.UpdateRefs(ctx, acme, []RefUpdate{{Name: "refs/heads/x", Before: "", After: sha1}}),
		c.UpdateRefs(ctx, acme, []RefUpdate{{Name: "x", Before: sha1, After: sha1}}),
		c.RemoveLabel(ctx, acme, 1, ".."), c.RemoveLabel(ctx, acme, 0, "x"),
	} {
		if err == nil {
			t.Errorf("case %d is taken", i)
		}
	}
}

func TestCreateCommit(t *testing.T) {
	var sent object
	c := testClient(t, roundTrip(func(req *http.Request) (*http.Response, error) {
		sent = bodyOf(t, req)
		return reply(201, `{"sha":"`+sha1+`","message":"claim k7m2q9xa"}`), nil
	}))
	sha, err := c.CreateCommit(t.Context(), acme, NewCommit{Message: "claim k7m2q9xa"})
	if err != nil || sha != sha1 {
		t.Errorf("%s, %v", sha, err)
	}
	if diff := cmp.Diff(object{"message": "claim k7m2q9xa", "tree": EmptyTree}, sent); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	if _, err := c.CreateCommit(t.Context(), acme, NewCommit{Message: "another"}); kindOf(err) != "ambiguous" {
		t.Errorf("got %v", err)
	}
}
