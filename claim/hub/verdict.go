package hub

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// verdict turns an answer into one of the errors of this package, or lets it pass. It is where a write that failed is told apart:
// refused, never sent, or unknown.
type verdict struct{ next http.RoundTripper }

var _ http.RoundTripper = verdict{}

// An UnavailableError is a read that GitHub could not serve now (5xx), after a few tries. It says nothing about the thing asked for.
type UnavailableError struct {
	Status    int
	Body      string // its beginning
	RequestID string // X-GitHub-Request-Id
}

func (e *UnavailableError) Error() string {
	return fmt.Sprintf("github could not answer (%d %s%s)", e.Status, http.StatusText(e.Status), requestID(e.RequestID))
}

// RoundTrip implements http.RoundTripper.
func (l verdict) RoundTrip(req *http.Request) (*http.Response, error) {
	write := isWrite(req)
	resp, err := l.next.RoundTrip(req)
	if err != nil {
		if write {
			return nil, lostWrite(req, err)
		}
		return nil, err
	}
	switch code := resp.StatusCode; {
	case code == http.StatusAccepted && write && !callOf(req).takesLater():
		return nil, ambiguous(req, resp, errors.New("github will do it later"))
	case code < 300:
		return resp, nil
	case code < 400:
		return nil, refusal(resp, peek(resp)) // a redirect that was not followed
	case code < 500:
		return nil, refusal(resp, peek(resp))
	case write:
		return nil, ambiguous(req, resp, fmt.Errorf("%s: %s", http.StatusText(code), cut(string(peek(resp)), bodyShown)))
	default:
		return nil, &UnavailableError{Status: code, Body: cut(string(peek(resp)), bodyShown), RequestID: resp.Header.Get(headerRequestID)}
	}
}

const (
	headerRequestID = "X-GitHub-Request-Id"
	bodyShown       = 500 // bytes of an answer in an error
)

// lostWrite says what became of a write without an answer.
func lostWrite(req *http.Request, err error) error {
	if _, ok := errors.AsType[*NotSentError](err); ok {
		return err
	}
	if _, ok := errors.AsType[*LimitedError](err); ok {
		return err
	}
	if _, ok := errors.AsType[*RefusedError](err); ok {
		return err
	}
	e := &AmbiguousError{Method: req.Method, Path: req.URL.Path, Err: err}
	if broken, ok := errors.AsType[*brokenError](err); ok {
		e.Status, e.RequestID = broken.status, broken.header.Get(headerRequestID)
	}
	return e
}

func ambiguous(req *http.Request, resp *http.Response, err error) error {
	return &AmbiguousError{
		Method: req.Method, Path: req.URL.Path, Status: resp.StatusCode,
		RequestID: resp.Header.Get(headerRequestID), Err: err,
	}
}

// refusal reads a 4xx (or a redirect that is none of ours to follow).
func refusal(resp *http.Response, body []byte) *RefusedError {
	e := &RefusedError{Status: resp.StatusCode, RequestID: resp.Header.Get(headerRequestID)}
	var said struct {
		Message string
		Errors  []json.RawMessage
	}
	if json.Unmarshal(body, &said) == nil {
		e.Message = cut(said.Message, bodyShown)
		e.Fields = fieldErrors(said.Errors)
	}
	if e.Message == "" {
		e.Body = cut(string(body), bodyShown)
	}
	e.sentinel = sentinelOf(e)
	e.Hint = hint(e, resp.Header)
	return e
}

// fieldErrors reads the list of a 422, whose entries are objects or bare strings.
func fieldErrors(list []json.RawMessage) []FieldError {
	const most = 20
	var fields []FieldError
	for _, raw := range list[:min(len(list), most)] {
		var f FieldError
		if json.Unmarshal(raw, &f) != nil {
			f = FieldError{}
			if json.Unmarshal(raw, &f.Message) != nil {
				continue
			}
		}
		f.Resource, f.Field, f.Code, f.Message = cut(f.Resource, 100), cut(f.Field, 100), cut(f.Code, 100), cut(f.Message, bodyShown)
		fields = append(fields, f)
	}
	return fields
}

// sentinelOf finds what a refusal comes down to. Texts are matched loosely: they have changed before.
func sentinelOf(e *RefusedError) error {
	says := func(what string) bool {
		if strings.Contains(strings.ToLower(e.Message), what) {
			return true
		}
		for _, f := range e.Fields {
			if strings.Contains(strings.ToLower(f.Message), what) {
				return true
			}
		}
		return false
	}
	switch e.Status {
	case http.StatusUnauthorized:
		return ErrUnauthorized
	case http.StatusForbidden:
		return ErrForbidden
	case http.StatusNotFound, http.StatusGone:
		return ErrGone
	case http.StatusConflict:
		return ErrConflict
	case http.StatusUnprocessableEntity:
		switch {
		case says("maximum number of statuses"):
			return ErrStatusLimit
		case says("reference already exists"):
			return ErrRefExists
		}
	}
	return nil
}

// hint says what a person can do.
func hint(e *RefusedError, h http.Header) string {
	switch {
	case e.Status == http.StatusUnauthorized:
		return "set GITHUB_TOKEN to a valid token"
	case e.Status == http.StatusForbidden && h.Get("X-GitHub-SSO") != "":
		return "authorise the token for the organisation's single sign-on (" + cut(h.Get("X-GitHub-SSO"), 300) + ")"
	case e.Status == http.StatusForbidden && h.Get("X-Accepted-GitHub-Permissions") != "":
		return "give the token one of these permissions: " + cut(h.Get("X-Accepted-GitHub-Permissions"), 300)
	case (e.Status == http.StatusForbidden || e.Status == http.StatusNotFound) && lacksScope(h):
		return fmt.Sprintf("give the token one of these scopes: %s (it has: %s)",
			cut(h.Get("X-Accepted-OAuth-Scopes"), 300), cut(orNone(h.Get("X-OAuth-Scopes")), 300))
	case e.Status == http.StatusForbidden:
		return "the token's owner needs more rights in the repository"
	case e.Status == http.StatusNotFound:
		return "check the name, and that the token may see it"
	case e.Status == http.StatusGone:
		return "it was deleted or switched off"
	case 300 <= e.Status && e.Status < 400 && h.Get("Location") != "":
		return "it has moved to " + cut(h.Get("Location"), 300) + "; use the new name"
	}
	return ""
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// lacksScope compares what a classic token has with what would do.
func lacksScope(h http.Header) bool {
	accepted := h.Get("X-Accepted-OAuth-Scopes")
	if _, classic := h["X-Oauth-Scopes"]; !classic || accepted == "" {
		return false
	}
	has := map[string]bool{}
	for s := range strings.SplitSeq(h.Get("X-OAuth-Scopes"), ",") {
		has[strings.TrimSpace(s)] = true
	}
	for s := range strings.SplitSeq(accepted, ",") {
		if has[strings.TrimSpace(s)] {
			return false
		}
	}
	return true
}

// statusOf gives what is known of the answer behind an error.
func statusOf(err error) (int, http.Header) {
	header := http.Header{}
	id := func(s string) http.Header { header.Set(headerRequestID, s); return header }
	if e, ok := errors.AsType[*AmbiguousError](err); ok {
		return e.Status, id(e.RequestID)
	}
	if e, ok := errors.AsType[*RefusedError](err); ok {
		return e.Status, id(e.RequestID)
	}
	if e, ok := errors.AsType[*LimitedError](err); ok {
		return e.Status, id(e.RequestID)
	}
	if e, ok := errors.AsType[*UnavailableError](err); ok {
		return e.Status, id(e.RequestID)
	}
	return 0, header
}
