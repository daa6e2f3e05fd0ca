package publish

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// A LeakError says that a secret of the bot's was in an artifact.
type LeakError struct {
	Name   string // the artifact
	Member string // where in the archive; empty: in the file itself
}

func (e *LeakError) Error() string {
	if e.Member != "" {
		return fmt.Sprintf("publish artifact %s: a secret is in it, in %s", e.Name, e.Member)
	}
	return fmt.Sprintf("publish artifact %s: a secret is in it", e.Name)
}

// errOpaque is for packed files that cannot be searched, because of their
// format, a password, damage, depth or size. They are not published while
// there are secrets to look for.
var errOpaque = errors.New("cannot be searched for secrets")

// sniff tells the archive formats apart by their first bytes; "" is none.
func sniff(head []byte) string {
	if len(head) >= 262 && string(head[257:262]) == "ustar" {
		return "tar"
	}
	for _, f := range []struct{ magic, kind string }{
		{"\x1f\x8b", "gzip"}, {"BZh", "bzip2"}, {"\xfd7zXZ\x00", "xz"}, {"\x28\xb5\x2f\xfd", "zstd"},
		{"PK\x03\x04", "zip"}, {"PK\x05\x06", "zip"}, {"!<arch>\n", "ar"}, {"\xed\xab\xee\xdb", "rpm"},
		{"7z\xbc\xaf\x27\x1c", "7z"}, {"Rar!\x1a\x07", "rar"}, {"\x04\x22\x4d\x18", "lz4"}, {"LZIP", "lzip"},
		{"\x1f\x9d", "compress"}, {"hsqs", "squashfs"}, {"MSCF", "cab"}, {"xar!", "xar"}, {"age-encryption.org/", "age"},
	} {
		if bytes.HasPrefix(head, []byte(f.magic)) {
			return f.kind
		}
	}
	return ""
}

// deepest is how many packed files may lie in each other.
const deepest = 6

// inspector looks into archives. It reads streams: a bomb costs time up to the
// budget, but no memory, and disk only for a zip within another archive.
type inspector struct {
	ctx    context.Context
	redact *Redactor
	dir    string // scratch
	budget int64  // bytes that may still be unpacked
}

// stream searches what r gives, and what is packed in it. The error matches
// *LeakError or errOpaque, or is our own trouble.
func (in *inspector) stream(member string, r io.Reader, depth int) error {
	br := bufio.NewReaderSize(&metered{in: in, r: r}, 64<<10)
	head, err := br.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) {
		return opaque(member, err)
	}
	watch := in.redact.Writer(io.Discard)
	tee := io.TeeReader(br, watch)
	if kind := sniff(head); kind != "" && depth >= deepest {
		err = opaque(member, errors.New("too many archives within each other"))
	} else {
		err = in.unpack(kind, member, tee, depth)
	}
	if err == nil {
		_, err = io.Copy(io.Discard, tee) // all of it, whatever the format makes of its end
		err = opaque(member, err)
	}
	_ = watch.Close() // io.Discard takes everything
	if watch.Found() {
		return &LeakError{Member: member}
	}
	return err
}

// opaque marks an error of reading an archive; marked ones pass unchanged.
func opaque(member string, err error) error {
	if _, leak := errors.AsType[*LeakError](err); err == nil || leak || errors.Is(err, errOpaque) {
		return err
	}
	if member == "" {
		return fmt.Errorf("%w: %w", errOpaque, err)
	}
	return fmt.Errorf("%w: %s: %w", errOpaque, member, err)
}

func (in *inspector) unpack(kind, member string, r io.Reader, depth int) error {
	var inner io.Reader
	var err error
	switch kind {
	case "":
		return nil
	case "tar":
		return in.tar(member, r, depth)
	case "zip":
		return in.zip(member, r, depth)
	case "ar":
		return in.ar(member, r, depth)
	case "rpm":
		return in.rpm(member, r, depth)
	case "gzip":
		inner, err = gzip.NewReader(r)
	case "bzip2":
		inner = bzip2.NewReader(r)
	case "xz":
		inner, err = xz.NewReader(r)
	case "zstd":
		dec, e := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(256<<20))
		if e == nil {
			defer dec.Close()
		}
		inner, err = dec, e
	default:
		err = fmt.Errorf("it is a file of kind %s", kind)
	}
	if err != nil {
		return opaque(member, err)
	}
	return in.stream(member, inner, depth+1)
}

func (in *inspector) tar(member string, r io.Reader, depth int) error {
	for t := tar.NewReader(r); ; {
		h, err := t.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return opaque(member, err)
		}
		if err := in.stream(inside(member, h.Name), t, depth+1); err != nil {
			return err
		}
	}
}

// zip needs to jump in its file, so that is laid down first.
func (in *inspector) zip(member string, r io.Reader, depth int) (err error) {
	f, err := os.CreateTemp(in.dir, "zip-")
	if err != nil {
		return fmt.Errorf("make scratch file: %w", err)
	}
	defer func() { err = errors.Join(err, discard(f)) }()
	size, err := io.Copy(f, r)
	if err != nil {
		return opaque(member, err)
	}
	z, err := zip.NewReader(f, size)
	if err != nil {
		return opaque(member, err)
	}
	for _, e := range z.File {
		if err := in.entry(inside(member, e.Name), e, depth); err != nil {
			return err
		}
	}
	return nil
}

func (in *inspector) entry(member string, e *zip.File, depth int) error {
	const encrypted = 1
	if e.Flags&encrypted != 0 {
		return opaque(member, errors.New("it is encrypted"))
	}
	if in.redact.Has([]byte(e.Name)) || in.redact.Has([]byte(e.Comment)) {
		return &LeakError{Member: member}
	}
	r, err := e.Open()
	if err != nil {
		return opaque(member, err)
	}
	defer r.Close()
	return in.stream(member, r, depth+1)
}

func inside(member, name string) string {
	if member != "" {
		name = member + "/" + name
	}
	return clean(name, 200)
}

// metered is a reader that costs budget, and ends with the context.
type metered struct {
	in *inspector
	r  io.Reader
}

func (m *metered) Read(p []byte) (int, error) {
	if err := m.in.ctx.Err(); err != nil {
		return 0, context.Cause(m.in.ctx)
	}
	n, err := m.r.Read(p)
	if m.in.budget -= int64(n); m.in.budget < 0 {
		return 0, errors.New("it unpacks to too much")
	}
	return n, err
}
