package store

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cyborg-bots/cyborg/publish"
)

// Folder is a shelf that is a directory, of this machine or a file server. A web server may hand it out.
type Folder struct{ dir string }

var _ Shelf = (*Folder)(nil)

// NewFolder is the shelf in dir, which it makes if need be.
func NewFolder(dir string) (*Folder, error) {
	dir, err := filepath.Abs(dir)
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err != nil {
		return nil, fmt.Errorf("open folder of images: %w", err)
	}
	return &Folder{dir}, nil
}

// String implements Source.
func (f *Folder) String() string { return f.dir }

// path is where an object is. Names are elements, never paths.
func (f *Folder) path(name string) (string, error) {
	if err := publish.CheckName(name); err != nil {
		return "", err
	}
	if strings.Contains(name, "/") {
		return "", fmt.Errorf("name %q: a folder of images has no folders: %w", name, fs.ErrInvalid)
	}
	return filepath.Join(f.dir, name), nil
}

// Size implements Source.
func (f *Folder) Size(_ context.Context, name string) (int64, error) {
	path, err := f.path(name)
	if err != nil {
		return 0, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	if !info.Mode().IsRegular() {
		return 0, fmt.Errorf("%s is not a file: %w", path, fs.ErrNotExist)
	}
	return info.Size(), nil
}

// Open implements Source.
func (f *Folder) Open(_ context.Context, name string, off, n int64) (io.ReadCloser, error) {
	path, err := f.path(name)
	if err != nil {
		return nil, err
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.NewSectionReader(file, off, n), file}, nil
}

// Create implements Shelf: the object is written aside and linked to its name, which succeeds for one only.
func (f *Folder) Create(ctx context.Context, name string, body io.ReaderAt, size int64, _ [sha256.Size]byte) error {
	path, err := f.path(name)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("create %s: %w", path, fs.ErrExist)
	}
	aside := filepath.Join(f.dir, ".incoming-"+rand.Text())
	file, err := os.OpenFile(aside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("create %s: %w", path, err)
	}
	defer os.Remove(aside)
	_, err = io.Copy(file, publish.Patient(ctx, io.NewSectionReader(body, 0, size)))
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Link(aside, path)
	}
	if err != nil {
		return fmt.Errorf("create %s: %w", path, err)
	}
	return nil
}

// List implements Shelf.
func (f *Folder) List(_ context.Context, prefix string) iter.Seq2[publish.Entry, error] {
	return func(yield func(publish.Entry, error) bool) {
		list, err := os.ReadDir(f.dir)
		if err != nil {
			yield(publish.Entry{}, fmt.Errorf("list images: %w", err))
			return
		}
		slices.SortFunc(list, func(a, b fs.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
		for _, e := range list {
			info, err := e.Info()
			if err != nil || !info.Mode().IsRegular() || strings.HasPrefix(e.Name(), ".") || !strings.HasPrefix(e.Name(), prefix) {
				continue // somebody may have removed it just now
			}
			if !yield(publish.Entry{Name: e.Name(), Size: info.Size(), Modified: info.ModTime()}, nil) {
				return
			}
		}
	}
}

// Delete implements Shelf.
func (f *Folder) Delete(_ context.Context, name string) error {
	path, err := f.path(name)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete image: %w", err)
	}
	return nil
}
