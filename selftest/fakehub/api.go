package fakehub

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// maxBody is how large a request may be; release assets are the largest.
const maxBody = 256 << 20

// An answer is a finished response on its way out, made with no lock held.
type answer struct {
	status int
	header http.Header
	body   []byte
	broken bool          // the connection breaks instead
	slow   time.Duration // how long the body takes
}

// answer serves one request to the API: it draws the faults, waits, lets the
// handler run under the mutex, and waits again. The error is that of the
// request's context.
func (s *Server) answer(r *http.Request, path string) (*answer, error) {
	ctx := r.Context()
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	rq := &request{s: s, ctx: ctx, http: r, method: r.Method, path: path, body: body, site: siteOf(r)}
	if rq.method == http.MethodHead {
		rq.method = http.MethodGet
	}
	b, good := s.arrive(rq)
	defer s.leave(b)
	return s.apply(ctx, rq, b, good)
}

// arrive draws what a request meets, and counts it among those that run. It says
// false if its credential is not good.
func (s *Server) arrive(rq *request) (b *budget, good bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rq.now = time.Now()
	s.served++
	rq.id = requestID(s.served, rq.now)
	rq.plan = s.draw(rq.writes(), rq.now)
	signed, good := s.authenticate(rq.http, rq.now)
	b = s.budgetOf(signed, rq.http)
	b.running++
	rq.crowded = s.limits.Concurrent > 0 && b.running > s.limits.Concurrent
	return b, good
}

// leave counts a request out.
func (s *Server) leave(b *budget) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b.running--
}

// apply is the middle of answer: between the counting in and out.
func (s *Server) apply(ctx context.Context, rq *request, b *budget, good bool) (*answer, error) {
	if err := wait(ctx, rq.plan.pause[0]); err != nil {
		return nil, err
	}
	a := s.locked(rq, b, good)
	if err := wait(ctx, rq.plan.pause[1]); err != nil {
		return nil, err
	}
	return a, nil
}

// locked is the part of answer that needs the mutex.
func (s *Server) locked(rq *request, b *budget, good bool) *answer {
	s.mu.Lock()
	defer s.mu.Unlock() // a panic of a handler must not stop the server
	rq.now = time.Now()
	var who actor
	if good { // again: a token may have been revoked during the wait
		who, good = s.authenticate(rq.http, rq.now)
	}
	rq.actor = who
	s.drawLag(&rq.plan, rq.now)
	res, spent := s.respond(rq, b, good)
	if rq.path == graphqlPath && !rq.mutation {
		rq.plan.lost = false // only writes lose their answers
	}
	a := s.finish(rq, b, res, spent)
	s.note(Entry{
		Time: rq.now, Actor: rq.actor.login(), Method: rq.http.Method, Path: rq.http.URL.RequestURI(),
		Body: string(rq.body[:min(len(rq.body), maxJournalBody+8)]), Status: a.status, Fault: rq.plan.name(),
	})
	return a
}

// respond finds out what to answer, and whether it was paid for.
func (s *Server) respond(rq *request, b *budget, good bool) (res response, spent bool) {
	rt, params := s.routes.find(rq.method, rq.resolve())
	rq.route = rt
	if rt == nil {
		rq.route = &route{budget: coreResource}
	}
	switch {
	case rq.plan.outage:
		return fail(http.StatusServiceUnavailable, "Service unavailable"), false
	case rq.plan.before:
		return serverError(), false
	case rq.plan.limited != nil:
		b.usage.Refused++
		return *rq.secondary(rq.plan.limited, ""), false
	case !good:
		return fail(http.StatusUnauthorized, "Bad credentials"), false
	case len(rq.body) > maxBody:
		return fail(http.StatusRequestEntityTooLarge, "Payload Too Large"), false
	}
	if rq.route.budget != graphqlResource { // whose handler charges
		if no := s.spend(rq, b); no != nil {
			return *no, false
		}
	}
	if rt == nil {
		return notFound(), true
	}
	for i, p := range params {
		if plain, err := url.PathUnescape(p); err == nil {
			params[i] = plain
		}
	}
	rq.params = params
	if no := s.admit(rq); no != nil {
		return *no, true
	}
	res = rt.handle(rq)
	if rq.plan.after || rq.plan.killed {
		res = serverError()
	}
	return res, true
}

