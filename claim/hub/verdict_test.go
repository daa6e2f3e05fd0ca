package hub

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
)

// GitHub's moods, each row named after where it was seen: what becomes of a read and of a write.
func TestVerdict(t *testing.T) {
	const ambiguous, unavailable = "ambiguous", "unavailable"
	for _, row := range []struct {
		name        string
		method      string
		status      int
		body        string
		headers     []string
		err         error // instead of an answer
		want        string
		is          error
		says        []string
		saysNothing string
	}{
		{name: "done", method: "POST", status: 201, body: "{}", want: ""},
		{
			name: "a wrong token", method: "GET", status: 401, body: `{"message":"Bad credentials"}`, want: "refused", is: ErrUnauthorized,
			says: []string{"github refused the token (401 Bad credentials): set GITHUB_TOKEN to a valid token"},
		},
		{
			name: "Prow: which scope is missing", method: "POST", status: 403, body: `{"message":"Must have push access"}`,
			headers: []string{"X-OAuth-Scopes: gist", "X-Accepted-OAuth-Scopes: repo, repo:status"}, want: "refused", is: ErrForbidden,
			says: []string{"one of these scopes: repo, repo:status", "it has: gist"},
		},
		{
			name: "a token without any scope gets 404", method: "POST", status: 404, body: `{"message":"Not Found"}`,
			headers: []string{"X-OAuth-Scopes: ", "X-Accepted-OAuth-Scopes: repo"}, want: "refused", is: ErrGone,
			says: []string{"one of these scopes: repo (it has: none)"},
		},
		{
			name: "a scope that would do is not complained about", method: "POST", status: 403, body: `{"message":"No"}`,
			headers: []string{"X-OAuth-Scopes: repo, user", "X-Accepted-OAuth-Scopes: repo"}, want: "refused", is: ErrForbidden,
			says: []string{"more rights"}, saysNothing: "scope",
		},
		{
			name: "a fine-grained token", method: "POST", status: 403, body: `{"message":"Resource not accessible by personal access token"}`,
			headers: []string{"X-Accepted-GitHub-Permissions: statuses=write"}, want: "refused", is: ErrForbidden,
			says: []string{"one of these permissions: statuses=write", "Resource not accessible"},
		},
		{
			name: "single sign-on", method: "GET", status: 403, body: `{"message":"Resource protected by organization SAML enforcement."}`,
			headers: []string{"X-GitHub-SSO: required; url=https://github.com/orgs/a/sso"}, want: "refused", is: ErrForbidden,
			says: []string{"single sign-on", "https://github.com/orgs/a/sso"},
		},
		{name: "issues are switched off", method: "GET", status: 410, body: `{"message":"Issues are disabled"}`, want: "refused", is: ErrGone, says: []string{"switched off"}},
		{
			name: "L4 C#3448 the 1,000 statuses", method: "POST", status: 422, want: "refused", is: ErrStatusLimit,
			body: `{"message":"Validation Failed","errors":[{"resource":"Status","code":"custom","message":"This SHA and context has reached the maximum number of statuses."}]}`,
			says: []string{"maximum number of statuses"},
		},
		{
			name: "a ref that exists", method: "POST", status: 422, body: `{"message":"Reference already exists"}`, want: "refused", is: ErrRefExists,
		},
		{
			name: "zalando/zappr#378 a description too long", method: "POST", status: 422, want: "refused",
			body: `{"message":"Validation Failed","errors":["description is too long (maximum is 140 characters)"]}`,
			says: []string{"description is too long"},
		},
		{
			name: "fork_collab", method: "POST", status: 422, want: "refused",
			body: `{"message":"Validation Failed","errors":[{"resource":"PullRequest","field":"fork_collab","code":"custom"}]}`,
			says: []string{"PullRequest fork_collab: custom"},
		},
		{name: "a conflict", method: "PUT", status: 409, body: `{"message":"is at abc but expected def"}`, want: "refused", is: ErrConflict},
		{name: "a page of HTML", method: "GET", status: 400, body: "<html>\x1b[31mWhoa there!</html>", want: "refused", says: []string{"Whoa there!"}, saysNothing: "\x1b"},
		{
			name: "go-github 2.2.5 a moved repository and a write", method: "POST", status: 301, body: `{"message":"Moved Permanently"}`,
			headers: []string{"Location: https://api.github.com/repositories/1/statuses/x"}, want: "refused", says: []string{"use the new name"},
		},
		{name: "probot#921 a 500 that was applied", method: "POST", status: 500, body: `{"message":"Server Error"}`, want: ambiguous, says: []string{"answer 500, request R:1"}},
		{name: "GitHub's own 10 seconds", method: "POST", status: 502, body: `<html>Unicorn!</html>`, want: ambiguous},
		{name: "GitHub will do it later", method: "POST", status: 202, body: `{}`, want: ambiguous},
		{name: "the same of a read", method: "GET", status: 502, body: `<html>Unicorn!</html>`, want: unavailable, says: []string{"502 Bad Gateway, request R:1"}},
		{name: "an outage", method: "GET", status: 503, body: ``, want: unavailable},
		{name: "L13 the connection broke", method: "POST", err: &net.OpError{Op: "read", Err: syscall.ECONNRESET}, want: ambiguous, says: []string{"no answer"}},
		{name: "the answer broke off", method: "POST", err: &brokenError{status: 201, header: http.Header{}, err: errors.New("unexpected EOF")}, want: ambiguous, says: []string{"answer 201"}},
		{name: "no connection", method: "POST", err: &NotSentError{Reason: "connect", Err: errors.New("refused")}, want: "not sent"},
		{name: "limited", method: "POST", err: &LimitedError{}, want: "limited"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := verdict{roundTrip(func(*http.Request) (*http.Response, error) {
				if row.err != nil {
					return nil, row.err
				}
				return reply(row.status, row.body, append(row.headers, "X-GitHub-Request-Id: R:1")...), nil
			})}.RoundTrip(request(t, row.method, "https://hub.test/repos/a/b", ""))
			if got := kindOf(err); got != row.want {
				t.Fatalf("got %s (%v), want %s", got, err, row.want)
			}
			for _, sentinel := range []error{ErrUnauthorized, ErrForbidden, ErrGone, ErrConflict, ErrRefExists, ErrStatusLimit} {
				if errors.Is(err, sentinel) != (sentinel == row.is) {
					t.Errorf("errors.Is(%v, %v) = %v", err, sentinel, errors.Is(err, sentinel))
				}
			}
			if row.status != 0 && err != nil && !strings.Contains(err.Error(), "R:1") && row.status != 202 && row.is != ErrUnauthorized {
				t.Errorf("no request id in %q", err)
			}
			for _, text := range row.says {
				if !strings.Contains(strings.ReplaceAll(err.Error(), ", request R:1)", ")"), text) && !strings.Contains(err.Error(), text) {
					t.Errorf("got %q, want %q in it", err, text)
				}
			}
			if row.saysNothing != "" && strings.Contains(err.Error(), row.saysNothing) {
				t.Errorf("got %q, want no %q in it", err, row.saysNothing)
			}
		})
	}
}

