package fakehub

import (
	"context"
	"errors"
	"fmt"
)

// zeroOID is the object name that means "absent" in conditional updates.
const zeroOID = "0000000000000000000000000000000000000000"

// An object is a git object as it is stored: its kind ("commit", "tree", "blob",
// "tag") and its bytes without git's header.
type object struct {
	kind string
	data []byte
}

// A refChange moves one reference from old to new. old "" means "whatever it
// is", zeroOID "must not exist"; new zeroOID deletes.
type refChange struct {
	name     string // full, such as refs/heads/main
	old, new string
}

// A fileChange is one entry of the difference of two trees.
type fileChange struct {
	path, previous       string // previous only when renamed
	status               string // "added", "removed", "modified", "renamed"
	sha                  string // of the new blob, or the removed one
	additions, deletions int
	patch                string // unified hunks without file header; "" if binary
}

// A mergeConflictError says that a merge needs a person.
type mergeConflictError struct{ paths []string }

// Error implements [error].
func (e *mergeConflictError) Error() string {
	return fmt.Sprintf("merge trees: conflict in %d files", len(e.paths))
}

// A refConflictError says that a reference was not what the update expected.
type refConflictError struct{ name, want, have string }

// Error implements [error].
func (e *refConflictError) Error() string {
	return fmt.Sprintf("update %s: expected %s, found %s", e.name, e.want, e.have)
}

var errNoObject = errors.New("no such object")

// A refStore holds references. Names are full ("refs/heads/main").
type refStore interface {
	// refs gives all references now.
	refs(ctx context.Context) (map[string]string, error)
	// update makes all changes or none; a *refConflictError names the first
	// reference that was not as expected.
	update(ctx context.Context, changes []refChange) error
}

// An objectStore holds objects. Names are the full SHA-1.
type objectStore interface {
	// read gives an object; the error wraps errNoObject if there is none.
	read(ctx context.Context, oid string) (object, error)
	// write stores an object and gives its name. It checks nothing else.
	write(ctx context.Context, o object) (string, error)
	// take makes the objects which oid of another repository needs present here.
	take(ctx context.Context, from repository, oid string) error
}

// A historian answers questions about commits.
type historian interface {
	// commits lists what tip reaches and none of not does, newest first (as git
	// log does), at most limit if limit > 0.
	commits(ctx context.Context, tip string, not []string, limit int) ([]string, error)
	// mergeBase is a best common ancestor, "" if there is none.
	mergeBase(ctx context.Context, a, b string) (string, error)
	// diff compares the trees of two commits; "" is the empty tree.
	diff(ctx context.Context, from, to string) ([]fileChange, error)
	// mergeTree merges two commits and gives the tree, or a *mergeConflictError.
	mergeTree(ctx context.Context, ours, theirs string) (string, error)
}

// A repository is the git side of a repo. It is used with the server's mutex
// held, except by what serves the git protocol.
type repository interface {
	refStore
	objectStore
	historian
}
