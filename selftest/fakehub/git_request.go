package fakehub

import (
	"net/http"
	"strings"
	"time"
)

// gitRequest lets git be served, with the faults that git can meet: latency, a
// 5xx before anything is done, and a push whose answer is lost. It journals
// the request when it has ended.
func (s *Server) gitRequest(w http.ResponseWriter, r *http.Request) {
	push := r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/"+receivePack)
	e := Entry{Method: r.Method, Path: r.URL.RequestURI()}
	p := s.gitPlan(r, &e, push)
	if wait(r.Context(), p.pause[0]) != nil {
		return // the client has gone
	}
	c := &statusWriter{ResponseWriter: w, status: http.StatusOK}
	switch {
	case p.before:
		http.Error(c, "Server Error", http.StatusBadGateway)
	case p.lost:
		c.ResponseWriter = &collector{header: http.Header{}}
		s.serveGit(c, r)
	default:
		s.serveGit(c, r)
	}
	e.Status = c.status
	s.noteGit(e)
	if p.lost {
		panic(http.ErrAbortHandler) // closes the connection without an answer
	}
}

// gitPlan draws what a request of git meets. Outages are answered by serveGit.
func (s *Server) gitPlan(r *http.Request, e *Entry, push bool) plan {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	who, _ := s.authenticate(r, now)
	e.Actor = who.login()
	p := s.draw(push, now)
	if p.killed || p.after || p.limited != nil || p.body > 0 { // not of git
		p = plan{pause: p.pause}
	}
	e.Fault = p.name()
	return p
}

func (s *Server) noteGit(e Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.Time = time.Now()
	s.note(e)
}

// A statusWriter remembers the status.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements [http.ResponseWriter].
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets [http.ResponseController] reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
