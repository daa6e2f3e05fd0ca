package vmimage

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// The endings of the files that say how a disk is made.
const (
	bootstrapEnding = ".bootstrap"
	setupEnding     = ".setup"
)

// maxLink is the longest text of a link that is looked at.
const maxLink = 1024

// A File is one file of a commit, as git has it. Its fields are those of the checkout's files, so that one converts into
// the other.
type File struct {
	Path string // from the repository's root, with slashes
	Mode fs.FileMode
	Data []byte // of a symbolic link: where it points to
}

// An Image is what a commit says about one image.
type Image struct {
	Name      string
	Disk      Disk   // which disk it is now; zero if it was never made
	Linked    bool   // Disk is said by a symbolic link, not by a file with the text
	Bootstrap []byte // nil: a ready-made recipe of that name, if there is one
	Setup     []byte // nil: nothing is done inside
}

// Images reads what the files of a commit say. The list is by name; what is wrong with a file is in the error and costs
// only that file.
func Images(files []File) ([]Image, error) {
	found := map[string]*Image{}
	var errs []error
	for _, f := range files {
		dir, file := path.Split(f.Path)
		if dir != Folder+"/" || !f.Mode.IsRegular() && f.Mode&fs.ModeSymlink == 0 {
			continue
		}
		if err := read(found, file, f); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", f.Path, err))
		}
	}
	var list []Image
	for _, i := range found {
		list = append(list, *i)
	}
	slices.SortFunc(list, func(a, b Image) int { return cmp.Compare(a.Name, b.Name) })
	return list, errors.Join(errs...)
}

// read takes up one file of the folder.
func read(found map[string]*Image, file string, f File) error {
	name, kind := file, ""
	for _, ending := range []string{bootstrapEnding, setupEnding} {
		if base, ok := strings.CutSuffix(file, ending); ok {
			name, kind = base, ending
		}
	}
	if _, err := ParseDisk(file); err == nil {
		return errors.New("a disk does not belong into git: commit a link of the image's name to it")
	}
	if strings.HasPrefix(file, ".") || file == "README.md" {
		return nil
	}
	if err := CheckName(name); err != nil {
		return err
	}
	var disk Disk
	if kind == "" {
		if len(f.Data) > maxLink {
			return errors.New("want a link to NAME-<sha256>.qcow2; this is a long file")
		}
		var err error
		if disk, err = ParseDisk(strings.TrimSuffix(string(f.Data), "\n")); err != nil {
			return err
		}
		if disk.Name != name {
			return fmt.Errorf("it names a disk of %s", disk.Name)
		}
	} else if !f.Mode.IsRegular() {
		return errors.New("a recipe is a file of its own; a link could lead anywhere")
	}
	if found[name] == nil {
		found[name] = &Image{Name: name}
	}
	switch i := found[name]; kind {
	case bootstrapEnding:
		i.Bootstrap = f.Data
	case setupEnding:
		i.Setup = f.Data
	default:
		i.Disk, i.Linked = disk, f.Mode&fs.ModeSymlink != 0
	}
	return nil
}
