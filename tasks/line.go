package tasks

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Program is the word that stands before a line in a shell. It is left out in an issue; no task can bear this name.
const Program = "cyborg"

// A Line is one job as text: an item of an issue's checklist, what a person types, or what a scan prints. There is
// one parser for all three.
type Line struct {
	Task    string   // the name of a task
	Args    []string // its arguments
	Repo    string   // --repo OWNER/NAME
	Pull    int      // --pull N
	Issue   int      // --issue N
	SHA     string   // --sha COMMIT: a commit that no pull request stands for
	Context string   // --context NAME/…
	Publish bool     // --publish: write to GitHub as a bot would
	Shell   bool     // --shell: prepare everything and give a shell instead
}

// Read only.
var (
	repoPattern  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}$`)
	shaPattern   = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`)
	loginPattern = regexp.MustCompile(`^[A-Za-z0-9](-?[A-Za-z0-9]){0,38}(\[bot\])?$`)
)

// options are the options of a line, in the order in which they are printed.
func options() []string {
	return []string{"--repo", "--pull", "--issue", "--sha", "--context", "--publish", "--shell"}
}

// ParseLine reads "image-refresh debian-13" or "verify --pull 42 --context verify/fedora-42", with or without the
// program's name in front. Words are those of [SplitWords]. Options stand anywhere before a "--"; words behind it are
// arguments whatever they look like. Who reads lines from an issue must refuse the options that an issue may not
// decide (see [Line.Bare]).
func ParseLine(text string) (Line, error) {
	words, err := SplitWords(text)
	if err != nil {
		return Line{}, fmt.Errorf("read line %q: %w", clip(text, 80), err)
	}
	l, err := ParseWords(words)
	if err != nil {
		return Line{}, fmt.Errorf("read line %q: %w", clip(text, 80), err)
	}
	return l, nil
}

// ParseWords reads a line that is in words already, as the arguments of a program are.
func ParseWords(words []string) (Line, error) {
	var l Line
	if len(words) > 0 && words[0] == Program {
		words = words[1:]
	}
	if len(words) == 0 {
		return l, fmt.Errorf("no task named")
	}
	if err := taskName.check(words[0]); err != nil {
		return l, fmt.Errorf("%w (%s)", err, hintOf(err))
	}
	if words[0] == Program {
		return l, fmt.Errorf("%q is the program, not a task", Program)
	}
	l.Task, words = words[0], words[1:]
	seen := map[string]bool{}
	for len(words) > 0 {
		w := words[0]
		if w == "--" {
			l.Args = append(l.Args, words[1:]...)
			break
		}
		if !strings.HasPrefix(w, "-") || w == "-" {
			l.Args, words = append(l.Args, w), words[1:]
			continue
		}
		name, rest, err := l.option(words)
		if err != nil {
			return Line{}, err
		}
		if seen[name] {
			return Line{}, fmt.Errorf("option %s is given twice", name)
		}
		seen[name], words = true, rest
	}
	return l, l.check()
}

// option reads the option that words begin with, and its value, which may follow as "--name value" or "--name=value".
func (l *Line) option(words []string) (name string, rest []string, err error) {
	name, value, joined := strings.Cut(words[0], "=")
	if !slices.Contains(options(), name) {
		return name, nil, fmt.Errorf("unknown option %s: %s, or write -- before the task's own options",
			name, didYouMean(name, options()))
	}
	if name == "--publish" || name == "--shell" {
		if joined {
			return name, nil, fmt.Errorf("option %s takes no value", name)
		}
		if name == "--publish" {
			l.Publish = true
		} else {
			l.Shell = true
		}
		return name, words[1:], nil
	}
	rest = words[1:]
	if !joined {
		if len(rest) == 0 {
			return name, nil, fmt.Errorf("option %s wants a value", name)
		}
		value, rest = rest[0], rest[1:]
	}
	return name, rest, l.set(name, value)
}