// kindOf names the type of an error.
func kindOf(err error) string {
	if err == nil {
		return ""
	}
	if _, ok := errors.AsType[*AmbiguousError](err); ok {
		return "ambiguous"
	}
	if _, ok := errors.AsType[*NotSentError](err); ok {
		return "not sent"
	}
	if _, ok := errors.AsType[*LimitedError](err); ok {
		return "limited"
	}
	if _, ok := errors.AsType[*RefusedError](err); ok {
		return "refused"
	}
	if _, ok := errors.AsType[*UnavailableError](err); ok {
		return "unavailable"
	}
	if _, ok := errors.AsType[*StaleError](err); ok {
		return "stale"
	}
	if _, ok := errors.AsType[*RefConflictError](err); ok {
		return "conflict"
	}
	return fmt.Sprintf("%T", err)
}

func FuzzRefusal(f *testing.F) {
	f.Add(422, `{"message":"Validation Failed","errors":[{"field":"x"},"y",3]}`)
	f.Add(404, "\x00\xff<html>")
	f.Fuzz(func(t *testing.T, status int, body string) {
		e := refusal(reply(status, body), []byte(body))
		if len(e.Error()) > 64<<10 {
			t.Errorf("%d bytes of error", len(e.Error()))
		}
		if strings.ContainsAny(e.Error(), "\x1b\n\x00") {
			t.Errorf("control characters in %q", e.Error())
		}
	})
}
