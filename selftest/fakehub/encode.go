package fakehub

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// encode makes JSON as GitHub does: compact, with <, > and & as they are.
// Everything given to it is a value of this package, so it cannot fail.
func encode(v any) json.RawMessage {
	if raw, ok := v.(json.RawMessage); ok {
		return raw
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(fmt.Sprintf("fakehub: encode %T: %v", v, err))
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
