package tasks

import (
	"fmt"
	"strings"
)

// failMark stands before an item whose job said no; its box stays empty.
const failMark = "FAIL: "

// An Item is one line of a checklist in the text of an issue or pull request.
type Item struct {
	Text    string // what is asked, without box and mark
	Line    int    // of the text, from 1
	Checked bool   // the box is ticked: done
	Failed  bool   // the line says FAIL: the job said no; it is not done again until a person removes the word
}

// Open reports whether the item is neither done nor failed.
func (i Item) Open() bool { return !i.Checked && !i.Failed }

// A block follows Markdown's blocks through the lines of a text, as far as they hide what looks like an item.
type block struct {
	fence   string // the fence that is open, or ""
	comment bool   // an HTML comment is open
}

// hides takes the next line and reports whether GitHub shows no box there: inside a code block, and inside an HTML
// comment. Nobody may be made to run what he cannot see.
func (b *block) hides(line string) bool {
	text := strings.TrimSpace(line)
	if b.fence != "" {
		if strings.HasPrefix(text, b.fence) && strings.Trim(text, b.fence[:1]) == "" {
			b.fence = ""
		}
		return true
	}
	if b.comment {
		_, after, ended := strings.Cut(line, "-->")
		b.comment = !ended || opensComment(after)
		return true
	}
	for _, mark := range []string{"```", "~~~"} {
		if n := len(text) - len(strings.TrimLeft(text, mark[:1])); n >= 3 && (mark != "```" || !strings.Contains(text[n:], "`")) {
			b.fence = text[:n]
			return true
		}
	}
	b.comment = opensComment(line)
	return false
}

// opensComment reports whether a line leaves an HTML comment open behind it.
func opensComment(line string) bool {
	for {
		_, after, ok := strings.Cut(line, "<!--")
		if !ok {
			return false
		}
		if _, line, ok = strings.Cut(after, "-->"); !ok {
			return true
		}
	}
}

// lines calls yield for each line of a text with its ending, its number and whether it is hidden.
func eachLine(body string, yield func(number int, line string, hidden bool)) {
	var b block
	number := 0
	for line := range strings.SplitAfterSeq(body, "\n") {
		number++
		yield(number, line, b.hides(line))
	}
}

// parseItem reads a line as an item: "* [ ] text" or "- [x] FAIL: text" after blanks, as GitHub shows boxes and as the
// bots of 2017 wrote them.
func parseItem(line string) (Item, bool) {
	text := strings.TrimSpace(line)
	if len(text) < 6 || text[0] != '*' && text[0] != '-' || text[1:3] != " [" || text[4:6] != "] " {
		return Item{}, false
	}
	var item Item
	switch text[3] {
	case ' ':
	case 'x', 'X':
		item.Checked = true
	default:
		return Item{}, false
	}
	item.Text = strings.TrimSpace(text[6:])
	if rest, ok := strings.CutPrefix(item.Text+" ", failMark); ok {
		item.Failed, item.Text = true, strings.TrimSpace(rest)
	}
	return item, item.Text != ""
}

// ParseChecklist finds the checklist of an issue's text: every line with a box that GitHub shows.
func ParseChecklist(body string) []Item {
	var list []Item
	eachLine(body, func(number int, line string, hidden bool) {
		if item, ok := parseItem(line); ok && !hidden {
			item.Line = number
			list = append(list, item)
		}
	})
	return list
}

// NextItem is the first item that is neither done nor failed; the order of a list is the order of the work.
func NextItem(list []Item) (Item, bool) {
	for _, item := range list {
		if item.Open() {
			return item, true
		}
	}
	return Item{}, false
}

// A NoItemError says that a text has no open item of the wanted words: a person changed it meanwhile.
type NoItemError struct {
	Text  string // the item that was looked for
	Found *Item  // it is there, but done or failed already; nil: it is gone
}

// Error says which item, and what became of it.
func (e *NoItemError) Error() string {
	switch {
	case e.Found == nil:
		return fmt.Sprintf("find item %q: it is not in the text any more", e.Text)
	case e.Found.Checked:
		return fmt.Sprintf("find item %q: it is ticked already", e.Text)
	}
	return fmt.Sprintf("find item %q: it is marked FAIL already", e.Text)
}

// Check returns the text with one item changed: ticked if the job was ok, or else marked FAIL with its box left empty.
// It is given the text as it is now on GitHub, never one kept from before, so that what people edited stays; all but
// the one line is returned byte for byte. The item is the first open one with that text; if there is none the text is
// returned as it was with a [*NoItemError].
func Check(body, text string, ok bool) (string, error) {
	var b strings.Builder
	var other *Item
	done := false
	eachLine(body, func(_ int, line string, hidden bool) {
		item, is := parseItem(line)
		if done || hidden || !is || item.Text != text {
			b.WriteString(line)
			return
		}
		if !item.Open() {
			other = &item
			b.WriteString(line)
			return
		}
		done = true
		box := strings.IndexByte(line, '[')
		if ok {
			b.WriteString(line[:box] + "[x]" + line[box+3:])
		} else {
			b.WriteString(line[:box] + "[ ] " + failMark + strings.TrimLeft(line[box+3:], " \t"))
		}
	})
	if !done {
		return body, &NoItemError{text, other}
	}
	return b.String(), nil
}
