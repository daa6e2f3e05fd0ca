package s3test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
	"time"
)

// Weather is what the way to a server does to requests. Shares are of all
// requests, from 0 to 1.
type Weather struct {
	Fail  float64       // answered with 500 and an S3 error, without asking the server
	Slow  float64       // answered with 503 Slow Down in the same way
	Lost  float64       // done by the server, and then the connection breaks
	Torn  float64       // cut off in the middle of the answer
	Delay time.Duration // before each
	Gone  bool          // no connection lives
	Kept  bool          // what is there can be read, and nothing written: as for keys that may not
}

// Proxy is the way to a server, in changing weather.
type Proxy struct {
	URL string // stands for the server's

	server *httptest.Server

	mu      sync.Mutex
	weather Weather
	random  *rand.Rand
	seen    map[string]int // by what happened
}

// Between starts a proxy in front of a server, until the test ends.
func Between(t testing.TB, s *Server, seed uint64) *Proxy {
	t.Helper()
	p, err := NewProxy(s.URL, seed)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// NewProxy starts a proxy in front of a server's address; Close ends it. In the
// same order of requests the same seed brings the same trouble.
func NewProxy(server string, seed uint64) (*Proxy, error) {
	target, err := url.Parse(server)
	if err != nil {
		return nil, fmt.Errorf("read address of server: %w", err)
	}
	p := &Proxy{random: rand.New(rand.NewPCG(seed, 0)), seen: map[string]int{}}
	forward := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // it is part of what is signed
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	p.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.serve(forward, w, r) }))
	p.URL = p.server.URL
	return p, nil
}

// Close ends the proxy.
func (p *Proxy) Close() { p.server.Close() }

// Set changes the weather.
func (p *Proxy) Set(w Weather) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.weather = w
}

// Seen tells how many requests went well, and met each trouble: "well", "fail",
// "slow", "lost", "torn", "gone".
func (p *Proxy) Seen() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	seen := map[string]int{}
	for k, n := range p.seen {
		seen[k] = n
	}
	return seen
}

// fate decides what happens to a request.
func (p *Proxy) fate() (string, time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w, dice := p.weather, p.random.Float64()
	what := "well"
	for _, f := range []struct {
		name  string
		share float64
	}{{"fail", w.Fail}, {"slow", w.Slow}, {"lost", w.Lost}, {"torn", w.Torn}} {
		if dice -= f.share; dice < 0 {
			what = f.name
			break
		}
	}
	if w.Gone {
		what = "gone"
	}
	p.seen[what]++
	return what, w.Delay
}

func (p *Proxy) serve(forward http.Handler, w http.ResponseWriter, r *http.Request) {
	what, delay := p.fate()
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-r.Context().Done():
		}
	}
	switch what {
	case "gone":
		panic(http.ErrAbortHandler)
	case "fail":
		refuse(w, r, http.StatusInternalServerError, "InternalError")
	case "slow":
		refuse(w, r, http.StatusServiceUnavailable, "SlowDown")
	case "lost":
		forward.ServeHTTP(&torn{ResponseWriter: w, left: 0}, r)
		panic(http.ErrAbortHandler)
	case "torn":
		forward.ServeHTTP(&torn{ResponseWriter: w, left: 100}, r)
		panic(http.ErrAbortHandler)
	default:
		if p.kept() && r.Method != http.MethodGet && r.Method != http.MethodHead {
			refuse(w, r, http.StatusForbidden, "AccessDenied")
			return
		}
		forward.ServeHTTP(w, r)
	}
}

func (p *Proxy) kept() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.weather.Kept
}

// refuse answers with an error as S3 writes it.
func refuse(w http.ResponseWriter, r *http.Request, status int, code string) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, "<?xml version=\"1.0\"?><Error><Code>"+code+"</Code><Message>trouble on the way</Message></Error>")
}

// torn lets only the first bytes of an answer through, and breaks the connection.
type torn struct {
	http.ResponseWriter
	left int
}

func (t *torn) Write(b []byte) (int, error) {
	if t.left == 0 {
		return len(b), nil // so that the server ends what it does
	}
	n, err := t.ResponseWriter.Write(b[:min(len(b), t.left)])
	t.left -= n
	if f, ok := t.ResponseWriter.(http.Flusher); ok {
		f.Flush()
	}
	if err == nil && n < len(b) {
		err = net.ErrClosed
	}
	return n, err
}

func (t *torn) WriteHeader(status int) {
	if t.left > 0 {
		t.ResponseWriter.WriteHeader(status)
	}
}
