package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/selftest"
	"github.com/cyborg-bots/cyborg/selftest/fakehub"
)

// shifted is an answer whose Date is wrong, as it is for a machine whose own clock is.
type shifted struct {
	http.ResponseWriter
	by time.Duration
}

func (s shifted) WriteHeader(status int) {
	s.Header().Set("Date", time.Now().Add(s.by).UTC().Format(http.TimeFormat))
	s.ResponseWriter.WriteHeader(status)
}

func (s shifted) Write(b []byte) (int, error) {
	if s.Header().Get("Date") == "" {
		s.WriteHeader(http.StatusOK)
	}
	return s.ResponseWriter.Write(b)
}

// TestExamGitHub: with the bot's own client, each condition of clock, token and rights is told apart, with what to do.
func TestExamGitHub(t *testing.T) {
	server, err := fakehub.New(fakehub.Options{Dir: t.TempDir(), Seed: 1})
	check(t, err)
	defer server.Close()
	check(t, server.AddRepo(t.Context(), fakehub.Repo{Name: "acme/widget"}))
	for login, may := range map[string]fakehub.Permission{"cyborg": fakehub.Write, "reader": fakehub.Read} {
		check(t, server.AddUser(fakehub.User{Login: login, Token: login + "-token"}))
		check(t, server.Grant("acme/widget", login, may))
	}
	const reach = "check this machine's network and proxy, and GITHUB_API_URL if it is set"
	const bad = "check GITHUB_TOKEN: it may be mistyped, expired or revoked"
	well := map[string]string{"clock": "yes agrees with GitHub's", "token": "yes signed in as cyborg", "access": "yes write in acme/widget"}
	for _, row := range []struct {
		name, token, repo string
		by                time.Duration
		withheld, gone    bool
		want              map[string]string // what differs from well
	}{
		{name: "all is well"},
		{name: "a clock that is two hours late", by: 2*time.Hour + 500*time.Millisecond,
			want: map[string]string{"clock": "no the clock is 2h0m0s behind GitHub's: set the clock, for example by NTP"}},
		{name: "an account that may read", token: "reader-token", want: map[string]string{"token": "yes signed in as reader",
			"access": "no may only read acme/widget, so no status can be posted there: give the bot's account, or its App, write access to the repository"}},
		{name: "a token that may read, of an account that may write", withheld: true, want: map[string]string{
			"access": "no the token may only read acme/widget, although its account may write there: give the token write permission for commit statuses, issues, pull requests and contents"}},
		{name: "another name", repo: "acme/wigdet", want: map[string]string{
			"access": "no has no access to acme/wigdet, or there is no such repository: check the name, and give the bot's account write access to it"}},
		{name: "a token that is revoked", token: "revoked", want: map[string]string{"token": "no sign in to GitHub: …: " + bad, "access": "no ask for the permission in acme/widget: …: " + bad}},
		{name: "no GitHub", gone: true, want: map[string]string{"clock": "no ask GitHub for the time: …: " + reach,
			"token": "no sign in to GitHub: …: " + reach, "access": "no ask for the permission in acme/widget: …: " + reach}},
	} {
		hand := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if row.withheld && r.Method == http.MethodPost { // as GitHub says it
				http.Error(rw, `{"message": "Resource not accessible by personal access token"}`, http.StatusForbidden)
				return
			}
			server.ServeHTTP(shifted{rw, row.by}, r)
		}))
		if row.gone {
			hand.Close()
		}
		if row.token == "" {
			row.token = "cyborg-token"
		}
		if row.repo == "" {
			row.repo = "acme/widget"
		}
		client, err := hub.New(hub.Options{URL: hand.URL, Token: hub.Secret(row.token), Dir: t.TempDir()})
		check(t, err)
		g := examinedHub{client}
		got := map[string]string{}
		for _, p := range selftest.Examine(t.Context(), []selftest.Probe{selftest.Clock(g), selftest.Token(g), selftest.Permission(g, row.repo)}).Probes {
			got[p.Name] = told(p)
		}
		want := map[string]string{}
		for name, text := range well {
			want[name] = text
			if other, ok := row.want[name]; ok {
				want[name] = other
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.name, diff)
		}
		hand.Close()
	}
}

// told is what a probe says in one line, without the words of the client.
func told(p selftest.Result) string {
	if p.OK {
		return "yes " + p.Finding
	}
	text := p.Finding
	for _, question := range []string{"ask GitHub for the time", "sign in to GitHub", "ask for the permission in acme/widget"} {
		if strings.HasPrefix(text, question+": ") {
			text = question + ": …"
		}
	}
	return "no " + text + ": " + p.Hint
}
