package fakehub

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// set changes the faults.
func (h *hub) set(f Faults) {
	h.t.Helper()
	h.must(h.s.SetFaults(f))
}

// statuses are the descriptions of main's statuses as a read finds them, newest first.
func (h *hub) statuses() []any {
	h.t.Helper()
	return column(h.want(200, "bot", get, widget+"/commits/"+h.sha+"/statuses?per_page=100", nil).list(h.t), "description")
}

// known is how many statuses of main the server has.
func (h *hub) known() int { return len(h.s.Truth().Statuses("acme/widget", h.sha)) }

// TestLag: what was written is seen when the replica of its domain has caught up,
// and each domain has its own.
func TestLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{})
		h.pass(time.Minute)
		h.set(Faults{Lag: Lag{Statuses: Duration(3 * time.Second), Issues: Duration(10 * time.Second), Comments: Duration(time.Second)}})
		r := h.post("bot", "c", "pending", "new")
		if r.status != 201 {
			t.Fatal(r)
		}
		issue := h.newIssue("bot", "x")
		if r := h.want(200, "bot", patch, issue, dict{"title": "y"}); r.str("title") != "y" || r.str("state") != "open" {
			t.Errorf("the answer to a write lags: %s", r)
		}
		query := dict{"query": `{repository(owner:"acme",name:"widget"){issue(number:1){title}}}`}
		if r := h.want(200, "bot", post, "/graphql", query); r.get("data.repository.issue") != nil {
			t.Errorf("graphql does not lag: %s", r)
		}
		if got := h.statuses(); len(got) != 0 {
			t.Errorf("at once: %v", got)
		}
		h.want(404, "bot", get, issue, nil)
		h.pass(3*time.Second - 1)
		if got := h.statuses(); len(got) != 0 {
			t.Errorf("just before: %v", got)
		}
		h.pass(1)
		if got := h.statuses(); len(got) != 1 {
			t.Errorf("after 3 s: %v", got)
		}
		h.want(404, "bot", get, issue, nil)
		h.pass(7 * time.Second)
		if r := h.want(200, "bot", get, issue, nil); r.str("title") != "y" {
			t.Errorf("after 10 s: %s", r)
		}
		h.want(200, "bot", patch, issue, dict{"title": "z"})
		if r := h.want(200, "bot", get, issue, nil); r.str("title") != "y" {
			t.Errorf("lagging title: %s", r.str("title"))
		}
	})
}

// TestLagOfCombined: the combined status lags as the list does, also behind a
// newer status of the same context.
func TestLagOfCombined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{})
		h.pass(time.Minute)
		h.set(Faults{Lag: Lag{Statuses: Duration(3 * time.Second)}})
		var got []string
		for _, state := range []string{"pending", "success", ""} {
			if state != "" {
				h.post("bot", "c", state, "")
			}
			for range 2 {
				r := h.want(200, "bot", get, widget+"/commits/main/status", nil)
				got = append(got, fmt.Sprint(r.get("total_count"), " ", r.str("state"), " ", r.str("statuses.0.state")))
				h.pass(2 * time.Second)
			}
		}
		want := []string{"0 pending ", "0 pending ", "1 pending pending", "1 pending pending", "1 success success", "1 success success"}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// TestLagOfRefs: a branch and the head of a pull request lag, each by itself.
func TestLagOfRefs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{})
		first := h.commit("topic", "f", "1\n")
		pull := h.openPull("bot", "topic", nil)
		h.pass(time.Minute)
		h.set(Faults{Lag: Lag{Refs: Duration(2 * time.Second), Pulls: Duration(5 * time.Second)}})
		second := h.commit("topic", "f", "2\n")
		seen := func() [2]string {
			return [2]string{
				h.want(200, "bot", get, widget+"/git/ref/heads/topic", nil).str("object.sha"),
				h.want(200, "bot", get, pull, nil).str("head.sha"),
			}
		}
		for _, row := range []struct {
			after time.Duration
			want  [2]string
		}{{0, [2]string{first, first}}, {2 * time.Second, [2]string{second, first}}, {3 * time.Second, [2]string{second, second}}} {
			h.pass(row.after)
			if got := seen(); got != row.want {
				t.Errorf("%v later: %v, want %v", row.after, got, row.want)
			}
		}
	})
}

