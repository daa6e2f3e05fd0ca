package tasks

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cyborg-bots/cyborg/publish"
)

// A tapParser reads the Test Anything Protocol, versions 12 to 14, as testanything.org has it and as bats, node, prove
// and the bots of 2017 write it. It heeds:
//
//   - the plan before or behind the tests, and that it is kept: a job that was cut short is no success;
//   - the two directives of the specification, skipped and expected to fail; and the third of the bots, "# RETRY": that
//     result does not count, another one follows;
//   - the lines behind a failure, diagnostics ("# …") and YAML blocks, as its message;
//   - subtests (indented): the outer test's result counts, the inner failures are named in its message;
//   - "Bail out!"; several streams one after the other, as of a script that runs bats twice.
//
// Any other line is output of the next test.
type tapParser struct {
	rec *recorder

	planned bool // the current stream has a plan
	plan    int  // its number of tests
	closed  bool // the plan stood behind the tests: the stream is complete
	count   int  // results of the current stream
	highest int  // the highest number that one of them has
	seen    map[int]bool
	done    int // planned tests of the streams before

	first   int           // first line of the output of the next test
	last    *publish.Test // waits for its diagnostics
	message tail
	yaml    bool
	margin  string   // before the lines of the block
	inner   []string // failures of subtests that wait for their outer test
	nested  tail     // what the subtests printed
	retries map[string]int
	bailed  bool
}

// Read only.
var (
	tapPlan  = regexp.MustCompile(`^1\.\.(\d{1,9})\s*(?:#\s*(.*))?$`)
	yamlTime = regexp.MustCompile(`^duration_ms:\s*([0-9.]{1,20})$`)
	tapRule  = regexp.MustCompile(`^#\s*-{5,}$`)
)

func (p *tapParser) line(number int, raw []byte) {
	text := strings.TrimRight(stripColours(string(raw)), " \t\r")
	if p.bailed {
		return
	}
	if p.first == 0 {
		p.first = number
	}
	if p.yaml {
		if p.yamlLine(number, text) {
			return
		}
		p.yaml = false
	}
	switch {
	case strings.HasPrefix(text, "    "), strings.HasPrefix(text, "\t"):
		p.subtest(text)
	case p.last != nil && strings.TrimSpace(text) == "---" && text != "---":
		p.yaml, p.last.End = true, number
		p.margin = text[:len(text)-3]
	case p.last != nil && strings.HasPrefix(text, "#") && !headsTest(text):
		p.last.End = number
		p.message.add(strings.TrimPrefix(strings.TrimPrefix(text, "#"), " ") + "\n")
	default:
		p.flush()
		p.outer(number, text)
	}
}

// outer reads a line that is no diagnostics.
func (p *tapParser) outer(number int, text string) {
	switch {
	case strings.HasPrefix(text, "ok"), strings.HasPrefix(text, "not ok"):
		if ok, numeral, rest, is := cutResult(text); is {
			p.result(number, ok, numeral, rest)
		}
	case strings.HasPrefix(text, "1..") && len(text) <= maxName:
		if m := tapPlan.FindStringSubmatch(text); m != nil {
			p.setPlan(number, m[1], m[2])
			p.first = number + 1
		}
	case strings.HasPrefix(text, "TAP version "):
		p.first = number + 1
		switch v := strings.TrimPrefix(text, "TAP version "); v {
		case "12", "13", "14":
		default:
			p.rec.problem(fmt.Sprintf("printed TAP version %q, known are 13 and 14", v))
		}
	case len(text) >= 9 && strings.EqualFold(text[:9], "bail out!"):
		p.bail(text[9:])
	}
}

// headsTest reports a comment that belongs to the test behind it: the announcement of a subtest, and the rule that the
// bots of 2017 print.
func headsTest(text string) bool {
	return strings.HasPrefix(text, "# Subtest") || len(text) < maxName && tapRule.MatchString(text)
}

// cutResult takes a line like "not ok 3 - name" apart.
func cutResult(text string) (ok bool, numeral, rest string, is bool) {
	text, not := strings.CutPrefix(text, "not ")
	rest, is = strings.CutPrefix(text, "ok")
	if !is || rest != "" && rest[0] != ' ' && rest[0] != '\t' {
		return false, "", "", false
	}
	rest = strings.TrimLeft(rest, " \t")
	i := 0
	for i < len(rest) && rest[i] >= '0' && rest[i] <= '9' {
		i++
	}
	if i > 0 && i < 10 && (i == len(rest) || rest[i] == ' ' || rest[i] == '\t') {
		numeral, rest = rest[:i], rest[i:]
	}
	return !not, numeral, strings.TrimSpace(rest), true
}

