package hub

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A roundTrip is a transport made of a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// reply makes an answer whose body is in memory, as wire gives it to the layers above. Headers are "Name: value".
func reply(status int, body string, headers ...string) *http.Response {
	resp := &http.Response{StatusCode: status, Status: strconv.Itoa(status), Header: http.Header{}, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		resp.Header.Add(name, value)
	}
	setBody(resp, []byte(body))
	return resp
}

// jsonReply makes an answer of a value, dated now.
func jsonReply(t *testing.T, status int, v any, headers ...string) *http.Response {
	t.Helper()
	body, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return reply(status, string(body), append(headers, "Date: "+time.Now().UTC().Format(http.TimeFormat))...)
}

// request makes one as hub does; a write if it is no GET.
func request(t *testing.T, method, url, body string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body == "" {
		req.Body, req.GetBody, req.ContentLength = nil, nil, 0
	}
	return req
}

func readAll(t *testing.T, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// testClient is a client without pauses between writes, over a transport.
func testClient(t *testing.T, rt http.RoundTripper, change ...func(*Options)) *Client {
	t.Helper()
	o := Options{URL: "https://hub.test", Token: "tok-1", Transport: rt, WriteEvery: -1, Version: "1.2"}
	for _, f := range change {
		f(&o)
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A journal collects writes.
type journal struct {
	mu     sync.Mutex
	writes []Write
}

func (j *journal) add(w Write) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.writes = append(j.writes, w)
}

func (j *journal) all() []Write {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]Write(nil), j.writes...)
}

// bodyOf reads a request's JSON.
func bodyOf(t *testing.T, req *http.Request) map[string]any {
	t.Helper()
	data, err := io.ReadAll(req.Body)
	if err != nil {
		t.Fatal(err)
	}
	var v map[string]any
	if err := json.NewDecoder(bytes.NewReader(data)).Decode(&v); err != nil {
		t.Fatalf("body %q: %v", data, err)
	}
	return v
}

var acme = Repo{"acme", "widget"}

const sha1 = "1111111111111111111111111111111111111111"

func readBody(req *http.Request) (string, error) {
	data, err := io.ReadAll(req.Body)
	return string(data), err
}
