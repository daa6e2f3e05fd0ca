package fakehub

import (
	"errors"
	"net/http"
	"strings"
	"time"
)

// rawPath takes the address of a file as it is apart: /OWNER/NAME/raw/REF/PATH,
// which is what the download_url of contents names. rest is REF/PATH: a
// branch's name may have slashes, so only the repository can tell them apart.
func rawPath(r *http.Request) (fullName, rest string, ok bool) {
	parts := strings.SplitN(strings.TrimPrefix(r.URL.Path, "/"), "/", 4)
	if len(parts) < 4 || parts[2] != "raw" || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return "", "", false
	}
	return parts[0] + "/" + parts[1], parts[3], true
}

// isRaw reports whether a request is for a file as it is.
func isRaw(r *http.Request) bool {
	_, _, ok := rawPath(r)
	return ok
}

// serveRaw sends a file of a repository. Whatever it holds, a browser shows it
// as text: it is served from the same place as the pages.
func (s *Server) serveRaw(w http.ResponseWriter, r *http.Request) {
	name, rest, _ := rawPath(r)
	data, err := s.rawFile(r, name, rest)
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	switch {
	case errors.Is(err, errNoPath), errors.Is(err, errNoObject):
		http.Error(w, "404: Not Found", http.StatusNotFound)
	case err != nil:
		s.log.WarnContext(r.Context(), "file not served", "repo", name, "error", err)
		http.Error(w, "500: Server Error", http.StatusInternalServerError)
	default:
		_, _ = w.Write(data) // the client may have gone
	}
}

// rawFile finds the file; errNoPath also where the repository may not be seen.
func (s *Server) rawFile(r *http.Request, name, rest string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	who, good := s.authenticate(r, now)
	rp := s.repos[strings.ToLower(name)]
	if !good || rp == nil || rp.gone || s.allowed(who, rp, contentsRight(Read), false) != nil {
		return nil, errNoPath
	}
	for i := range len(rest) {
		if rest[i] != '/' {
			continue
		}
		commit, err := rp.resolve(r.Context(), rest[:i], now)
		if errors.Is(err, errNoObject) {
			continue // the name goes on
		}
		if err != nil {
			return nil, err
		}
		e, err := lookup(r.Context(), rp.git, commit, rest[i+1:])
		if err != nil {
			return nil, err
		}
		if e.Kind() != "blob" {
			return nil, errNoPath
		}
		o, err := rp.git.read(r.Context(), e.SHA)
		return o.data, err
	}
	return nil, errNoPath
}
