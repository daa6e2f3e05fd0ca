package tasks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cyborg-bots/cyborg/publish"
)

// Limits of what is kept while tests run.
const (
	maxOpen     = 20_000   // tests that run at one time, subtests included
	maxPackages = 2000     // packages that run at one time
	maxOutput   = 16 << 20 // bytes of output of tests that have not ended
	maxBuilds   = 200      // packages whose build output is kept
	maxID       = 4 << 10  // bytes of the name of a test or package
	maxInner    = 20       // failed subtests that are named
)

// A goParser reads what "go test -json" prints (see "go doc test2json"). One test of the report is one test function:
// what "go test" lists without indentation, and what people count. A function whose subtests fail is one failure, whose
// message names the subtests and has their output. A package that fails without a failing test (it does not build, its
// TestMain exits, it panics outside of a test) is one failure with the package's name. Lines that are no events are
// output of the command itself.
type goParser struct {
	rec      *recorder
	readable func(string) // where the text of the events goes; nil: nowhere
	number   int          // of the line being read
	shown    int          // lines written to readable
	held     int          // bytes of output held
	open     int          // tests that run
	begun    int          // tests and packages so far, to keep their order
	packages map[string]*goPackage
	builds   map[string]*tail // output of builds, by import path
	events   int
	other    tail // lines that are no events
}

// A goPackage is a package whose tests run.
type goPackage struct {
	name   string
	tests  map[string]*goTest // by full name
	begun  int
	failed int
	output tail
	broken string // the import path that did not build
	first  int
}

// A goTest is a test or subtest that runs.
type goTest struct {
	name     string
	begun    int
	output   tail
	first    int
	last     int
	failures []string // subtests that failed, the inmost
	more     int      // of them that are not listed
	paused   bool
}

// A goEvent is a line of the output. See the package test2json, and "go help buildjson".
type goEvent struct {
	Action      string
	Package     string
	ImportPath  string
	Test        string
	Elapsed     float64
	Output      string
	FailedBuild string
}

func newGoParser(rec *recorder, readable func(string)) *goParser {
	return &goParser{rec: rec, readable: readable, packages: map[string]*goPackage{}, builds: map[string]*tail{},
		other: tail{limit: maxMessage / 4}}
}

func (p *goParser) line(number int, raw []byte) {
	p.number = number
	e, before, ok := cutEvent(raw)
	if text := strings.ToValidUTF8(string(before), "\uFFFD"); !ok || text != "" {
		p.show(text + "\n")
		p.other.add(text + "\n")
	}
	if !ok {
		return
	}
	p.events++
	if max(len(e.Test), len(e.Package), len(e.ImportPath), len(e.FailedBuild)) > maxID {
		p.rec.problem("names a test with thousands of characters")
		return
	}
	if e.Output != "" {
		p.show(e.Output)
	}
	switch e.Action {
	case "build-output":
		p.buildOutput(e.ImportPath, e.Output)
	case "build-fail":
	default:
		if e.Package != "" {
			p.event(e)
		}
	}
}

// cutEvent finds the event of a line. It may stand behind text that another process printed without ending its line.
func cutEvent(raw []byte) (e goEvent, before []byte, ok bool) {
	i := 0
	if len(raw) > 0 && raw[0] != '{' {
		i = bytes.LastIndex(raw, []byte(`{"Time":"`))
	}
	if i < 0 || len(raw) == 0 || json.Unmarshal(raw[i:], &e) != nil || e.Action == "" {
		return goEvent{}, raw, false
	}
	return e, raw[:i], true
}

// show writes text for people and keeps count of its lines.
func (p *goParser) show(text string) {
	if p.readable != nil {
		p.readable(text)
		p.shown += strings.Count(text, "\n")
	}
}

// at is the line that people see now.
func (p *goParser) at() int {
	if p.readable != nil {
		return max(p.shown, 1)
	}
	return p.number
}

// buildOutput keeps what the compiler says about a package.
func (p *goParser) buildOutput(path, text string) {
	b := p.builds[path]
	if b == nil {
		if len(p.builds) >= maxBuilds {
			return
		}
		b = &tail{limit: maxMessage / 2}
		p.builds[path] = b
	}
	b.add(text)
}

