package store

import (
	"context"
	"crypto/sha256"
	"io"
	"iter"

	"github.com/cyborg-bots/cyborg/publish"
)

// A Source is where disks can be fetched from. Its methods may be called at the same time by several goroutines.
// Nothing that it says is believed.
type Source interface {
	// Size is how many bytes an object has. The error matches fs.ErrNotExist when there is none of that name, and
	// fs.ErrPermission when we may not know.
	Size(ctx context.Context, name string) (int64, error)
	// Open reads n bytes of an object from off on. The caller closes it. What ends before n bytes ends with an error
	// or with io.EOF, and is tried again.
	Open(ctx context.Context, name string, off, n int64) (io.ReadCloser, error)
	// String says where it is, for people; it contains no secret.
	String() string
}

// A Shelf is a Source that can be written to.
type Shelf interface {
	Source
	// Create stores an object unless there is one of that name; then the error matches fs.ErrExist. Readers see all of
	// it or nothing. sum is that of the body, which the server may check.
	Create(ctx context.Context, name string, body io.ReaderAt, size int64, sum [sha256.Size]byte) error
	// List yields the objects whose name begins with prefix, and ends at the first error.
	List(ctx context.Context, prefix string) iter.Seq2[publish.Entry, error]
	// Delete removes an object. One that is not there is no error.
	Delete(ctx context.Context, name string) error
}
