package publishtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cyborg-bots/cyborg/publish"
)

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

// failing is a body that breaks after its first part.
type failing struct{ *bytes.Reader }

var errBody = errors.New("body broke")

func (f failing) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if err == io.EOF {
		err = errBody
	}
	return n, err
}

func broken(t *testing.T, s publish.Store, at string) {
	put(t, s, at+"/old.txt", []byte("old"))
	for _, name := range []string{at + "/old.txt", at + "/new.txt"} {
		if err := s.Put(t.Context(), name, failing{bytes.NewReader(pattern(100_000))}, publish.Meta{}); err == nil {
			t.Errorf("put %s of a body that breaks: no error", name)
		}
	}
	if got := get(t, s, at+"/old.txt"); string(got) != "old" {
		t.Errorf("the old object is now %d other bytes", len(got))
	}
	if r, err := s.Get(t.Context(), at+"/new.txt"); !errors.Is(err, fs.ErrNotExist) {
		if err == nil {
			r.Close()
		}
		t.Errorf("get of the half object: %v, want ErrNotExist", err)
	}
	if got := names(t, s, at); len(got) != 1 {
		t.Errorf("listed: %q", got)
	}
}

func cancelled(t *testing.T, s publish.Store, at string) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Put(ctx, at+"/a.txt", strings.NewReader("x"), publish.Meta{}); !errors.Is(err, context.Canceled) {
		t.Errorf("put: %v, want context.Canceled", err)
	}
}

// atomic replaces one object over and over while others read it.
func atomic(t *testing.T, s publish.Store, at string) {
	const size, rounds = 200_000, 20
	name := at + "/a.bin"
	put(t, s, name, bytes.Repeat([]byte{0}, size))
	var wg sync.WaitGroup
	for writer := range 2 {
		wg.Go(func() {
			for n := range rounds {
				data := bytes.Repeat([]byte{byte(writer*rounds + n)}, size)
				if err := s.Put(t.Context(), name, bytes.NewReader(data), publish.Meta{}); err != nil {
					t.Errorf("put: %v", err)
				}
			}
		})
	}
	for range 2 {
		wg.Go(func() {
			for range rounds {
				if err := oneColour(t.Context(), s, name, size); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// oneColour reads an object and checks that all its bytes are the same.
func oneColour(ctx context.Context, s publish.Store, name string, size int) error {
	r, err := s.Get(ctx, name)
	if err != nil {
		return fmt.Errorf("an object that is being replaced is not there: %w", err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if len(data) != size || bytes.Count(data, data[:1]) != size {
		return fmt.Errorf("read %d bytes of mixed versions, want %d of one", len(data), size)
	}
	return nil
}

// crowd puts and deletes different objects of one folder at the same time: a
// store that removes empty folders must not lose a race against itself.
func crowd(t *testing.T, s publish.Store, at string) {
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() {
			name := fmt.Sprintf("%s/folder/%d.txt", at, n)
			for range 25 {
				if err := s.Put(t.Context(), name, strings.NewReader(name), publish.Meta{}); err != nil {
					t.Errorf("put: %v", err)
				}
				if err := s.Delete(t.Context(), name); err != nil {
					t.Errorf("delete: %v", err)
				}
			}
			if err := s.Put(t.Context(), name, strings.NewReader(name), publish.Meta{}); err != nil {
				t.Errorf("put: %v", err)
			}
		})
	}
	wg.Wait()
	if got := names(t, s, at); len(got) != 4 {
		t.Errorf("listed %q, want 4", got)
	}
}
