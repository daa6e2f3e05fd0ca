package tasks

import (
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/cyborg-bots/cyborg/publish"
)

// Limits of what one job can make a bot keep. A job may print hundreds of megabytes; what is kept of it is bounded.
const (
	maxLine     = 1 << 20  // bytes of one line that are looked at; the rest of the line is skipped
	maxTests    = 100_000  // listed
	maxFailures = 20_000   // listed beyond that
	maxNames    = 16 << 20 // bytes of all names together
	maxName     = 1 << 10  // bytes of one name
	maxMessage  = 32 << 10 // bytes of one test's message
	maxMessages = 16 << 20 // bytes of all messages together
)

// Results reads what a job prints, as it prints it, and tells at any moment which of its tests passed. It is fed with
// Write, in pieces cut anywhere, and ended with Close; for JUnit the files are read with Collect before. All its methods
// may be called at once from several goroutines. Nothing a job prints makes Write fail: what cannot be understood is the
// report's Problem.
type Results struct {
	mu     sync.Mutex
	lines  lineSplitter
	parser parser
	rec    recorder
	format Format
	log    io.Writer
	logErr error
	closed bool
}

var _ io.WriteCloser = (*Results)(nil)

// A parser reads the lines of one format into a recorder.
type parser interface {
	// line takes the next line, without its ending, that has this number in what people see of the output. The bytes
	// are good only until it returns.
	line(number int, text []byte)

	// running lists the tests that have begun and not ended.
	running() []publish.Test

	// end is called once, when there will be no more lines.
	end()
}

// NewResults makes the reader for a format. It knows the job's output as it is, and counts lines in that.
func NewResults(f Format) *Results { return TeeResults(f, nil) }

// TeeResults makes the reader for a format that also writes the output to log, in the form that people read: as it is,
// but for go-json, whose events are turned back into what "go test -v" prints. Line numbers of the report are those of
// the log. What log's Write returns is returned by Write.
func TeeResults(f Format, log io.Writer) *Results {
	r := &Results{format: f, log: log}
	r.lines.yield = func(number int, text []byte) { r.parser.line(number, text) }
	switch f.Kind {
	case TAP:
		r.parser = &tapParser{rec: &r.rec}
	case GoJSON:
		r.parser = newGoParser(&r.rec, r.readable())
	default:
		r.parser = nothing{}
	}
	return r
}

// readable is where a parser puts the text for people, or nil if it is written as it comes.
func (r *Results) readable() func(string) {
	if r.log == nil {
		return nil
	}
	return func(text string) {
		if _, err := io.WriteString(r.log, text); err != nil && r.logErr == nil {
			r.logErr = err
		}
	}
}

// Write takes the next piece of the job's output. It fails only as the log does.
func (r *Results) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return 0, io.ErrClosedPipe
	}
	r.lines.write(p)
	if r.log != nil && r.format.Kind != GoJSON {
		return r.log.Write(p)
	}
	return len(p), r.logErr
}

// Close says that the job will print nothing more: a last line without an ending is read, and tests that have not ended
// are judged. It returns the first error of the log, if there was one. A second Close does nothing.
func (r *Results) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil
	}
	r.closed = true
	r.lines.flush()
	r.parser.end()
	return r.logErr
}

// Report tells what is known by now: the tests that ended, in that order, and after them those that run. It is a copy.
func (r *Results) Report() publish.Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	report := r.rec.report()
	if !r.closed {
		report.Problem = "" // what is missing may still come
		report.Tests = append(report.Tests, r.parser.running()...)
	}
	return report
}

// nothing is the parser of jobs that speak by exit code, or in files.
type nothing struct{}

func (nothing) line(int, []byte)        {}
func (nothing) running() []publish.Test { return nil }
func (nothing) end()                    {}

var (
	_ parser = nothing{}
	_ parser = (*tapParser)(nil)
	_ parser = (*goParser)(nil)
)

// A recorder keeps tests within limits, and gives each a name of its own.
type recorder struct {
	tests    []publish.Test
	names    map[string]int // how often a name was used
	size     int            // bytes of names
	messages int            // bytes of messages
	planned  int
	problems []string
}

// add keeps a test.
func (r *recorder) add(t publish.Test) {
	t.Name = cleanText(clip(t.Name, maxName), false)
	room := maxTests
	if t.Status == publish.Failed {
		room += maxFailures // a failure that is not listed would be a lie
	}
	if len(r.tests) >= room || r.size+len(t.Name) > maxNames {
		r.problem("too many tests to list")
		return
	}
	// Cloned, so that a short text does not keep the long line alive that it was cut from.
	t.Name = r.unique(strings.Clone(t.Name))
	t.Message = r.message(t.Message)
	r.size += len(t.Name)
	r.messages += len(t.Message)
	r.tests = append(r.tests, t)
}

// message cuts a message to what there is room for.
func (r *recorder) message(text string) string {
	const least = 100 // less is of no use to anybody
	room := min(maxMessage, maxMessages-r.messages)
	if room < least {
		return ""
	}
	return strings.Clone(cleanText(clip(text, room), true))
}

// unique numbers a name that was used before: "name", "name #2", "name #3".
func (r *recorder) unique(name string) string {
	if r.names == nil {
		r.names = map[string]int{}
	}
	if name == "" {
		name = "(no name)"
	}
	base := name
	for {
		r.names[base]++
		n := r.names[base]
		if n > 1 {
			name = base + " #" + decimal(n)
		}
		if n == 1 || r.names[name] == 0 {
			if n > 1 {
				r.names[name] = 1
			}
			return name
		}
	}
}

// problem keeps the first few things that are wrong with the report itself.
func (r *recorder) problem(text string) {
	if len(r.problems) < 3 && !slices.Contains(r.problems, text) {
		r.problems = append(r.problems, cleanText(clip(text, 200), false))
	}
}

// report copies what is known.
func (r *recorder) report() publish.Report {
	return publish.Report{Tests: slices.Clone(r.tests), Planned: r.planned, Problem: joinProblems(r.problems)}
}
