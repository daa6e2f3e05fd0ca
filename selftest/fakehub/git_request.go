package fakehub

import (
	"net/http"
	"time"
)

// gitRequest lets git be served, and journals it.
func (s *Server) gitRequest(w http.ResponseWriter, r *http.Request) {
	c := &statusWriter{ResponseWriter: w, status: http.StatusOK}
	s.serveGit(c, r)
	s.mu.Lock()
	defer s.mu.Unlock()
	who, _ := s.authenticate(r, time.Now())
	s.note(Entry{Time: time.Now(), Actor: who.login(), Method: r.Method, Path: r.URL.RequestURI(), Status: c.status})
}

// A statusWriter remembers the status.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets [http.ResponseController] reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
