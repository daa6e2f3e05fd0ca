package fakehub

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// encode makes JSON as GitHub does: compact, with <, > and & as they are.
// Everything given to it is a value of this package, so it cannot fail.
func encode(v any) json.RawMessage {
	switch v := v.(type) {
	case json.RawMessage:
		return v
	case rawList:
		return v.join()
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(fmt.Sprintf("fakehub: encode %T: %v", v, err))
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// A rawList is a list whose entries are encoded already; encoding/json would
// check and copy each of them again.
type rawList []json.RawMessage

func (l rawList) join() json.RawMessage {
	size := 2
	for _, e := range l {
		size += len(e) + 1
	}
	out := append(make([]byte, 0, size), '[')
	for i, e := range l {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, e...)
	}
	return append(out, ']')
}
