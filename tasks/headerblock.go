package tasks

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A comment is one line of a file's leading comment, without its leader.
type comment struct {
	line   int
	column int // of text, in bytes, from 1
	indent int // blanks between the leader and text; a tab counts as eight
	text   string
}

// leaders are the ways to begin a comment line, of the languages that a script may be in. Each may be repeated.
func leaders() []string { return []string{"#", "//", "--", ";", "%", `"`} }

// leadingComments returns the comment lines that a file begins with, blank lines as empty ones, up to the first line
// that is neither. A #! line is skipped.
func leadingComments(file string, data []byte, errs *HeaderErrors) []comment {
	var list []comment
	leader := ""
	for number := 1; len(data) > 0; number++ {
		var raw []byte
		raw, data, _ = bytes.Cut(data, []byte{'\n'})
		line := strings.TrimRight(string(raw), " \t\r")
		if number == 1 && strings.HasPrefix(line, "#!") {
			if bytes.HasSuffix(raw, []byte{'\r'}) {
				errs.add(&HeaderError{File: file, Line: 1, Problem: "lines end in CR LF, no system finds the interpreter",
					Hint: "save with LF, and add to .gitattributes: bots/* text eol=lf"})
			}
			continue
		}
		if line == "" {
			list = append(list, comment{line: number})
			continue
		}
		if leader == "" {
			i := slices.IndexFunc(leaders(), func(l string) bool { return strings.HasPrefix(line, l) })
			if i < 0 {
				break
			}
			leader = leaders()[i]
		}
		if !strings.HasPrefix(line, leader) {
			break
		}
		body := strings.TrimLeft(line, leader)
		text := strings.TrimLeft(body, " \t")
		indent := len(body) - len(text) + 7*strings.Count(body[:len(body)-len(text)], "\t")
		list = append(list, comment{number, len(line) - len(text) + 1, indent, text})
	}
	return list
}

// A field is one "key: value" of a header, its continuation lines joined.
type field struct {
	key   string
	line  int
	words []word // of the value, remarks left out
}

// A word is a word of a value, where it stands.
type word struct {
	text         string
	line, column int
}

// value is the text of a field with single blanks.
func (f *field) value() string {
	words := make([]string, len(f.words))
	for i, w := range f.words {
		words[i] = w.text
	}
	return strings.Join(words, " ")
}

// texts are the words of a field.
func (f *field) texts() []string {
	words := make([]string, len(f.words))
	for i, w := range f.words {
		words[i] = w.text
	}
	return words
}

// findDoc finds the line that begins the header, "NAME: what it does" with the file's own name, and where the lines
// behind it begin. A line with another small name is taken for a slip when the right one is nowhere; a key, for a header
// whose first line was forgotten. The index is -1 if there is nothing to read.
func findDoc(file string, list []comment, errs *HeaderErrors) (doc *comment, rest int) {
	name := path.Base(file)
	other := -1
	for i, c := range list {
		key, _, ok := strings.Cut(c.text, ":")
		if ok && key == name {
			return &list[i], i + 1
		}
		if ok && other < 0 && taskName.check(key) == nil && !slices.Contains([]string{"vim", "vi", "ex"}, key) {
			other = i
		}
	}
	if other < 0 {
		errs.add(&HeaderError{File: file, Line: 1, Problem: "no header",
			Hint: fmt.Sprintf("begin the leading comment with a line: # %s: what it does", name)})
		return nil, -1
	}
	key, _, _ := strings.Cut(list[other].text, ":")
	if slices.Contains(keyNames(), key) {
		errs.add(&HeaderError{File: file, Line: list[other].line, Problem: fmt.Sprintf("the header begins with %q", key),
			Hint: fmt.Sprintf("its first line says what the task does: # %s: TEXT", name)})
		return nil, other
	}
	errs.add(&HeaderError{File: file, Line: list[other].line,
		Problem: fmt.Sprintf("the header is that of %q, the file is %q", key, name),
		Hint:    fmt.Sprintf("write: # %s: what it does", name)})
	return &list[other], other + 1
}

