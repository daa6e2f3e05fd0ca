package machine

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// CopyIn copies what is in a folder of this host into a folder of the machine, which is made if it is not there:
// files, folders and links with their modes, all owned by who signs in.
func (m *Machine) CopyIn(ctx context.Context, from, to string) error {
	r, w := io.Pipe()
	packed := make(chan error, 1)
	go func() {
		err := pack(ctx, w, from)
		w.CloseWithError(err)
		packed <- err
	}()
	var complaint bytes.Buffer
	exit, err := m.Run(ctx, Cmd{
		Argv:  []string{"sh", "-c", `mkdir -p "$0" && exec tar -xof - -C "$0"`, to},
		Stdin: r, Output: &limited{w: &complaint, left: 1 << 10},
	})
	r.Close()
	packErr := <-packed
	switch {
	case err != nil:
		return fmt.Errorf("copy %s into the machine: %w", from, err)
	case exit != Exit{}:
		return fmt.Errorf("copy %s into the machine: tar ended with %d: %s", from, exit.Code, strings.TrimSpace(complaint.String()))
	case packErr != nil:
		return fmt.Errorf("copy %s into the machine: %w", from, packErr)
	}
	return nil
}

// pack writes a folder as a tar stream.
func pack(ctx context.Context, w io.Writer, dir string) error {
	out := tar.NewWriter(w)
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil || rel == "." {
			return err
		}
		return packOne(out, name, rel, entry)
	})
	return errors.Join(err, out.Close())
}

func packOne(out *tar.Writer, name, rel string, entry fs.DirEntry) error {
	info, err := entry.Info()
	if err != nil {
		return err
	}
	link := ""
	switch {
	case info.Mode().IsRegular(), info.IsDir():
	case info.Mode().Type() == fs.ModeSymlink:
		if link, err = os.Readlink(name); err != nil {
			return err
		}
	default:
		return nil // sockets and the like mean nothing over there
	}
	header, err := tar.FileInfoHeader(info, link)
	if err != nil {
		return err
	}
	header.Name = filepath.ToSlash(rel)
	if info.IsDir() {
		header.Name += "/"
	}
	header.AccessTime, header.ChangeTime = time.Time{}, time.Time{} // busybox takes them for a part of the name
	header.Uid, header.Gid, header.Uname, header.Gname, header.Format = 0, 0, "", "", tar.FormatGNU
	if err := out.WriteHeader(header); err != nil || !info.Mode().IsRegular() {
		return err
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.CopyN(out, f, header.Size)
	return err
}

// A Limit bounds what is copied out of a machine, which says what it likes.
type Limit struct {
	Bytes int64
	Files int
}

// ErrTooMuch is the end of a Limit.
var ErrTooMuch = errors.New("more than may be copied")

// ErrGuest is a guest that does not do its part: its tar fails, or says what tar does not.
var ErrGuest = errors.New("the guest does not hand it over")

// CopyOut copies what is in a folder of the machine into a folder of this host: files and folders only, nothing with
// two dots, no links, nothing over what exists. Chosen, if not nil, are the only files wanted, relative to from.
// A folder that is not there is empty.
func (m *Machine) CopyOut(ctx context.Context, from, to string, chosen []string, most Limit) error {
	root, err := os.OpenRoot(to)
	if err != nil {
		return fmt.Errorf("copy %s out of the machine: %w", from, err)
	}
	defer root.Close()
	if chosen == nil {
		err = m.copyOut(ctx, root, []string{"sh", "-c", `[ -d "$0" ] || exit 0; exec tar -cf - -C "$0" .`, from}, &most)
	}
	for len(chosen) > 0 && err == nil { // as many as a command line holds
		argv, size := []string{"tar", "-cf", "-", "-C", from}, 0
		for len(chosen) > 0 && size < maxWords {
			argv = append(argv, "./"+chosen[0])
			size += len(Quote(chosen[0]))
			chosen = chosen[1:]
		}
		err = m.copyOut(ctx, root, argv, &most)
	}
	if err != nil {
		return fmt.Errorf("copy %s out of the machine: %w", from, err)
	}
	return nil
}

// maxWords is how long a command line may become; Linux takes 128 kB for one word, and the whole line is one for the
// guest's shell.
const maxWords = 60 << 10

// copyOut unpacks what one tar of the guest prints.
func (m *Machine) copyOut(ctx context.Context, root *os.Root, argv []string, most *Limit) error {
	r, w := io.Pipe()
	unpacked := make(chan error, 1)
	go func() {
		err := unpack(r, root, most)
		r.CloseWithError(err) // a guest that writes on is not listened to
		unpacked <- err
	}()
	var complaint bytes.Buffer
	exit, err := m.Run(ctx, Cmd{Argv: argv, Output: w, Errors: &limited{w: &complaint, left: 1 << 10}})
	w.Close()
	unpackErr := <-unpacked
	switch {
	case errors.Is(unpackErr, ErrTooMuch):
		return unpackErr
	case err != nil:
		return err
	case exit != Exit{}:
		return fmt.Errorf("%w: tar ended with %d: %s", ErrGuest, exit.Code, printable(strings.TrimSpace(complaint.String())))
	}
	return unpackErr
}

// unpack reads a tar stream of a stranger into a folder.
func unpack(r io.Reader, root *os.Root, most *Limit) error {
	in := tar.NewReader(r)
	for {
		header, err := in.Next()
		if errors.Is(err, io.EOF) {
			_, err := io.Copy(io.Discard, io.LimitReader(r, 1<<20)) // what pads the end
			return err
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrGuest, err)
		}
		if most.Files--; most.Files < 0 {
			return fmt.Errorf("%w: too many files with %q", ErrTooMuch, header.Name)
		}
		name := path.Clean(header.Name)
		if name == "." || !filepath.IsLocal(filepath.FromSlash(name)) || strings.ContainsRune(name, 0) {
			continue
		}
		switch header.Typeflag {
		case tar.TypeDir:
			err = root.MkdirAll(name, 0o755)
		case tar.TypeReg:
			if most.Bytes -= header.Size; most.Bytes < 0 || header.Size < 0 {
				return fmt.Errorf("%w: too many bytes with %q", ErrTooMuch, name)
			}
			err = unpackFile(root, name, in)
		}
		// A name that is a file here and a folder there is left out; a full disk is not.
		if err != nil && !errors.Is(err, fs.ErrExist) && !errors.Is(err, unix.ENOTDIR) && !errors.Is(err, unix.EISDIR) {
			return err
		}
	}
}

