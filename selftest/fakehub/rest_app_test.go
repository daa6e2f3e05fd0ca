package fakehub

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
)

// appKey is made once: it takes a while.
var appKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// addApp registers the App "cyborg", installed on acme/widget.
func (h *hub) addApp(life time.Duration, permissions map[string]Permission) (key *rsa.PrivateKey, app, installation int64) {
	h.t.Helper()
	key, err := appKey()
	h.must(err)
	app, err = h.s.AddApp(App{Slug: "cyborg", Owner: "acme", Key: &key.PublicKey, TokenLife: life})
	h.must(err)
	installation, err = h.s.Install(app, permissions, "acme/widget")
	h.must(err)
	return key, app, installation
}

// jwt signs claims as an App does.
func jwt(t *testing.T, key *rsa.PrivateKey, alg string, claims dict) string {
	t.Helper()
	part := func(v any) string {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(data)
	}
	text := part(dict{"alg": alg, "typ": "JWT"}) + "." + part(claims)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// TestAppAssertion is which tokens of an App are taken.
func TestAppAssertion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{})
		key, id, _ := h.addApp(0, nil)
		other, err := rsa.GenerateKey(rand.Reader, 2048)
		h.must(err)
		now := time.Now().Unix()
		claims := func(iss any, iat, exp int64) dict { return dict{"iss": iss, "iat": now + iat, "exp": now + exp} }
		good := jwt(t, key, "RS256", claims(id, -60, 600))
		for name, c := range map[string]struct {
			token  string
			status int
		}{
			"good":                {good, 200},
			"issuer as text":      {jwt(t, key, "RS256", claims(fmt.Sprint(id), -60, 540)), 200},
			"expired":             {jwt(t, key, "RS256", claims(id, -600, 0)), 401},
			"too long":            {jwt(t, key, "RS256", claims(id, 0, 3600)), 401},
			"from the future":     {jwt(t, key, "RS256", claims(id, 300, 600)), 401},
			"another app":         {jwt(t, key, "RS256", claims(id+1, -60, 600)), 401},
			"another key":         {jwt(t, other, "RS256", claims(id, -60, 600)), 401},
			"another algorithm":   {jwt(t, key, "none", claims(id, -60, 600)), 401},
			"no signature":        {good[:strings.LastIndex(good, ".")+1], 401},
			"changed":             {good[:len(good)/2] + "A" + good[len(good)/2+1:], 401},
			"nonsense":            {"a.b.c", 401},
			"a token of somebody": {"owner-token", 401},
		} {
			r := h.do("", get, "/app", nil, "Authorization", "Bearer "+c.token)
			if r.status != c.status {
				t.Errorf("%s: %s, want %d", name, r, c.status)
			}
			if c.status == 200 && (r.str("slug") != "cyborg" || r.get("id") != float64(id) || r.str("owner.login") != "acme") {
				t.Errorf("%s: the app is %s", name, r)
			}
		}
	})
}

// TestInstallationTokens makes tokens with fewer rights and holds them to those.
func TestInstallationTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{})
		key, app, installation := h.addApp(10*time.Minute, map[string]Permission{"issues": Write, "statuses": Write, "contents": Read})
		as := func(status int, token, method, path string, body any) reply {
			t.Helper()
			return h.want(status, "", method, path, body, "Authorization", "Bearer "+token)
		}
		signed := func() string {
			now := time.Now().Unix()
			return jwt(t, key, "RS256", dict{"iss": app, "iat": now - 10, "exp": now + 300})
		}
		tokens := fmt.Sprintf("/app/installations/%d/access_tokens", installation)
		r := as(200, signed(), get, "/repos/acme/widget/installation", nil)
		if r.get("id") != float64(installation) || r.str("permissions.issues") != "write" || r.str("app_slug") != "cyborg" {
			t.Errorf("installation is %s", r)
		}
		as(404, signed(), get, "/repos/acme/secret/installation", nil)
		as(404, signed(), post, "/app/installations/999999/access_tokens", nil)
		h.want(401, "owner", post, tokens, nil)
		as(422, signed(), post, tokens, dict{"permissions": dict{"contents": "write"}})
		as(422, signed(), post, tokens, dict{"repositories": []string{"secret"}})

		full := as(201, signed(), post, tokens, nil)
		if want := time.Now().Add(10 * time.Minute).UTC().Format(time.RFC3339); full.str("expires_at") != want {
			t.Errorf("token expires at %s, want %s", full.str("expires_at"), want)
		}
		token := full.str("token")
		r = as(201, token, post, widget+"/issues", dict{"title": "by the app"})
		if r.str("user.login") != "cyborg[bot]" || r.str("user.type") != "Bot" {
			t.Errorf("author is %s", r)
		}
		as(201, token, post, widget+"/statuses/"+h.sha, dict{"state": "success"})
		if r := as(403, token, post, widget+"/git/refs", dict{"ref": "refs/heads/x", "sha": h.sha}); r.str("message") != "Resource not accessible by integration" {
			t.Errorf("a write without the right: %s", r)
		}
		few := as(201, signed(), post, tokens, dict{"permissions": dict{"issues": "read"}, "repositories": []string{"widget"}})
		as(403, few.str("token"), post, widget+"/issues", dict{"title": "no"})
		as(200, few.str("token"), get, widget+"/issues", nil)
		if few.str("repositories.0.full_name") != "acme/widget" {
			t.Errorf("token is for %s", few)
		}
		r = as(200, token, post, "/graphql", dict{"query": `{repository(owner:"acme",name:"widget"){issue(number:1){author{__typename login}}}}`})
		if r.str("data.repository.issue.author.__typename") != "Bot" || r.str("data.repository.issue.author.login") != "cyborg" {
			t.Errorf("graphql says %s", r)
		}
		as(204, few.str("token"), remove, "/installation/token", nil)
		as(401, few.str("token"), get, widget, nil)
		h.pass(10 * time.Minute)
		as(401, token, get, widget, nil)
	})
}

// TestGhinstallation lets a client that others wrote live through two renewals.
func TestGhinstallation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{})
		key, app, installation := h.addApp(0, map[string]Permission{"issues": Write})
		text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
		transport, err := ghinstallation.New(h.s.Transport(), app, installation, text)
		h.must(err)
		transport.BaseURL = "http://hub.test/api/v3"
		client := &http.Client{Transport: transport}
		for range 5 { // over two hours
			rq, err := http.NewRequestWithContext(t.Context(), post, "http://hub.test/api/v3/repos/acme/widget/issues", strings.NewReader(`{"title":"x"}`))
			h.must(err)
			res, err := client.Do(rq)
			h.must(err)
			body, err := io.ReadAll(res.Body)
			h.must(err)
			h.must(res.Body.Close())
			if res.StatusCode != http.StatusCreated {
				t.Fatalf("after renewals: %d %s", res.StatusCode, body)
			}
			h.pass(35 * time.Minute)
		}
		made := 0
		for _, e := range h.s.Journal() {
			if strings.HasSuffix(e.Path, "/access_tokens") {
				made++
			}
		}
		if made != 3 {
			t.Errorf("%d tokens were made", made)
		}
	})
}
