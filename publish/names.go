package publish

import (
	"crypto/rand"
	"fmt"
	"path"
	"strings"
	"time"
	"unicode"
)

// slug makes one element of an object's name of any text: letters, digits and
// a few signs of ASCII; never empty, never with a dot first, at most most bytes.
func slug(text string, most int) string {
	var b strings.Builder
	for _, r := range text {
		if b.Len() >= most {
			break
		}
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '_', r == '-':
			b.WriteRune(r)
		case r == '.' && b.Len() > 0, r == '=' || r == '@': // no plus: S3 takes it for a blank where it is not escaped
			b.WriteRune(r)
		default:
			b.WriteByte('-')
		}
	}
	if b.Len() == 0 {
		return "-"
	}
	return b.String()
}

// slugs is slug for each element of a slash-separated text.
func slugs(text string, elements, most int) string {
	var list []string
	for elem := range strings.SplitSeq(text, "/") {
		if elem != "" && len(list) < elements {
			list = append(list, slug(elem, most))
		}
	}
	if len(list) == 0 {
		return "-"
	}
	return path.Join(list...)
}

// Folder is where the attempts of one job lie: all of a pull request, issue or
// branch if context is empty. It ends with a slash, for Store.List.
func Folder(repo string, pull, issue int, branch, context string) string {
	kind := "branch-" + slug(branch, 80)
	switch {
	case pull > 0:
		kind = fmt.Sprintf("pull-%d", pull)
	case issue > 0:
		kind = fmt.Sprintf("issue-%d", issue)
	}
	name := slugs(repo, 2, 100) + "/" + kind + "/"
	if context != "" {
		below := slugs(context, 4, 80)
		if first, _, _ := strings.Cut(below, "/"); first == "index.html" || first == "index.json" {
			below = "-" + below // those are ours, see list.go
		}
		name += below + "/"
	}
	return name
}

// stamp is how the name of an attempt's folder begins: when it began.
const stamp = "20060102-150405"

// NewPrefix makes up the attempt's own folder. Its last part holds 130 random
// bits: who was not told the address does not find it, and no two attempts ever
// share one. A claim names the address of its log before the attempt begins;
// who needs it then sets it as Info.Prefix.
func (i Info) NewPrefix() string {
	last := i.Started.UTC().Format(stamp) + "-"
	if i.Nonce != "" {
		last += slug(i.Nonce, 32) + "-"
	}
	return Folder(i.Repo, i.Pull, i.Issue, i.Branch, i.Context) + last + strings.ToLower(rand.Text())
}

// clean makes one line of foreign text for people: valid UTF-8 without control
// characters and without those that turn the direction of what follows.
func clean(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	return shorten(strings.TrimSpace(text), most)
}

// cleanLines is clean for text of several lines. Escape sequences stay: the
// page turns them into colours.
func cleanLines(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' && r != 0x1b || unicode.In(r, unicode.Bidi_Control) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	return shorten(text, most)
}

// shorten cuts text to most bytes, between two characters, and shows it.
func shorten(text string, most int) string {
	if len(text) <= most {
		return text
	}
	cut := max(0, most-len("…"))
	for cut > 0 && text[cut]&0xC0 == 0x80 {
		cut--
	}
	return text[:cut] + "…"
}

// seconds is a duration as JSON and JUnit have it, in milliseconds' precision.
func seconds(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }
