package publish

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// Artifact publishes the file at path; name is what people call it, with
// slashes, and is made safe. It reads the file before it returns, and sends it
// afterwards. Only regular files are published: the folder of path is trusted,
// what lies in it is not.
//
// A secret in a plain file is blackened, and the error is a *LeakError. An
// archive with a secret, or one that cannot be searched, is withheld. What is
// not published for this or another reason is listed with the reason.
func (a *Attempt) Artifact(ctx context.Context, name, path string) error {
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("publish artifact %s: %w", clean(name, maxLine), err)
	}
	defer root.Close()
	return a.files.add(ctx, name, root, filepath.Base(path))
}

// add takes the file that root has under path.
func (s *shelf) add(ctx context.Context, name string, root *os.Root, path string) error {
	if err := s.admit(); err != nil {
		return err
	}
	f, size, err := openRegular(root, path)
	if err != nil {
		return s.refuse(name, size, err)
	}
	defer f.Close()
	p, err := s.copy(ctx, name, f)
	if err == nil {
		err = s.send(p)
	}
	if err != nil {
		if p.path != "" {
			_ = os.Remove(p.path) // else Finish does it
		}
		return s.refuse(name, size, err)
	}
	if p.Redacted {
		return &LeakError{Name: p.Name}
	}
	return nil
}

// openRegular opens without following a link and without waiting for a pipe.
func openRegular(root *os.Root, path string) (*os.File, int64, error) {
	info, err := root.Lstat(path)
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("not a regular file but %s", kindOf(info.Mode()))
	}
	f, err := root.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, 0, err
	}
	if now, err := f.Stat(); err != nil || !os.SameFile(info, now) {
		return nil, 0, errors.Join(errors.New("it was replaced meanwhile"), err, f.Close())
	}
	return f, info.Size(), nil
}

func kindOf(mode os.FileMode) string {
	switch {
	case mode.IsDir():
		return "a folder"
	case mode&os.ModeSymlink != 0:
		return "a symbolic link"
	case mode&os.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&os.ModeSocket != 0:
		return "a socket"
	}
	return "a device"
}

// copy makes the scratch file that is sent, with the secrets of a plain file
// blackened. The error is a *LeakError for an archive with a secret in it.
func (s *shelf) copy(ctx context.Context, name string, f io.Reader) (p parcel, err error) {
	limit, redact := s.a.info.Limits.File, s.a.info.Redact
	out, err := os.CreateTemp(s.a.dir, "file-")
	if err != nil {
		return p, fmt.Errorf("make scratch file: %w", err)
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	p.path = out.Name()
	head, stars := &peek{}, redact.Stars(out)
	in := &inspector{ctx: ctx, budget: limit}
	p.Size, err = io.Copy(io.MultiWriter(head, stars), &metered{in: in, r: f})
	if err = errors.Join(err, stars.Close()); in.budget < 0 {
		err = fmt.Errorf("it is longer than %s", Bytes(limit))
	}
	if err != nil {
		return p, err
	}
	kind := sniff(head.b)
	if p.Redacted = stars.Found(); kind != "" && !redact.Empty() {
		if err := s.inspect(ctx, kind, out, p.Redacted); err != nil {
			return p, err
		}
	}
	name = redact.Text(name)
	p.Name = clean(name, maxLine)
	p.File.File = s.reserve(fileName(name, kind == "" && isText(head.b)))
	p.Type = TypeOf(p.File.File)
	return p, nil
}

// inspect looks into an archive. A tar is a plain file to the redactor; all
// others are broken where it has found something.
func (s *shelf) inspect(ctx context.Context, kind string, f *os.File, found bool) error {
	if found && kind != "tar" {
		return &LeakError{}
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	in := &inspector{ctx: ctx, redact: s.a.info.Redact, dir: s.a.dir, budget: 20 * s.a.info.Limits.File}
	return in.stream("", f, 0)
}
