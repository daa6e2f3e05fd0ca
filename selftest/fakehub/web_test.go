package fakehub

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/html"
)

// page gets a page, which must have the status and the headers of all pages.
func (h *hub) page(status int, path string) string {
	h.t.Helper()
	r := h.want(status, "", get, path, nil)
	if got := r.header.Get("Content-Security-Policy"); got != pagePolicy {
		h.t.Errorf("%s: content security policy is %q", path, got)
	}
	if status < 300 || status >= 400 {
		if got := r.header.Get("Content-Type"); got != "text/html; charset=utf-8" {
			h.t.Errorf("%s is %q", path, got)
		}
	}
	return string(r.body)
}

// said is what a page says, without markup.
func said(t *testing.T, page string) string {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for n := range doc.Descendants() {
		if n.Type == html.TextNode && n.Parent.Data != "title" {
			b.WriteString(n.Data)
			b.WriteByte(' ')
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// conversation makes the pull request of the talk's slides: an issue which a bot
// took, worked on, and turned into a pull request.
func (h *hub) conversation() (pull, head string) {
	h.t.Helper()
	issue := h.newIssue("bot", "Update translations")
	h.want(200, "bot", patch, issue, dict{"body": "Update translations from Zanata\n\n * [ ] po-refresh"})
	h.want(201, "owner", post, widget+"/labels", dict{"name": "bot", "color": "5319e7"})
	h.want(200, "owner", post, issue+"/labels", []string{"bot"})
	h.want(200, "bot", patch, issue, dict{"title": "WIP: host-1: Update translations"})
	h.want(201, "bot", post, issue+"/comments", dict{"body": "po-refresh in progress on host-1.\nLog: https://logs.test/po"})
	first := h.commit("po-refresh", "po/de.po", "hallo\n")
	h.want(201, "bot", post, widget+"/pulls", dict{"issue": 1, "head": "po-refresh", "base": "main"})
	other, err := h.s.Commit(h.t.Context(), "acme/widget", Commit{
		Branch: "po-refresh", Parent: h.sha, Files: map[string]string{"po/de.po": "guten tag\n"}, Author: "bot", Message: "po: Update",
	})
	h.must(err)
	if first == other {
		h.t.Fatal("nothing was pushed")
	}
	h.want(200, "bot", patch, issue, dict{"title": "Update translations", "body": "Update translations from Zanata\n\n * [x] po-refresh"})
	for context, state := range map[string]string{"verify/a": "success", "verify/b": "failure", "verify/c": "pending"} {
		h.want(201, "bot", post, widget+"/statuses/"+other, dict{"context": context, "state": state, "description": "about " + context, "target_url": "https://logs.test/" + context})
	}
	return "/acme/widget/pull/1", other
}

// TestPages looks at every kind of page.
func TestPages(t *testing.T) {
	h := newHub(t, Options{})
	pull, head := h.conversation()
	h.newIssue("reader", "It does not work")
	h.commit("draft", "f", "1\n")
	h.openPull("bot", "draft", dict{"draft": true})
	h.want(201, "owner", post, widget+"/releases", dict{"tag_name": "v1", "name": "First", "body": "**new**"})
	for _, c := range []struct {
		path string
		says []string
	}{
		{"/", []string{"Repositories", "acme/widget", "1 open", "2 open"}},
		{"/acme", []string{"acme/widget"}},
		{"/acme/widget", []string{"main", "README", "hello", "3 branches", "main default", "po-refresh", "v1", "help wanted"}},
		{"/acme/widget/tree/po-refresh/po", []string{"de.po"}},
		{"/acme/widget/blob/po-refresh/po/de.po", []string{"1 guten tag"}},
		{"/acme/widget/commits", []string{"commit", "owner committed just now"}},
		{"/acme/widget/commit/" + head, []string{"po: Update", "bot committed", "commit " + head, "Some checks haven’t completed yet", "1 changed file"}},
		{"/acme/widget/issues", []string{"1 Open", "0 Closed", "It does not work", "#2 opened just now by reader"}},
		{"/acme/widget/issues?state=closed", []string{"There is nothing here"}},
		{"/acme/widget/issues/2", []string{"It does not work #2", "Open", "reader opened this issue just now · 0 comments", "No description provided.", "No one assigned"}},
		{"/acme/widget/labels", []string{"labels", "bot", "1 open"}},
		{"/acme/widget/pulls", []string{"2 Open", "of draft", "Update translations", "1 failing, 1 pending and 1 successful checks"}},
		{pull, []string{
			"Update translations #1", "Open", "bot wants to merge 1 commit into main from po-refresh", "Conversation 1", "Commits 1", "Files changed 1",
			"bot commented just now · edited Member Author Update translations from Zanata po-refresh",
			"owner added bot label just now", "bot changed the title Update translations WIP: host-1: Update translations",
			"po-refresh in progress on host-1.", "force-pushed the branch from", "po: Update",
			"Some checks haven’t completed yet 1 failing, 1 pending and 1 successful checks",
			"verify/b — about verify/b just now Details verify/c — about verify/c just now Details verify/a — about verify/a just now Details",
			"This branch has no conflicts with the base branch",
		}},
		{pull + "/commits", []string{"po: Update", "bot committed"}},
		{pull + "/files", []string{"1 changed file", "po/de.po"}},
		{"/acme/widget/pull/3", []string{"of draft #3", "Draft"}},
		{"/acme/widget/releases", []string{"First", "Latest", "owner released this", "new"}},
		{"/acme/widget/releases/tag/v1", []string{"First"}},
	} {
		t.Run(c.path, func(t *testing.T) {
			h.t = t
			got := said(t, h.page(200, c.path))
			at := 0
			for _, want := range c.says { // in this order
				i := strings.Index(got[at:], want)
				if i < 0 {
					t.Fatalf("%q is not said (after what comes before it) in\n%s", want, got)
				}
				at += i
			}
		})
	}
}

// TestPagesElsewhere is files as they are, and addresses that lead elsewhere.
func TestPagesElsewhere(t *testing.T) {
	h := newHub(t, Options{})
	pull, _ := h.conversation()
	h.newIssue("reader", "It does not work")
	raw := h.want(200, "", get, "/acme/widget/raw/po-refresh/po/de.po", nil)
	if string(raw.body) != "guten tag\n" || raw.header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("raw file: %s, %s", raw, raw.header)
	}
	for path, to := range map[string]string{
		"/acme/widget/issues/1": pull, "/acme/widget/pull/2": "/acme/widget/issues/2", "/ACME/Widget/pulls": "/acme/widget/pulls",
	} {
		if got := h.want(302, "", get, path, nil).header.Get("Location"); got != to {
			t.Errorf("%s leads to %s, want %s", path, got, to)
		}
	}
}

// TestPageRefusals is what is not shown.
func TestPageRefusals(t *testing.T) {
	h := newHub(t, Options{})
	for _, path := range []string{
		"/nobody", "/acme/none", "/acme/secret", "/acme/secret/issues", "/acme/widget/issues/1", "/acme/widget/pull/1", "/acme/widget/pull", "/acme/widget/nonsense",
		"/acme/widget/commit/" + strings.Repeat("a", 40), "/acme/widget/blob/main/none", "/acme/widget/blob/main", "/acme/widget/tree/none",
		"/acme/widget/issues/-1", "/acme/widget/issues/99999999999999999999", "/acme/widget/releases/tag/none", "/acme/widget/releases/download/a/b",
	} {
		if got := said(t, h.page(404, path)); !strings.Contains(got, "This is not the page you are looking for") {
			t.Errorf("%s says %s", path, got)
		}
	}
	if got := h.page(200, "/"); strings.Contains(got, "secret") {
		t.Error("the private repository is in the list")
	}
	h.want(405, "", post, "/acme/widget", nil)
	h.want(404, "", get, "/_web/parts.html", nil)
	h.want(404, "", get, "/_web/../web.go", nil)
	for path, media := range map[string]string{"/_web/style.css": "text/css", "/_web/live.js": "text/javascript", "/_avatars/1": "image/svg+xml"} {
		if got := h.want(200, "", get, path, nil).header.Get("Content-Type"); !strings.HasPrefix(got, media) {
			t.Errorf("%s is %s", path, got)
		}
	}
}

// TestHostilePages puts markup wherever people can write, and looks for it in
// every page: nothing of it may have become an element or an attribute.
func TestHostilePages(t *testing.T) {
	const evil = `"'><script>alert(1)</script><img src=x onerror=alert(1)><style>*{}</style>`
	h := newHub(t, Options{})
	h.must(h.s.AddRepo(t.Context(), Repo{Name: "acme/evil", Description: evil}))
	h.must(h.s.Grant("acme/evil", "bot", Write))
	root := "/repos/acme/evil"
	_, err := h.s.Commit(t.Context(), "acme/evil", Commit{Branch: "main", Author: "bot", Message: evil + "\n\n" + evil, Files: map[string]string{
		evil: evil, "README.md": evil + "\n\n[x](javascript:alert(1)) <a href='data:text/html,x' onclick=alert(1)>y</a> <iframe src=//x></iframe> ![i](https://spy.test/i.png)\n",
	}})
	h.must(err)
	head, err := h.s.Commit(t.Context(), "acme/evil", Commit{Branch: `a"><script>b`, Author: "bot", Message: evil, Files: map[string]string{"f": evil + "\n"}})
	h.must(err)
	h.want(201, "bot", post, root+"/labels", dict{"name": evil[:45], "color": "ff0000", "description": evil})
	h.want(201, "bot", post, root+"/issues", dict{"title": evil, "body": evil, "labels": []string{evil[:45]}})
	h.want(201, "stranger", post, root+"/issues/1/comments", dict{"body": evil + "\n\n<form action=//x><input type=text></form>\n\n- [x] <b onmouseover=alert(1)>done</b> #1 @bot"})
	h.want(200, "bot", patch, root+"/issues/1", dict{"title": evil + " again"})
	h.want(201, "bot", post, root+"/pulls", dict{"title": evil, "body": evil, "head": `a"><script>b`, "base": "main"})
	h.want(201, "bot", post, root+"/statuses/"+head, dict{"state": "failure", "context": evil, "description": evil, "target_url": "https://x.test/\"><script>"})
	h.want(201, "bot", post, root+"/releases", dict{"tag_name": "v1", "name": evil, "body": evil})
	pages := 0
	for _, path := range []string{
		"", "/issues", "/issues?label=" + url.QueryEscape(evil), "/issues/1", "/pulls", "/pull/2", "/pull/2/commits", "/pull/2/files", "/commits", "/commit/" + head,
		"/labels", "/releases", "/blob/main/" + url.PathEscape(evil), "/blob/main/README.md", "/tree/" + url.PathEscape(`a"><script>b`),
	} {
		page := h.page(200, "/acme/evil"+path)
		checkHarmless(t, path, page)
		if strings.Contains(page, "alert(1)") {
			pages++
		}
	}
	checkHarmless(t, "/", h.page(200, "/"))
	if pages < 12 {
		t.Errorf("the hostile text is shown on %d pages only", pages)
	}
}

// checkHarmless fails if a page has an element or attribute that our templates
// and the sanitizer do not make.
func checkHarmless(t *testing.T, name, page string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		attrs := map[string]string{}
		for _, a := range n.Attr {
			attrs[a.Key] = a.Val
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" || a.Key == "srcdoc" {
				t.Errorf("%s: <%s %s=%q>", name, n.Data, a.Key, a.Val)
			}
		}
		switch n.Data {
		case "script":
			if attrs["src"] != "/_web/live.js" || n.FirstChild != nil {
				t.Errorf("%s: a script %v", name, n.Attr)
			}
		case "style", "iframe", "object", "embed", "form", "base", "math":
			t.Errorf("%s: <%s>", name, n.Data)
		case "img":
			if !strings.HasPrefix(attrs["src"], "/_avatars/") {
				t.Errorf("%s: a picture from %q", name, attrs["src"])
			}
		case "input":
			if attrs["type"] != "checkbox" {
				t.Errorf("%s: an input of type %q", name, attrs["type"])
			}
		case "a", "link":
			u, err := url.Parse(attrs["href"])
			if err != nil || u.Scheme != "" && u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "mailto" || u.Scheme == "" && u.Host != "" {
				t.Errorf("%s: a link to %q", name, attrs["href"])
			}
		}
	}
}

