// Package checkout gives each job a fresh directory with the commit it is to
// test, out of one git mirror per repository in the bot's state directory.
package checkout

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"strings"
	"time"
)

// Options are the settings of a Mirror.
type Options struct {
	Dir     string                                // state directory of all mirrors; may be shared by several bots
	URL     string                                // where to clone from, without credential: https://github.com/owner/name.git
	Token   func(context.Context) (string, error) // the credential, asked for before each request; nil or "" is none
	Timeout time.Duration                         // of one exchange with the server; 0 is DefaultTimeout
	Log     *slog.Logger                          // nil discards
}

// DefaultTimeout is how long one exchange with the server may take.
const DefaultTimeout = 15 * time.Minute

// Mirror is the local copy of one repository.
type Mirror struct{ o Options }

// Open returns the mirror of o.URL below o.Dir. Nothing is done before its first use.
func Open(o Options) (*Mirror, error) { return &Mirror{o}, nil }

// Fetch brings refs ("refs/heads/main", "refs/pull/7/head") or full commit ids
// up to date and returns the commit of each.
func (m *Mirror) Fetch(ctx context.Context, refs ...string) (map[string]string, error) {
	return nil, errors.ErrUnsupported
}

// File is a blob of a commit.
type File struct {
	Path string      // from the repository's root, with slashes
	Mode fs.FileMode // 0o644, 0o755, or fs.ModeSymlink (Data is then the target)
	Data []byte
}

// Files returns the files below dir of a commit, sorted by path; none if there is no such dir.
func (m *Mirror) Files(ctx context.Context, commit, dir string) ([]File, error) {
	return nil, errors.ErrUnsupported
}

// Changed returns the paths that head changes since it left base, sorted.
func (m *Mirror) Changed(ctx context.Context, base, head string) ([]string, error) {
	return nil, errors.ErrUnsupported
}

// Checkout makes dir, which must not exist, a work tree of commit.
func (m *Mirror) Checkout(ctx context.Context, dir, commit string) error {
	return errors.ErrUnsupported
}

// Merge makes dir, which must not exist, a work tree of the merge of head
// into base, and returns the merge commit.
func (m *Mirror) Merge(ctx context.Context, dir, base, head string) (commit string, err error) {
	return "", errors.ErrUnsupported
}

// Remove deletes a work tree whatever its modes are.
func Remove(dir string) error { return errors.ErrUnsupported }

// ConflictError says that head does not merge into base.
type ConflictError struct {
	Base, Head string
	Files      []string // in conflict, sorted
}

func (e *ConflictError) Error() string {
	return "merge " + e.Head + " into " + e.Base + ": conflict in " + strings.Join(e.Files, ", ")
}
