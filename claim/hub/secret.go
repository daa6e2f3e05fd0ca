package hub

import (
	"fmt"
	"log/slog"
)

// A Secret is a token or key. It prints as "[secret]" under every verb of fmt, in slog, in JSON
// and wherever else a value is turned into text by itself; Reveal is the only way to its value. Two places are beyond that: a field that
// is not exported, for which fmt calls no method, and the key of a map in JSON. Put it in neither where somebody might print the whole.
type Secret string

const hidden = "[secret]"

// Reveal gives the value. The callers are few: whoever sends it or puts it to a child that needs it.
func (s Secret) Reveal() string { return string(s) }

// String gives "[secret]", or nothing if there is none.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

// GoString is for %#v.
func (s Secret) GoString() string { return s.String() }

// Format answers all verbs alike, also those that would print the bytes, as %x does.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// LogValue is for slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText is for encoding/json and encoding/xml.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

var (
	_ fmt.Formatter  = Secret("")
	_ fmt.Stringer   = Secret("")
	_ fmt.GoStringer = Secret("")
	_ slog.LogValuer = Secret("")
)
