package tasks

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A hintedError is a problem with advice. Value parsers return it; the header's parser adds file, line and key.
type hintedError struct{ problem, hint string }

func (e *hintedError) Error() string { return e.problem }

// hinted makes a problem with advice.
func hinted(problem, hint string) error { return &hintedError{problem, hint} }

// hintOf finds the advice in an error, if it has any.
func hintOf(err error) string {
	if h, ok := errors.AsType[*hintedError](err); ok {
		return h.hint
	}
	return ""
}

// unit is a word after a number, and what it multiplies by.
type unit[T any] struct {
	word string
	size T
}

// durationUnits are matched whole and in any case. Months and years are missing on purpose: they have no fixed length.
func durationUnits() []unit[time.Duration] {
	const day = 24 * time.Hour
	return []unit[time.Duration]{
		{"s", time.Second}, {"second", time.Second}, {"seconds", time.Second},
		{"m", time.Minute}, {"min", time.Minute}, {"minute", time.Minute}, {"minutes", time.Minute},
		{"h", time.Hour}, {"hour", time.Hour}, {"hours", time.Hour},
		{"d", day}, {"day", day}, {"days", day},
		{"w", 7 * day}, {"week", 7 * day}, {"weeks", 7 * day},
	}
}

// ParseDuration reads "7 days", "2h", "90 minutes", "1h30m", "1 day 12 hours": whole numbers, each with a unit, from
// seconds to weeks. Zero and more than ten years are refused.
func ParseDuration(text string) (time.Duration, error) {
	const limit = 10 * 366 * 24 * time.Hour
	const example = "write whole numbers with units, for example: 90 minutes, 1h30m, 7 days"
	total, rest := time.Duration(0), strings.TrimSpace(text)
	for rest != "" {
		number, word, tail := splitNumber(rest)
		n, err := strconv.ParseInt(number, 10, 32)
		if err != nil || word != "" && !isLetter(word[0]) {
			return 0, hinted(fmt.Sprintf("bad duration %q", text), example)
		}
		size := time.Duration(0)
		for _, u := range durationUnits() {
			if strings.EqualFold(u.word, word) {
				size = u.size
			}
		}
		switch {
		case word == "":
			return 0, hinted(fmt.Sprintf("duration %q has no unit", text), example)
		case size == 0:
			return 0, hinted(fmt.Sprintf("unknown unit %q in the duration %q", word, text), example)
		case n > int64(limit/size) || total+time.Duration(n)*size > limit:
			return 0, hinted(fmt.Sprintf("duration %q is longer than ten years", text), example)
		}
		total, rest = total+time.Duration(n)*size, tail
	}
	if total == 0 {
		return 0, hinted(fmt.Sprintf("duration %q is nothing", text), example)
	}
	return total, nil
}

// isLetter reports an ASCII letter.
func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// splitNumber cuts digits and the letters behind them off the front of a text: "1h30m" is "1", "h" and "30m".
func splitNumber(s string) (number, word, rest string) {
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	number, s = s[:i], strings.TrimLeft(s[i:], " \t")
	i = 0
	for i < len(s) && s[i] > ' ' && (s[i] < '0' || s[i] > '9') {
		i++
	}
	return number, s[:i], strings.TrimLeft(s[i:], " \t")
}

// FormatDuration prints a duration as people write it in a header: in the largest unit that needs no fraction.
func FormatDuration(d time.Duration) string {
	for _, u := range []unit[time.Duration]{{"day", 24 * time.Hour}, {"hour", time.Hour}, {"minute", time.Minute}} {
		if d >= u.size && d%u.size == 0 {
			return plural(int64(d/u.size), u.word)
		}
	}
	return plural(int64(d/time.Second), "second")
}

// plural prints a count of things.
func plural(n int64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return strconv.FormatInt(n, 10) + " " + thing + "s"
}

// sizeUnits are binary, the largest first.
func sizeUnits() []unit[int64] {
	return []unit[int64]{{"T", 1 << 40}, {"G", 1 << 30}, {"M", 1 << 20}, {"K", 1 << 10}}
}

