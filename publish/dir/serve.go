package dir

import (
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"syscall"

	"github.com/cyborg-bots/cyborg/publish"
)

// plain is the policy for all that is not our page: whatever a browser takes
// it for, it runs nothing, loads nothing and is in nobody's origin.
const plain = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"

// Handler hands the directory out over HTTP, for demos, tests and small teams.
// It lists nothing (a prefix that nobody can guess is the only key), takes
// nothing, answers ranges, and serves every object as what its name says and
// never as something that a browser sniffed.
func (s *Store) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "this place is for reading", http.StatusMethodNotAllowed)
			return
		}
		name := strings.TrimPrefix(r.URL.Path, "/")
		f, info, err := s.open(name)
		if err != nil {
			http.Error(w, "nothing here", http.StatusNotFound)
			return
		}
		defer f.Close()
		h := w.Header()
		h.Set("Content-Type", publish.TypeOf(name))
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", publish.CacheNever)
		h.Set("ETag", tag(info))
		if path.Ext(name) == ".html" {
			h.Set("Content-Security-Policy", "frame-ancestors 'none'") // the page brings its own, stricter one
		} else {
			h.Set("Content-Security-Policy", plain)
		}
		http.ServeContent(w, r, "", info.ModTime(), f)
	})
}

// tag tells versions of an object apart. Last-Modified knows only seconds, and
// even the file's own time goes in steps of some milliseconds; but each version
// is a new file, beside the one that it replaces.
func tag(info fs.FileInfo) string {
	file := uint64(0)
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		file = stat.Ino
	}
	return fmt.Sprintf(`"%x-%x-%x"`, info.ModTime().UnixNano(), info.Size(), file)
}
