package hub

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTurnsSpaceWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var at []time.Duration
		under, most := 0, 0
		begun := time.Now()
		l := newTurns(roundTrip(func(req *http.Request) (*http.Response, error) {
			if isWrite(req) {
				mu.Lock()
				at = append(at, time.Since(begun))
				under++
				most = max(most, under)
				mu.Unlock()
				<-time.After(300 * time.Millisecond)
				mu.Lock()
				under--
				mu.Unlock()
			}
			return reply(201, "{}"), nil
		}), time.Second, "/", nil)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if _, err := l.RoundTrip(request(t, "POST", "https://hub.test/x", "{}")); err != nil {
					t.Error(err)
				}
			})
		}
		for range 10 { // reads do not wait
			if _, err := l.RoundTrip(request(t, "GET", "https://hub.test/x", "")); err != nil {
				t.Error(err)
			}
		}
		if waited := time.Since(begun); waited > 0 {
			t.Errorf("reads waited %v", waited)
		}
		wg.Wait()
		want := []time.Duration{0, time.Second, 2 * time.Second, 3 * time.Second}
		if diff := cmp.Diff(want, at); diff != "" || most != 1 {
			t.Errorf("%d at once; sent at (-want +got):\n%s", most, diff)
		}
	})
}

func TestTurnsAreInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var order []string
		l := newTurns(roundTrip(func(req *http.Request) (*http.Response, error) {
			order = append(order, req.URL.Path)
			return reply(201, "{}"), nil
		}), time.Second, "/", nil)
		var wg sync.WaitGroup
		for i := range 5 {
			wg.Go(func() { _, _ = l.RoundTrip(request(t, "POST", fmt.Sprintf("https://hub.test/%d", i), "{}")) })
			synctest.Wait()
		}
		wg.Wait()
		if !slices.IsSorted(order) || len(order) != 5 {
			t.Errorf("order %q", order)
		}
	})
}

// A write must not leave after the claim that it belongs to has run out.
func TestTurnsDoNotSendLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		sent := 0
		l := newTurns(roundTrip(func(*http.Request) (*http.Response, error) { sent++; return reply(201, "{}"), nil }), 10*time.Second, "/", j.add)
		if _, err := l.RoundTrip(request(t, "POST", "https://hub.test/1", "{}")); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		begun := time.Now()
		_, err := l.RoundTrip(request(t, "POST", "https://hub.test/2", "{}").WithContext(ctx))
		if e, ok := errors.AsType[*NotSentError](err); !ok || !errors.Is(e, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if waited := time.Since(begun); waited != 0 {
			t.Errorf("waited %v for a turn that comes too late", waited)
		}
		// One that gives up in the queue leaves the turn to the next.
		quit, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := l.RoundTrip(request(t, "POST", "https://hub.test/3", "{}").WithContext(quit))
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		})
		synctest.Wait()
		stop()
		wg.Wait()
		if _, err := l.RoundTrip(request(t, "POST", "https://hub.test/4", "{}")); err != nil {
			t.Error(err)
		}
		if got := time.Since(begun); sent != 2 || len(j.all()) != 2 || got != 10*time.Second {
			t.Errorf("sent %d, journal %d, after %v", sent, len(j.all()), got)
		}
	})
}

func TestTurnsJournal(t *testing.T) {
	var j journal
	answers := []func() (*http.Response, error){
		func() (*http.Response, error) { return reply(201, "{}", "X-GitHub-Request-Id: A:1"), nil },
		func() (*http.Response, error) {
			return nil, &RefusedError{Status: 422, Message: "no", RequestID: "A:2"}
		},
		func() (*http.Response, error) { return nil, &LimitedError{Status: 403, RequestID: "A:3"} },
		func() (*http.Response, error) { return nil, &LimitedError{Local: true} },
		func() (*http.Response, error) { return nil, &NotSentError{Reason: "connect", Err: errors.New("no")} },
		func() (*http.Response, error) { return nil, &AmbiguousError{Status: 502, RequestID: "A:4"} },
	}
	l := newTurns(roundTrip(func(*http.Request) (*http.Response, error) {
		f := answers[0]
		answers = answers[1:]
		return f()
	}), -1, "/api/v3/", j.add)
	for range len(answers) {
		_, _ = l.RoundTrip(request(t, "POST", "https://hub.test/api/v3/repos/a/b/issues", "{\"title\":\"x\"}\n"))
	}
	var got []string
	for _, w := range j.all() {
		got = append(got, fmt.Sprintf("%s %s %s %d %s %v", w.Method, w.Path, w.Body, w.Status, w.RequestID, w.Err != nil))
	}
	want := []string{ // what was never sent is not in it
		`POST repos/a/b/issues {"title":"x"} 201 A:1 false`,
		`POST repos/a/b/issues {"title":"x"} 422 A:2 true`,
		`POST repos/a/b/issues {"title":"x"} 403 A:3 true`,
		`POST repos/a/b/issues {"title":"x"} 502 A:4 true`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("journal (-want +got):\n%s", diff)
	}
}
