package publish

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"path"
	"strings"
	"time"
)

// The history of a repository is what statistics read: one object for each
// attempt that ended, of lines of JSON, the first for the attempt, one more for
// each test that ended:
//
//	owner/repo/history/pull-7/20260131-101500-3f9c….jsonl
//	{"type":"attempt","version":1,"attempt":"owner/repo/pull-7/verify/2026…","context":"verify",…}
//	{"type":"test","version":1,"attempt":"owner/repo/pull-7/verify/2026…","name":"TestSort",…}
//
// Each line says what it is about, so that files may be joined and lines picked
// with nothing but grep. Readers skip lines of a type that they do not know, and
// fields; those here keep name and meaning as long as version is 1. Objects do
// not change. They outlive the logs, see [Prune].

// AttemptLine is the line of an attempt in the history, and all of what its
// repository's index knows of it. Times are RFC 3339, durations are seconds.
type AttemptLine struct {
	Type        string     `json:"type"` // "attempt"
	Version     int        `json:"version"`
	Attempt     string     `json:"attempt"` // its folder in the store; page, log and results are there
	Repo        string     `json:"repo"`
	Task        string     `json:"task"`
	Context     string     `json:"context"`
	Pull        int        `json:"pull,omitempty"`
	Issue       int        `json:"issue,omitempty"`
	Branch      string     `json:"branch,omitempty"`
	SHA         string     `json:"sha,omitempty"`  // the head that was tested
	Base        string     `json:"base,omitempty"` // merged with that
	Title       string     `json:"title,omitempty"`
	Bot         string     `json:"bot,omitempty"`
	Host        string     `json:"host,omitempty"`
	Cyborg      string     `json:"cyborg,omitempty"` // version of the bot
	Started     time.Time  `json:"started"`
	Finished    *time.Time `json:"finished,omitempty"` // none: it runs, or its bot died
	Seconds     float64    `json:"seconds,omitempty"`  // from start to finish
	Timeout     float64    `json:"timeout,omitempty"`
	State       State      `json:"state"`
	Description string     `json:"description,omitempty"` // the text of the status
	Counts      Counts     `json:"counts"`
}

// TestLine is the line of a test in the history: one that ended, in one attempt.
type TestLine struct {
	Type    string    `json:"type"` // "test"
	Version int       `json:"version"`
	Attempt string    `json:"attempt"` // as in the attempt's line
	Context string    `json:"context"`
	Pull    int       `json:"pull,omitempty"`
	Branch  string    `json:"branch,omitempty"`
	SHA     string    `json:"sha,omitempty"`
	Started time.Time `json:"started"` // the attempt
	Name    string    `json:"name"`
	Status  Status    `json:"status"`            // passed, failed, skipped or todo
	Seconds float64   `json:"seconds,omitempty"` // 0: not told
	Retries int       `json:"retries,omitempty"` // times it was run again before this came of it
	Issue   int       `json:"issue,omitempty"`   // known issue that its failure matches
	Line    int       `json:"line,omitempty"`    // of the log, from 1
	Message string    `json:"message,omitempty"` // beginning of what it said, at most 1,000 bytes
}

// maxHistoryMessage is how much of a test's message the history keeps.
const maxHistoryMessage = 1000

// A Record is one attempt of the history.
type Record struct {
	AttemptLine
	Tests []TestLine
}

// line is the attempt's line.
func (r Results) line(prefix string) AttemptLine {
	l := AttemptLine{
		Type: "attempt", Version: 1, Attempt: prefix, Repo: r.Repo, Task: r.Task, Context: r.Context, Pull: r.Pull, Issue: r.Issue,
		Branch: r.Branch, SHA: r.SHA, Base: r.Base, Title: r.Title, Bot: r.Bot, Host: r.Host, Cyborg: r.Cyborg, Started: r.Started,
		Finished: r.Finished, Timeout: r.Timeout, State: r.State, Description: r.Description, Counts: r.Counts,
	}
	if r.Finished != nil {
		l.Seconds = seconds(r.Finished.Sub(r.Started))
	}
	return l
}

// history is the object's content.
func (r Results) history(prefix string) ([]byte, error) {
	var out bytes.Buffer
	w := json.NewEncoder(&out)
	if err := w.Encode(r.line(prefix)); err != nil {
		return nil, fmt.Errorf("write history: %w", err)
	}
	for _, t := range r.Tests {
		if t.Status == Running {
			continue
		}
		err := w.Encode(TestLine{
			Type: "test", Version: 1, Attempt: prefix, Context: r.Context, Pull: r.Pull, Branch: r.Branch, SHA: r.SHA, Started: r.Started,
			Name: t.Name, Status: t.Status, Seconds: t.Seconds, Retries: t.Retries, Issue: t.Issue, Line: t.Line,
			Message: shorten(t.Message, maxHistoryMessage),
		})
		if err != nil {
			return nil, fmt.Errorf("write history: %w", err)
		}
	}
	return out.Bytes(), nil
}

// room is a folder beside those of the jobs: "owner/repo/history/pull-7/". An
// empty kind is that of all jobs.
func room(repo, name, kind string) string {
	if kind != "" {
		kind += "/"
	}
	return slugs(repo, 2, 100) + "/" + name + "/" + kind
}

// kind is what of the repository the attempt is about: "pull-7".
func (i Info) kind() string { return path.Base(Folder(i.Repo, i.Pull, i.Issue, i.Branch, "")) }

// History yields the attempts of a repository that began at since or later,
// ordered by what they are about and then by time. What cannot be read is
// yielded as an error, and the next follows; after an error of the listing
// nothing does.
func History(ctx context.Context, store Store, repo string, since time.Time) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		first := since.UTC().Format(stamp)
		for e, err := range store.List(ctx, room(repo, "history", "")) {
			if err != nil {
				yield(Record{}, fmt.Errorf("read history of %s: %w", repo, err))
				return
			}
			if path.Base(e.Name) < first {
				continue
			}
			r, err := readRecord(ctx, store, e.Name)
			if err != nil {
				err = fmt.Errorf("read history %s: %w", e.Name, err)
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

func readRecord(ctx context.Context, store Store, name string) (Record, error) {
	in, err := store.Get(ctx, name)
	if err != nil {
		return Record{}, err
	}
	defer in.Close()
	return ParseRecord(in)
}

// Limits on what is read back.
const (
	maxHistoryLine = 256 << 10
	maxHistory     = 256 << 20
)

// ParseRecord reads the lines of one attempt: an object of the history. Lines of a
// type or version that it does not know are skipped.
func ParseRecord(in io.Reader) (r Record, err error) {
	lines := bufio.NewScanner(io.LimitReader(in, maxHistory))
	lines.Buffer(make([]byte, 64<<10), maxHistoryLine)
	for n := 1; lines.Scan(); n++ {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		var head struct {
			Type    string
			Version int
		}
		if err := json.Unmarshal(lines.Bytes(), &head); err != nil {
			return Record{}, fmt.Errorf("line %d: %w", n, err)
		}
		var test TestLine
		switch {
		case head.Version != 1:
		case head.Type == "attempt":
			err = json.Unmarshal(lines.Bytes(), &r.AttemptLine)
		case head.Type == "test":
			if err = json.Unmarshal(lines.Bytes(), &test); err == nil {
				r.Tests = append(r.Tests, test)
			}
		}
		if err != nil {
			return Record{}, fmt.Errorf("line %d: %w", n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return Record{}, err
	}
	if r.Type != "attempt" {
		return Record{}, fmt.Errorf("no line of an attempt: %w", io.ErrUnexpectedEOF)
	}
	return r, nil
}
