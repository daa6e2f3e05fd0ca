package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cyborg-bots/cyborg/vmimage"
)

// maxList is the most bytes of a list of packages.
const maxList = 4 << 20

// UploadPackages puts the list of what is installed in a disk beside it, unless there is one.
func UploadPackages(ctx context.Context, to Shelf, disk vmimage.Disk, list vmimage.Packages) error {
	text := []byte(list.String())
	if len(text) == 0 {
		return nil
	}
	err := to.Create(ctx, disk.PackagesFile(), bytes.NewReader(text), int64(len(text)), sha256.Sum256(text))
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("upload packages of %s: %w", disk, err)
	}
	return nil
}

// PackagesOf reads the list of what is installed in a disk. The error matches fs.ErrNotExist if there is none.
func PackagesOf(ctx context.Context, from Source, disk vmimage.Disk) (vmimage.Packages, error) {
	size, err := from.Size(ctx, disk.PackagesFile())
	if err != nil {
		return nil, fmt.Errorf("read packages of %s: %w", disk, err)
	}
	if size > maxList {
		return nil, fmt.Errorf("read packages of %s: %d bytes are too many", disk, size)
	}
	body, err := from.Open(ctx, disk.PackagesFile(), 0, size)
	if err != nil {
		return nil, fmt.Errorf("read packages of %s: %w", disk, err)
	}
	defer body.Close()
	text, err := io.ReadAll(io.LimitReader(body, maxList))
	if err != nil {
		return nil, fmt.Errorf("read packages of %s: %w", disk, err)
	}
	return vmimage.ParsePackages(text)
}

// KeepPackages writes the list of what is installed in a disk that was made here beside it, so that it can be uploaded
// later. An empty list says only that.
func (c *Cache) KeepPackages(disk vmimage.Disk, list vmimage.Packages) error {
	path := filepath.Join(c.dir, disk.PackagesFile())
	err := os.WriteFile(path+".new", []byte(list.String()), 0o644)
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		return fmt.Errorf("keep packages of %s: %w", disk, err)
	}
	return nil
}

// Packages is the list of what is installed in a disk that was made here; empty if it was not.
func (c *Cache) Packages(disk vmimage.Disk) (vmimage.Packages, error) {
	text, err := os.ReadFile(filepath.Join(c.dir, disk.PackagesFile()))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read packages of %s: %w", disk, err)
	}
	return vmimage.ParsePackages(text)
}
