package s3

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/minio/minio-go/v7"

	"github.com/cyborg-bots/cyborg/publish"
	"github.com/cyborg-bots/cyborg/publish/s3/s3test"
)

// answers is a server whose next answers are known.
type answers struct {
	status []int
	header http.Header
	at     []time.Duration // when each request came
	began  time.Time
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	a.at = append(a.at, time.Since(a.began).Truncate(time.Second))
	status := a.status[0]
	a.status = a.status[1:]
	return &http.Response{StatusCode: status, Header: a.header, Body: http.NoBody, Request: r}, nil
}

// A server that says "slow down" is left alone: longer each time, as long as it
// asks for, and as before once it is well.
func TestGate(t *testing.T) {
	for _, tt := range []struct {
		name   string
		status []int
		header http.Header
		want   []time.Duration
	}{
		{"doubles", []int{503, 503, 429, 503, 200, 200}, nil, []time.Duration{0, 1, 3, 7, 15, 15}},
		{"forgets", []int{503, 200, 503, 200}, nil, []time.Duration{0, 1, 1, 2}},
		{"is asked", []int{503, 200}, http.Header{"Retry-After": {"40"}}, []time.Duration{0, 40}},
		{"is asked too much", []int{503, 200}, http.Header{"Retry-After": {"4000000"}}, []time.Duration{0, 300}},
		{"other trouble", []int{500, 404, 502, 200}, nil, []time.Duration{0, 0, 0, 0}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &answers{status: tt.status, header: tt.header, began: time.Now()}
				g := newGate(a)
				for range tt.want {
					r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://h/", nil)
					if err != nil {
						t.Fatal(err)
					}
					if _, err := g.RoundTrip(r); err != nil {
						t.Fatal(err)
					}
				}
				// Waits may be a quarter longer each, and add up.
				for n, got := range a.at {
					want := tt.want[n] * time.Second
					if more := want/4 + time.Second; got < want || got > want+more {
						t.Errorf("request %d came after %v, want %v and at most %v more", n, got, want, more)
					}
				}
			})
		})
	}
}

// Whoever waits at the gate leaves when his context ends.
func TestGateContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(&answers{status: []int{503}})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://h/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := g.RoundTrip(r); err != nil {
			t.Fatal(err)
		}
		if _, err := g.RoundTrip(r); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

// Our statement joins those of others and replaces only itself.
func TestPolicy(t *testing.T) {
	const others = `{"Version":"2012-10-17","Id":"theirs","Statement":[{"Sid":"A","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::logs/secret/*"}]}`
	first, err := withReaders(others, "logs", "team/bots")
	if err != nil {
		t.Fatal(err)
	}
	second, err := withReaders(first, "logs", "team/bots")
	if err != nil || second != first {
		t.Errorf("a second time it changes to %s, %v", second, err)
	}
	third, err := withReaders(first, "logs", "")
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		ID        string `json:"Id"`
		Statement []struct {
			Sid      string
			Resource any
		}
	}
	if err := json.Unmarshal([]byte(third), &got); err != nil {
		t.Fatal(err)
	}
	var list []any
	for _, s := range got.Statement {
		list = append(list, s.Sid, s.Resource)
	}
	want := []any{
		"A", "arn:aws:s3:::logs/secret/*", "CyborgReadersteamX2Fbots", []any{"arn:aws:s3:::logs/team/bots/*"},
		"CyborgReaders", []any{"arn:aws:s3:::logs/*"},
	}
	if diff := cmp.Diff(want, list); diff != "" || got.ID != "theirs" {
		t.Errorf("%s (-want +got):\n%s", got.ID, diff)
	}
	if single, err := withReaders(`{"Statement":{"Sid":"B"}}`, "logs", ""); err != nil || !json.Valid([]byte(single)) {
		t.Errorf("a single statement: %s, %v", single, err)
	}
	for _, bad := range []string{"{", `{"Statement":7}`} {
		if _, err := withReaders(bad, "logs", ""); err == nil {
			t.Errorf("%s was replaced", bad)
		}
	}
}

// What a bot leaves that dies in the middle of an upload goes; what is being
// uploaded, and what is beside the folder, stays.
func TestSweep(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	s, err := Open(Options{Bucket: "logs", Prefix: "team", Endpoint: server.URL, AccessKey: server.AccessKey, SecretKey: publish.Secret{Value: server.SecretKey}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Init(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"team/a/core.bin", "team/b/core.bin", "other/core.bin"} {
		id, err := s.core.NewMultipartUpload(t.Context(), "logs", key, minio.PutObjectOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.core.PutObjectPart(t.Context(), "logs", key, id, 1, strings.NewReader("part"), 4, minio.PutObjectPartOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		age  time.Duration
		want int
	}{{24 * time.Hour, 0}, {-time.Hour, 2}, {-time.Hour, 0}} {
		if n, err := s.Sweep(t.Context(), time.Now().Add(-tt.age)); n != tt.want || err != nil {
			t.Errorf("older than %v: %d, %v, want %d", tt.age, n, err, tt.want)
		}
	}
}
