package tasks

import (
	"errors"
	"fmt"
	"strings"
)

// ParseHeader reads the header of a file in bots/. The file's base name is the name that the header must bear. The
// error is a [*HeaderErrors] with every problem of the file, each a [*HeaderError] with line, problem and advice; the
// header is then not to be used.
func ParseHeader(file string, data []byte) (Header, error) {
	errs := &HeaderErrors{}
	h := parseHeader(file, data, errs)
	if len(errs.Problems) > 0 {
		return Header{}, errs
	}
	return h, nil
}

// parseHeader does it, collecting problems.
func parseHeader(file string, data []byte, errs *HeaderErrors) Header {
	var h Header
	if len(data) > MaxHeader {
		data = data[:MaxHeader+1]
	}
	if strings.HasPrefix(string(data), "\xef\xbb\xbf") {
		errs.add(&HeaderError{File: file, Line: 1, Problem: "the file begins with a byte order mark, no system finds the interpreter",
			Hint: "save as UTF-8 without a mark"})
		return h
	}
	list := leadingComments(file, data, errs)
	if n := len(data); n > MaxHeader && len(list) > 0 && list[len(list)-1].line > strings.Count(string(data), "\n") {
		errs.add(&HeaderError{File: file, Line: 1, Problem: fmt.Sprintf("the leading comment is longer than %d bytes", MaxHeader),
			Hint: "move text out of the leading comment"})
		return h
	}
	if !checkText(file, list, errs) {
		return h
	}
	doc, rest := findDoc(file, list, errs)
	if rest < 0 {
		return h
	}
	if doc != nil {
		h.Doc = readDoc(file, *doc, errs)
	}
	fields := splitFields(file, list[rest:], errs)
	readFields(&h, file, fields, errs)
	if len(errs.Problems) == 0 {
		finish(&h)
		checkWhole(&h, file, fields, errs)
	}
	return h
}

// readDoc takes the text of the doc line.
func readDoc(file string, c comment, errs *HeaderErrors) string {
	_, text, _ := strings.Cut(c.text, ":")
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		errs.add(&HeaderError{File: file, Line: c.line, Problem: "the task does not say what it does", Hint: "one line, for people"})
	case len(text) > 200:
		errs.add(&HeaderError{File: file, Line: c.line, Problem: fmt.Sprintf("the first line has %d characters", len(text)),
			Hint: "at most 200; more text goes behind an empty comment line"})
	}
	return text
}

// readFields gives each field to its key.
func readFields(h *Header, file string, fields []field, errs *HeaderErrors) {
	table := map[string]key{}
	for _, k := range keys() {
		table[k.name] = k
	}
	seen := map[string]int{}
	for _, f := range fields {
		k, known := table[f.key]
		first, doubled := seen[f.key]
		seen[f.key] = f.line
		e := &HeaderError{File: file, Line: f.line, Key: f.key}
		switch {
		case !known:
			e.Problem, e.Hint = fmt.Sprintf("unknown key %q", clip(f.key, 60)), didYouMean(f.key, keyNames())
			if suggest(f.key, keyNames()) == "" {
				e.Hint += "; text that is no key goes behind an empty comment line"
			}
		case doubled:
			e.Problem, e.Hint = fmt.Sprintf("key %q again, it is in line %d already", f.key, first),
				"a value may go on in the next line, indented by two more blanks"
		case len(f.words) == 0 && !k.empty:
			e.Problem, e.Hint = fmt.Sprintf("key %q has no value", f.key), "give it one, or remove the line"
		default:
			err := k.read(h, &f)
			if err == nil {
				continue
			}
			e.Problem, e.Hint = fmt.Sprintf("%s: %v", f.key, err), hintOf(err)
			if at, ok := errors.AsType[*atWord](err); ok {
				e.Line, e.Column = at.word.line, at.word.column
			}
		}
		errs.add(e)
	}
}

// finish fills in what a header leaves out.
func finish(h *Header) {
	if h.Timeout == 0 {
		h.Timeout = DefaultTimeout
	}
	if len(h.On) == 0 && len(h.After) == 0 {
		h.On = []Event{{Kind: Request}}
	}
}

// checkWhole refuses keys that contradict each other.
func checkWhole(h *Header, file string, fields []field, errs *HeaderErrors) {
	say := func(name, problem, hint string) {
		e := &HeaderError{File: file, Key: name, Problem: problem, Hint: hint}
		for _, f := range fields {
			if f.key == name {
				e.Line = f.line
			}
		}
		errs.add(e)
	}
	secret := len(h.Secrets) > 0
	outsiders := h.Asks(PullRequest)
	for _, c := range h.Needs {
		if c.Name == "secret" && outsiders {
			say("needs", fmt.Sprintf("a task for pull requests runs an outsider's code, but needs the secret %q", c.Value),
				"make two tasks of it: one on pull request, one with the secret on push or request")
		}
	}
	if secret && outsiders {
		say("secrets", "a task for pull requests runs an outsider's code and may name no secrets",
			"make two tasks of it: one on pull request, one with the secrets on push or request")
	}
	if len(h.Branches) > 0 && !outsiders {
		say("branches", `"branches" names the bases of pull requests, but the task is not on pull request`,
			"write: on: push BRANCH, or add pull request to on")
	}
	if len(h.After) > 0 && (outsiders || h.Every > 0) {
		say("after", `a release step ("after") is neither a chore nor a test of pull requests`, "make two tasks of it")
	}
	if h.Push == "head" && !outsiders && !h.Asks(Request) {
		say("push", `"push: head" wants a task that a pull request can ask for`, "add request to on")
	}
	checkMachines(h, say)
	checkContexts(h, file, say)
}

// checkContexts refuses headers that make too many contexts, or too long ones.
func checkContexts(h *Header, file string, say func(name, problem, hint string)) {
	name := imageAxis
	if len(h.With) > 0 {
		name = "with"
	}
	total, longest := 1, len(file[strings.LastIndexByte(file, '/')+1:])
	for _, a := range h.AllAxes() {
		total = min(total*len(a.Values), 1<<20)
		most := 0
		for _, v := range a.Values {
			most = max(most, len(v))
		}
		longest += 1 + most
	}
	if total > MaxContexts {
		say(name, fmt.Sprintf("the axes make %d contexts", total), fmt.Sprintf("at most %d a task", MaxContexts))
	}
	if longest > MaxContext {
		say(name, fmt.Sprintf("the longest context has %d characters", longest), fmt.Sprintf("at most %d", MaxContext))
	}
}
