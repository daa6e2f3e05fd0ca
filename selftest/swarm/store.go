package swarm

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"iter"

	"github.com/cyborg-bots/cyborg/publish"
)

// A shredder is a store that keeps nothing: in a simulation nobody reads the logs.
type shredder struct{}

var _ publish.Store = shredder{}

// Put implements publish.Store.
func (shredder) Put(ctx context.Context, name string, _ io.ReadSeeker, _ publish.Meta) error {
	if err := publish.CheckName(name); err != nil {
		return err
	}
	return context.Cause(ctx)
}

// Get implements publish.Store: there is nothing.
func (shredder) Get(_ context.Context, name string) (io.ReadCloser, error) {
	return nil, fmt.Errorf("get %s: %w", name, fs.ErrNotExist)
}

// List implements publish.Store.
func (shredder) List(context.Context, string) iter.Seq2[publish.Entry, error] {
	return func(func(publish.Entry, error) bool) {}
}

// Delete implements publish.Store.
func (shredder) Delete(context.Context, string) error { return nil }

// URL implements publish.Store.
func (shredder) URL(name string) string { return "https://logs.example/" + name }