// watchReads posts a status a second and reads in between; it says how often a
// read had less than the one before it.
func watchReads(h *hub, n int) (backwards, behind int) {
	last := 0
	for i := range n {
		h.post("bot", "c"+string(rune('a'+i%20)), "pending", "x")
		for range 4 {
			h.pass(250 * time.Millisecond)
			got := len(h.statuses())
			if got < last {
				backwards++
			}
			if got < h.known() {
				behind++
			}
			last = got
		}
	}
	return backwards, behind
}

// TestBackwardReads: lag alone, however uneven, never goes backwards; the fault
// does.
func TestBackwardReads(t *testing.T) {
	for name, row := range map[string]struct {
		faults Faults
		goes   bool
	}{
		"lag and jitter": {Faults{Lag: Lag{Statuses: Duration(time.Second), Jitter: Duration(4 * time.Second)}}, false},
		"backward":       {Faults{BackwardReads: 0.3, BackwardBy: Duration(5 * time.Second)}, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			h := newHub(t, Options{Seed: 7})
			h.pass(time.Minute)
			h.set(row.faults)
			backwards, behind := watchReads(h, 20)
			if (backwards > 0) != row.goes || behind == 0 {
				t.Errorf("%s, seed 7: %d of 80 reads went backwards, %d were behind", name, backwards, behind)
			}
		})
	}
}

// TestLateIDs: some records are seen only after later ones, but in the end all.
func TestLateIDs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{Seed: 3})
		h.set(Faults{LateIDs: 0.5, LateBy: Duration(5 * time.Second)})
		holes := 0
		for i := range 30 {
			h.post("bot", "c", "pending", strings.Repeat("x", i))
			h.pass(time.Second)
			seen := h.statuses()
			if len(seen) > 0 && len(seen) <= len(seen[0].(string)) { // the newest seen has older ones unseen
				holes++
			}
		}
		if holes == 0 {
			t.Error("seed 3: no read had a hole")
		}
		h.pass(5 * time.Second)
		if got := len(h.statuses()); got != 30 {
			t.Errorf("in the end %d of 30 are seen", got)
		}
		h.want(200, "bot", get, widget+"/commits/main/status", nil)
	})
}

// TestLostAcks: the write is there, and the connection breaks; reads do not.
func TestLostAcks(t *testing.T) {
	h := newHub(t, Options{})
	h.set(Faults{LostAcks: 1})
	_, err := h.try("bot", post, widget+"/statuses/"+h.sha, dict{"state": "success"})
	if _, broken := errors.AsType[*net.OpError](err); !broken {
		t.Errorf("in process: error %v", err)
	}
	h.want(200, "bot", get, widget, nil)
	if _, err := h.try("reader", post, widget+"/statuses/"+h.sha, dict{"state": "success"}); err == nil {
		t.Error("a refusal was not lost")
	}
	if got := h.known(); got != 1 {
		t.Errorf("%d statuses are there", got)
	}
	web := httptest.NewServer(h.s)
	defer web.Close()
	rq, err := http.NewRequestWithContext(t.Context(), post, web.URL+widget+"/statuses/"+h.sha, strings.NewReader(`{"state":"failure"}`))
	h.must(err)
	rq.Header.Set("Authorization", "token bot-token")
	if res, err := web.Client().Do(rq); err == nil {
		t.Errorf("over the network: %s", res.Status)
		h.must(res.Body.Close())
	}
	if got := h.known(); got != 2 {
		t.Errorf("%d statuses are there", got)
	}
	last := h.s.Journal()[len(h.s.Journal())-1]
	if last.Fault != "lost-ack" || last.Status != 201 || last.Actor != "bot" {
		t.Errorf("the journal says %+v", last)
	}
}