// splitFields cuts the header that begins after the doc line into fields. It ends at the first line without text; a
// line that looks like a field and stands behind that end is an error, for it would be ignored silently.
func splitFields(file string, list []comment, errs *HeaderErrors) []field {
	var fields []field
	end := len(list)
	margin := -1
	for i, c := range list {
		if c.text == "" {
			end = i
			break
		}
		if margin < 0 {
			margin = c.indent
		}
		if c.indent >= margin+2 {
			if len(fields) == 0 {
				continue // behind a line that was refused
			}
			last := &fields[len(fields)-1]
			if key, _, ok := strings.Cut(c.text, ":"); ok && isKey(key) {
				errs.add(&HeaderError{File: file, Line: c.line, Column: c.column, Key: key,
					Problem: fmt.Sprintf("key %q is indented, as if %q went on", key, last.key), Hint: "align the keys"})
				continue
			}
			last.words = append(last.words, valueWords(file, last.key, c, 0, errs)...)
			continue
		}
		key, _, ok := strings.Cut(c.text, ":")
		if !ok || strings.ContainsFunc(key, func(r rune) bool { return unicode.IsSpace(r) }) && !isKey(key) {
			errs.add(&HeaderError{File: file, Line: c.line, Column: c.column, Problem: fmt.Sprintf("%q is no line of a header", clip(c.text, 60)),
				Hint: "a header has lines \"key: value\"; an empty comment line ends it, other text goes behind that"})
			continue
		}
		f := field{key: key, line: c.line}
		f.words = valueWords(file, key, c, len(key)+1, errs)
		fields = append(fields, f)
	}
	for _, c := range list[end:] {
		if key, _, ok := strings.Cut(c.text, ":"); ok && isKey(key) {
			errs.add(&HeaderError{File: file, Line: c.line, Column: c.column, Key: key,
				Problem: fmt.Sprintf("key %q stands behind the end of the header", key),
				Hint:    fmt.Sprintf("remove the empty line %d, or begin the remark with another word", list[end].line)})
		}
	}
	return fields
}

// isKey reports whether a word is a key of the header.
func isKey(word string) bool { return slices.Contains(keyNames(), word) }

// Blanks that set off a remark: behind a value, and behind the colon of an empty value (values may be aligned).
const (
	remarkGap = 4
	emptyGap  = 20
)

// valueWords are the words of a line from an offset of its text on, up to a remark.
func valueWords(file, key string, c comment, from int, errs *HeaderErrors) []word {
	var words []word
	text := strings.ReplaceAll(c.text, "\t", " ")
	for i := from; i < len(text); {
		gap := len(text[i:]) - len(strings.TrimLeft(text[i:], " "))
		if gap >= emptyGap || gap >= remarkGap && len(words) > 0 {
			checkRemark(file, key, c, text[i+gap:], i+gap, errs)
			break
		}
		i += gap
		n := strings.IndexByte(text[i:], ' ')
		if n < 0 {
			n = len(text) - i
		}
		if n > 0 {
			words = append(words, word{text[i : i+n], c.line, c.column + i})
		}
		i += n
	}
	return words
}

// checkRemark refuses a remark that is more likely a value in a column of its own: one that has gaps itself, or whose
// every word looks like a value.
func checkRemark(file, key string, c comment, remark string, at int, errs *HeaderErrors) {
	prose := !strings.Contains(remark, "    ")
	plain := 0
	for w := range strings.FieldsSeq(remark) {
		if !strings.ContainsAny(w, "0123456789=*/") {
			plain++
		}
	}
	if prose && plain > 0 && strings.Contains(remark, " ") {
		return
	}
	errs.add(&HeaderError{File: file, Line: c.line, Column: c.column + at, Key: key,
		Problem: fmt.Sprintf("%q is set off like a remark, but looks like a value", clip(remark, 60)),
		Hint:    "put single blanks between values; a remark has several words"})
}

// checkText refuses a leading comment that is not text.
func checkText(file string, list []comment, errs *HeaderErrors) bool {
	for _, c := range list {
		if !utf8.ValidString(c.text) {
			errs.add(&HeaderError{File: file, Line: c.line, Problem: "not UTF-8 text", Hint: "save the file as UTF-8"})
			return false
		}
		if i := strings.IndexFunc(c.text, unprintable); i >= 0 {
			errs.add(&HeaderError{File: file, Line: c.line, Column: c.column + i, Problem: "control character in the header",
				Hint: "remove it"})
			return false
		}
	}
	return true
}

// unprintable reports characters that have no business in one line of text: controls (tabs excepted), and the format
// characters that make text look like other text (bidirectional overrides, zero width).
func unprintable(r rune) bool {
	return r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' || r == utf8.RuneError)
}

// clip shortens a text for a message, between characters.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