// cutDuration takes the duration off a name, where bats puts it: "name in 12ms".
func cutDuration(name string) (string, time.Duration) {
	text, timed := strings.CutSuffix(name, "ms")
	i := strings.LastIndex(text, " in ")
	if !timed || i < 0 {
		return name, 0
	}
	ms, err := strconv.ParseUint(text[i+4:], 10, 31)
	if err != nil {
		return name, 0
	}
	return text[:i], time.Duration(ms) * time.Millisecond
}

// bail ends the whole run.
func (p *tapParser) bail(reason string) {
	p.bailed = true
	p.rec.problem(strings.TrimSpace("bailed out: " + strings.TrimSpace(reason)))
}

// subtest reads an indented line: only failures and the end of everything are of interest.
func (p *tapParser) subtest(text string) {
	p.flush()
	p.nested.limit = maxMessage / 4
	p.nested.add(text + "\n")
	text = strings.TrimLeft(text, " \t")
	if len(text) >= 9 && strings.EqualFold(text[:9], "bail out!") {
		p.bail(text[9:])
		return
	}
	if ok, numeral, rest, is := cutResult(text); is && !ok && len(p.inner) < 100 {
		if name, directive, _ := splitDirective(rest); directive == "" {
			p.inner = append(p.inner, clip(strings.TrimSpace(numeral+" "+name), 200))
		}
	}
}

// yamlLine reads a line of a YAML block; false means that the block has ended without its mark.
func (p *tapParser) yamlLine(number int, text string) bool {
	trimmed := strings.TrimSpace(text)
	if text != "" && text[0] != ' ' && text[0] != '\t' {
		return false
	}
	p.last.End = number
	if trimmed == "..." {
		p.yaml = false
		return true
	}
	if m := yamlTime.FindStringSubmatch(clip(trimmed, 100)); m != nil {
		if ms, err := strconv.ParseFloat(m[1], 64); err == nil && ms < 1e10 {
			p.last.Duration = time.Duration(ms * float64(time.Millisecond))
		}
		return true
	}
	p.message.add(strings.TrimPrefix(text, p.margin) + "\n")
	return true
}

// setPlan takes a plan line.
func (p *tapParser) setPlan(line int, number, comment string) {
	n, _ := strconv.Atoi(number)
	if p.planned {
		if p.count != p.plan {
			p.rec.problem(fmt.Sprintf("printed a second plan when %d of %d tests had run", p.count, p.plan))
		}
		p.nextStream()
	}
	p.planned, p.plan = true, n
	p.rec.planned = p.done + n
	p.closed = p.count > 0
	if p.closed && p.count != n {
		p.endStream()
	}
	if n == 0 && p.count == 0 {
		reason, _ := cutDirective(comment, "SKIP")
		p.rec.add(publish.Test{Name: "all tests", Status: publish.Skipped, Message: reason, Line: line, End: line})
	}
}

// nextStream begins another TAP stream behind a complete one.
func (p *tapParser) nextStream() {
	p.done += p.plan
	p.planned, p.closed, p.plan, p.count, p.highest, p.seen = false, false, 0, 0, 0, nil
}

// result takes a test's result.
func (p *tapParser) result(number int, ok bool, numeral, rest string) {
	if p.closed && numeral == "1" {
		p.nextStream()
	} else if p.closed {
		p.rec.problem("the plan stands in the middle of the tests")
	}
	name, directive, reason := splitDirective(rest)
	name = clip(name, maxName)
	t := publish.Test{Name: name, Status: publish.Passed, Message: reason, Line: p.first, End: number}
	t.Name, t.Duration = cutDuration(name)
	key := t.Name
	if directive == "RETRY" {
		if p.retries == nil {
			p.retries = map[string]int{}
		}
		if len(p.retries) < maxTests {
			p.retries[strings.Clone(key)]++ // not the long line that it is a part of
		}
		p.first, p.inner, p.nested = number+1, nil, tail{}
		return
	}
	t.Name = p.numbered(numeral, t.Name)
	switch {
	case directive == "SKIP": // "not ok" too: bats writes so in its tap13
		t.Status = publish.Skipped
	case directive == "TODO" && !ok:
		t.Status = publish.Todo
	case directive == "TODO":
		t.Message = strings.TrimSpace("passed, though it is marked TODO: " + reason)
	case !ok:
		t.Status = publish.Failed
	}
	t.Retries = p.retries[key]
	delete(p.retries, key)
	p.last = &t
	p.message = tail{limit: maxMessage / 2}
}

