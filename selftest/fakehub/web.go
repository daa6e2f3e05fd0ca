package fakehub

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// webFiles are the templates, the style and the script of the pages.
//
//go:embed web
var webFiles embed.FS

// pagePolicy lets a page load nothing but its own style, script, pictures and
// events, whatever a hostile text gets into it.
const pagePolicy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

// templates are the pages, each with the layout.
var templates = sync.OnceValue(func() map[string]*template.Template {
	layout := template.Must(template.ParseFS(webFiles, "web/layout.html", "web/parts.html", "web/thread.html"))
	names, err := fs.Glob(webFiles, "web/page_*.html")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	pages := make(map[string]*template.Template, len(names))
	for _, name := range names {
		short := strings.TrimSuffix(strings.TrimPrefix(path.Base(name), "page_"), ".html")
		pages[short] = template.Must(template.Must(layout.Clone()).ParseFS(webFiles, name))
	}
	return pages
})

// A page is what is shown at an address.
type page struct {
	status   int
	name     string // of the template
	redirect string // instead of a page
	file     *asset // instead of a page

	Title   string
	Repo    *repoView // nil outside of a repository
	Tab     string    // "code", "issues" or "pulls"
	Path    string    // with query
	Now     time.Time
	Version string
	Body    any
}

// ISO is when the page was made.
func (p page) ISO() string { return p.Now.UTC().Format(time.RFC3339) }

// A rowView is a part of a page that needs to know the repository.
type rowView struct {
	Repo   *repoView
	Commit *commitView
	Item   *itemView
}

// With gives a part of the page the repository.
func (p page) With(part any) (rowView, error) {
	row := rowView{Repo: p.Repo}
	switch part := part.(type) {
	case *commitView:
		row.Commit = part
	case itemView:
		row.Item = &part
	default:
		return row, fmt.Errorf("show %T: not a part of a page", part)
	}
	return row, nil
}

// main renders the part of the page that changes.
func (p page) main() string {
	t := templates()[p.name]
	if t == nil {
		return ""
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "main", p); err != nil {
		return template.HTMLEscapeString(err.Error())
	}
	return b.String()
}

// serveWeb answers the pages for people. It writes nothing into the model and
// shows it as it is, without lag.
func (s *Server) serveWeb(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	first, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch first {
	case "_events":
		s.serveEvents(w, r)
	case "_web":
		serveWebFile(w, r, rest)
	case "_avatars":
		s.serveAvatar(w, rest)
	default:
		s.look(r).send(w)
	}
}

// serveWebFile gives the style, the script or the icon.
func serveWebFile(w http.ResponseWriter, r *http.Request, name string) {
	media := map[string]string{"style.css": "text/css; charset=utf-8", "live.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml"}[name]
	data, err := webFiles.ReadFile("web/" + name)
	if media == "" || err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", media)
	w.Header().Set("Cache-Control", "max-age=300")
	_, _ = w.Write(data)
}

func (p page) send(w http.ResponseWriter) {
	h := w.Header()
	switch {
	case p.redirect != "":
		h.Set("Location", p.redirect)
		w.WriteHeader(http.StatusFound)
		return
	case p.file != nil: // whatever it claims to be, a browser must not run it here
		media := "application/octet-stream"
		if strings.HasPrefix(p.file.media, "text/plain") {
			media = "text/plain; charset=utf-8"
		} else {
			h.Set("Content-Disposition", "attachment")
		}
		h.Set("Content-Type", media)
		h.Set("Content-Length", strconv.Itoa(len(p.file.data)))
		_, _ = w.Write(p.file.data)
		return
	}
	p.Version = p.version().id
	var b bytes.Buffer
	if err := templates()[p.name].ExecuteTemplate(&b, "layout.html", p); err != nil {
		http.Error(w, "show page: "+err.Error(), http.StatusInternalServerError)
		return
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(p.status)
	_, _ = w.Write(b.Bytes())
}

// A viewer gathers what pages show, with the server's mutex held.
type viewer struct {
	s    *Server
	ctx  context.Context
	now  time.Time
	site address
	args map[string][]string
	repo *repo
}

// look finds what is at an address.
func (s *Server) look(r *http.Request) page {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := &viewer{s: s, ctx: r.Context(), now: time.Now(), site: siteOf(r), args: r.URL.Query()}
	p := v.find(strings.Split(strings.Trim(r.URL.Path, "/"), "/"))
	p.Now, p.Path = v.now, r.URL.RequestURI()
	if p.status == 0 {
		p.status = http.StatusOK
	}
	if v.repo != nil && p.redirect == "" {
		p.Repo = v.repoView()
	}
	return p
}

// nothing is the page of what is not there, or may not be seen.
func (v *viewer) nothing() page {
	v.repo = nil
	return page{status: http.StatusNotFound, name: "nothing", Title: "Page not found"}
}

// find goes by the segments of a path.
func (v *viewer) find(segments []string) page {
	switch {
	case segments[0] == "":
		return v.home("")
	case len(segments) == 1:
		return v.home(segments[0])
	}
	r := v.s.repos[strings.ToLower(segments[0]+"/"+segments[1])]
	if r == nil || r.gone || r.private {
		return v.nothing()
	}
	if full := segments[0] + "/" + segments[1]; full != r.fullName() {
		return page{redirect: "/" + strings.Join(slices.Concat([]string{r.fullName()}, segments[2:]), "/")}
	}
	v.repo = r
	return v.inRepo(segments[2:])
}

// inRepo goes by the segments after the repository's name.
func (v *viewer) inRepo(segments []string) page {
	if len(segments) == 0 {
		return v.tree(nil)
	}
	rest := segments[1:]
	one := func(show func(string) page) page {
		if len(rest) != 1 {
			return v.nothing()
		}
		return show(rest[0])
	}
	switch segments[0] {
	case "issues":
		if len(rest) == 0 {
			return v.issueList(false)
		}
		return one(v.issue)
	case "pulls":
		return v.issueList(true)
	case "pull":
		return v.pull(rest)
	case "commit":
		return one(v.commit)
	case "commits":
		return v.commitList(strings.Join(rest, "/"))
	case "tree":
		return v.tree(rest)
	case "blob":
		return v.blob(rest)
	case "raw":
		return v.raw(rest)
	case "labels":
		return v.labelList()
	case "releases":
		return v.releases(rest)
	}
	return v.nothing()
}
