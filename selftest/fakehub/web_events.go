package fakehub

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"
)

// A watch wakes those who show pages when something may have changed. The zero
// value is ready.
type watch struct {
	mu    sync.Mutex
	wakes map[chan struct{}]bool
}

// wake never blocks: whoever is awake already looks again later.
func (w *watch) wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.wakes {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// subscribe gives a channel that is ready after each change, and the end of it.
func (w *watch) subscribe() (changed <-chan struct{}, end func()) {
	c := make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.wakes == nil {
		w.wakes = map[chan struct{}]bool{}
	}
	w.wakes[c] = true
	return c, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.wakes, c)
	}
}

// stop ends all streams, so that a server can end while browsers show it.
func (w *watch) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.wakes {
		close(c)
	}
	w.wakes = nil
}

const (
	// eventPause is the shortest time between two renewals of a page.
	eventPause = 200 * time.Millisecond
	// eventBeat is how often a quiet stream shows that it lives.
	eventBeat = 15 * time.Second
)

// serveEvents is the stream by which an open page renews itself: each time its
// content changes, an event "page" with the new one.
func (s *Server) serveEvents(w http.ResponseWriter, r *http.Request) {
	at, err := url.Parse(r.URL.Query().Get("path"))
	if err != nil || !strings.HasPrefix(at.Path, "/") || at.Host != "" {
		http.Error(w, "path is not one of a page", http.StatusBadRequest)
		return
	}
	ctx := r.Context()
	page := r.Clone(ctx)
	page.URL = at
	page.Method = http.MethodGet
	changed, end := s.watch.subscribe()
	defer end()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	out := http.NewResponseController(w)
	beat := time.NewTicker(eventBeat)
	defer beat.Stop()
	// The page was made before the stream was asked for, so the first look counts too.
	for shown := cmp.Or(r.Header.Get("Last-Event-ID"), r.URL.Query().Get("have")); ; {
		event := ": alive\n\n"
		if v := s.look(page).version(); v.id != shown {
			event, shown = v.event(), v.id
		}
		if _, err := w.Write([]byte(event)); err != nil || out.Flush() != nil {
			return // the reader has gone
		}
		if !waitChange(ctx, changed, beat.C) {
			return
		}
	}
}

// waitChange returns when the page may have changed or the stream should show
// that it lives; false is the end.
func waitChange(ctx context.Context, changed <-chan struct{}, beat <-chan time.Time) bool {
	select {
	case <-ctx.Done():
		return false
	case <-beat:
		return true
	case _, more := <-changed:
		if !more {
			return false
		}
	}
	pause := time.NewTimer(eventPause) // more changes are likely to follow
	defer pause.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-pause.C:
		return true
	}
}

// A pageVersion is what a page shows at a moment.
type pageVersion struct {
	id    string // the same for pages that differ in nothing but how long ago things were
	title string
	html  string // of <main>
}

// ages are the texts that change by themselves.
var ages = regexp.MustCompile(`(<time[^>]*>)[^<]*`)

// version renders what a page shows.
func (p page) version() pageVersion {
	main := p.main()
	sum := sha256.Sum256([]byte(p.Title + ages.ReplaceAllString(main, "$1")))
	return pageVersion{id: fmt.Sprintf("%x", sum[:8]), title: p.Title, html: main}
}

// event is the version as a server-sent event. Its data is one line of JSON.
func (v pageVersion) event() string {
	data := encode(struct {
		Title string `json:"title"`
		HTML  string `json:"html"`
		Now   string `json:"now"`
	}{v.title, v.html, time.Now().UTC().Format(time.RFC3339)})
	return "id: " + v.id + "\nevent: page\ndata: " + string(data) + "\n\n"
}
