package hub

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What each method sends and makes of the answer. The emulator's test drives them all too; this one holds the bytes still.
func TestRequests(t *testing.T) {
	title, state := "New", "closed"
	for _, row := range []struct {
		name   string
		do     func(*Client, *testing.T) (any, error)
		sent   string
		answer string
		want   any
	}{
		{
			"edit issue sends only what changes",
			func(c *Client, t *testing.T) (any, error) {
				i, err := c.EditIssue(t.Context(), acme, 12, IssueEdit{Title: &title, State: &state})
				return i.Title, err
			},
			`PATCH /repos/acme/widget/issues/12 {"title":"New","state":"closed"}`, `{"number":12,"title":"New"}`, "New",
		},
		{
			"labels can be emptied",
			func(c *Client, t *testing.T) (any, error) {
				i, err := c.EditIssue(t.Context(), acme, 12, IssueEdit{Labels: &[]string{}})
				return i.Number, err
			},
			`PATCH /repos/acme/widget/issues/12 {"labels":[]}`, `{"number":12}`, 12,
		},
		{
			"create issue",
			func(c *Client, t *testing.T) (any, error) {
				i, err := c.CreateIssue(t.Context(), acme, NewIssue{Title: "T", Body: " * [ ] po-refresh", Labels: []string{"bot"}})
				return i, err
			},
			`POST /repos/acme/widget/issues {"title":"T","body":" * [ ] po-refresh","labels":["bot"]}`,
			`{"number":3,"title":"T","state":"open","labels":[{"name":"bot"}],"user":{"login":"u"},"author_association":"NONE","created_at":"2026-08-01T12:00:00Z","pull_request":{"url":"x"}}`,
			Issue{Number: 3, Title: "T", State: "open", Labels: []string{"bot"}, Author: "u", Association: "NONE", Pull: true, CreatedAt: noon},
		},
		{
			"comment",
			func(c *Client, t *testing.T) (any, error) { return c.Comment(t.Context(), acme, 12, "a <b> & c") },
			`POST /repos/acme/widget/issues/12/comments {"body":"a <b> & c"}`, `{"id":5,"body":"a <b> & c","user":{"login":"u"}}`,
			Comment{ID: 5, Body: "a <b> & c", Author: "u"},
		},
		{
			"edit comment",
			func(c *Client, t *testing.T) (any, error) {
				m, err := c.EditComment(t.Context(), acme, 5, "x")
				return m.ID, err
			},
			`PATCH /repos/acme/widget/issues/comments/5 {"body":"x"}`, `{"id":5}`, int64(5),
		},
		{
			"remove a label of any characters",
			func(c *Client, t *testing.T) (any, error) {
				return nil, c.RemoveLabel(t.Context(), acme, 12, "a/b ?#%ü")
			},
			`DELETE /repos/acme/widget/issues/12/labels/a%2Fb%20%3F%23%25%C3%BC `, `[]`, nil,
		},
		{
			"create pull request",
			func(c *Client, t *testing.T) (any, error) {
				p, err := c.CreatePull(t.Context(), acme, NewPull{Title: "T", Body: "B", Head: "u:topic", Base: "main", Maintain: true})
				return p, err
			},
			`POST /repos/acme/widget/pulls {"title":"T","head":"u:topic","base":"main","body":"B","maintainer_can_modify":true,"draft":false}`,
			`{"number":4,"state":"open","merged_at":null,"head":{"sha":"` + sha1 + `","ref":"topic","repo":null},"base":{"ref":"main","sha":"` + sha2 + `"}}`,
			Pull{Number: 4, State: "open", HeadSHA: sha1, HeadRef: "topic", BaseRef: "main", BaseSHA: sha2},
		},
		{
			"convert an issue",
			func(c *Client, t *testing.T) (any, error) {
				p, err := c.ConvertIssue(t.Context(), acme, 12, NewPull{Head: "topic", Base: "main"})
				return p.Number, err
			},
			`POST /repos/acme/widget/pulls {"head":"topic","base":"main","issue":12,"maintainer_can_modify":false,"draft":false}`,
			`{"number":12,"base":{"ref":"main"}}`, 12,
		},
		{
			"repository",
			func(c *Client, t *testing.T) (any, error) { return c.Repository(t.Context(), acme) },
			`GET /repos/acme/widget `, `{"id":1,"node_id":"R_1","full_name":"acme/gadget","default_branch":"main","permissions":{"pull":true,"push":true,"admin":false}}`,
			Repository{ID: 1, NodeID: "R_1", Name: Repo{"acme", "gadget"}, DefaultBranch: "main", Permission: "write"},
		},
		{
			"user",
			func(c *Client, t *testing.T) (any, error) { return c.User(t.Context()) },
			`GET /user `, `{"login":"cyborg","id":9}`, User{Login: "cyborg", ID: 9},
		},
		{
			"permission of a bot",
			func(c *Client, t *testing.T) (any, error) {
				return c.Permission(t.Context(), acme, "dependabot[bot]")
			},
			`GET /repos/acme/widget/collaborators/dependabot[bot]/permission `, `{"permission":"read"}`, "read",
		},
		{
			"a permission nobody knows is none",
			func(c *Client, t *testing.T) (any, error) { return c.Permission(t.Context(), acme, "u") },
			`GET /repos/acme/widget/collaborators/u/permission `, `{"permission":"superuser"}`, "none",
		},
		{
			"ref",
			func(c *Client, t *testing.T) (any, error) {
				return c.Ref(t.Context(), acme, "refs/claims/a b"[:13]+"c")
			},
			`GET /repos/acme/widget/git/ref/claims/ac `, `{"ref":"refs/claims/ac","object":{"sha":"` + sha1 + `"}}`, sha1,
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			var sent []string
			c := testClient(t, roundTrip(func(req *http.Request) (*http.Response, error) {
				body := ""
				if req.Body != nil {
					b, err := readBody(req)
					if err != nil {
						t.Error(err)
					}
					body = strings.TrimSpace(b)
				}
				sent = append(sent, fmt.Sprintf("%s %s %s", req.Method, req.URL.EscapedPath(), body))
				return reply(200, row.answer), nil
			}))
			got, err := row.do(c, t)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{row.sent}, sent); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Each method carries GitHub's refusal out, and says what was tried.
func TestEveryMethodFailsInWords(t *testing.T) {
	for _, body := range []string{`{"message":"Not Found"}`, `null`, ``} {
		for name, do := range everyMethod() {
			c := testClient(t, roundTrip(func(*http.Request) (*http.Response, error) { return reply(404, body), nil }))
			err := do(c, t)
			if name == "Permission" {
				continue // whoever is unknown may nothing
			}
			if !errors.Is(err, ErrGone) || !strings.Contains(err.Error(), ": github refused (404 ") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	for _, body := range []string{`null`, `{}`, `[]`, `[null]`, `{"data":null}`, `{"data":{}}`, `{"number":null,"labels":[null],"user":null}`, `"x"`, `[[]]`, "\xff"} {
		for name, do := range everyMethod() {
			c := testClient(t, roundTrip(func(req *http.Request) (*http.Response, error) { return reply(200, body), nil }))
			if err := do(c, t); err == nil && !answersToNothing[name] {
				t.Errorf("%s takes %s for an answer", name, body)
			}
		}
	}
}

// answersToNothing are those for which an empty or foreign answer means that there is nothing.
var answersToNothing = map[string]bool{
	"Statuses": true, "Issues": true, "IssueEvents": true, "Comments": true, "Labels": true, "Pulls": true, "Permission": true,
	"RemoveLabel": true,
}

func everyMethod() map[string]func(*Client, *testing.T) error {
	title := "t"
	return map[string]func(*Client, *testing.T) error{
		"Statuses": func(c *Client, t *testing.T) error { _, _, err := c.Statuses(t.Context(), acme, sha1, 0); return err },
		"PostStatus": func(c *Client, t *testing.T) error {
			_, err := c.PostStatus(t.Context(), acme, sha1, Status{State: "pending", Context: "verify"})
			return err
		},
		"Scan":  func(c *Client, t *testing.T) error { _, err := c.Scan(t.Context(), acme); return err },
		"Pull":  func(c *Client, t *testing.T) error { _, err := c.Pull(t.Context(), acme, 1); return err },
		"Pulls": func(c *Client, t *testing.T) error { _, err := c.Pulls(t.Context(), acme, PullFilter{}); return err },
		"CreatePull": func(c *Client, t *testing.T) error {
			_, err := c.CreatePull(t.Context(), acme, NewPull{Title: "t"})
			return err
		},
		"ConvertIssue": func(c *Client, t *testing.T) error {
			_, err := c.ConvertIssue(t.Context(), acme, 1, NewPull{})
			return err
		},
		"Repository": func(c *Client, t *testing.T) error { _, err := c.Repository(t.Context(), acme); return err },
		"User":       func(c *Client, t *testing.T) error { _, err := c.User(t.Context()); return err },
		"Permission": func(c *Client, t *testing.T) error { _, err := c.Permission(t.Context(), acme, "u"); return err },
		"Issues":     func(c *Client, t *testing.T) error { _, err := c.Issues(t.Context(), acme, IssueFilter{}); return err },
		"Issue":      func(c *Client, t *testing.T) error { _, err := c.Issue(t.Context(), acme, 1); return err },
		"CreateIssue": func(c *Client, t *testing.T) error {
			_, err := c.CreateIssue(t.Context(), acme, NewIssue{Title: "t"})
			return err
		},
		"EditIssue": func(c *Client, t *testing.T) error {
			_, err := c.EditIssue(t.Context(), acme, 1, IssueEdit{Title: &title})
			return err
		},
		"IssueEvents": func(c *Client, t *testing.T) error { _, _, err := c.IssueEvents(t.Context(), acme, 1, 0); return err },
		"Comments":    func(c *Client, t *testing.T) error { _, err := c.Comments(t.Context(), acme, 1, noon); return err },
		"Comment":     func(c *Client, t *testing.T) error { _, err := c.Comment(t.Context(), acme, 1, "b"); return err },
		"EditComment": func(c *Client, t *testing.T) error { _, err := c.EditComment(t.Context(), acme, 1, "b"); return err },
		"AddLabels":   func(c *Client, t *testing.T) error { _, err := c.AddLabels(t.Context(), acme, 1, "l"); return err },
		"RemoveLabel": func(c *Client, t *testing.T) error { return c.RemoveLabel(t.Context(), acme, 1, "l") },
		"Labels":      func(c *Client, t *testing.T) error { _, err := c.Labels(t.Context(), acme, 1); return err },
		"Ref":         func(c *Client, t *testing.T) error { _, err := c.Ref(t.Context(), acme, "refs/heads/x"); return err },
		"CreateRef":   func(c *Client, t *testing.T) error { return c.CreateRef(t.Context(), acme, "refs/heads/x", sha1) },
		"CreateCommit": func(c *Client, t *testing.T) error {
			_, err := c.CreateCommit(t.Context(), acme, NewCommit{Message: "m"})
			return err
		},
		"UpdateRefs": func(c *Client, t *testing.T) error {
			return c.UpdateRefs(t.Context(), acme, []RefUpdate{{Name: "refs/heads/x", Before: sha1, After: sha2}})
		},
	}
}

// A success about something else is no success.
func TestAnswersAboutSomethingElse(t *testing.T) {
	c := testClient(t, roundTrip(func(req *http.Request) (*http.Response, error) {
		if strings.HasSuffix(req.URL.Path, "/labels") {
			return reply(200, `[{"name":"other"}]`), nil
		}
		return reply(200, `{"number":99,"id":99,"base":{"ref":"other"}}`), nil
	}))
	ctx := t.Context()
	_, e1 := c.EditIssue(ctx, acme, 12, IssueEdit{})
	_, e2 := c.AddLabels(ctx, acme, 12, "bot")
	_, e3 := c.EditComment(ctx, acme, 5, "x")
	_, e4 := c.CreatePull(ctx, acme, NewPull{Title: "t", Head: "h", Base: "main"})
	_, e5 := c.ConvertIssue(ctx, acme, 12, NewPull{Head: "h", Base: "other"})
	for i, err := range []error{e1, e2, e3, e4, e5} {
		if kindOf(err) != "ambiguous" || !strings.Contains(err.Error(), "not about what was asked") {
			t.Errorf("case %d: %v", i+1, err)
		}
	}
	if _, err := c.Pull(ctx, acme, 12); err == nil || !strings.Contains(err.Error(), "number 99") {
		t.Errorf("got %v", err)
	}
}

func TestUnknownUserMayNothing(t *testing.T) {
	sent := 0
	c := testClient(t, roundTrip(func(*http.Request) (*http.Response, error) {
		sent++
		return reply(404, `{"message":"ghost is not a user"}`), nil
	}))
	for i, login := range []string{"ghost", "", "../../../user", "a b", "a?x=1"} {
		if p, err := c.Permission(t.Context(), acme, login); p != "none" || err != nil {
			t.Errorf("%q: %s, %v", login, p, err)
		}
		if sent != 1 {
			t.Errorf("case %d: %d requests", i, sent)
		}
	}
	denied := testClient(t, roundTrip(func(*http.Request) (*http.Response, error) {
		return reply(403, `{"message":"Must have push access"}`), nil
	}))
	if p, err := denied.Permission(t.Context(), acme, "u"); p != "none" || !errors.Is(err, ErrForbidden) {
		t.Errorf("%s, %v", p, err)
	}
}

// Lists go on until they end: by their Link, or by full pages where a kept answer has an old one.
func TestLists(t *testing.T) {
	var asked []string
	c := testClient(t, roundTrip(func(req *http.Request) (*http.Response, error) {
		q := req.URL.Query()
		asked = append(asked, q.Get("page")+"/"+q.Get("per_page")+" "+q.Get("since"))
		if q.Get("page") == "1" {
			return reply(200, "["+strings.Repeat(`{"id":1,"number":1},`, 99)+`{"id":1,"number":1}]`), nil
		}
		return reply(200, `[{"id":2,"number":2}]`), nil
	}))
	comments, err := c.Comments(t.Context(), acme, 12, noon)
	if err != nil || len(comments) != 101 {
		t.Errorf("%d, %v", len(comments), err)
	}
	issues, err := c.Issues(t.Context(), acme, IssueFilter{State: "all", Labels: []string{"bot"}})
	if err != nil || len(issues) != 2 { // the same one again is one that moved to the next page
		t.Errorf("%d, %v", len(issues), err)
	}
	if issues, err = c.Issues(t.Context(), acme, IssueFilter{Max: 7}); err != nil || len(issues) != 1 {
		t.Errorf("%d, %v", len(issues), err)
	}
	want := []string{"1/100 2026-08-01T12:00:00Z", "2/100 2026-08-01T12:00:00Z", "1/100 ", "2/100 ", "1/7 "}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	endless := testClient(t, roundTrip(func(*http.Request) (*http.Response, error) {
		return reply(200, "["+strings.Repeat(`{"name":"x"},`, 99)+`{"name":"x"}]`), nil
	}))
	if _, err := endless.Labels(t.Context(), acme, 1); err == nil || !strings.Contains(err.Error(), "more than 200 pages") {
		t.Errorf("got %v", err)
	}
}

func TestLongTextsAreNotSent(t *testing.T) {
	c := testClient(t, roundTrip(func(*http.Request) (*http.Response, error) {
		t.Error("sent")
		return reply(200, "{}"), nil
	}))
	ctx := t.Context()
	long, body := strings.Repeat("ü", 257), strings.Repeat("ü", 65_537)
	_, e1 := c.CreateIssue(ctx, acme, NewIssue{Title: long})
	_, e2 := c.CreateIssue(ctx, acme, NewIssue{})
	_, e3 := c.EditIssue(ctx, acme, 1, IssueEdit{Title: &long})
	_, e4 := c.EditIssue(ctx, acme, 1, IssueEdit{Body: &body})
	_, e5 := c.Comment(ctx, acme, 1, body)
	_, e6 := c.Comment(ctx, acme, 1, "")
	_, e7 := c.EditComment(ctx, acme, 1, body)
	_, e8 := c.CreatePull(ctx, acme, NewPull{Title: long})
	for i, err := range []error{e1, e2, e3, e4, e5, e6, e7, e8} {
		if err == nil || !strings.Contains(err.Error(), "github takes") {
			t.Errorf("case %d: %v", i+1, err)
		}
	}
}

func TestNowAndSkew(t *testing.T) {
	c := testClient(t, roundTrip(func(*http.Request) (*http.Response, error) {
		return reply(200, "[]", "Date: "+time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)), nil
	}))
	if _, ok := c.Skew(); ok {
		t.Error("there is a skew before the first answer")
	}
	if _, err := c.Labels(t.Context(), acme, 1); err != nil {
		t.Fatal(err)
	}
	ahead := time.Until(c.Now())
	if skew, ok := c.Skew(); !ok || skew > -59*time.Minute || ahead < 59*time.Minute {
		t.Errorf("skew %v, now is %v ahead", skew, ahead)
	}
}