// event takes an event of a package or a test.
func (p *goParser) event(e goEvent) {
	pkg := p.packages[e.Package]
	if pkg == nil {
		if len(p.packages) >= maxPackages {
			p.rec.problem("tests too many packages at once")
			return
		}
		p.begun++
		pkg = &goPackage{name: e.Package, begun: p.begun, tests: map[string]*goTest{}, output: tail{limit: maxMessage / 4}, first: p.at()}
		p.packages[e.Package] = pkg
	}
	if e.Test == "" {
		p.packageEvent(pkg, e)
		return
	}
	t := pkg.tests[e.Test]
	if t == nil {
		if t = p.begin(pkg, e.Test); t == nil {
			return
		}
	}
	t.last = p.at()
	switch e.Action {
	case "output":
		p.output(t, e.Output)
	case "pause":
		t.paused = true
	case "cont":
		t.paused = false
	case "pass", "fail", "skip":
		p.finish(pkg, e.Test, t, e)
	}
}

// begin takes up a test.
func (p *goParser) begin(pkg *goPackage, name string) *goTest {
	if p.open >= maxOpen {
		p.rec.problem("runs too many tests at once")
		return nil
	}
	p.open++
	p.begun++
	t := &goTest{name: name, begun: p.begun, first: p.at(), output: tail{limit: maxMessage / 2}}
	pkg.tests[name] = t
	return t
}

// output keeps what a test prints, without the lines that say that it runs.
func (p *goParser) output(t *goTest, text string) {
	for _, noise := range []string{"=== RUN ", "=== PAUSE ", "=== CONT ", "=== NAME "} {
		if strings.HasPrefix(text, noise) {
			return
		}
	}
	if p.held > maxOutput {
		return
	}
	before := t.output.size()
	t.output.add(text)
	p.held += t.output.size() - before
}

// drop forgets a test that has ended.
func (p *goParser) drop(pkg *goPackage, name string, t *goTest) {
	p.held -= t.output.size()
	p.open--
	delete(pkg.tests, name)
}

// finish takes the result of a test or a subtest.
func (p *goParser) finish(pkg *goPackage, name string, t *goTest, e goEvent) {
	p.drop(pkg, name, t)
	top, _, sub := strings.Cut(name, "/")
	if sub {
		if outer := pkg.tests[top]; outer != nil && e.Action == "fail" {
			outer.innerFailed(name)
			p.output(outer, t.output.String())
		}
		return
	}
	r := publish.Test{Name: testName(name, pkg.name), Status: publish.Passed, Duration: seconds(e.Elapsed), Line: t.first, End: t.last}
	switch e.Action {
	case "fail":
		pkg.failed++
		r.Status, r.Message = publish.Failed, t.message()
	case "skip":
		r.Status, r.Message = publish.Skipped, skipReason(t.output.String())
	}
	p.rec.add(r)
}

// innerFailed notes a subtest that failed; one whose own subtest is noted says nothing new.
func (t *goTest) innerFailed(name string) {
	switch {
	case slices.ContainsFunc(t.failures, func(s string) bool { return strings.HasPrefix(s, name+"/") }):
	case len(t.failures) < maxInner:
		t.failures = append(t.failures, name)
	default:
		t.more++
	}
}

// message is what people read of a failure: which subtests, and the output.
func (t *goTest) message() string {
	text := t.output.String()
	if len(t.failures) == 0 {
		return text
	}
	more := ""
	if t.more > 0 {
		more = fmt.Sprintf(" and %d more", t.more)
	}
	return "failed: " + strings.Join(t.failures, ", ") + more + "\n" + text
}

// testName is how a test function is called in a report.
func testName(test, pkg string) string { return test + " (" + pkg + ")" }

// seconds makes a duration of a foreign number.
func seconds(s float64) time.Duration {
	if !(s > 0 && s < 1e8) {
		return 0
	}
	return time.Duration(s * float64(time.Second))
}

// skipReason is the text of t.Skip: the output without the lines of the test itself.
func skipReason(output string) string {
	var kept []string
	for line := range strings.SplitSeq(output, "\n") {
		if !strings.HasPrefix(strings.TrimSpace(line), "--- ") {
			kept = append(kept, strings.TrimSpace(line))
		}
	}
	return strings.TrimSpace(strings.Join(kept, "\n"))
}