// numbered counts a result, checks its number and gives a name to a test without one.
func (p *tapParser) numbered(numeral, name string) string {
	p.count++
	n, err := strconv.Atoi(numeral)
	if err != nil {
		n = p.count
	}
	if p.seen == nil {
		p.seen = map[int]bool{}
	}
	switch {
	case n == 0:
		p.rec.problem("numbered a test 0, the first is 1")
	case p.seen[n]:
		p.rec.problem(fmt.Sprintf("numbered two tests %d", n))
	case p.planned && n > p.plan:
		p.rec.problem(fmt.Sprintf("numbered a test %d of %d", n, p.plan))
	}
	p.highest = max(p.highest, n)
	if len(p.seen) < maxTests {
		p.seen[n] = true
	}
	if name == "" {
		return "test " + decimal(n)
	}
	return name
}

// flush keeps the test that waited for its diagnostics.
func (p *tapParser) flush() {
	if p.last == nil {
		return
	}
	t := p.last
	p.last = nil
	p.first = t.End + 1
	if p.message.size() > 0 && (t.Status == publish.Failed || t.Status == publish.Todo) {
		t.Message = strings.TrimSpace(t.Message + "\n" + p.message.String())
	}
	if len(p.inner) > 0 && t.Status == publish.Failed {
		t.Message = strings.TrimSpace("failed: " + strings.Join(p.inner, ", ") + "\n" + t.Message + "\n" + p.nested.String())
	}
	p.inner, p.message, p.nested = nil, tail{}, tail{}
	p.rec.add(*t)
}

func (p *tapParser) running() []publish.Test { return nil }

func (p *tapParser) end() {
	p.flush()
	p.endStream()
	if len(p.retries) > 0 {
		first := slices.Min(slices.Collect(maps.Keys(p.retries)))
		p.rec.problem(fmt.Sprintf("test %q was to be run again and was not", clip(first, 60)))
	}
}

// endStream says what is wrong with a stream that has ended.
func (p *tapParser) endStream() {
	switch {
	case p.bailed:
	case !p.planned && p.count == 0 && p.done == 0:
		p.rec.problem("printed no TAP plan and no tests")
	case !p.planned && p.count > 0:
		p.rec.problem(fmt.Sprintf("printed no plan: %s seen, nobody knows of how many", plural(int64(p.count), "test")))
	case p.planned && p.count != p.plan:
		p.rec.problem(fmt.Sprintf("planned %s, saw %d", plural(int64(p.plan), "test"), p.count))
	case p.highest > p.plan:
		p.rec.problem(fmt.Sprintf("numbered a test %d of %d", p.highest, p.plan))
	}
}

// splitDirective cuts a result's description at the # of a directive, and resolves the escapes of TAP 14 in it.
func splitDirective(rest string) (name, directive, reason string) {
	rest = strings.TrimPrefix(strings.TrimSpace(rest), "- ")
	if rest == "-" {
		rest = ""
	}
	for i := 0; i < len(rest); i++ {
		if rest[i] == '\\' {
			i++
			continue
		}
		if rest[i] != '#' || i > 0 && rest[i-1] != ' ' && rest[i-1] != '\t' {
			continue
		}
		for _, d := range []string{"SKIP", "TODO", "RETRY"} {
			if reason, ok := cutDirective(rest[i+1:], d); ok {
				return unescapeTAP(strings.TrimSpace(rest[:i])), d, reason
			}
		}
	}
	return unescapeTAP(strings.TrimSpace(rest)), "", ""
}

// cutDirective reads "SKIP reason", "skipped: reason" and the like, in any case.
func cutDirective(text, directive string) (reason string, ok bool) {
	text = strings.TrimSpace(text)
	if len(text) < len(directive) || !strings.EqualFold(text[:len(directive)], directive) {
		return "", false
	}
	rest := text[len(directive):]
	word := strings.TrimLeft(rest, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
	if directive != "SKIP" && word != rest {
		return "", false // the specification has SKIP begin a longer word (SKIPPED), and no other
	}
	return strings.TrimSpace(strings.TrimPrefix(word, ":")), true
}

// unescapeTAP resolves \# and \\.
func unescapeTAP(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	return strings.NewReplacer(`\#`, "#", `\\`, `\`).Replace(s)
}
