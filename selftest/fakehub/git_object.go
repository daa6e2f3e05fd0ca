package fakehub

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A gitPerson is an author, committer or tagger line.
type gitPerson struct {
	Name, Email string
	When        time.Time // in the zone that the object states
}

// A gitCommit is a parsed commit object.
type gitCommit struct {
	SHA       string
	Tree      string
	Parents   []string
	Author    gitPerson
	Committer gitPerson
	Signature string // gpgsig, with line breaks and no indentation
	Message   string
}

// A gitTag is a parsed annotated tag.
type gitTag struct {
	SHA     string
	Object  string
	Kind    string // of the object
	Name    string
	Tagger  gitPerson
	Message string
}

// A gitEntry is one line of a tree.
type gitEntry struct {
	Mode string // six digits: 100644, 100755, 120000, 160000, 040000
	Name string // one path component; a path with slashes where a tree was listed recursively
	SHA  string
	Size int64 // of a blob, where it was asked for
}

// Kind is the type of the object that the entry names.
func (e gitEntry) Kind() string {
	switch e.Mode {
	case "040000":
		return "tree"
	case "160000":
		return "commit"
	}
	return "blob"
}

// parsePerson reads `Name <email> 1700000000 +0100`. It never fails: real
// repositories hold every kind of broken line, and git shows them as well.
func parsePerson(line string) gitPerson {
	open, shut := strings.Index(line, "<"), strings.LastIndex(line, ">")
	if open < 0 || shut < open {
		return gitPerson{Name: strings.TrimSpace(line)}
	}
	p := gitPerson{Name: strings.TrimSpace(line[:open]), Email: line[open+1 : shut]}
	fields := strings.Fields(line[shut+1:])
	if len(fields) == 0 {
		return p
	}
	seconds, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil || seconds < 0 || seconds > maxGitSeconds {
		return p
	}
	zone := time.UTC
	if len(fields) > 1 {
		zone = parseZone(fields[1])
	}
	p.When = time.Unix(seconds, 0).In(zone)
	return p
}

// maxGitSeconds is the last second of the year 9999, the last that RFC 3339 can write.
const maxGitSeconds = 253402300799

func parseZone(s string) *time.Location {
	n, err := strconv.Atoi(s)
	if err != nil || len(s) != 5 || n < -2359 || n > 2359 {
		return time.UTC
	}
	return time.FixedZone("", (n/100)*3600+(n%100)*60)
}

// line formats a person as git stores it. Characters that would end the
// field early are dropped, as git does itself.
func (p gitPerson) line() string {
	drop := func(s string) string {
		return strings.TrimSpace(strings.Map(func(r rune) rune {
			if r == '<' || r == '>' || r == '\n' || r == 0 {
				return -1
			}
			return r
		}, s))
	}
	return fmt.Sprintf("%s <%s> %d %s", drop(p.Name), drop(p.Email), p.When.Unix(), p.When.Format("-0700"))
}

// splitHeaders cuts an object into its header lines and its message.
// A line that begins with a space continues the one before.
func splitHeaders(data []byte) (headers [][2]string, message string) {
	head, body, _ := bytes.Cut(data, []byte("\n\n"))
	for line := range strings.SplitSeq(string(head), "\n") {
		if rest, ok := strings.CutPrefix(line, " "); ok && len(headers) > 0 {
			headers[len(headers)-1][1] += "\n" + rest
			continue
		}
		key, value, _ := strings.Cut(line, " ")
		headers = append(headers, [2]string{key, value})
	}
	return headers, string(body)
}

// parseCommit reads the raw text of a commit object.
func parseCommit(sha string, data []byte) (gitCommit, error) {
	c := gitCommit{SHA: sha}
	headers, message := splitHeaders(data)
	c.Message = message
	for _, h := range headers {
		switch h[0] {
		case "tree":
			c.Tree = h[1]
		case "parent":
			c.Parents = append(c.Parents, h[1])
		case "author":
			c.Author = parsePerson(h[1])
		case "committer":
			c.Committer = parsePerson(h[1])
		case "gpgsig":
			c.Signature = h[1]
		}
	}
	if !isSHA(c.Tree) {
		return gitCommit{}, fmt.Errorf("parse commit %s: tree %.50q is not an object id", sha, c.Tree)
	}
	for _, p := range c.Parents {
		if !isSHA(p) {
			return gitCommit{}, fmt.Errorf("parse commit %s: parent %.50q is not an object id", sha, p)
		}
	}
	return c, nil
}

// raw formats a commit as git stores it.
func (c gitCommit) raw() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "tree %s\n", c.Tree)
	for _, p := range c.Parents {
		fmt.Fprintf(&b, "parent %s\n", p)
	}
	fmt.Fprintf(&b, "author %s\ncommitter %s\n", c.Author.line(), c.Committer.line())
	if c.Signature != "" {
		fmt.Fprintf(&b, "gpgsig %s\n", strings.ReplaceAll(c.Signature, "\n", "\n "))
	}
	fmt.Fprintf(&b, "\n%s", c.Message)
	return b.Bytes()
}

// parseTag reads the raw text of an annotated tag.
func parseTag(sha string, data []byte) (gitTag, error) {
	t := gitTag{SHA: sha}
	headers, message := splitHeaders(data)
	t.Message = message
	for _, h := range headers {
		switch h[0] {
		case "object":
			t.Object = h[1]
		case "type":
			t.Kind = h[1]
		case "tag":
			t.Name = h[1]
		case "tagger":
			t.Tagger = parsePerson(h[1])
		}
	}
	if !isSHA(t.Object) {
		return gitTag{}, fmt.Errorf("parse tag %s: object %.50q is not an object id", sha, t.Object)
	}
	return t, nil
}

// raw formats a tag as git stores it.
func (t gitTag) raw() []byte {
	return fmt.Appendf(nil, "object %s\ntype %s\ntag %s\ntagger %s\n\n%s", t.Object, t.Kind, t.Name, t.Tagger.line(), t.Message)
}

// parseTree reads the raw bytes of a tree object: mode SP name NUL, 20 bytes.
func parseTree(sha string, data []byte) ([]gitEntry, error) {
	var entries []gitEntry
	for len(data) > 0 {
		head, rest, ok := bytes.Cut(data, []byte{0})
		mode, name, ok2 := strings.Cut(string(head), " ")
		if !ok || !ok2 || len(rest) < 20 || len(mode) < 5 || len(mode) > 6 || name == "" {
			return nil, fmt.Errorf("parse tree %s: entry %d is cut short", sha, len(entries))
		}
		if len(mode) == 5 { // git stores a tree's mode without the leading zero
			mode = "0" + mode
		}
		entries = append(entries, gitEntry{Mode: mode, Name: name, SHA: hex.EncodeToString(rest[:20])})
		data = rest[20:]
	}
	return entries, nil
}
