package shadow

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// A Source says which GitHub a window shows, and as whom.
type Source struct {
	API     string                                // the root of REST, "https://api.github.com/"
	GraphQL string                                // the address of GraphQL
	Clone   map[string]string                     // what may be seen: "owner/name" to the address that git clones from
	Token   func(context.Context) (string, error) // the bot's own
	App     string                                // the login, if the token is that of a GitHub App, which may not ask who it is
	Client  *http.Client                          // nil is one that follows no redirect
	Log     *slog.Logger                          // nil discards
}

// Bounds of what a candidate can cost.
const (
	longestAnswer = 64 << 20
	longestAsking = 32 << 20
	mostWrites    = 2_000 // that are written down
	mostFetched   = 3_000 // requests that reach GitHub
)

// A Window shows GitHub as it was when somebody first looked. Safe for concurrent use.
type Window struct {
	source Source
	root   *url.URL

	mu      sync.Mutex
	kept    map[string]*answer // by what was asked
	ids     map[string]bool    // numbers of repositories that may be seen
	fetched int
}

// An answer is what GitHub said, once ready is closed.
type answer struct {
	ready  chan struct{}
	status int
	header http.Header
	body   []byte
	err    error
}

// NewWindow asks nothing yet.
func NewWindow(s Source) (*Window, error) {
	root, err := url.Parse(s.API)
	if err != nil || root.Host == "" {
		return nil, fmt.Errorf("open a window: %q is no address of an API", s.API)
	}
	if s.Client == nil {
		s.Client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	clone := make(map[string]string, len(s.Clone))
	for name, address := range s.Clone {
		clone[strings.ToLower(name)] = address
	}
	s.Clone = clone
	root.Path = strings.TrimSuffix(root.Path, "/")
	return &Window{source: s, root: root, kept: map[string]*answer{}, ids: map[string]bool{}}, nil
}

// read answers a read, from memory if it was asked before.
func (w *Window) read(ctx context.Context, key string, ask func(context.Context) (*http.Request, error)) *answer {
	w.mu.Lock()
	a, known := w.kept[key]
	if !known {
		a = &answer{ready: make(chan struct{})}
		w.kept[key] = a
	}
	w.mu.Unlock()
	if known {
		select {
		case <-a.ready:
		case <-ctx.Done():
			return &answer{err: context.Cause(ctx)}
		}
		return a
	}
	defer close(a.ready)
	a.err = w.fetch(ctx, a, ask)
	if a.err != nil || a.status >= 400 && a.status != http.StatusNotFound {
		w.mu.Lock()
		delete(w.kept, key) // trouble passes
		w.mu.Unlock()
	}
	return a
}

// fetch asks GitHub.
func (w *Window) fetch(ctx context.Context, a *answer, ask func(context.Context) (*http.Request, error)) error {
	req, err := ask(ctx)
	if err != nil {
		return err
	}
	resp, err := w.send(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	a.status, a.header = resp.StatusCode, resp.Header
	a.body, err = io.ReadAll(io.LimitReader(resp.Body, longestAnswer+1))
	if err == nil && len(a.body) > longestAnswer {
		err = errors.New("the answer is too long")
	}
	return err
}

// errSpent is why nothing more is asked of GitHub.
var errSpent = errors.New("the candidate has asked for too much")

// send sends one request with the bot's token.
func (w *Window) send(req *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.fetched++
	spent := w.fetched > mostFetched
	w.mu.Unlock()
	if spent {
		return nil, errSpent
	}
	token, err := w.source.Token(req.Context())
	if err != nil {
		return nil, err
	}
	switch {
	case token == "":
	case strings.HasPrefix(req.URL.String(), w.source.API) || req.URL.String() == w.source.GraphQL:
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if strings.Contains(req.URL.Path, ".git/") && token != "" {
		req.SetBasicAuth("x-access-token", token)
	}
	return w.source.Client.Do(req)
}

// forward makes the request to GitHub that one from the candidate stands for. Of its headers only what says what is
// wanted goes on: no condition, no credential.
func forward(r *http.Request, to string, body []byte) func(context.Context) (*http.Request, error) {
	return func(ctx context.Context) (*http.Request, error) {
		req, err := http.NewRequestWithContext(ctx, r.Method, to, bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		for _, name := range []string{"Accept", "Content-Type", "Content-Encoding", "Git-Protocol", "X-Github-Api-Version"} {
			if v := r.Header.Get(name); v != "" {
				req.Header.Set(name, v)
			}
		}
		req.Header.Set("User-Agent", "cyborg-shadow")
		return req, nil
	}
}
