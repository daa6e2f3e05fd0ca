package hub

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// An appServer gives out hourly tokens to who signs for an installation, and answers those who show one.
type appServer struct {
	t   *testing.T
	key *rsa.PublicKey

	mu      sync.Mutex
	tokens  int
	expires map[string]time.Time
	refuse  *http.Response // instead of a token
	log     []string
}

func (s *appServer) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	who := strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ")
	path := req.URL.Path
	date := "Date: " + time.Now().UTC().Format(http.TimeFormat)
	switch {
	case path == "/app/installations/22/access_tokens" || path == "/app":
		if err := s.verify(who); err != nil {
			return reply(401, `{"message":"`+err.Error()+`"}`, date), nil
		}
		if path == "/app" {
			return reply(200, `{"slug":"cyborg","id":11}`, date), nil
		}
		if s.refuse != nil {
			return s.refuse, nil
		}
		s.tokens++
		token := fmt.Sprintf("ghs_%d", s.tokens)
		s.expires[token] = time.Now().Add(time.Hour)
		return jsonReply(s.t, 201, map[string]any{"token": token, "expires_at": s.expires[token]}), nil
	case time.Now().Before(s.expires[who]):
		s.log = append(s.log, req.Method+" "+who)
		return reply(200, `[{"name":"bot"}]`, date, `ETag: "`+who+`"`), nil
	}
	s.log = append(s.log, req.Method+" refused")
	return reply(401, `{"message":"Bad credentials"}`, date), nil
}

// verify checks an RS256 token of App 11.
func (s *appServer) verify(jwt string) error {
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		return errors.New("no JWT")
	}
	sig, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err := rsa.VerifyPKCS1v15(s.key, crypto.SHA256, sum[:], sig); err != nil {
		return errors.New("A JSON web token could not be decoded")
	}
	var claims struct {
		Iss      string
		Iat, Exp int64
	}
	data, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, &claims); err != nil {
		return err
	}
	now := time.Now().Unix()
	if claims.Iss != "11" || claims.Iat > now || claims.Exp <= now || claims.Exp > now+600 {
		return errors.New("the claims are wrong")
	}
	return nil
}

func newApp(t *testing.T) (*appServer, App) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	block := &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}
	return &appServer{t: t, key: &key.PublicKey, expires: map[string]time.Time{}}, App{ID: 11, Installation: 22, Key: Secret(pem.EncodeToMemory(block))}
}

func TestAppRenewsItsToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, app := newApp(t)
		c := testClient(t, srv, func(o *Options) { o.Token, o.App = "", &app })
		for range 6 { // three hours, in half hours
			if _, err := c.AddLabels(t.Context(), acme, 1, "bot"); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Labels(t.Context(), acme, 1); err != nil {
				t.Fatal(err)
			}
			<-time.After(31 * time.Minute)
		}
		if srv.tokens != 3 {
			t.Errorf("%d tokens", srv.tokens)
		}
		for _, line := range srv.log {
			if strings.Contains(line, "refused") {
				t.Errorf("log %q", srv.log)
			}
		}
		u, err := c.User(t.Context())
		if err != nil || u != (User{Login: "cyborg[bot]", ID: 11, App: true}) {
			t.Errorf("%+v, %v", u, err)
		}
	})
}

// A token can be revoked before its hour is over. The 401 was not carried out, so that the write goes again, once, with a new one.
func TestAppTokenRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, app := newApp(t)
		var j journal
		c := testClient(t, srv, func(o *Options) { o.Token, o.App, o.Journal = "", &app, j.add })
		if _, err := c.AddLabels(t.Context(), acme, 1, "bot"); err != nil {
			t.Fatal(err)
		}
		srv.expires = map[string]time.Time{}
		if _, err := c.AddLabels(t.Context(), acme, 1, "bot"); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(srv.log, ", "); got != "POST ghs_1, POST refused, POST ghs_2" || len(j.all()) != 2 {
			t.Errorf("%s; journal %d", got, len(j.all()))
		}
	})
}

func TestAppWithoutAToken(t *testing.T) {
	for _, row := range []struct {
		name   string
		refuse func() *http.Response
		is     error
		says   string
		kind   string
	}{
		{"not installed", func() *http.Response { return reply(404, `{"message":"Not Found"}`) }, ErrGone, "its installation's id", "not sent"},
		{"a clock that is wrong", func() *http.Response {
			return reply(401, `{"message":"'Expiration time' claim ('exp') must be a numeric value representing the future time"}`)
		}, ErrUnauthorized, "this machine's clock", "not sent"},
		{"an outage", func() *http.Response { return reply(502, "Unicorn") }, nil, "502", "not sent"},
		{"a limit", func() *http.Response { return reply(403, saysAbuse, "Retry-After: 30") }, nil, "ask again after", "not sent"},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv, app := newApp(t)
				srv.refuse = row.refuse()
				var j journal
				c := testClient(t, srv, func(o *Options) { o.Token, o.App, o.Journal = "", &app, j.add })
				_, err := c.AddLabels(t.Context(), acme, 1, "bot")
				if kindOf(err) != row.kind || row.is != nil && !errors.Is(err, row.is) || !strings.Contains(err.Error(), row.says) {
					t.Errorf("got %v", err)
				}
				if len(j.all()) != 0 {
					t.Error("the journal has what was never sent")
				}
			})
		})
	}
}

func TestTokens(t *testing.T) {
	for token, want := range map[Secret]string{"": "", "tok": "Bearer tok"} {
		var got []string
		l := &auth{next: roundTrip(func(req *http.Request) (*http.Response, error) {
			got = append(got, req.Header.Get("Authorization"))
			return reply(401, ""), nil
		}), who: tokenAuth{token}}
		root, err := apiRoot("https://hub.test")
		if err != nil {
			t.Fatal(err)
		}
		l.api = root
		for _, url := range []string{"https://hub.test/x", "http://hub.test/x", "https://hub.test:444/x", "https://hub.test.evil/x"} {
			req := request(t, "GET", url, "")
			req.Header.Set("Authorization", "Bearer other")
			if _, err := l.RoundTrip(req); err != nil {
				t.Fatal(err)
			}
		}
		if strings.Join(got, "|") != want+"|||" {
			t.Errorf("token %q: sent %q", token.Reveal(), got)
		}
	}
	if a, b := (tokenAuth{"a"}).identity(), (tokenAuth{"b"}).identity(); a == b || strings.Contains(a, "token a") {
		t.Errorf("identities %q, %q", a, b)
	}
}
