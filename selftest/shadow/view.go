package shadow

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// A View is what one program sees through a window, and what it would have done. It is the GitHub of that program: an
// http.Handler that answers REST, GraphQL and git below one root.
type View struct {
	window *Window

	mu     sync.Mutex
	asked  int
	writes []Write
	many   int // writes in all
}

// A Write is what a program tried to change.
type Write struct {
	Method, Path string
	Body         []byte
}

var _ http.Handler = (*View)(nil)

// View gives a program a view of its own.
func (w *Window) View() *View { return &View{window: w} }

// Asked is how many requests there were, and how many of them were writes.
func (v *View) Asked() (requests, writes int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.asked, v.many
}

// Writes lists what it tried to change, in order.
func (v *View) Writes() []Write {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.writes)
}

// gitPath is a request of git.
var gitPath = regexp.MustCompile(`^/([^/]+/[^/]+?)\.git/(info/refs|git-upload-pack|git-receive-pack)$`)

// ServeHTTP implements http.Handler.
func (v *View) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, longestAsking))
	if err != nil {
		refuse(rw, http.StatusRequestEntityTooLarge, "the request is too long")
		return
	}
	v.mu.Lock()
	v.asked++
	v.mu.Unlock()
	if m := gitPath.FindStringSubmatch(r.URL.Path); m != nil {
		v.git(rw, r, body, m[1], m[2])
		return
	}
	switch {
	case path.Clean(r.URL.Path) != strings.TrimSuffix(r.URL.Path, "/") && r.URL.Path != "/":
		refuse(rw, http.StatusBadRequest, "the path is not plain")
	case r.URL.Path == "/graphql" && r.Method == http.MethodPost:
		v.graphQL(rw, r, body)
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		v.rest(rw, r)
	default:
		v.write(rw, r, body)
	}
}

// write notes what would be changed, and says no.
func (v *View) write(rw http.ResponseWriter, r *http.Request, body []byte) {
	v.mu.Lock()
	v.many++
	if len(v.writes) < mostWrites {
		v.writes = append(v.writes, Write{r.Method, r.URL.Path, body})
	}
	v.mu.Unlock()
	refuse(rw, http.StatusUnprocessableEntity, "this is a window: nothing is written")
}

// refuse answers as GitHub does.
func refuse(rw http.ResponseWriter, status int, message string) {
	rw.Header().Set("Content-Type", "application/json; charset=utf-8")
	rw.WriteHeader(status)
	_ = json.NewEncoder(rw).Encode(map[string]string{"message": message, "documentation_url": ""})
}

// shown tells whether a path of the API may be read: what is about a served repository, and who people are.
func (w *Window) shown(p string) bool {
	parts := strings.Split(strings.Trim(p, "/"), "/")
	switch parts[0] {
	case "", "user", "rate_limit", "meta": // not /user/repos: the token may read more than these bots show
		return len(parts) == 1
	case "users":
		return len(parts) == 2
	case "repos":
		if len(parts) < 3 {
			return false
		}
		_, ok := w.source.Clone[strings.ToLower(parts[1]+"/"+parts[2])]
		return ok
	case "repositories": // where GitHub's links to further pages lead
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(parts) > 1 && w.ids[parts[1]]
	}
	return false
}

// rest answers a read of REST.
func (v *View) rest(rw http.ResponseWriter, r *http.Request) {
	w := v.window
	p := r.URL.EscapedPath()
	switch {
	case !w.shown(r.URL.Path):
		refuse(rw, http.StatusNotFound, "Not Found")
		return
	case p == "/user" && w.source.App != "":
		answerJSON(rw, map[string]any{"login": w.source.App, "id": 1, "type": "Bot"})
		return
	}
	to := strings.TrimSuffix(w.source.API, "/") + p
	if r.URL.RawQuery != "" {
		to += "?" + r.URL.RawQuery
	}
	a := w.read(r.Context(), r.Method+" "+to+" "+r.Header.Get("Accept"), forward(r, to, nil))
	if parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/"); len(parts) == 3 && parts[0] == "repos" && a.err == nil && a.status == http.StatusOK {
		a = w.repository(a, r.Host)
	}
	v.pass(rw, r, a)
}

