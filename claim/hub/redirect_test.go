package hub

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A repository that was renamed answers 301 to reads and 307 to writes, with its number for an address.
func TestRedirectOfARenamedRepository(t *testing.T) {
	var got []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, r.Method+" "+r.URL.Path+" "+r.Header.Get("Authorization")+" "+strings.TrimSpace(string(body)))
		switch {
		case strings.HasPrefix(r.URL.Path, "/repos/acme/old/") && r.Method == http.MethodGet:
			http.Redirect(w, r, "/repositories/7/issues/1/labels", http.StatusMovedPermanently)
		case strings.HasPrefix(r.URL.Path, "/repos/acme/old/"):
			w.Header().Set("Location", "/repositories/7/issues/1/labels")
			w.WriteHeader(http.StatusTemporaryRedirect)
		default:
			_, _ = io.WriteString(w, `[{"name":"bot"}]`)
		}
	}))
	defer srv.Close()
	c := testClient(t, nil, func(o *Options) { o.URL, o.Transport = srv.URL, nil })
	old := Repo{"acme", "old"}
	if labels, err := c.Labels(t.Context(), old, 1); err != nil || len(labels) != 1 {
		t.Errorf("%q, %v", labels, err)
	}
	if labels, err := c.AddLabels(t.Context(), old, 1, "bot"); err != nil || len(labels) != 1 {
		t.Errorf("%q, %v", labels, err)
	}
	want := []string{
		"GET /repos/acme/old/issues/1/labels Bearer tok-1 ",
		"GET /repositories/7/issues/1/labels Bearer tok-1 ",
		`POST /repos/acme/old/issues/1/labels Bearer tok-1 ["bot"]`,
		`POST /repositories/7/issues/1/labels Bearer tok-1 ["bot"]`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("sent\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// go-github 2.2.5: net/http turns a POST that is answered 301 into a GET, whose 200 looks like success.
func TestRedirectNeverTurnsAWriteIntoARead(t *testing.T) {
	for _, status := range []int{301, 302, 303} {
		gets, all := 0, 0
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if all++; r.Method == http.MethodGet {
				gets++
				_, _ = io.WriteString(w, `{"id":1,"context":"verify","state":"pending"}`)
				return
			}
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
		}))
		c := testClient(t, nil, func(o *Options) { o.URL, o.Transport = srv.URL, nil })
		_, err := c.PostStatus(t.Context(), acme, sha1, Status{State: "pending", Context: "verify"})
		if kindOf(err) != "refused" || gets != 0 || all != 1 {
			t.Errorf("%d: %v, %d GETs of %d", status, err, gets, all)
		}
		srv.Close()
	}
}

func TestRedirectKeepsTheToken(t *testing.T) {
	var seen string
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = r.Method + " " + r.Header.Get("Authorization")
		_, _ = io.WriteString(w, `[{"name":"bot"}]`)
	}))
	defer other.Close()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", other.URL+"/x")
		w.WriteHeader(http.StatusTemporaryRedirect)
	}))
	defer srv.Close()
	c := testClient(t, nil, func(o *Options) { o.URL, o.Transport = srv.URL, nil })
	if _, err := c.Labels(t.Context(), acme, 1); err != nil || seen != "GET " {
		t.Errorf("a read went on as %q, %v", seen, err)
	}
	seen = ""
	if _, err := c.AddLabels(t.Context(), acme, 1, "bot"); kindOf(err) != "refused" || seen != "" || !strings.Contains(err.Error(), "another host") {
		t.Errorf("a write went on as %q, %v", seen, err)
	}
}

func TestRedirectRefuses(t *testing.T) {
	for _, row := range []struct{ name, location, says string }{
		{"a circle", "https://hub.test/x", "more than 5 redirects"},
		{"from https to http", "http://hub.test/x", "https to http"},
		{"another scheme", "file:///etc/passwd", "no web address"},
		{"no address", "https://%zz/", "read Location"},
	} {
		l := verdict{redirect{roundTrip(func(*http.Request) (*http.Response, error) { return reply(302, "", "Location: "+row.location), nil })}}
		_, err := l.RoundTrip(request(t, "GET", "https://hub.test/x", ""))
		if kindOf(err) != "refused" || !strings.Contains(err.Error(), row.says) {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}
