package fakehub

import (
	"bytes"
	"encoding/json"
	"errors"
)

// An optional is a member of a JSON object which may be there, may be null, or
// may not be there at all; an edit treats the three differently.
type optional[T any] struct {
	set   bool // it is there
	null  bool
	value T
}

// UnmarshalJSON is called only for members that are there.
func (o *optional[T]) UnmarshalJSON(data []byte) error {
	o.set = true
	if bytes.Equal(data, []byte("null")) {
		o.null = true
		return nil
	}
	return json.Unmarshal(data, &o.value) // seen by the decoder of the whole
}

// pointer is the value, nil for null.
func (o *optional[T]) pointer() *T {
	if !o.set || o.null {
		return nil
	}
	return &o.value
}

// A plainText is a text for which GitHub also takes a number.
type plainText string

// UnmarshalJSON takes a string or a number.
func (p *plainText) UnmarshalJSON(data []byte) error {
	var n json.Number
	if len(data) > 0 && data[0] != '"' && json.Unmarshal(data, &n) == nil {
		*p = plainText(n)
		return nil
	}
	return json.Unmarshal(data, (*string)(p)) // seen by the decoder of the whole
}

// errNoNames says that labels are given in no way that GitHub takes.
var errNoNames = errors.New("labels are a list of names")