// repository changes where a repository is cloned from, as its description says.
func (w *Window) repository(a *answer, host string) *answer {
	var fields map[string]any
	var named struct {
		ID   json.Number `json:"id"`
		Name string      `json:"full_name"`
	}
	if json.Unmarshal(a.body, &fields) != nil || json.Unmarshal(a.body, &named) != nil {
		return a
	}
	w.mu.Lock()
	w.ids[named.ID.String()] = true
	w.mu.Unlock()
	fields["id"] = named.ID
	fields["clone_url"] = fmt.Sprintf("http://%s/%s.git", host, named.Name)
	if w.source.App != "" { // an App's rights are not told
		fields["permissions"] = map[string]bool{"pull": true, "push": true}
	}
	body, err := json.Marshal(fields)
	if err != nil {
		return a
	}
	return &answer{status: a.status, header: a.header, body: body}
}

// pass gives an answer of GitHub's to the program.
func (v *View) pass(rw http.ResponseWriter, r *http.Request, a *answer) {
	if a.err != nil {
		v.window.source.Log.Debug("the window is blind", "method", r.Method, "path", r.URL.Path, "error", a.err)
		refuse(rw, http.StatusBadGateway, "the window is blind")
		return
	}
	header := rw.Header()
	for name, values := range maps.All(a.header) {
		switch name {
		case "Link", "Location":
			for _, text := range values {
				header.Add(name, strings.ReplaceAll(text, strings.TrimSuffix(v.window.source.API, "/"), "http://"+r.Host))
			}
		case "Date", "Content-Type", "Cache-Control", "Retry-After":
			header[name] = values
		default:
			if strings.HasPrefix(name, "X-Ratelimit-") || strings.HasPrefix(name, "X-Github-") || strings.HasPrefix(name, "X-Oauth-") {
				header[name] = values
			}
		}
	}
	rw.WriteHeader(a.status)
	_, _ = rw.Write(a.body)
}

func answerJSON(rw http.ResponseWriter, v any) {
	rw.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(rw).Encode(v)
}

// graphQL answers a query. What changes anything, and what asks for more than the served repositories, is refused.
func (v *View) graphQL(rw http.ResponseWriter, r *http.Request, body []byte) {
	w := v.window
	switch kind := judgeQuery(body, func(owner, name string) bool {
		_, ok := w.source.Clone[strings.ToLower(owner+"/"+name)]
		return ok
	}); kind {
	case queryReads:
		v.pass(rw, r, w.read(r.Context(), "POST "+w.source.GraphQL+" "+string(body), forward(r, w.source.GraphQL, body)))
	case queryWrites:
		v.write(rw, r, body)
	default:
		refuse(rw, http.StatusForbidden, "this is a window: the query asks for what is not shown")
	}
}

// git answers a request of git. Fetched packs are not kept.
func (v *View) git(rw http.ResponseWriter, r *http.Request, body []byte, repo, what string) {
	w := v.window
	clone, ok := w.source.Clone[strings.ToLower(repo)]
	service := r.URL.Query().Get("service")
	switch {
	case !ok:
		refuse(rw, http.StatusNotFound, "Not Found")
	case what == "git-receive-pack" || service == "git-receive-pack":
		v.write(rw, r, nil)
	case what == "info/refs" && service == "git-upload-pack":
		to := clone + "/info/refs?service=git-upload-pack"
		v.pass(rw, r, w.read(r.Context(), "git "+to+" "+r.Header.Get("Git-Protocol"), forward(r, to, nil)))
	case what == "git-upload-pack" && r.Method == http.MethodPost:
		v.fetch(rw, r, clone+"/git-upload-pack", body)
	default:
		refuse(rw, http.StatusNotFound, "Not Found")
	}
}

// fetch passes a pack on as it comes.
func (v *View) fetch(rw http.ResponseWriter, r *http.Request, to string, body []byte) {
	req, err := forward(r, to, body)(r.Context())
	var resp *http.Response
	if err == nil {
		resp, err = v.window.send(req)
	}
	if err != nil {
		v.pass(rw, r, &answer{err: err})
		return
	}
	defer resp.Body.Close()
	rw.Header().Set("Content-Type", resp.Header.Get("Content-Type"))
	rw.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(rw, resp.Body)
}
