package fakehub

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestJournal: each request is a line, in order, with who, what and how it ended.
func TestJournal(t *testing.T) {
	h := newHub(t, Options{})
	h.want(201, "bot", post, widget+"/issues", `{"title":"<b>&"}`)
	h.want(404, "", get, "/repos/acme/secret?x=1", nil)
	h.want(401, "nobody", get, widget, nil)
	h.want(200, "owner", get, enterprise+widget, nil)
	h.want(201, "bot", post, widget+"/issues/1/comments", dict{"body": strings.Repeat("é", 40000)})
	r := h.want(200, "", get, "/_journal", nil)
	var got []Entry
	for line := range bytes.Lines(r.body) {
		var e Entry
		h.must(json.Unmarshal(line, &e))
		if time.Since(e.Time) > time.Minute {
			t.Errorf("time of %+v", e)
		}
		e.Time = time.Time{}
		got = append(got, e)
	}
	if len(got) != 5 || len(got[4].Body) > maxJournalBody || len(got[4].Body) < maxJournalBody-8 || !strings.HasSuffix(got[4].Body, "é") {
		t.Fatalf("%d lines, the last body has %d bytes", len(got), len(got[len(got)-1].Body))
	}
	want := []Entry{
		{Actor: "bot", Method: post, Path: widget + "/issues", Body: `{"title":"<b>&"}`, Status: 201},
		{Method: get, Path: "/repos/acme/secret?x=1", Status: 404},
		{Method: get, Path: widget, Status: 401},
		{Actor: "owner", Method: get, Path: enterprise + widget, Status: 200},
	}
	if diff := cmp.Diff(want, got[:4]); diff != "" {
		t.Error(diff)
	}
	if !bytes.Contains(r.body, []byte(`<b>&`)) {
		t.Error("the journal escapes what was sent")
	}
}

// TestFaultsEndpoint changes faults while the server runs, and refuses nonsense
// in words that name it.
func TestFaultsEndpoint(t *testing.T) {
	h := newHub(t, Options{})
	for _, row := range []struct {
		method, body string
		status       int
		text         string
	}{
		{post, `{"lag":"2s","lost_acks":0.02}`, 200, ""},
		{post, `{"lag":{"statuses":"3s"}}`, 200, ""},
		{post, `{"lagg":"2s"}`, 400, `unknown field "lagg"`},
		{post, `{"lag":{"stati":"2s"}}`, 400, `unknown field "stati"`},
		{post, `{"lag":"2 parsecs"}`, 400, "2 parsecs"},
		{post, `{"lag":"-2s"}`, 400, "must not be negative"},
		{post, `{"lost_acks":1.5}`, 400, "lost_acks is a probability between 0 and 1, not 1.5"},
		{post, `{"lost_acks":"often"}`, 400, "lost_acks"},
		{post, `{"slow_bodies":0.5}`, 400, "slow_bodies also needs the duration beside it"},
		{post, `{"late_ids":0.5}`, 400, "late_ids also needs the duration beside it"},
		{post, `not json`, 400, "invalid character"},
		{remove, `{}`, 400, "use POST"},
	} {
		r := h.do("", row.method, "/_faults", row.body)
		if r.status != row.status || !strings.Contains(string(r.body), row.text) || row.status == 400 && !strings.HasPrefix(string(r.body), "set faults: ") {
			t.Errorf("%s: %s, want %d %s", row.body, r, row.status, row.text)
		}
	}
	want := Faults{Lag: EvenLag(Duration(2 * time.Second)), LostAcks: 0.02}
	want.Lag.Statuses = Duration(3 * time.Second)
	if diff := cmp.Diff(want, h.s.Faults()); diff != "" {
		t.Error(diff)
	}
	var back Faults
	h.must(json.Unmarshal(h.want(200, "", get, "/_faults", nil).body, &back))
	if diff := cmp.Diff(want, back); diff != "" {
		t.Error(diff)
	}
	h.want(200, "", put, "/_faults", `{"killed":0.1}`)
	if diff := cmp.Diff(Faults{Killed: 0.1}, h.s.Faults()); diff != "" {
		t.Error(diff)
	}
}

// TestServe answers on a listener until its context ends; what is running then
// is answered still.
func TestServe(t *testing.T) {
	h := newHub(t, Options{})
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	h.must(err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- h.s.Serve(ctx, l) }()
	ask := func() error {
		rq, err := http.NewRequestWithContext(t.Context(), get, "http://"+l.Addr().String()+widget, nil)
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(rq)
		if err != nil {
			return err
		}
		defer res.Body.Close() // only read
		data, err := io.ReadAll(res.Body)
		if res.StatusCode != 200 || !bytes.Contains(data, []byte("http://"+l.Addr().String()+"/acme/widget.git")) {
			return errors.Join(err, errors.New(res.Status+" "+string(data)))
		}
		return err
	}
	h.must(ask())
	running := make(chan error, 1)
	h.set(Faults{Latency: Duration(50 * time.Millisecond)})
	go func() { running <- ask() }()
	for !h.busy() {
		h.pass(time.Millisecond)
	}
	cancel()
	h.must(<-done)
	h.must(<-running)
	if ask() == nil {
		t.Error("it still answers")
	}
}

// busy says whether an anonymous request is running.
func (h *hub) busy() bool {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	for _, b := range h.s.strangers {
		if b.running > 0 {
			return true
		}
	}
	return false
}

// TestNewRefuses says which option is wrong.
func TestNewRefuses(t *testing.T) {
	if _, err := New(Options{Faults: Faults{FailAfter: 2}}); err == nil || !strings.Contains(err.Error(), "fail_after") {
		t.Errorf("error %v", err)
	}
	for p := None; p <= Admin; p++ {
		if got, err := ParsePermission(p.String()); got != p || err != nil {
			t.Errorf("%s reads as %s, %v", p, got, err)
		}
	}
	_, unknown := ParsePermission("owner")
	h := newHub(t, Options{})
	for name, err := range map[string]error{
		"it is none, read, write or": unknown,
		"there is one already":       h.s.AddUser(User{Login: "BOT"}),
		"a login is made of":         h.s.AddUser(User{Login: "a/b"}),
		"this token is in use":       h.s.AddUser(User{Login: "other", Token: "bot-token"}),
		"there is no user":           h.s.AddToken("nobody", "x"),
		"no such token":              h.s.Revoke("x"),
		"the name is OWNER/NAME":     h.s.AddRepo(t.Context(), Repo{Name: "acme/../x"}),
		"unknown repository or user": h.s.Grant("acme/none", "bot", Read),
		"the name is taken":          h.s.Rename("acme/widget", "secret"),
		"unknown repository or bad":  h.s.Rename("acme/widget", "a/b"),
		"acme/widget: there is one":  h.s.AddRepo(t.Context(), Repo{Name: "acme/widget"}),
	} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("want an error that says %q, got %v", name, err)
		}
	}
}
