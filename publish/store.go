package publish

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// A Store keeps named objects where readers, or at least people with access to
// the machine, find them. publishtest holds the suite that every store passes.
// All methods may be called at the same time by several goroutines, and by
// several bots on the same store.
//
// Names are slash-separated as [CheckName] wants them; a store checks that
// itself. A name is never also the folder of another name.
type Store interface {
	// Put stores body, from its current position to its end, under name, and
	// replaces what was there. Readers see the old object or the whole new
	// one, never a part. Body may be read more than once. After an error the
	// old object may or may not be there: putting again is always safe.
	Put(ctx context.Context, name string, body io.ReadSeeker, meta Meta) error
	// Get opens an object for reading; the caller closes it. The error matches
	// fs.ErrNotExist if there is none.
	Get(ctx context.Context, name string) (io.ReadCloser, error)
	// List yields all objects whose name starts with prefix (text, not a
	// folder; empty: all), ordered by name. It ends at the first error.
	List(ctx context.Context, prefix string) iter.Seq2[Entry, error]
	// Delete removes an object. Removing what is not there is no error.
	Delete(ctx context.Context, name string) error
	// URL is the public address of an object, whether or not it is there yet,
	// or empty if the store has no public address.
	URL(name string) string
}

// Meta is what a store tells readers about an object.
type Meta struct {
	Type       string // Content-Type; empty: TypeOf(name)
	Cache      string // Cache-Control; empty: the store's default
	Attachment bool   // to be saved, not shown (Content-Disposition: attachment)
}

// The two ways in which our objects are cached: those that never change, and
// those that change while a job runs and must be asked for each time.
const (
	CacheForever = "public, max-age=31536000, immutable"
	CacheNever   = "no-cache"
)

// An Entry is one object of a listing.
type Entry struct {
	Name     string
	Size     int64
	Modified time.Time
}

// MaxObjectName is the longest name of an object, in bytes (S3's limit).
const MaxObjectName = 1024

// CheckName tells whether a store accepts name: 1..1024 bytes of UTF-8,
// elements of 1..255 bytes separated by single slashes, no element that begins
// with a dot, no backslash, no control character. So a name is the same thing
// on every store and can leave no folder.
func CheckName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("check object name: it is empty: %w", fs.ErrInvalid)
	case len(name) > MaxObjectName:
		return fmt.Errorf("check object name %.40q…: %d bytes, the limit is %d: %w", name, len(name), MaxObjectName, fs.ErrInvalid)
	case !utf8.ValidString(name):
		return fmt.Errorf("check object name %q: not UTF-8: %w", name, fs.ErrInvalid)
	case strings.ContainsFunc(name, func(r rune) bool { return r == '\\' || !unicode.IsPrint(r) }):
		return fmt.Errorf("check object name %q: it has a backslash or a control character: %w", name, fs.ErrInvalid)
	}
	for elem := range strings.SplitSeq(name, "/") {
		if elem == "" || elem[0] == '.' || len(elem) > 255 {
			return fmt.Errorf("check object name %q: bad element %q: %w", name, elem, fs.ErrInvalid)
		}
	}
	return nil
}
