package fakehub

import (
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// sameName says whether a Go name is that of a field: the case of letters does
// not count, as the library has it.
func sameName(goName, field string) bool { return strings.EqualFold(goName, field) }

// appendScalar appends a scalar or enum as JSON.
func appendScalar(out []byte, v reflect.Value) []byte {
	switch v.Kind() {
	case reflect.String:
		return appendJSON(out, v.String())
	case reflect.Bool:
		return strconv.AppendBool(out, v.Bool())
	case reflect.Int32:
		return strconv.AppendInt(out, v.Int(), 10)
	}
	return append(out, encode(v.Interface())...)
}

// appendJSON appends a text as JSON.
func appendJSON(out []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return append(out, encode(s)...)
		}
	}
	out = append(out, '"')
	out = append(out, s...)
	return append(out, '"')
}