// ParseSize reads "4G", "512M", "2 GiB": a whole number of binary kilo-, mega-, giga- or terabytes. It returns bytes.
func ParseSize(text string) (int64, error) {
	const example = "write for example: 512M, 4G"
	number, word, rest := splitNumber(strings.TrimSpace(text))
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || rest != "" {
		return 0, hinted(fmt.Sprintf("bad size %q", text), example)
	}
	if word == "" {
		return 0, hinted(fmt.Sprintf("size %q has no unit", text), example)
	}
	for _, u := range sizeUnits() {
		if !strings.EqualFold(word, u.word) && !strings.EqualFold(word, u.word+"B") && !strings.EqualFold(word, u.word+"iB") {
			continue
		}
		if n == 0 || n > (1<<50)/u.size {
			return 0, hinted(fmt.Sprintf("size %q is out of range", text), "from 1K to 1024T")
		}
		return n * u.size, nil
	}
	return 0, hinted(fmt.Sprintf("unknown unit %q in the size %q", word, text), example)
}

// FormatSize prints bytes as a header does: in the largest unit that needs no fraction ("24G", "1536M"), or where that
// would be a very long number, rounded down ("23G": a machine never has less than it says).
func FormatSize(n int64) string {
	for _, u := range sizeUnits() {
		if n >= u.size && n%u.size == 0 && n/u.size < 100_000 {
			return strconv.FormatInt(n/u.size, 10) + u.word
		}
	}
	for _, u := range sizeUnits() {
		if n >= 10*u.size {
			return strconv.FormatInt(n/u.size, 10) + u.word
		}
	}
	return strconv.FormatInt(n>>10, 10) + "K"
}

// A grammar is a kind of name, with words for people.
type grammar struct {
	what    string
	pattern *regexp.Regexp
	hint    string
}

// check says what is wrong with a name.
func (g grammar) check(name string) error {
	switch {
	case len(name) > 100:
		return hinted(fmt.Sprintf("%s of %d characters", g.what, len(name)), "at most 100")
	case !g.pattern.MatchString(name):
		return hinted(fmt.Sprintf("bad %s %q", g.what, name), g.hint)
	}
	return nil
}

// The names of a header. They end up in contexts, file names and variables, hence the narrow alphabets. Read only.
var (
	taskName = grammar{"task name", regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`),
		"small letters, digits and -, beginning with a letter or digit"}
	imageName = grammar{"image name", regexp.MustCompile(`^[a-z0-9][a-z0-9.-]*$`),
		"small letters, digits, . and -, beginning with a letter or digit"}
	axisName = grammar{"axis name", regexp.MustCompile(`^[a-z][a-z0-9-]*$`),
		"small letters, digits and -, beginning with a letter"}
	axisValue = grammar{"axis value", regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]*$`),
		"letters, digits and . _ + -, beginning with a letter or digit"}
	secretName = grammar{"secret name", regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`),
		"letters, digits and _, beginning with a letter"}
	plainName = grammar{"name", regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`),
		"letters, digits and . _ -, beginning with a letter or digit"}
	hostName = grammar{"host", regexp.MustCompile(`^(\*\.)?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?$`),
		"a host name, *.domain, or either with :port"}
	containerImage = grammar{"container image",
		regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*(:[0-9]+)?(/[a-z0-9][a-z0-9._-]*)*(:[A-Za-z0-9_][A-Za-z0-9._-]*)?(@sha256:[0-9a-f]{64})?$`),
		"write for example: registry.fedoraproject.org/fedora:42"}
)

// checkFiles says what is wrong with a pattern of files: it must stay below the working directory.
func checkFiles(pattern string) error {
	switch {
	case len(pattern) > 1024:
		return hinted(fmt.Sprintf("pattern of %d characters", len(pattern)), "at most 1024")
	case strings.HasPrefix(pattern, "/"):
		return hinted(fmt.Sprintf("pattern %q begins with /", pattern), "patterns are relative to the checkout")
	case strings.Contains(pattern, "\\"):
		return hinted(fmt.Sprintf("pattern %q has a \\", pattern), "folders are separated by /")
	case strings.Count(pattern, "**") > 2:
		return hinted(fmt.Sprintf("pattern %q has more than two **", pattern), "use one")
	}
	for part := range strings.SplitSeq(pattern, "/") {
		if part == ".." {
			return hinted(fmt.Sprintf("pattern %q leaves the checkout", pattern), "patterns are relative to the checkout, without ..")
		}
	}
	if _, err := path.Match(pattern, ""); err != nil {
		return hinted(fmt.Sprintf("bad pattern %q", pattern), "a [ needs its ]; * ? and ** need nothing")
	}
	return nil
}