// set checks and keeps the value of an option.
func (l *Line) set(name, value string) (err error) {
	switch name {
	case "--pull":
		l.Pull, err = number(value)
	case "--issue":
		l.Issue, err = number(value)
	case "--repo":
		l.Repo = value
		if owner, repo, _ := strings.Cut(value, "/"); !repoPattern.MatchString(value) || repo == "." || repo == ".." || owner == "" {
			err = fmt.Errorf("write OWNER/NAME")
		}
	case "--sha":
		l.SHA = value
		if !shaPattern.MatchString(value) {
			err = fmt.Errorf("write the full commit id, 40 or 64 hex digits")
		}
	case "--context":
		l.Context = value
		err = checkContext(value)
	}
	if err != nil {
		return fmt.Errorf("option %s %s: %w", name, QuoteWord(clip(value, 60)), err)
	}
	return nil
}

// checkContext refuses what can be no task's context.
func checkContext(context string) error {
	parts := strings.Split(context, "/")
	if len(context) > MaxContext || len(parts) > MaxWords || taskName.check(parts[0]) != nil {
		return fmt.Errorf("write a context as the statuses show it: TASK/IMAGE/…")
	}
	for _, p := range parts[1:] {
		if axisValue.check(p) != nil {
			return fmt.Errorf("write a context as the statuses show it: TASK/IMAGE/…")
		}
	}
	return nil
}

// number reads the number of a pull request or issue, with or without the # that people write.
func number(text string) (int, error) {
	n, err := strconv.ParseUint(strings.TrimPrefix(text, "#"), 10, 31)
	if err != nil || n == 0 || text[len(text)-1] < '0' {
		return 0, fmt.Errorf("write a number")
	}
	return int(n), nil
}

// check refuses options that contradict each other.
func (l *Line) check() error {
	if l.Pull > 0 && l.Issue > 0 {
		return fmt.Errorf("--pull and --issue exclude each other: one job has one subject")
	}
	if l.SHA != "" && l.Issue > 0 {
		return fmt.Errorf("--sha and --issue exclude each other: one job has one subject")
	}
	if name, _, _ := strings.Cut(l.Context, "/"); l.Context != "" && name != l.Task {
		return fmt.Errorf("context %q is not one of the task %q", l.Context, l.Task)
	}
	for _, a := range l.Args {
		if strings.ContainsFunc(a, unprintable) {
			return fmt.Errorf("argument %q has a control character", a)
		}
	}
	return nil
}

// Bare reports whether the line has no options at all: the only kind that an issue's checklist may hold, for there the
// issue is the subject and the fleet decides the rest.
func (l Line) Bare() bool {
	return l.Repo == "" && l.Pull == 0 && l.Issue == 0 && l.SHA == "" && l.Context == "" && !l.Publish && !l.Shell
}

// String prints the line so that a person can paste it into a shell: "cyborg verify --pull 42". ParseLine reads it
// back.
func (l Line) String() string { return Program + " " + l.Item() }

// Item prints the line as an issue's checklist has it, without the program's name: "image-refresh debian-13".
func (l Line) Item() string {
	words := []string{l.Task}
	add := func(name, value string) {
		if value != "" {
			words = append(words, name, value)
		}
	}
	add("--repo", l.Repo)
	if l.Pull > 0 {
		add("--pull", strconv.Itoa(l.Pull))
	}
	if l.Issue > 0 {
		add("--issue", strconv.Itoa(l.Issue))
	}
	add("--sha", l.SHA)
	add("--context", l.Context)
	if l.Publish {
		words = append(words, "--publish")
	}
	if l.Shell {
		words = append(words, "--shell")
	}
	if slices.ContainsFunc(l.Args, func(a string) bool { return strings.HasPrefix(a, "-") && a != "-" }) {
		words = append(words, "--")
	}
	return QuoteWords(append(words, l.Args...))
}
