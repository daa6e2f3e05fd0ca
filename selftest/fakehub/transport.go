package fakehub

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// enterprise is where an Enterprise server has its API.
const enterprise = "/api/v3"

// graphqlPath is where all queries end up, whichever address they came to.
const graphqlPath = "/graphql"

// apiPath says whether a path is one of the API, and gives it below its root.
func apiPath(path string) (string, bool) {
	if rest, ok := strings.CutPrefix(path, enterprise); ok && (rest == "" || rest[0] == '/') {
		return "/" + strings.TrimPrefix(rest, "/"), true
	}
	switch path {
	case "/graphql", "/api/graphql":
		return graphqlPath, true
	}
	if strings.HasPrefix(path, "/api/uploads/") {
		return strings.TrimPrefix(path, "/api/uploads"), true
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch first {
	case "repos", "repositories", "users", "user", "orgs", "meta", "rate_limit", "search", "app", "installation":
		return path, true
	}
	return "", false
}

// ServeHTTP answers the API, git, the journal and the pages.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch path, isAPI := apiPath(r.URL.EscapedPath()); {
	case isAPI:
		a, err := s.answer(r, path)
		if err != nil {
			panic(http.ErrAbortHandler) // the client has gone
		}
		a.send(w, r)
	case r.URL.Path == "/_journal":
		s.serveJournal(w, r)
	case r.URL.Path == "/_faults":
		s.serveFaults(w, r)
	case isRaw(r):
		s.serveRaw(w, r)
	case isGit(r), strings.Contains(r.URL.Path, ".git/"):
		s.gitRequest(w, r)
	default:
		s.serveWeb(w, r)
	}
}

// send writes an answer to a real connection, or breaks it.
func (a *answer) send(w http.ResponseWriter, r *http.Request) {
	if a.broken {
		panic(http.ErrAbortHandler) // closes the connection without an answer
	}
	h := w.Header()
	for k, v := range a.header {
		h[k] = v
	}
	if a.body != nil {
		h.Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	w.WriteHeader(a.status)
	if r.Method == http.MethodHead {
		return
	}
	body := a.reader(r.Context())
	flush := http.NewResponseController(w)
	for chunk := make([]byte, 32<<10); ; {
		n, err := body.Read(chunk)
		if n > 0 {
			if _, err := w.Write(chunk[:n]); err != nil {
				return // the client has gone
			}
			if a.slow > 0 {
				_ = flush.Flush()
			}
		}
		if err == io.EOF { // as readers give it
			return
		}
		if err != nil {
			panic(http.ErrAbortHandler)
		}
	}
}

// reader gives the body, in eight pieces over time if it is slow.
func (a *answer) reader(ctx context.Context) io.Reader {
	if a.slow <= 0 || len(a.body) == 0 {
		return bytes.NewReader(a.body)
	}
	return &slowReader{ctx: ctx, rest: a.body, piece: (len(a.body) + 7) / 8, every: a.slow / 8}
}

type slowReader struct {
	ctx   context.Context
	rest  []byte
	ready int // how much of the rest has arrived
	piece int
	every time.Duration
}

// Read implements [io.Reader].
func (s *slowReader) Read(p []byte) (int, error) {
	if len(s.rest) == 0 {
		return 0, io.EOF
	}
	if s.ready == 0 {
		if err := wait(s.ctx, s.every); err != nil {
			return 0, err
		}
		s.ready = min(s.piece, len(s.rest))
	}
	n := copy(p, s.rest[:s.ready])
	s.rest, s.ready = s.rest[n:], s.ready-n
	return n, nil
}

// Transport answers requests in process: there is no network, and nothing
// blocks but time, so it works in a testing/synctest bubble. The host of the
// address is taken as the server's own, whatever it is.
func (s *Server) Transport() http.RoundTripper { return transport{s} }

// Client is a client with [Server.Transport].
func (s *Server) Client() *http.Client { return &http.Client{Transport: s.Transport()} }

type transport struct{ s *Server }

var _ http.RoundTripper = transport{}

// RoundTrip implements [http.RoundTripper].
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close() // only read
	}
	path, isAPI := apiPath(r.URL.EscapedPath())
	if !isAPI {
		return t.page(r)
	}
	a, err := t.s.answer(r, path)
	if err != nil {
		return nil, err
	}
	if a.broken {
		return nil, errReset()
	}
	res := &http.Response{
		Status: strconv.Itoa(a.status) + " " + http.StatusText(a.status), StatusCode: a.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.header, Body: http.NoBody, ContentLength: int64(len(a.body)), Request: r,
	}
	if len(a.body) > 0 && r.Method != http.MethodHead {
		a.header["Content-Length"] = []string{strconv.Itoa(len(a.body))}
		res.Body = io.NopCloser(a.reader(r.Context()))
	}
	return res, nil
}

// errReset is what a client sees of a connection that breaks.
func errReset() error { return &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET} }

// page answers what is not of the API: it is collected whole.
func (t transport) page(r *http.Request) (*http.Response, error) {
	c := &collector{header: http.Header{}, status: http.StatusOK}
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	in.RemoteAddr = "192.0.2.1:1234"
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	if broken := c.collect(t.s, in); broken {
		return nil, errReset()
	}
	if err := r.Context().Err(); err != nil {
		return nil, err // as http clients expect it
	}
	return &http.Response{
		Status: strconv.Itoa(c.status) + " " + http.StatusText(c.status), StatusCode: c.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: c.header, Body: io.NopCloser(&c.body), ContentLength: int64(c.body.Len()), Request: r,
	}, nil
}

// A collector is a ResponseWriter into memory.
type collector struct {
	header http.Header
	body   bytes.Buffer
	status int
	wrote  bool
}

// collect serves a request, and says whether its connection was broken.
func (c *collector) collect(s *Server, r *http.Request) (broken bool) {
	defer func() {
		switch v := recover(); v {
		case nil:
		case http.ErrAbortHandler: // as net/http takes it
			broken = true
		default:
			panic(v)
		}
	}()
	s.ServeHTTP(c, r)
	return false
}

// Header implements [http.ResponseWriter].
func (c *collector) Header() http.Header { return c.header }

// WriteHeader implements [http.ResponseWriter].
func (c *collector) WriteHeader(status int) {
	if !c.wrote {
		c.status, c.wrote = status, true
	}
}

// Write implements [io.Writer].
func (c *collector) Write(p []byte) (int, error) {
	c.wrote = true
	return c.body.Write(p)
}

// Flush implements [http.Flusher]; everything is collected anyway.
func (c *collector) Flush() {}
