// Package s3 is the store on any S3-compatible server: a bucket, and in it a
// folder, where readers look with nothing but a browser. It alone knows the
// client library.
//
// # What is asked of the server
//
// Put, get, delete, list (version 2), uploads in parts, and a bucket policy
// that lets everybody read below the folder; [Store.Init] sets that up. Nothing
// else: no lifecycle rules, no object lock, no website, no rules for other
// origins (a page only reads what lies beside it), because not every server
// has them.
//
// # What is sent, and how it is checked
//
// An object of up to 8 MiB is one request and carries its SHA-256, so the
// server refuses a body that was damaged on its way. A longer one goes in parts
// that carry their MD5 each. Both keep the SHA-256 of the whole as metadata,
// and [Store.Get] ends with an error instead of io.EOF when what came does not
// match it. Readers see an object only when it is whole: S3 promises that for
// both ways.
//
// # Servers that are slow or say no
//
// Each request is tried a few times with short pauses; whoever calls has more
// patience than that and a better idea of how much. "503 Slow Down" and "429"
// close a gate that all requests of the store pass, other jobs' included: for
// as long as the server says, or for a time that doubles each time it repeats
// itself. See gate.go.
package s3