// packageEvent takes an event of a whole package.
func (p *goParser) packageEvent(pkg *goPackage, e goEvent) {
	switch e.Action {
	case "output":
		pkg.output.add(e.Output)
	case "fail":
		pkg.broken = e.FailedBuild
		p.packageFails(pkg, seconds(e.Elapsed))
		p.forget(pkg)
	case "pass", "skip":
		p.unfinished(pkg, publish.Skipped)
		p.forget(pkg)
	}
}

// forget drops a package that has ended.
func (p *goParser) forget(pkg *goPackage) {
	for _, t := range pkg.tests {
		p.held -= t.output.size()
		p.open--
	}
	delete(p.packages, pkg.name)
}

// packageFails blames somebody for a package that failed: the tests that failed, or else those that were running when
// it ended, or else the package.
func (p *goParser) packageFails(pkg *goPackage, d time.Duration) {
	if pkg.failed > 0 {
		p.unfinished(pkg, publish.Skipped)
		return
	}
	if p.unfinished(pkg, publish.Failed) > 0 {
		return
	}
	message := pkg.output.String()
	if b := p.builds[pkg.broken]; b != nil {
		message = b.String() + message
	}
	name := pkg.name
	if pkg.broken != "" || strings.Contains(message, "[build failed]") || strings.Contains(message, "[setup failed]") {
		name += " (build)"
	}
	p.rec.add(publish.Test{Name: name, Status: publish.Failed, Duration: d, Message: message, Line: pkg.first, End: p.at()})
}

// unfinished ends the test functions of a package whose process has ended before them. Those that waited for their turn
// are never to blame. It returns how many were.
func (p *goParser) unfinished(pkg *goPackage, status publish.Status) (blamed int) {
	for _, t := range pkg.open() {
		r := publish.Test{Name: testName(t.name, pkg.name), Status: status, Line: t.first, End: t.last,
			Message: "did not finish: its process ended before\n" + t.message() + pkg.inner(t.name)}
		if t.paused {
			r.Status = publish.Skipped
		}
		if r.Status == publish.Failed {
			blamed++
		}
		p.rec.add(r)
	}
	return blamed
}

// open lists the test functions that have not ended, in the order in which they began.
func (pkg *goPackage) open() []*goTest {
	return slices.SortedFunc(func(yield func(*goTest) bool) {
		for name, t := range pkg.tests {
			if !strings.Contains(name, "/") && !yield(t) {
				return
			}
		}
	}, func(a, b *goTest) int { return a.begun - b.begun })
}

// openPackages lists the packages that have not ended, in the order in which they began.
func (p *goParser) openPackages() []*goPackage {
	return slices.SortedFunc(maps.Values(p.packages), func(a, b *goPackage) int { return a.begun - b.begun })
}

// inner is the output of the subtests of a function that have not ended.
func (pkg *goPackage) inner(name string) string {
	var list []*goTest
	for _, t := range pkg.tests {
		if strings.HasPrefix(t.name, name+"/") {
			list = append(list, t)
		}
	}
	slices.SortFunc(list, func(a, b *goTest) int { return a.begun - b.begun })
	text := tail{limit: maxMessage / 2}
	for _, t := range list {
		text.add("in " + t.name + "\n" + t.output.String())
	}
	return text.String()
}

func (p *goParser) running() []publish.Test {
	var list []publish.Test
	for _, pkg := range p.openPackages() {
		for _, t := range pkg.open() {
			if !t.paused && len(list) < 1000 {
				name := cleanText(clip(testName(t.name, pkg.name), maxName), false)
				list = append(list, publish.Test{Name: name, Status: publish.Running, Line: t.first})
			}
		}
	}
	return list
}

func (p *goParser) end() {
	for _, pkg := range p.openPackages() {
		p.rec.problem(fmt.Sprintf("the tests of %s did not end", pkg.name))
		p.packageFails(pkg, 0)
		p.forget(pkg)
	}
	if p.events == 0 {
		text := "printed no events of go test -json"
		if line, _, _ := strings.Cut(strings.TrimSpace(p.other.String()), "\n"); line != "" {
			text += ": " + line
		}
		p.rec.problem(text)
	}
}
