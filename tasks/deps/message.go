package deps

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Limits of a message. All of it is foreign text but for the frame.
const (
	maxTitle  = 72
	maxReason = 160
	maxLines  = 60 // of one list

	maxProblem = 400 // in the log
)

// message says what was done, for the commit and so for the pull request.
func message(h harvest) string {
	var b strings.Builder
	b.WriteString(title(h.done) + "\n\n")
	lines(&b, h.done, update.told)
	if h.waiting > 0 {
		fmt.Fprintf(&b, "\n%d more are due, and come with the next one.\n", h.waiting)
	}
	if len(h.moved) > 0 {
		b.WriteString("\nWhat these need moved along:\n")
		lines(&b, h.moved, update.line)
	}
	b.WriteString(leftOut(h))
	return b.String()
}

// leftOut says what was not done.
func leftOut(h harvest) string {
	if len(h.left) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("\nLeft out:\n")
	lines(&b, h.left, func(u update) string { return u.line() + ": " + Plain(u.why, maxReason) })
	return b.String()
}

func lines(b *strings.Builder, list []update, text func(update) string) {
	for _, u := range list[:min(len(list), maxLines)] {
		b.WriteString("  " + text(u) + "\n")
	}
	if n := len(list) - maxLines; n > 0 {
		fmt.Fprintf(b, "  and %d more\n", n)
	}
}

// title is the first line: the one update, or how many.
func title(done []update) string {
	if len(done) == 1 {
		u := done[0]
		for _, name := range []string{u.name, u.name[strings.LastIndexByte(u.name, '/')+1:]} {
			if t := fmt.Sprintf("Update %s to %s", Plain(name, maxTitle), Plain(u.to, maxTitle)); utf8.RuneCountInString(t) <= maxTitle {
				return t
			}
		}
		return "Update a dependency"
	}
	return fmt.Sprintf("Update %d dependencies", len(done))
}

// line is an update in a few words.
func (u update) line() string {
	name := Plain(u.name, 200)
	if u.folder != "." && u.folder != "" {
		name = Plain(u.folder, 100) + ": " + name
	}
	if u.to == "" {
		return name + " " + Plain(u.from, 80)
	}
	if u.from == "" {
		return name + " " + Plain(u.to, 80) + ", new"
	}
	return fmt.Sprintf("%s %s → %s", name, Plain(u.from, 80), Plain(u.to, 80))
}

// told is an update with all that its authors say of it.
func (u update) told() string {
	text := u.line()
	if u.published != "" {
		text += ", of " + u.published
	}
	switch {
	case u.between == 1:
		text += ", past 1 other release"
	case u.between > 1:
		text += fmt.Sprintf(", past %d other releases", u.between)
	}
	if u.source != "" {
		_, source, _ := strings.Cut(u.source, "://")
		text += ", source: " + Plain(strings.TrimSuffix(source, ".git"), maxReason)
	}
	if u.retracted != "" {
		text += "\n    the old one was retracted: " + Plain(u.retracted, maxReason)
	}
	if u.deprecated != "" {
		text += "\n    it is deprecated: " + Plain(u.deprecated, maxReason)
	}
	return text
}
