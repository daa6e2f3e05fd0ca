package hub

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// A graphError is one entry of the errors of a GraphQL answer.
type graphError struct {
	Type    string
	Message string
	Path    []any
}

// query sends one GraphQL request and reads its data into out. The text is a constant of this package; whatever comes from outside
// goes as a variable.
func query[T any](ctx context.Context, c *Client, write bool, text string, vars map[string]any, out *T) (time.Time, error) {
	body, err := json.Marshal(map[string]any{"query": text, "variables": vars})
	if err != nil {
		return time.Time{}, fmt.Errorf("encode query: %w", err)
	}
	rec := &call{write: write}
	req, err := http.NewRequestWithContext(withCall(ctx, rec), http.MethodPost, c.graph, bytes.NewReader(body))
	if err != nil {
		return time.Time{}, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		if _, _, e := rec.outcome(); e != nil {
			err = e
		}
		return time.Time{}, err
	}
	defer resp.Body.Close()
	var said struct {
		Data   *T
		Errors []graphError
	}
	id := resp.Header.Get(headerRequestID)
	unread := func(err error) (time.Time, error) {
		err = fmt.Errorf("read the answer: %w", err)
		if write {
			err = &AmbiguousError{Method: req.Method, Path: req.URL.Path, Status: resp.StatusCode, RequestID: id, Err: err}
		}
		return time.Time{}, err
	}
	data, err := io.ReadAll(resp.Body) // of memory
	if err == nil {
		err = json.Unmarshal(data, &said)
	}
	switch {
	case len(said.Errors) > 0: // also where the data beside them cannot be read
		return rec.date(), graphRefusal(said.Errors, write, req, id)
	case err != nil:
		return unread(err)
	case said.Data == nil:
		return unread(errors.New("it has no data"))
	}
	*out = *said.Data
	return rec.date(), nil
}

// graphRefusal reads a GraphQL answer's errors, which come with status 200. Only a kind that is known says that a write was not carried
// out; GitHub's "Something went wrong while executing your query" is a timeout in other words.
func graphRefusal(errs []graphError, write bool, req *http.Request, id string) error {
	first := errs[0]
	e := &RefusedError{Status: http.StatusOK, Kind: cut(first.Type, 60), Message: cut(first.Message, bodyShown), RequestID: id}
	for _, more := range errs[1:min(len(errs), 5)] {
		e.Fields = append(e.Fields, FieldError{Code: cut(more.Type, 60), Message: cut(more.Message, bodyShown)})
	}
	switch first.Type {
	case "NOT_FOUND":
		e.sentinel, e.Hint = ErrGone, "check the name, and that the token may see it"
	case "FORBIDDEN", "INSUFFICIENT_SCOPES":
		e.sentinel, e.Hint = ErrForbidden, "give the token the permission or scope that is named"
	case "STALE_DATA":
		e.sentinel = ErrConflict
	case "", "INTERNAL", "SERVICE_UNAVAILABLE":
		if first.Type != "" || strings.Contains(strings.ToLower(first.Message), "something went wrong") || strings.Contains(strings.ToLower(first.Message), "timed out") {
			if write {
				return &AmbiguousError{Method: req.Method, Path: req.URL.Path, Status: http.StatusOK, RequestID: id, Err: e}
			}
			return &UnavailableError{Status: http.StatusOK, Body: e.Message, RequestID: id}
		}
	}
	return e
}