// A stream collects what is written to a browser that stays connected.
type stream struct {
	header http.Header
	parts  chan string
}

func (s *stream) Header() http.Header { return s.header }
func (s *stream) WriteHeader(int)     {}
func (s *stream) Flush()              {}
func (s *stream) Write(p []byte) (int, error) {
	s.parts <- string(bytes.Clone(p))
	return len(p), nil
}

// TestEvents keeps a page open: it is told of what changes on it, soon, once,
// and of nothing else.
func TestEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{})
		pull, head := h.conversation()
		_, version, _ := strings.Cut(h.page(200, pull), `data-version="`)
		version, _, _ = strings.Cut(version, `"`)
		rq, err := http.NewRequestWithContext(t.Context(), get, "http://hub.test/_events?path="+url.QueryEscape(pull)+"&have="+version, nil)
		h.must(err)
		out := &stream{header: http.Header{}, parts: make(chan string, 10)}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			h.s.ServeHTTP(out, rq)
		}()
		next := func(within time.Duration) string {
			select {
			case s := <-out.parts:
				return s
			case <-time.After(within):
				return ""
			}
		}
		if got := next(time.Second); got != ": alive\n\n" {
			t.Errorf("the stream begins with %.200q, but the browser has the newest already", got)
		}
		for n := range 3 { // at once: one renewal shows all
			h.want(201, "bot", post, widget+"/statuses/"+head, dict{"context": fmt.Sprint("more/", n), "state": "pending"})
		}
		if got := next(time.Second); !strings.Contains(got, "event: page\n") || !strings.Contains(got, "more/2") || strings.Count(got, "\n") != 4 {
			t.Errorf("after statuses the event is %.200q", got)
		}
		h.newIssue("owner", "elsewhere") // changes the counter in the head, so it is shown
		if got := next(time.Second); !strings.Contains(got, "event: page\n") {
			t.Errorf("after an issue the event is %.200q", got)
		}
		h.want(200, "owner", patch, widget, dict{"description": "of another page"})
		if got := next(time.Second); got != ": alive\n\n" {
			t.Errorf("after a change of another page the event is %.200q", got)
		}
		if got := next(eventBeat + time.Second); got != ": alive\n\n" {
			t.Errorf("a quiet stream says %.200q", got)
		}
		if got := out.header.Get("Content-Type"); !strings.HasPrefix(got, "text/event-stream") {
			t.Errorf("the stream is %s", got)
		}
		h.s.watch.stop()
		<-ended
	})
	h := newHub(t, Options{})
	h.want(400, "", get, "/_events?path=http://elsewhere/", nil)
}
