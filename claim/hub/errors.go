package hub

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// What a refusal comes down to, for errors.Is. The error itself is a *RefusedError, with GitHub's words.
var (
	ErrUnauthorized = errors.New("github does not accept the credentials")                              // 401
	ErrForbidden    = errors.New("github forbids this")                                                 // 403 that is no rate limit
	ErrGone         = errors.New("github has no such thing, or the credentials may not see it")         // 404, 410
	ErrConflict     = errors.New("github's state is another one than was expected")                     // 409, and refs that moved
	ErrRefExists    = errors.New("the ref exists already")                                              // of CreateRef
	ErrStatusLimit  = errors.New("the commit has reached the maximum number of statuses for a context") // 1,000 of them; final
)

// A LimitedError says that GitHub wants to be left alone for a while. The request that met it was not carried out,
// a write neither; nothing in this package waits for it.
type LimitedError struct {
	Until     time.Time // on the local clock, so that time.Until gives the wait however wrong that clock is
	Secondary bool      // a limit on the pace or the number of writes, not on the requests an hour
	Resource  string    // whose budget it is: core, graphql, search; empty for a secondary limit, which stops everything
	Local     bool      // refused here, without asking, since GitHub had said so before
	Status    int       // of the answer; 0 if Local
	Message   string    // GitHub's words
	RequestID string    // X-GitHub-Request-Id
}

func (e *LimitedError) Error() string {
	kind := "rate limit"
	if e.Resource != "" {
		kind = e.Resource + " rate limit"
	}
	if e.Secondary {
		kind = "secondary rate limit"
	}
	how := fmt.Sprintf(" (%d%s)", e.Status, requestID(e.RequestID))
	if e.Local {
		how = " (not asked)"
	}
	return fmt.Sprintf("github's %s is used up%s: ask again after %s", kind, how, e.Until.UTC().Format("15:04:05 UTC"))
}

// An AmbiguousError is a write that may or may not have been carried out: the answer did not come, or was a 5xx, which GitHub is
// known to give after it has applied a change. Read before doing it again; nothing in this package repeats a write.
type AmbiguousError struct {
	Method, Path string
	Status       int    // of the answer; 0 if none came. A 2xx means: applied, but the answer could not be understood
	RequestID    string // X-GitHub-Request-Id
	Err          error
}

func (e *AmbiguousError) Error() string {
	answer := "no answer"
	if e.Status != 0 {
		answer = fmt.Sprintf("answer %d%s", e.Status, requestID(e.RequestID))
	}
	return fmt.Sprintf("%s %s may or may not have been carried out (%s): %v", e.Method, e.Path, answer, e.Err)
}

// Unwrap gives the cause.
func (e *AmbiguousError) Unwrap() error { return e.Err }

// A NotSentError is a request that never left: no connection could be made, no token be had, or the context's time would have
// been over before its turn to write came. It was certainly not carried out.
type NotSentError struct {
	Reason string // what stood in the way: "wait for the turn to write", "get an installation token", "connect"
	Err    error
}

func (e *NotSentError) Error() string {
	return fmt.Sprintf("nothing was sent: %s: %v", e.Reason, e.Err)
}

// Unwrap gives the cause.
func (e *NotSentError) Unwrap() error { return e.Err }

// A FieldError is one entry of a 422's list.
type FieldError struct{ Resource, Field, Code, Message string }

// A RefusedError is GitHub's definite no: the request was understood and not carried out.
type RefusedError struct {
	Status    int          // 200 for an error in a GraphQL answer
	Kind      string       // GraphQL's type of error, as NOT_FOUND
	Message   string       // GitHub's words, cut
	Fields    []FieldError // of a 422
	Body      string       // the answer's beginning, if it had no message
	Hint      string       // what a person can do about it
	RequestID string       // X-GitHub-Request-Id
	sentinel  error
}

func (e *RefusedError) Error() string {
	b := new(strings.Builder)
	switch {
	case errors.Is(e.sentinel, ErrUnauthorized):
		fmt.Fprintf(b, "github refused the token (%d %s%s)", e.Status, e.words(), requestID(e.RequestID))
	case e.Kind != "":
		fmt.Fprintf(b, "github refused (%s %s%s)", e.Kind, e.words(), requestID(e.RequestID))
	default:
		fmt.Fprintf(b, "github refused (%d %s%s)", e.Status, e.words(), requestID(e.RequestID))
	}
	for _, f := range e.Fields {
		fmt.Fprintf(b, "; %s", f)
	}
	if e.Hint != "" {
		fmt.Fprintf(b, ": %s", e.Hint)
	}
	return b.String()
}

func (e *RefusedError) words() string {
	switch {
	case e.Message != "":
		return e.Message
	case e.Body != "":
		return e.Body
	}
	return http.StatusText(e.Status)
}

// Is answers for the sentinels of this package.
func (e *RefusedError) Is(target error) bool { return e.sentinel != nil && e.sentinel == target }

// String gives what GitHub says of the field, in as few words as it takes.
func (f FieldError) String() string {
	if f.Message != "" {
		return f.Message
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s: %s", f.Resource, f.Field, f.Code))
}

// A StaleError is an answer that is older than one that was had before: GitHub reads from replicas, and some lag. It was read again
// a few times and stayed so. Nothing may be decided on it; ask later.
type StaleError struct {
	Subject string // "acme/widget#12", "acme/widget@sha"
	Seen    string // what was seen before: a time, or "status 17"
	Got     string // what came now
}

func (e *StaleError) Error() string {
	return fmt.Sprintf("the answer about %s is stale: %s after %s had been seen", e.Subject, e.Got, e.Seen)
}

// A RefConflictError says that a ref was not where UpdateRefs expected it, so that none was changed.
type RefConflictError struct {
	Message   string
	RequestID string
}

func (e *RefConflictError) Error() string {
	return fmt.Sprintf("a ref is not where it was expected, none was changed (%s%s)", e.Message, requestID(e.RequestID))
}

// Is makes errors.Is(err, ErrConflict) true.
func (e *RefConflictError) Is(target error) bool { return target == ErrConflict }

func requestID(id string) string {
	if id == "" {
		return ""
	}
	return ", request " + cut(id, 60)
}