// TestServerErrors: 5xx comes before or after the write was applied.
func TestServerErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{})
		for _, row := range []struct {
			faults  Faults
			applied int
		}{{Faults{FailBefore: 1}, 0}, {Faults{FailAfter: 1}, 1}} {
			before := h.known()
			h.set(row.faults)
			r := h.want(502, "bot", post, widget+"/statuses/"+h.sha, dict{"state": "success"})
			if r.str("message") != "Server Error" || h.known()-before != row.applied {
				t.Errorf("%+v: %s, %d applied", row.faults, r, h.known()-before)
			}
		}
		h.set(Faults{Killed: 1})
		before, start := h.known(), time.Now()
		for range 20 {
			h.want(502, "bot", post, widget+"/statuses/"+h.sha, dict{"state": "success"})
		}
		if n := h.known() - before; n == 0 || n == 20 || time.Since(start) != 200*time.Second {
			t.Errorf("killed: %d of 20 applied in %v", n, time.Since(start))
		}
	})
}

// TestLimitedFault: refusals come as 403 and 429, with Retry-After in seconds, as
// a date or not at all, with and without the documentation's address; nothing is
// applied.
func TestLimitedFault(t *testing.T) {
	h := newHub(t, Options{Faults: Faults{Limited: 1}})
	seen := map[string]bool{}
	for range 200 {
		r := h.do("bot", post, widget+"/statuses/"+h.sha, dict{"state": "success"})
		after, kind := r.header.Get("Retry-After"), "none"
		if after == "60" {
			kind = "seconds"
		} else if end, err := http.ParseTime(after); err == nil && time.Until(end) > 30*time.Second {
			kind = "date"
		} else if after != "" {
			t.Errorf("Retry-After %q", after)
		}
		seen[fmt.Sprint(r.status, " ", kind, " ", r.str("documentation_url") != "")] = true
		if !strings.Contains(r.str("message"), "secondary rate limit") {
			t.Errorf("got %s", r)
		}
	}
	for _, status := range []string{"403", "429"} {
		for _, kind := range []string{"none", "seconds", "date"} {
			for _, docs := range []string{"true", "false"} {
				if want := status + " " + kind + " " + docs; !seen[want] {
					t.Errorf("seed 0: never saw %s", want)
				}
			}
		}
	}
	if h.known() != 0 || len(seen) != 12 {
		t.Errorf("%d applied, %v", h.known(), seen)
	}
}

// TestSlowBodies: the head of the answer is there at once and the body later; a
// request that ends meanwhile is left, and others are served.
func TestSlowBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{Faults: Faults{SlowBodies: 1, SlowBy: Duration(8 * time.Second)}})
		rq, err := http.NewRequestWithContext(t.Context(), get, "http://hub.test"+widget, nil)
		h.must(err)
		start := time.Now()
		res, err := h.s.Client().Do(rq)
		h.must(err)
		if d := time.Since(start); d != 0 {
			t.Errorf("the head took %v", d)
		}
		h.set(Faults{})
		h.want(200, "bot", get, widget, nil) // nothing is held up
		data, err := io.ReadAll(res.Body)
		if d := time.Since(start); err != nil || len(data) == 0 || d < 7*time.Second || d > 8*time.Second {
			t.Errorf("the body took %v, %d bytes, %v", d, len(data), err)
		}
	})
}

// TestLatency takes time, and ends with the request's context.
func TestLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{Faults: Faults{Latency: Duration(time.Second)}})
		start := time.Now()
		h.want(200, "bot", get, widget, nil)
		if d := time.Since(start); d < time.Second || d > 2*time.Second {
			t.Errorf("took %v", d)
		}
	})
}

// TestSkewCreated: created_at is wrong by up to so much, either way; the truth
// is not.
func TestSkewCreated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{Seed: 5, Faults: Faults{SkewCreated: Duration(time.Minute)}})
		for range 40 {
			h.post("bot", "c", "pending", "")
		}
		var early, late bool
		for _, st := range h.s.Truth().Statuses("acme/widget", h.sha) {
			d := st.CreatedAt.Sub(st.Received)
			early, late = early || d < -10*time.Second, late || d > 10*time.Second
			if d < -time.Minute-time.Second || d > time.Minute || st.Received != time.Now() {
				t.Errorf("seed 5: off by %v, received %v", d, st.Received)
			}
		}
		if !early || !late {
			t.Errorf("seed 5: early %v, late %v", early, late)
		}
	})
}