func unpackFile(root *os.Root, name string, r io.Reader) error {
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("%w: %w", ErrGuest, err)
	}
	return errors.Join(err, f.Close())
}

// Files lists the regular files below a folder of the machine, relative to it, at most n of them.
func (m *Machine) Files(ctx context.Context, dir string, n int) ([]string, error) {
	const longest = 4096
	var out bytes.Buffer
	exit, err := m.Run(ctx, Cmd{Argv: []string{"find", ".", "-type", "f"}, Dir: dir, Output: &limited{w: &out, left: int64(n) * longest / 16}, Errors: io.Discard})
	if err != nil {
		return nil, fmt.Errorf("list %s in the machine: %w", dir, err)
	}
	if exit.Code != 0 && out.Len() == 0 {
		return nil, fmt.Errorf("list %s in the machine: %w: find ended with %d", dir, ErrGuest, exit.Code)
	}
	var list []string
	for line := range strings.Lines(out.String()) {
		name, whole := strings.CutSuffix(strings.TrimPrefix(line, "./"), "\n")
		if whole && len(list) < n && filepath.IsLocal(name) && len(name) < longest {
			list = append(list, name)
		}
	}
	return list, nil
}

// limited passes on so many bytes and swallows the rest.
type limited struct {
	w    io.Writer
	left int64
}

// Write implements io.Writer.
func (l *limited) Write(p []byte) (int, error) {
	n := min(int64(len(p)), l.left)
	l.left -= n
	if _, err := l.w.Write(p[:n]); err != nil {
		return 0, err
	}
	return len(p), nil
}
