package swarm

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cyborg-bots/cyborg/publish"
)

// A shredder is a store that keeps nothing of what jobs say: in a simulation nobody reads the logs. It has names and times,
// of what bots say of themselves, and forgets their text.
type shredder struct {
	mu   sync.Mutex
	bots map[string]time.Time
}

var _ publish.Store = (*shredder)(nil)

// Put implements publish.Store.
func (s *shredder) Put(ctx context.Context, name string, _ io.ReadSeeker, _ publish.Meta) error {
	if err := publish.CheckName(name); err != nil {
		return err
	}
	if strings.HasPrefix(name, "bots/") {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.bots == nil {
			s.bots = map[string]time.Time{}
		}
		s.bots[name] = time.Now()
	}
	return context.Cause(ctx)
}

// Get implements publish.Store: there is nothing.
func (*shredder) Get(_ context.Context, name string) (io.ReadCloser, error) {
	return nil, fmt.Errorf("get %s: %w", name, fs.ErrNotExist)
}

// List implements publish.Store.
func (s *shredder) List(_ context.Context, prefix string) iter.Seq2[publish.Entry, error] {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []publish.Entry
	for _, name := range slices.Sorted(maps.Keys(s.bots)) {
		if strings.HasPrefix(name, prefix) {
			list = append(list, publish.Entry{Name: name, Modified: s.bots[name]})
		}
	}
	return func(yield func(publish.Entry, error) bool) {
		for _, e := range list {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// Delete implements publish.Store.
func (s *shredder) Delete(_ context.Context, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.bots, name)
	return nil
}

// URL implements publish.Store.
func (*shredder) URL(name string) string { return "https://logs.example/" + name }
