// Package dir is the store for a start: a directory on the bot's machine, that
// a web server may hand out and that people can always look into.
//
// An object is a file of the same name. It is written aside, flushed to disk
// and renamed, so that neither a reader nor a crash ever sees half of one.
// Names are data: the directory is held as an os.Root, so no name and no
// symbolic link leads out of it. Several bots may share one directory.
//
// With a public address files are readable for everybody on the machine (the
// web server is somebody else); without one only for the bot's own user. The
// umask is honoured in both cases.
package dir

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/cyborg-bots/cyborg/publish"
)

var _ publish.Store = (*Store)(nil)

// incoming holds what is being written. Names of objects never begin with a
// dot, so it is invisible to readers.
const incoming = ".incoming"

// strayAge is when a file in incoming cannot belong to a living writer.
const strayAge = 24 * time.Hour

// Store is a directory of objects.
type Store struct {
	path   string
	public string
	root   *os.Root
	file   fs.FileMode
	folder fs.FileMode
}

// Options of a directory store.
type Options struct {
	PublicURL string // where readers find the directory ("https://logs.example.org/"); empty: nowhere
}

// Open opens the directory at path, and makes it if need be. It removes what
// writers that died left half-written more than a day ago.
func Open(path string, o Options) (*Store, error) {
	if err := checkPublic(o.PublicURL); err != nil {
		return nil, err
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open log directory %s: %w", path, err)
	}
	s := &Store{path: abs, public: strings.TrimRight(o.PublicURL, "/"), file: 0o600, folder: 0o700}
	if s.public != "" {
		s.file, s.folder = 0o644, 0o755
	}
	if err := os.MkdirAll(abs, s.folder); err != nil {
		return nil, fmt.Errorf("open log directory: %w", err)
	}
	if s.root, err = os.OpenRoot(abs); err != nil {
		return nil, fmt.Errorf("open log directory: %w", err)
	}
	if err := s.sweep(); err != nil {
		return nil, errors.Join(err, s.root.Close())
	}
	return s, nil
}

// checkPublic accepts absolute http and https addresses without query.
func checkPublic(address string) error {
	if address == "" {
		return nil
	}
	u, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("read public address: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("read public address %q: want http(s)://HOST/PATH", address)
	}
	return nil
}

// sweep makes the incoming folder and removes strays from it.
func (s *Store) sweep() error {
	if err := s.root.MkdirAll(incoming, 0o700); err != nil {
		return fmt.Errorf("open log directory %s: %w", s.path, err)
	}
	list, err := fs.ReadDir(s.root.FS(), incoming)
	if err != nil {
		return fmt.Errorf("open log directory %s: %w", s.path, err)
	}
	for _, e := range list {
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > strayAge {
			_ = s.root.Remove(path.Join(incoming, e.Name())) // another bot may sweep as well
		}
	}
	return nil
}

// Close lets go of the directory. The store must not be used afterwards.
func (s *Store) Close() error { return s.root.Close() }

// Put implements [publish.Store]. Types and cache rules are not kept: a web
// server goes by the name's extension, and names of objects are made for that.
func (s *Store) Put(ctx context.Context, name string, body io.ReadSeeker, _ publish.Meta) error {
	if err := publish.CheckName(name); err != nil {
		return err
	}
	if err := s.put(ctx, name, body); err != nil {
		if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
			return fmt.Errorf("put %s: no space left in %s: %w", name, s.path, err)
		}
		return fmt.Errorf("put %s in %s: %w", name, s.path, err)
	}
	return nil
}

func (s *Store) put(ctx context.Context, name string, body io.Reader) error {
	aside := path.Join(incoming, rand.Text())
	f, err := s.root.OpenFile(aside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, s.file)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, publish.Patient(ctx, body))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = s.rename(aside, name)
	}
	if err != nil {
		_ = s.root.Remove(aside)
	}
	return err
}

// rename moves a finished file to its name. A Delete beside us may remove the
// folder before, while or after we make it, hence the tries.
func (s *Store) rename(aside, name string) error {
	const tries = 100
	for n := 1; ; n++ {
		err := s.root.MkdirAll(path.Dir(name), s.folder)
		if err == nil {
			err = s.root.Rename(aside, name)
		}
		if err == nil || n == tries || !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
}

// Get implements [publish.Store].
func (s *Store) Get(_ context.Context, name string) (io.ReadCloser, error) {
	f, _, err := s.open(name)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// open opens a regular file; anything else there is not an object.
func (s *Store) open(name string) (*os.File, fs.FileInfo, error) {
	if err := publish.CheckName(name); err != nil {
		return nil, nil, err
	}
	// Asked first, because opening a named pipe would wait for its writer.
	info, err := s.root.Stat(name)
	if errors.Is(err, syscall.ENOTDIR) || err == nil && !info.Mode().IsRegular() {
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, nil, fmt.Errorf("get %s from %s: %w", name, s.path, err)
	}
	f, err := s.root.Open(name)
	if err != nil {
		return nil, nil, fmt.Errorf("get %s from %s: %w", name, s.path, err)
	}
	return f, info, nil
}

// Delete implements [publish.Store]. Folders that become empty go as well.
func (s *Store) Delete(_ context.Context, name string) error {
	if err := publish.CheckName(name); err != nil {
		return err
	}
	info, err := s.root.Lstat(name)
	if err == nil && !info.IsDir() {
		err = s.root.Remove(name)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
		return fmt.Errorf("delete %s from %s: %w", name, s.path, err)
	}
	for up := path.Dir(name); err == nil && up != "."; up = path.Dir(up) {
		err = s.root.Remove(up) // fails as soon as one is not empty
	}
	return nil
}

// URL implements [publish.Store].
func (s *Store) URL(name string) string {
	if s.public == "" {
		return ""
	}
	return s.public + "/" + (&url.URL{Path: name}).EscapedPath()
}

// Path is where an object is on the machine's disk, for people who have no
// address to follow.
func (s *Store) Path(name string) string { return filepath.Join(s.path, filepath.FromSlash(name)) }
