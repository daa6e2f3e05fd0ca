package tasks

import (
	"fmt"
	"path"
	"strings"
)

// An EventKind is something that happens on GitHub and can ask for a task.
type EventKind string

// The events of the key "on".
const (
	PullRequest EventKind = "pull request" // a new head of a pull request
	Push        EventKind = "push"         // a new tip of a branch
	Tag         EventKind = "tag"          // a signed tag
	Request     EventKind = "request"      // a person: an issue's item, a comment, the shell
)

// An Event is one item of the key "on".
type Event struct {
	Kind    EventKind
	Pattern string // of the branch (Push) or the tag (Tag); empty for the others
}

// String prints the event as a header does.
func (e Event) String() string {
	return strings.TrimSpace(string(e.Kind) + " " + e.Pattern)
}

// parseEvent reads one item of the key "on".
func parseEvent(text string) (Event, error) {
	words := strings.Fields(text)
	switch {
	case len(words) == 0:
		return Event{}, hinted("an event is missing before or after a comma", "write: on: pull request, push main")
	case text == "pull request", text == "request":
		return Event{Kind: EventKind(text)}, nil
	case words[0] == "push", words[0] == "tag":
		if len(words) != 2 {
			return Event{}, hinted(fmt.Sprintf("%q wants one name or pattern, got %d", words[0], len(words)-1),
				fmt.Sprintf("write: on: %s NAME, and a comma before the next event", words[0]))
		}
		if err := checkPattern(words[1]); err != nil {
			return Event{}, err
		}
		return Event{Kind: EventKind(words[0]), Pattern: words[1]}, nil
	}
	if s := suggest(text, []string{"pull request", "request"}); s != "" {
		return Event{}, hinted(fmt.Sprintf("unknown event %q", text), fmt.Sprintf("did you mean %q?", s))
	}
	if s := suggest(words[0], []string{"push", "tag"}); s != "" && len(words) == 2 {
		return Event{}, hinted(fmt.Sprintf("unknown event %q", text), fmt.Sprintf("did you mean %q?", s+" "+words[1]))
	}
	return Event{}, hinted(fmt.Sprintf("unknown event %q", text),
		"known are: pull request, push BRANCH, tag PATTERN, request")
}

// Match reports whether the name of a branch or tag fits a pattern: * stands for any characters but /, ** for any
// characters, ? for one, [a-z] for one of a range. Case counts, as it does in git.
func Match(pattern, name string) bool {
	if pattern == "**" {
		return true
	}
	head, tail, deep := strings.Cut(pattern, "**")
	if !deep {
		ok, err := path.Match(pattern, name)
		return err == nil && ok
	}
	for i := range len(name) + 1 {
		if ok, err := path.Match(head, name[:i]); err != nil || !ok {
			continue
		}
		for j := i; j <= len(name); j++ {
			if Match(tail, name[j:]) {
				return true
			}
		}
		return false
	}
	return false
}

// Literal is how every name begins that fits a pattern.
func Literal(pattern string) string {
	if i := strings.IndexAny(pattern, `*?[\`); i >= 0 {
		return pattern[:i]
	}
	return pattern
}

// matchAny reports whether one of the patterns fits.
func matchAny(patterns []string, name string) bool {
	for _, p := range patterns {
		if Match(p, name) {
			return true
		}
	}
	return false
}

// checkPattern says what is wrong with a pattern of branches or tags.
func checkPattern(pattern string) error {
	if len(pattern) > MaxContext {
		return hinted(fmt.Sprintf("pattern of %d characters", len(pattern)), fmt.Sprintf("at most %d", MaxContext))
	}
	if strings.Count(pattern, "**") > 2 {
		return hinted(fmt.Sprintf("pattern %q has more than two **", pattern), "use one")
	}
	if _, err := path.Match(pattern, ""); err != nil {
		return hinted(fmt.Sprintf("bad pattern %q", pattern), "a [ needs its ]; * ? and ** need nothing")
	}
	if i := strings.IndexAny(pattern, " ~^:\\\x7f"); i >= 0 || strings.Contains(pattern, "..") {
		return hinted(fmt.Sprintf("pattern %q can match no name in git", pattern), "git allows no space ~ ^ : \\ .. in names")
	}
	return nil
}