// admit finds the repository of the route and asks whether the actor may.
func (s *Server) admit(rq *request) *response {
	if !strings.HasPrefix(rq.route.pattern, "/repos/{owner}/{repo}") {
		return nil
	}
	full := rq.param("owner") + "/" + rq.param("repo")
	r := s.repos[strings.ToLower(full)]
	if r == nil || r.gone {
		return refuse(true, 0, "")
	}
	if no := s.allowed(rq.actor, r, rq.route.right, rq.writes()); no != nil {
		return no
	}
	rq.repo = r
	if !strings.EqualFold(r.fullName(), full) {
		return rq.moved(r)
	}
	return nil
}

// moved redirects from a former name: 301 for reads and 307 for writes, so that
// a write stays one.
func (rq *request) moved(r *repo) *response {
	_, rest, _ := strings.Cut(strings.TrimPrefix(rq.path, "/repos/"), "/")
	_, rest, found := strings.Cut(rest, "/")
	to := rq.site.api + "/repositories/" + strconv.FormatInt(r.id, 10)
	if found {
		to += "/" + rest
	}
	if q := rq.http.URL.RawQuery; q != "" {
		to += "?" + q
	}
	res := response{status: http.StatusMovedPermanently, location: to}
	text := "Moved Permanently"
	if rq.writes() {
		res.status, text = http.StatusTemporaryRedirect, "Temporary Redirect"
	}
	res.body = &struct {
		Message string `json:"message"`
		URL     string `json:"url"`
		Docs    string `json:"documentation_url"`
	}{text, to, "https://docs.github.com/rest/guides/best-practices-for-using-the-rest-api#follow-redirects"}
	return &res
}

// resolve turns /repositories/{id}/… into the path with the name.
func (rq *request) resolve() string {
	rest, numeric := strings.CutPrefix(rq.path, "/repositories/")
	if !numeric {
		return rq.path
	}
	id, rest, _ := strings.Cut(rest, "/")
	n, err := strconv.ParseInt(id, 10, 64)
	r := rq.s.byID[n]
	if err != nil || r == nil {
		return rq.path
	}
	return strings.TrimSuffix("/repos/"+r.fullName()+"/"+rest, "/")
}

// serverError is what GitHub's front end answers when something behind it broke.
func serverError() response {
	return fail(http.StatusBadGateway, "Server Error")
}

// budgetOf is where an actor's use is counted: per user, else per address.
func (s *Server) budgetOf(a actor, r *http.Request) *budget {
	if a.user != nil {
		return a.user.budget
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	if a.app != nil {
		host = "app " + a.app.slug
	}
	b := s.strangers[host]
	if b == nil {
		b = newBudget()
		s.strangers[host] = b
	}
	return b
}

// siteOf is where the client reached the server.
func siteOf(r *http.Request) address {
	scheme, host := r.URL.Scheme, r.Host
	if host == "" {
		host = r.URL.Host
	}
	if scheme == "" {
		scheme = "http"
		if r.TLS != nil {
			scheme = "https"
		}
	}
	root := scheme + "://" + host
	a := address{api: root, html: root, upload: root + "/api/uploads"}
	if strings.HasPrefix(r.URL.Path, enterprise+"/") || r.URL.Path == "/api/graphql" {
		a.api = root + enterprise
	}
	return a
}

func readBody(r *http.Request) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return nil, err // of the client's own reader or connection
	}
	return body, nil
}

// wait lets time pass unless the request ends.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err() // as http clients expect it
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err() // as http clients expect it
	}
}

// requestID is unique, and looks like GitHub's.
func requestID(n int64, now time.Time) string {
	hex := func(v int64) string { return strings.ToUpper(strconv.FormatInt(v, 16)) }
	return hex(0x1000+n%0xefff) + ":" + hex(0x9de6) + ":" + hex(0x193c86c+n) + ":" + hex(0x39cb027+2*n) + ":" + hex(now.Unix())
}
