package fakehub

import (
	"strconv"
	"strings"
)

// A diffView is the difference of two commits.
type diffView struct {
	Files                []fileView
	Additions, Deletions int
}

// Count, Added and Removed are its size in words.

func (d *diffView) Count() string   { return plural(len(d.Files), "changed file") }
func (d *diffView) Added() string   { return plural(d.Additions, "addition") }
func (d *diffView) Removed() string { return plural(d.Deletions, "deletion") }

// A fileView is one file of a difference.
type fileView struct {
	Path, Previous       string
	Status               string
	Additions, Deletions int
	Lines                []lineView
	Cut                  bool // there is more than a page shows
}

// A lineView is a line of a difference: kind is "hunk", "add", "del" or "same".
type lineView struct {
	Kind, Text string
	Old, New   string // line numbers
}

const (
	maxDiffFiles = 300
	maxDiffLines = 3000 // of a file
)

// diff compares two commits; "" is the empty tree. What git cannot tell is empty.
func (v *viewer) diff(from, to string) *diffView {
	d := &diffView{}
	changes, err := v.repo.git.diff(v.ctx, from, to)
	if err != nil {
		return d
	}
	for n, c := range changes {
		d.Additions += c.additions
		d.Deletions += c.deletions
		f := fileView{Path: c.path, Previous: c.previous, Status: c.status, Additions: c.additions, Deletions: c.deletions}
		if n < maxDiffFiles {
			f.Lines, f.Cut = patchLines(c.patch)
		}
		d.Files = append(d.Files, f)
	}
	return d
}

// patchLines reads unified hunks. Anything is taken: what is no line of a hunk
// is shown as it is.
func patchLines(patch string) (lines []lineView, cut bool) {
	old, now := 0, 0
	for text := range strings.Lines(patch) {
		if len(lines) == maxDiffLines {
			return lines, true
		}
		text = strings.ToValidUTF8(strings.TrimSuffix(text, "\n"), "\uFFFD")
		line := lineView{Kind: "same", Text: text}
		switch {
		case strings.HasPrefix(text, "@@"):
			line.Kind = "hunk"
			old, now = hunkStart(text)
		case strings.HasPrefix(text, "+"):
			line.Kind, line.New = "add", strconv.Itoa(now)
			now++
		case strings.HasPrefix(text, "-"):
			line.Kind, line.Old = "del", strconv.Itoa(old)
			old++
		case strings.HasPrefix(text, `\`):
			line.Kind = "note"
		default:
			line.Old, line.New = strconv.Itoa(old), strconv.Itoa(now)
			old, now = old+1, now+1
		}
		lines = append(lines, line)
	}
	return lines, false
}

// hunkStart reads the line numbers of `@@ -1,4 +1,6 @@`; zeros if it has none.
func hunkStart(head string) (old, now int) {
	for field := range strings.FieldsSeq(head) {
		number, _, _ := strings.Cut(strings.TrimLeft(field, "+-"), ",")
		n, err := strconv.Atoi(number)
		switch {
		case err != nil:
		case field[0] == '-':
			old = n
		case field[0] == '+':
			now = n
		}
	}
	return old, now
}
