package publish

import (
	"encoding/json"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Limits on what a job may report. All that is cut says so.
const (
	maxName     = 1000     // bytes of a test's name
	maxMessage  = 16 << 10 // bytes of a test's message
	maxMessages = 4 << 20  // bytes of all messages
	maxTests    = 20_000   // tests that are listed
	maxLine     = 500      // bytes of any other line of text
)

// Results is results.json: all that is known of an attempt, for the page and
// for programs. New fields may come; those here keep name and meaning as long
// as Version is 1. Times are RFC 3339, durations are seconds.
type Results struct {
	Version     int          `json:"version"`
	Repo        string       `json:"repo"`
	Task        string       `json:"task"`
	Context     string       `json:"context"`
	Pull        int          `json:"pull,omitempty"`
	Issue       int          `json:"issue,omitempty"`
	Branch      string       `json:"branch,omitempty"`
	SHA         string       `json:"sha,omitempty"`
	Base        string       `json:"base,omitempty"`
	Title       string       `json:"title,omitempty"`
	Web         string       `json:"web,omitempty"`
	Bot         string       `json:"bot,omitempty"`
	Host        string       `json:"host,omitempty"`
	Cyborg      string       `json:"cyborg,omitempty"`
	Nonce       string       `json:"nonce,omitempty"`
	Line        string       `json:"line"`
	Previous    string       `json:"previous,omitempty"`
	Attempts    string       `json:"attempts,omitempty"` // the index of all about the same, as seen from the page
	Started     time.Time    `json:"started"`
	Finished    *time.Time   `json:"finished,omitempty"`
	Timeout     float64      `json:"timeout,omitempty"`
	State       State        `json:"state"`
	Description string       `json:"description,omitempty"`
	Problems    []string     `json:"problems,omitempty"` // what is wrong with this publication
	Planned     int          `json:"planned,omitempty"`
	Counts      Counts       `json:"counts"`
	Tests       []TestResult `json:"tests"`
	Artifacts   []File       `json:"artifacts"`
}

// TestResult is one test in results.json.
type TestResult struct {
	Name    string   `json:"name"`
	Status  Status   `json:"status"`
	Seconds float64  `json:"seconds,omitempty"`
	Message string   `json:"message,omitempty"`
	Line    int      `json:"line,omitempty"` // in the whole log, from 1
	End     int      `json:"end,omitempty"`
	Retries int      `json:"retries,omitempty"`
	Issue   int      `json:"issue,omitempty"`
	Files   []string `json:"files,omitempty"` // see File.File
}

// File is one artifact in results.json.
type File struct {
	Name     string `json:"name"`           // as the job calls it
	File     string `json:"file,omitempty"` // its object, below the attempt's prefix; empty if withheld
	Size     int64  `json:"size"`
	Type     string `json:"type,omitempty"`
	Redacted bool   `json:"redacted,omitempty"` // a secret was in it and is blackened
	Withheld string `json:"withheld,omitempty"` // why it is not there
}

// results is what is known by now, made safe to publish.
func (i Info) results(r Report, files []File, o Outcome, redact *Redactor) Results {
	line := func(s string) string { return clean(redact.Text(s), maxLine) }
	res := Results{
		Version: 1, Repo: line(i.Repo), Task: line(i.Task), Context: line(i.Context), Pull: i.Pull, Issue: i.Issue,
		Branch: line(i.Branch), SHA: line(i.SHA), Base: line(i.Base), Title: line(i.Title), Web: webAddress(i.Web),
		Bot: line(i.Bot), Host: line(i.Host), Cyborg: line(i.Version), Nonce: line(i.Nonce), Line: clean(redact.Text(i.Line), 4000),
		Previous: webAddress(i.Previous), Started: i.Started.UTC().Truncate(time.Millisecond), Timeout: seconds(i.Timeout),
		State: o.State, Description: line(o.Description), Planned: r.Planned, Counts: r.Counts(),
		Tests: []TestResult{}, Artifacts: slices.Clone(files),
	}
	if below, ok := strings.CutPrefix(i.Prefix, Folder(i.Repo, i.Pull, i.Issue, i.Branch, "")); ok && !i.Unlisted {
		res.Attempts = strings.Repeat("../", strings.Count(below, "/")+1) + "index.html"
	}
	if !o.Finished.IsZero() {
		res.Finished = new(o.Finished.UTC().Truncate(time.Millisecond))
	}
	if r.Problem != "" {
		res.Problems = append(res.Problems, line(r.Problem))
	}
	list, left := listed(r.Tests)
	if left > 0 {
		res.Problems = append(res.Problems, fmt.Sprintf("%d tests that did not fail are counted but not listed, the limit is %d", left, maxTests))
	}
	room := maxMessages
	for _, t := range list {
		t := i.test(t, r.Offset, room, redact)
		room -= len(t.Message)
		res.Tests = append(res.Tests, t)
	}
	attach(res.Tests, list, files)
	if res.Artifacts == nil {
		res.Artifacts = []File{}
	}
	return res
}

// listed picks the tests to show: all, or failures first of all.
func listed(tests []Test) (list []Test, left int) {
	left = len(tests) - maxTests
	if left <= 0 {
		return tests, 0
	}
	skip := left
	for _, t := range slices.Backward(tests) {
		if skip > 0 && t.Status != Failed {
			skip--
			continue
		}
		list = append(list, t)
	}
	slices.Reverse(list)
	return list[:min(len(list), maxTests)], left
}

func (i Info) test(t Test, offset, room int, redact *Redactor) TestResult {
	res := TestResult{
		Name: clean(redact.Text(t.Name), maxName), Status: t.Status, Seconds: seconds(t.Duration),
		Message: cleanLines(redact.Text(t.Message), max(0, min(maxMessage, room))), Retries: t.Retries, Issue: t.Issue,
	}
	if t.Line > 0 {
		res.Line = t.Line + offset
	}
	if t.End > 0 {
		res.End = t.End + offset
	}
	return res
}

// webAddress lets only web addresses through: everything else would be run by
// whoever clicks on it.
func webAddress(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || len(address) > 2000 {
		return ""
	}
	return u.String()
}

// attach tells each test which files are its own: those that the job named,
// and those that have the test's name in theirs, as test frameworks do it with
// screenshots and journals. A file that could be of several tests goes to the
// one of which it has most.
func attach(results []TestResult, tests []Test, files []File) {
	byName := map[string]string{}
	for _, f := range files {
		byName[f.Name] = f.File
	}
	named := map[string]bool{}
	for n, t := range tests {
		for _, name := range t.Artifacts {
			if file := byName[clean(name, maxLine)]; file != "" && !slices.Contains(results[n].Files, file) {
				results[n].Files = append(results[n].Files, file)
				named[file] = true
			}
		}
	}
	var keys [][]string
	for _, f := range files {
		if f.File == "" || named[f.File] {
			continue
		}
		if keys == nil {
			for _, t := range tests {
				keys = append(keys, nameParts(t.Name))
			}
		}
		if n := owner(letters(path.Base(f.Name)), keys); n >= 0 {
			results[n].Files = append(results[n].Files, f.File)
		}
	}
}

// owner is the test of which most is in a file's name, or -1.
func owner(file string, keys [][]string) int {
	best, length := -1, 0
	for n, parts := range keys {
		for _, key := range parts {
			if len(key) > length && strings.Contains(file, key) {
				best, length = n, len(key)
			}
		}
	}
	return best
}

// nameParts are what a file of this test may have in its name: the whole name,
// or what follows its last slash or space, unless that is too short to tell.
func nameParts(name string) (list []string) {
	const enough = 6
	for _, sep := range []string{"", "/", " "} {
		part := name
		if sep != "" {
			part = name[strings.LastIndex(name, sep)+1:]
		}
		if key := letters(part); len(key) >= enough && !slices.Contains(list, key) {
			list = append(list, key)
		}
	}
	return list
}

// letters is a name without all that tools change when they make file names.
func letters(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}

// encode is the JSON. Its < > & are escaped, so that it can stand in a page.
func (r Results) encode() ([]byte, error) {
	data, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode results: %w", err)
	}
	return data, nil
}
