package publish

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
)

// forms returns all the strings in which a secret may show up in a job's
// output without anybody trying to hide it: as it is, and as the usual
// programs encode it. Each has at least minSecret bytes. Whoever wants to get
// a secret out will find another form; that is why jobs that run a stranger's
// code hold none, and this is the second layer.
func forms(value string) []string {
	whole := strings.TrimSpace(value)
	parts := []string{value, whole}
	if strings.ContainsAny(whole, "\r\n") {
		parts = append(parts, secretLines(whole)...)
	}
	var list []string
	for _, p := range parts {
		list = append(list, p)
		list = append(list, base64Forms(p)...)
		list = append(list, urlForms(p)...)
		list = append(list, jsonForms(p)...)
		list = append(list, markupForms(p)...)
		list = append(list, shellForms(p)...)
		list = append(list, hex.EncodeToString([]byte(p)), strings.ToUpper(hex.EncodeToString([]byte(p))))
	}
	for _, v := range []string{value, whole, whole + "\n"} {
		list = append(list, wrappedBase64(v)...)
	}
	slices.Sort(list)
	list = slices.Compact(list)
	return slices.DeleteFunc(list, func(s string) bool { return len(s) < minSecret })
}

// secretLines are the lines of a key or a file. Terminals, indenting and log
// prefixes tear such a value apart, so that only its lines are whole. The
// armour around a key is no secret.
func secretLines(value string) []string {
	var list []string
	for line := range strings.FieldsFuncSeq(value, func(r rune) bool { return r == '\n' || r == '\r' }) {
		line = strings.TrimSpace(line)
		if len([]rune(line)) >= minSecret && !strings.HasPrefix(line, "-----") {
			list = append(list, line)
		}
	}
	return list
}

// base64Forms are the characters that a secret alone decides when it is
// encoded amid other bytes, for each of the three places in a group of three
// bytes where it can begin, and once more with its own end.
func base64Forms(s string) []string {
	var list []string
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			text := enc.EncodeToString(append(make([]byte, before), s...))
			first := (before*8 + 5) / 6       // those before hold bits of other bytes
			last := (before + len(s)) * 8 / 6 // those behind may as well
			list = append(list, text[first:last], text[first:])
		}
	}
	return list
}

// wrappedBase64 are the lines that base64(1) and PEM make of a secret.
func wrappedBase64(s string) []string {
	var list []string
	text := base64.StdEncoding.EncodeToString([]byte(s))
	for _, width := range []int{76, 64} {
		for line := range slices.Chunk([]byte(text), width) {
			list = append(list, string(line))
		}
	}
	return list
}

// urlForms differ in what they leave as it is and in the case of the digits.
func urlForms(s string) []string {
	list := []string{url.QueryEscape(s), url.PathEscape(s), url.UserPassword("", s).String()[1:]}
	for _, keep := range []string{"-_.~", "-_.~!'()*", "-_.~!$&'()*+,;=:@/", ""} {
		list = append(list, percent(s, keep))
	}
	for _, form := range slices.Clone(list) {
		list = append(list, lowerPercent(form))
	}
	return list
}

// percent escapes all bytes but letters, digits and those in keep.
func percent(s, keep string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c < 0x80 && (unicode.IsLetter(rune(c)) || unicode.IsDigit(rune(c)) || strings.IndexByte(keep, c) >= 0) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// lowerPercent turns %2F into %2f and leaves the rest.
func lowerPercent(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:], strings.ToLower(string(b[i+1:i+3])))
		}
	}
	return string(b)
}

// jsonForms are a JSON string without its quotes, as different encoders write
// it, and such a string within another one (a log line within a JSON log).
func jsonForms(s string) []string {
	list := jsonOnce(s)
	for _, form := range slices.Clone(list) {
		list = append(list, jsonOnce(form)...)
	}
	return list
}

func jsonOnce(s string) []string {
	plain := jsonString(s, false)
	return []string{plain, jsonString(s, true), strings.ReplaceAll(plain, "/", `\/`), asciiJSON(plain)}
}

func jsonString(s string, html bool) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(html)
	if enc.Encode(s) != nil { // cannot be: it is a string
		return s
	}
	return strings.TrimSuffix(b.String(), "\n")[1 : b.Len()-2]
}

// asciiJSON writes everything beyond ASCII as \uXXXX, as Python does.
func asciiJSON(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r < 0x80 {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}

// markupForms are those of HTML and XML, with names and with numbers.
func markupForms(s string) []string {
	names := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;")
	numbers := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;")
	text := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	return []string{names.Replace(s), numbers.Replace(s), text.Replace(s)}
}

// shellForms are what "set -x", printf %q and careful scripts print.
func shellForms(s string) []string {
	var b strings.Builder
	for _, r := range s {
		if r < 0x80 && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_-./:=@%+,", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return []string{b.String(), strings.ReplaceAll(s, "'", `'\''`), strings.ReplaceAll(s, "'", `'"'"'`)}
}
