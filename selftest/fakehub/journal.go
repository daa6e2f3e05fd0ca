package fakehub

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"
	"unicode/utf8"
)

// maxJournalBody is how much of a request's body the journal keeps.
const maxJournalBody = 64 << 10

// An Entry is one request as the journal keeps it.
type Entry struct {
	Time   time.Time `json:"time"`
	Actor  string    `json:"actor"` // login; "" is anonymous
	Method string    `json:"method"`
	Path   string    `json:"path"` // with query
	// Body is the request's, cut after 64 KiB; of JSON as it was sent.
	Body   string `json:"body,omitempty"`
	Status int    `json:"status"` // also of an answer that was lost
	// Fault is what the request met: "lost-ack", "fail-after", …
	Fault string `json:"fault,omitempty"`
}

// Writes says whether the request may have changed something.
func (e Entry) Writes() bool { return e.Method != http.MethodGet && e.Method != http.MethodHead }

// Journal is every request so far to the API and to git, in the order in which
// they were applied.
func (s *Server) Journal() []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.journal)
}

// note enters a request. The caller holds the mutex.
func (s *Server) note(e Entry) {
	if len(e.Body) > maxJournalBody {
		e.Body = e.Body[:maxJournalBody]
		for !utf8.ValidString(e.Body[len(e.Body)-min(len(e.Body), utf8.UTFMax):]) && len(e.Body) > maxJournalBody-utf8.UTFMax {
			e.Body = e.Body[:len(e.Body)-1]
		}
	}
	s.journal = append(s.journal, e)
	if e.Writes() {
		s.watch.wake()
	}
}

// serveJournal answers GET /_journal with a line of JSON for each request.
func (s *Server) serveJournal(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/x-ndjson; charset=utf-8")
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	for _, entry := range s.Journal() {
		if e.Encode(entry) != nil {
			return // the reader has gone
		}
	}
}
