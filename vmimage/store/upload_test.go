package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// made is a disk in a cache, as a build leaves it.
func made(t *testing.T, name string) (*Held, []byte) {
	t.Helper()
	disk, data := newDisk(t, name, 200_000)
	c := openCache(t, t.TempDir(), quick())
	file := filepath.Join(c.dir, "fresh")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	held, err := c.Add(t.Context(), disk, file, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { held.Close() })
	return held, data
}

// unlucky is a shelf on which creating goes wrong in a way of its own.
type unlucky struct {
	Shelf
	created atomic.Int64
	create  func(s Shelf, ctx context.Context, name string, body io.ReaderAt, size int64, sum [sha256.Size]byte) error
}

// Create implements Shelf.
func (u *unlucky) Create(ctx context.Context, name string, body io.ReaderAt, size int64, sum [sha256.Size]byte) error {
	u.created.Add(1)
	return u.create(u.Shelf, ctx, name, body, size, sum)
}

func newFolder(t *testing.T) *Folder {
	t.Helper()
	f, err := NewFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func onFolder(t *testing.T, f *Folder, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(f.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestUpload(t *testing.T) {
	held, data := made(t, "fresh")
	f := newFolder(t)
	for n, want := range []bool{true, false} {
		uploaded, err := Upload(t.Context(), f, held, nil)
		if err != nil || uploaded != want {
			t.Fatalf("upload %d: %v, %v", n, uploaded, err)
		}
		if !bytes.Equal(onFolder(t, f, held.Disk.File()), data) {
			t.Fatal("it is not what was uploaded")
		}
	}
	c := openCache(t, t.TempDir(), quick())
	mustGet(t, c, held.Disk, data, f)
}

// TestUploadUnlucky: whatever the server did, and said that it did, what counts is what can be read.
func TestUploadUnlucky(t *testing.T) {
	held, data := made(t, "fresh")
	lost := errors.New("connection reset")
	for name, tt := range map[string]struct {
		before []byte // what is on the shelf
		create func(n int64, s Shelf, ctx context.Context, name string, body io.ReaderAt, size int64, sum [sha256.Size]byte) error
		fails  bool
	}{
		"half of one is there": {before: data[:1000]},
		"a wrong one is there": {before: bytes.Repeat([]byte("x"), len(data))},
		"the answer was lost": {create: func(_ int64, s Shelf, ctx context.Context, name string, body io.ReaderAt, size int64, sum [sha256.Size]byte) error {
			return errors.Join(s.Create(ctx, name, body, size, sum), lost)
		}},
		"the request was lost": {create: func(n int64, s Shelf, ctx context.Context, name string, body io.ReaderAt, size int64, sum [sha256.Size]byte) error {
			if n == 1 {
				return lost
			}
			return s.Create(ctx, name, body, size, sum)
		}},
		"it says yes and stores half": {create: func(n int64, s Shelf, ctx context.Context, name string, body io.ReaderAt, size int64, sum [sha256.Size]byte) error {
			if n == 1 {
				return s.Create(ctx, name, body, size/2, sum)
			}
			return s.Create(ctx, name, body, size, sum)
		}},
		"it always stores half": {fails: true, create: func(_ int64, s Shelf, ctx context.Context, name string, body io.ReaderAt, size int64, sum [sha256.Size]byte) error {
			return s.Create(ctx, name, body, size/2, sum)
		}},
		"it never takes it": {fails: true, create: func(int64, Shelf, context.Context, string, io.ReaderAt, int64, [sha256.Size]byte) error {
			return lost
		}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t)
			if tt.before != nil {
				if err := os.WriteFile(filepath.Join(f.dir, held.Disk.File()), tt.before, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			u := &unlucky{Shelf: f}
			u.create = func(s Shelf, ctx context.Context, name string, body io.ReaderAt, size int64, sum [sha256.Size]byte) error {
				if tt.create == nil {
					return s.Create(ctx, name, body, size, sum)
				}
				return tt.create(u.created.Load(), s, ctx, name, body, size, sum)
			}
			_, err := Upload(t.Context(), u, held, nil)
			if tt.fails {
				if err == nil {
					t.Error("it says that all is well")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(onFolder(t, f, held.Disk.File()), data) {
				t.Error("it is not what was uploaded")
			}
		})
	}
}

// TestUploadRace: of many that upload one disk, one does it, and all are content.
func TestUploadRace(t *testing.T) {
	held, data := made(t, "fresh")
	f := newFolder(t)
	var all sync.WaitGroup
	var won atomic.Int64
	for range 8 {
		all.Go(func() {
			uploaded, err := Upload(t.Context(), f, held, nil)
			if err != nil {
				t.Error(err)
			}
			if uploaded {
				won.Add(1)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 || !bytes.Equal(onFolder(t, f, held.Disk.File()), data) {
		t.Errorf("%d did it", won.Load())
	}
	list, err := os.ReadDir(f.dir)
	if err != nil || len(list) != 1 {
		t.Errorf("there are %v: %v", list, err)
	}
}

func TestAddWrong(t *testing.T) {
	c := openCache(t, t.TempDir(), quick())
	disk, data := newDisk(t, "x", 10_000)
	file := filepath.Join(c.dir, "fresh")
	if err := os.WriteFile(file, data[:5000], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Add(t.Context(), disk, file, nil); err == nil || !strings.Contains(err.Error(), "something else") {
		t.Errorf("a file that is not the disk was added: %v", err)
	}
}
