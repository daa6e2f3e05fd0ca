package deps

import (
	"regexp"
	"strings"
	"unicode"
)

// Read only: by which commit messages refer to issues beside the number sign.
var (
	ghNumber = regexp.MustCompile(`(?i)\bgh-(\d)`)
	blanks   = regexp.MustCompile(` +`)
)

// Plain makes foreign text fit to be quoted in a commit message: one line of at most most characters, in which nothing is an
// order to GitHub, a name that it calls, a link or a trailer. Markup, control characters and characters that are not seen, or
// that turn the direction of writing, are left out.
func Plain(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == '@' || r == '#' || strings.ContainsRune("[]<>`\\*|", r):
			return ' '
		case !unicode.IsGraphic(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Mn, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	text = strings.ReplaceAll(text, "://", " ")
	text = ghNumber.ReplaceAllString(text, "gh $1")
	text = strings.TrimSpace(blanks.ReplaceAllString(text, " "))
	if runes := []rune(text); len(runes) > most {
		return strings.TrimSpace(string(runes[:most])) + "…"
	}
	return text
}