// TestRevokedTokens: by the token's value or by its owner, and back again.
func TestRevokedTokens(t *testing.T) {
	h := newHub(t, Options{})
	for _, name := range []string{"bot-token", "Bot"} {
		h.set(Faults{RevokedTokens: []string{name}})
		r := h.want(401, "bot", get, widget, nil)
		if r.str("message") != "Bad credentials" {
			t.Errorf("revoked: %s", r)
		}
		h.want(200, "owner", get, widget, nil)
		h.set(Faults{})
		h.want(200, "bot", get, widget, nil)
	}
}

// TestOutage: everything is 503 for so long, and then as before.
func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{})
		h.set(Faults{OutageFor: Duration(10 * time.Minute)})
		for range 2 {
			h.want(503, "bot", get, widget, nil)
			h.want(503, "bot", post, widget+"/statuses/"+h.sha, dict{"state": "success"})
			h.pass(5*time.Minute - 1)
		}
		h.pass(2)
		h.want(200, "bot", get, widget, nil)
		if h.known() != 0 {
			t.Error("a write was applied during the outage")
		}
	})
}

// TestSeed: the same seed gives the same faults, and another one others.
func TestSeed(t *testing.T) {
	run := func(seed uint64) []int {
		h := newHub(t, Options{Seed: seed, Faults: Faults{FailBefore: 0.3, Limited: 0.3}})
		var statuses []int
		for range 60 {
			statuses = append(statuses, h.do("bot", get, widget, nil).status)
		}
		return statuses
	}
	if a, b := run(1), run(1); !slices.Equal(a, b) {
		t.Errorf("seed 1 twice: %v and %v", a, b)
	}
	if a, b := run(1), run(2); slices.Equal(a, b) {
		t.Errorf("seeds 1 and 2 are the same: %v", a)
	}
}

// TestFaultsOfGraphQL: a mutation may lose its answer, a query does not.
func TestFaultsOfGraphQL(t *testing.T) {
	h := newHub(t, Options{Faults: Faults{LostAcks: 1}})
	h.want(200, "bot", post, "/graphql", dict{"query": "{viewer{login}}"})
	id := nodeID("Repository", h.s.repos["acme/widget"].id)
	_, err := h.try("bot", post, "/graphql", dict{"query": `mutation { updateRefs(input: {repositoryId: "` + id +
		`", refUpdates: [{name: "refs/claims/x", afterOid: "` + h.sha + `", beforeOid: "` + zeroOID + `"}]}) { clientMutationId } }`})
	if err == nil || h.s.Truth().Ref("acme/widget", "refs/claims/x") != h.sha {
		t.Errorf("error %v, the reference is %q", err, h.s.Truth().Ref("acme/widget", "refs/claims/x"))
	}
}

// TestFaultsOfGit: a push may be refused before, or lose its answer after it was
// taken.
func TestFaultsOfGit(t *testing.T) {
	w := newGitWorld(t)
	dir := w.seed()
	sha := w.commit(dir, "f", "1\n")
	w.must(w.s.SetFaults(Faults{FailBefore: 1}))
	if out, err := w.tryGit(dir, "push", "-q", "origin", "HEAD:refs/heads/a"); err == nil {
		t.Errorf("a push to a broken server: %s", out)
	}
	w.must(w.s.SetFaults(Faults{LostAcks: 1}))
	if out, err := w.tryGit(dir, "push", "-q", "origin", "HEAD:refs/heads/b"); err == nil {
		t.Errorf("a push whose answer is lost: %s", out)
	}
	truth := w.s.Truth()
	if a, b := truth.Ref("acme/widget", "refs/heads/a"), truth.Ref("acme/widget", "refs/heads/b"); a != "" || b != sha {
		t.Errorf("a is %q, b is %q, want none and %s", a, b, sha)
	}
	last := w.s.Journal()[len(w.s.Journal())-1]
	if last.Fault != "lost-ack" || !strings.HasSuffix(last.Path, "/git-receive-pack") || last.Actor == "" {
		t.Errorf("the journal says %+v", last)
	}
}
