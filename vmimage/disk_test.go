package vmimage

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const digest = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func TestParseDisk(t *testing.T) {
	for _, tt := range []struct{ in, name, says string }{
		{"debian-13-" + digest + ".qcow2", "debian-13", ""},
		{"a.b_c-d-" + digest + ".qcow2", "a.b_c-d", ""},
		{"debian-13-" + digest[1:] + ".qcow2", "", "want NAME-<sha256>"},
		{"debian-13-" + strings.ToUpper(digest) + ".qcow2", "", "want NAME-<sha256>"},
		{"debian-13-" + digest + ".qcow2\n", "", "want NAME-<sha256>"},
		{"../x-" + digest + ".qcow2", "", "lower case"},
		{"-" + digest + ".qcow2", "", "want NAME-<sha256>"},
		{"x--" + digest + ".qcow2", "", "lower case"},
		{"x.setup-" + digest + ".qcow2", "", "as a recipe"},
		{strings.Repeat("x", 101) + "-" + digest + ".qcow2", "", "longer than"},
	} {
		d, err := ParseDisk(tt.in)
		if tt.says != "" {
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("ParseDisk(%q) = %v, %v; want %q", tt.in, d, err, tt.says)
			}
			continue
		}
		if err != nil || d.Name != tt.name || d.Digest != digest || d.File() != tt.in {
			t.Errorf("ParseDisk(%q) = %+v, %v", tt.in, d, err)
		}
	}
}

// FuzzParseDisk: whatever is accepted is one file name, and is printed as it was read.
func FuzzParseDisk(f *testing.F) {
	f.Add("debian-13-" + digest + ".qcow2")
	f.Add("../../etc/passwd")
	f.Fuzz(func(t *testing.T, in string) {
		d, err := ParseDisk(in)
		if err == nil && (d.File() != in || strings.ContainsAny(in, "/\\\x00\n") || strings.HasPrefix(in, ".")) {
			t.Errorf("%q was read as %+v", in, d)
		}
	})
}

func TestImages(t *testing.T) {
	list, err := Images([]File{
		{Path: "bots/images/debian", Mode: fs.ModeSymlink | 0o777, Data: []byte("debian-" + digest + ".qcow2")},
		{Path: "bots/images/debian.setup", Mode: 0o755, Data: []byte("apt-get install -y gcc\n")},
		{Path: "bots/images/plain", Mode: 0o644, Data: []byte("plain-" + digest + ".qcow2\n")},
		{Path: "bots/images/new.bootstrap", Mode: 0o755, Data: []byte("#!/bin/sh\n")},
		{Path: "bots/images/wrong", Mode: 0o644, Data: []byte("debian-" + digest + ".qcow2\n")},
		{Path: "bots/images/up", Mode: fs.ModeSymlink | 0o777, Data: []byte("../../etc/passwd")},
		{Path: "bots/images/l.setup", Mode: fs.ModeSymlink | 0o777, Data: []byte("debian.setup")},
		{Path: "bots/images/debian-" + digest + ".qcow2", Mode: 0o644, Data: []byte("QFI\xfb")},
		{Path: "bots/images/README.md", Mode: 0o644},
		{Path: "bots/images/deep/er", Mode: 0o644},
		{Path: "bots/verify", Mode: 0o755},
	})
	want := []Image{
		{Name: "debian", Disk: Disk{"debian", digest}, Linked: true, Setup: []byte("apt-get install -y gcc\n")},
		{Name: "new", Bootstrap: []byte("#!/bin/sh\n")},
		{Name: "plain", Disk: Disk{"plain", digest}},
	}
	if diff := cmp.Diff(want, list); diff != "" {
		t.Errorf("images (-want +got):\n%s", diff)
	}
	for _, says := range []string{
		"bots/images/wrong: it names a disk of debian", `bots/images/up: read disk "../../etc/passwd"`,
		"bots/images/l.setup: a recipe is a file of its own", "a disk does not belong into git",
	} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("the error does not say %q: %v", says, err)
		}
	}
}

// TestCheckDisk asks qemu-img for the disks that nobody may start from.
func TestCheckDisk(t *testing.T) {
	dir := t.TempDir()
	img := func(args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "qemu-img", args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("qemu-img %s: %v: %s", strings.Join(args, " "), err, out)
		}
	}
	img("create", "-q", "-f", "qcow2", "well", "10M")
	img("create", "-q", "-f", "qcow2", "-o", "compat=0.10", "old", "10M")
	img("create", "-q", "-f", "raw", "raw", "10M")
	img("create", "-q", "-f", "qcow2", "-b", "well", "-F", "qcow2", "backed")
	img("create", "-q", "-f", "qcow2", "-o", "data_file=raw2,data_file_raw=on", "outside", "10M")
	img("create", "-q", "-f", "qcow2", "vast", "2T")
	if err := os.WriteFile(filepath.Join(dir, "short"), []byte("QFI\xfb"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ file, says string }{
		{"well", ""}, {"old", ""}, {"raw", "not a qcow2 file"}, {"short", "is not known"}, {"backed", "backing file"},
		{"outside", "data file"}, {"vast", "a guest would see"}, {"none", "no such file"},
	} {
		size, err := CheckDisk(filepath.Join(dir, tt.file))
		if tt.says == "" && (err != nil || size != 10<<20) || tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)) {
			t.Errorf("CheckDisk(%s) = %d, %v; want %q", tt.file, size, err, tt.says)
		}
	}
}

// FuzzCheckHeader: no header is a reason to panic, and none that names another file passes.
func FuzzCheckHeader(f *testing.F) {
	f.Add([]byte("QFI\xfb\x00\x00\x00\x03"))
	f.Add(make([]byte, headerLength))
	f.Fuzz(func(t *testing.T, head []byte) {
		if size, err := checkHeader(head); err == nil && (size <= 0 || len(head) < headerLength || string(head[8:16]) != "\x00\x00\x00\x00\x00\x00\x00\x00") {
			t.Errorf("%x passed with size %d", head, size)
		}
	})
}
