package hub

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
)

// An App is how a GitHub App signs in: as one installation of it. The token that it gets lasts an hour and is renewed on the way.
type App struct {
	ID           int64
	Installation int64
	Key          Secret // PEM, as GitHub gave it for download
}

// auth puts the credentials on requests to the API's own host, and takes them off any other.
type auth struct {
	next http.RoundTripper
	api  *url.URL
	who  credentials
}

var _ http.RoundTripper = (*auth)(nil)

// credentials are a token or an App.
type credentials interface {
	// header gives the value for Authorization; "" sends none.
	header(ctx context.Context) (string, error)
	// identity names whose view of GitHub the answers are. It has no secret in it, and for an App stays the same from token to token.
	identity() string
	// refused says that what header gave was not accepted, and tells whether there may be something better now.
	refused(value string) bool
	// app gives a transport that signs as the App itself; nil if there is none.
	app() http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (l *auth) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Del("Authorization")
	if !sameHost(req.URL, l.api) {
		return l.next.RoundTrip(req)
	}
	if c := callOf(req); c != nil && c.asApp {
		if app := l.who.app(); app != nil {
			return app.RoundTrip(req)
		}
	}
	resp, value, err := l.try(req)
	if err != nil || resp.StatusCode != http.StatusUnauthorized || !l.who.refused(value) {
		return resp, err
	}
	// An installation's token can be revoked before its time. A 401 was certainly not carried out, so that a write may go again too.
	if again, e := replay(req); e == nil {
		resp, _, err = l.try(again)
	}
	return resp, err
}

func (l *auth) try(req *http.Request) (*http.Response, string, error) {
	value, err := l.who.header(req.Context())
	if err != nil {
		return nil, "", err
	}
	if value != "" {
		req.Header.Set("Authorization", value)
	}
	resp, err := l.next.RoundTrip(req)
	return resp, value, err
}

// A tokenAuth is a personal token, or none.
type tokenAuth struct{ token Secret }

var _ credentials = tokenAuth{}

func (a tokenAuth) header(context.Context) (string, error) {
	if a.token == "" {
		return "", nil
	}
	return "Bearer " + a.token.Reveal(), nil
}

func (a tokenAuth) identity() string {
	if a.token == "" {
		return "nobody"
	}
	sum := sha256.Sum256([]byte(a.token.Reveal()))
	return "token " + hex.EncodeToString(sum[:])
}

func (tokenAuth) refused(string) bool    { return false }
func (tokenAuth) app() http.RoundTripper { return nil }

// An appAuth is an installation of an App.
type appAuth struct {
	conf App
	root string // of the API, without a slash at the end
	next http.RoundTripper

	mu     sync.Mutex
	tokens *ghinstallation.Transport
	last   string // what header gave last
}

var _ credentials = (*appAuth)(nil)

func newAppAuth(conf App, root string, next http.RoundTripper) (*appAuth, error) {
	a := &appAuth{conf: conf, root: root, next: next}
	if conf.ID <= 0 || conf.Installation <= 0 {
		return nil, errors.New("sign in as a GitHub App: the App's id and its installation's id are both needed")
	}
	tokens, err := a.fresh()
	if err != nil {
		return nil, fmt.Errorf("sign in as a GitHub App: %w", err)
	}
	a.tokens = tokens
	return a, nil
}

func (a *appAuth) fresh() (*ghinstallation.Transport, error) {
	t, err := ghinstallation.New(a.next, a.conf.ID, a.conf.Installation, []byte(a.conf.Key.Reveal()))
	if err != nil {
		return nil, err
	}
	t.BaseURL = a.root
	return t, nil
}

func (a *appAuth) header(ctx context.Context) (string, error) {
	a.mu.Lock()
	t := a.tokens
	a.mu.Unlock()
	token, err := t.Token(ctx)
	if err == nil {
		value := "Bearer " + token
		a.mu.Lock()
		a.last = value
		a.mu.Unlock()
		return value, nil
	}
	return "", &NotSentError{Reason: "get an installation token", Err: tokenTrouble(err)}
}

// tokenTrouble says why there is no token, in this package's errors.
func tokenTrouble(err error) error {
	e, ok := errors.AsType[*ghinstallation.HTTPError](err)
	if !ok || e.RootCause != nil || e.Response == nil {
		return err
	}
	resp, body := e.Response, peek(e.Response)
	if found, ok := findLimit(resp, body, "core", time.Now()); ok {
		return &LimitedError{
			Until: time.Now().Add(cmp.Or(found.wait, time.Minute)), Secondary: found.secondary, Resource: found.resource,
			Status: resp.StatusCode, Message: found.message, RequestID: resp.Header.Get(headerRequestID),
		}
	}
	if resp.StatusCode >= 500 {
		return &UnavailableError{Status: resp.StatusCode, Body: cut(string(body), bodyShown), RequestID: resp.Header.Get(headerRequestID)}
	}
	refused := refusal(resp, body)
	refused.Hint = "check the App's id, its installation's id and its key, and that this machine's clock is right"
	return refused
}

// identity is of the installation. GitHub makes ETags of the token too, so that a new one finds nothing unchanged; but then the
// entries are replaced rather than left behind, and an entry is only ever used when GitHub says so for the token of the moment.
func (a *appAuth) identity() string {
	return fmt.Sprintf("app %d installation %d", a.conf.ID, a.conf.Installation)
}

// refused throws the token away, so that the next request gets a new one.
func (a *appAuth) refused(value string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.last != value {
		return true // somebody else has got a new one by now
	}
	t, err := a.fresh()
	if err != nil {
		return false
	}
	a.tokens = t
	return true
}

func (a *appAuth) app() http.RoundTripper {
	t, err := ghinstallation.NewAppsTransport(a.next, a.conf.ID, []byte(a.conf.Key.Reveal()))
	if err != nil {
		return nil
	}
	return t
}
