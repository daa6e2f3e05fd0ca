package fakehub

import "encoding/json"

// cached keeps the JSON of something that did not change since it was encoded.
// It is used with the server's mutex held.
type cached struct {
	site address
	key  string // what else the encoding was made of
	raw  json.RawMessage
}

// of gives the kept bytes, or makes them.
func (c *cached) of(site address, key string, make func() any) json.RawMessage {
	if c.raw == nil || c.site != site || c.key != key {
		c.raw, c.site, c.key = encode(make()), site, key
	}
	return c.raw
}
