package publish

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
)

// minSecret is the shortest value, in characters, that is looked for: a
// shorter one would blacken harmless text all over, and is no secret anyway.
const minSecret = 6

// mark stands where a secret was.
const mark = "[secret]"

// A Secret is a value that must not leave the machine. It prints as its name.
type Secret struct {
	Name  string
	Value string
}

// String hides the value.
func (s Secret) String() string { return "[secret " + s.Name + "]" }

// Format hides the value under every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue hides the value in logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText hides the value in JSON.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// A Redactor finds the known forms of secrets (see forms.go) in text and in
// binary data. It does not change once made; a nil Redactor finds nothing.
//
// All forms have at least six bytes. The search looks at the last three bytes
// of a window of six, skips up to four bytes when no form has those three
// there, and compares only when one may (Wu and Manber's way). So its speed
// hardly depends on the number of secrets.
type Redactor struct {
	shift [1 << 16]uint8      // by hash of three bytes: how far the window can move
	form  map[uint64][]string // by the first six bytes, longest first
	begin map[uint64]bool     // beginnings of 1 to 5 bytes: a form may be cut there
}

const (
	window = minSecret
	block  = 3
	stride = window - block + 1
)

// NewRedactor makes a redactor for secrets. It returns the names of those that
// it refuses because they are too short, so that somebody can be warned: their
// values are printed in the clear.
func NewRedactor(secrets ...Secret) (r *Redactor, refused []string) {
	r = &Redactor{form: map[uint64][]string{}, begin: map[uint64]bool{}}
	for i := range r.shift {
		r.shift[i] = stride
	}
	for _, s := range secrets {
		if len([]rune(strings.TrimSpace(s.Value))) < minSecret {
			refused = append(refused, s.Name)
			continue
		}
		for _, f := range forms(s.Value) {
			r.add(f)
		}
	}
	for key, list := range r.form {
		slices.SortFunc(list, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
		r.form[key] = slices.Compact(list)
	}
	return r, refused
}

func (r *Redactor) add(f string) {
	b := []byte(f)
	for at := range stride {
		h := hash(b[at:])
		r.shift[h] = min(r.shift[h], uint8(stride-1-at))
	}
	key := word(b[:window])
	r.form[key] = append(r.form[key], f)
	for n := 1; n < window; n++ {
		r.begin[word(b[:n])] = true
	}
}

// hash is of the first three bytes of b.
func hash(b []byte) uint16 {
	return uint16((uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16) * 2654435761 >> 16)
}

// word packs up to seven bytes and their number.
func word(b []byte) uint64 {
	w := uint64(len(b)) << 56
	for i, c := range b {
		w |= uint64(c) << (8 * i)
	}
	return w
}

// Empty tells whether r looks for nothing.
func (r *Redactor) Empty() bool { return r == nil || len(r.form) == 0 }

// span is a part of a buffer.
type span struct{ from, to int }

// find returns the parts of b that secrets cover, in order and apart from each
// other. Up to hold everything is known; a secret may begin at hold and go on
// beyond b, unless last says that nothing follows.
func (r *Redactor) find(b []byte, last bool) (hits []span, hold int) {
	hold = len(b)
	p, end := 0, len(b)-window
	for p <= end {
		if s := r.shift[hash(b[p+window-block:])]; s != 0 {
			p += int(s)
			continue
		}
		for _, f := range r.form[word(b[p:p+window])] {
			rest := b[p:]
			switch {
			case len(f) <= len(rest) && string(rest[:len(f)]) == f:
				hits = join(hits, span{p, p + len(f)})
			case len(f) > len(rest) && f[:len(rest)] == string(rest):
				hold = min(hold, p)
			}
		}
		p++
	}
	if last {
		return hits, len(b)
	}
	for p := max(0, end+1); p < hold; p++ {
		if r.begin[word(b[p:])] {
			hold = p
		}
	}
	return hits, hold
}

// join adds a part that does not begin before the last one.
func join(hits []span, s span) []span {
	if n := len(hits) - 1; n >= 0 && s.from < hits[n].to {
		hits[n].to = max(hits[n].to, s.to)
		return hits
	}
	return append(hits, s)
}

// Has tells whether a form of a secret is in b.
func (r *Redactor) Has(b []byte) bool {
	if r.Empty() {
		return false
	}
	hits, _ := r.find(b, true)
	return len(hits) > 0
}

// Text returns s with a mark in place of each secret.
func (r *Redactor) Text(s string) string {
	if r.Empty() || s == "" {
		return s
	}
	var out bytes.Buffer
	w := r.Writer(&out)
	_, _ = io.WriteString(w, s) // a bytes.Buffer takes everything
	_ = w.Close()
	return out.String()
}
