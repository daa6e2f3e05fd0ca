package vmimage

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
)

// A Disk is one disk of one image: the image's name, and the SHA-256 of the disk's file in 64 hex digits.
type Disk struct {
	Name   string
	Digest string
}

// MaxName is the longest name of an image, in bytes.
const MaxName = 100

var (
	nameForm = regexp.MustCompile(`^[a-z0-9]+([._-][a-z0-9]+)*$`)
	diskForm = regexp.MustCompile(`^(.+)-([0-9a-f]{64})\.qcow2$`)
)

// CheckName tells whether name can be an image's: lower case letters and digits, with single dots, dashes and
// underscores between them.
func CheckName(name string) error {
	switch {
	case len(name) > MaxName:
		return fmt.Errorf("check image name %.20q…: longer than %d characters", name, MaxName)
	case !nameForm.MatchString(name):
		return fmt.Errorf("check image name %q: want lower case letters and digits, with single dots, dashes or underscores between", name)
	case strings.HasSuffix(name, bootstrapEnding) || strings.HasSuffix(name, setupEnding):
		return fmt.Errorf("check image name %q: it ends as a recipe does", name)
	}
	return nil
}

// ParseDisk reads the name of a disk's file: NAME-<sha256>.qcow2.
func ParseDisk(file string) (Disk, error) {
	m := diskForm.FindStringSubmatch(file)
	if m == nil {
		return Disk{}, fmt.Errorf("read disk %.200q: want NAME-<sha256>.qcow2", file)
	}
	if err := CheckName(m[1]); err != nil {
		return Disk{}, fmt.Errorf("read disk: %w", err)
	}
	return Disk{Name: m[1], Digest: m[2]}, nil
}

// NewDisk is the disk of an image whose file has this sum.
func NewDisk(name string, sum [sha256.Size]byte) (Disk, error) {
	if err := CheckName(name); err != nil {
		return Disk{}, err
	}
	return Disk{Name: name, Digest: hex.EncodeToString(sum[:])}, nil
}

// File is the name of the disk's file, everywhere.
func (d Disk) File() string { return d.Name + "-" + d.Digest + ".qcow2" }

// PackagesFile is the name of the list of what is installed in the disk, which lies beside it.
func (d Disk) PackagesFile() string { return d.Name + "-" + d.Digest + ".packages" }

// String is short, for people.
func (d Disk) String() string { return d.Name + "-" + d.Digest[:min(12, len(d.Digest))] }
