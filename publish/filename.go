package publish

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxFileName is longer than any name that fileName makes.
const maxFileName = 450

// fileName makes the object's name of an artifact's. Its extension is one that
// every web server knows as harmless, and the only one: some servers run
// x.php.png. So a page becomes name_html.txt.
func fileName(name string, text bool) string {
	dir, base := path.Split(slugs(name, 6, 60))
	stem, ext := base, ""
	for {
		e := path.Ext(stem)
		_, known := types(strings.ToLower(e))
		if e == "" || stem == e || !known || e == ".html" || e == ".xml" {
			break
		}
		stem, ext = strings.TrimSuffix(stem, e), e+ext
	}
	if ext == "" && text {
		ext = ".txt"
	} else if ext == "" {
		ext = ".bin"
	}
	return "files/" + strings.ReplaceAll(dir+stem, ".", "_") + strings.ToLower(ext)
}

// peek keeps the first bytes that are written to it.
type peek struct{ b []byte }

func (p *peek) Write(b []byte) (int, error) {
	p.b = append(p.b, b[:min(len(b), 512-len(p.b))]...)
	return len(b), nil
}

// isText guesses as file(1) does: UTF-8 without odd control characters.
func isText(head []byte) bool {
	for len(head) > 0 {
		r, n := utf8.DecodeRune(head)
		if r == utf8.RuneError && n == 1 {
			return !utf8.FullRune(head) // cut within a character
		}
		if unicode.IsControl(r) && !strings.ContainsRune("\n\r\t\f\b\x1b", r) {
			return false
		}
		head = head[n:]
	}
	return true
}
