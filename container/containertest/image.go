package containertest

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Image has what the suite's jobs use, from the machine that the tests run on; see Import.
const Image = "localhost/cyborg-test:1"

// programs are those of the jobs.
const programs = `sh env sort cat head tail wc ls cp mv rm mkdir ln touch sleep seq grep sed tr stat id setsid printf true false perl mknod
	mount umount chown chmod dd find du df ps uname hostname date mkfifo nohup timeout xargs cut unshare nsenter readlink rmdir sync yes tee sha256sum base64 kill`

// Import gives an engine the image, under the name of Image.
func Import(t *testing.T, program string, image []byte) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, "import", "-", Image)
	cmd.Stdin = bytes.NewReader(image)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s import: %v: %s", program, err, out)
	}
}

// MakeImage packs the programs with their libraries.
func MakeImage(t *testing.T) []byte {
	t.Helper()
	var data bytes.Buffer
	p := &pack{t: t, w: tar.NewWriter(&data), seen: map[string]bool{}}
	for _, dir := range []string{"usr/", "usr/bin/", "usr/lib/", "usr/lib64/", "tmp/", "proc/", "dev/", "etc/", "var/", "run/", "home/", "root/", "sys/"} {
		p.add(dir, tar.Header{Typeflag: tar.TypeDir, Mode: 0o755}, nil)
	}
	for _, link := range []string{"bin", "lib", "lib64"} {
		p.add(link, tar.Header{Typeflag: tar.TypeSymlink, Linkname: "usr/" + link, Mode: 0o777}, nil)
	}
	for _, name := range strings.Fields(programs) {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		p.file(path, "usr/bin/"+name)
		for _, lib := range librariesOf(t, path) {
			p.file(lib, "usr/"+strings.TrimPrefix(strings.TrimPrefix(lib, "/usr"), "/"))
		}
	}
	p.tree("/usr/lib/locale/C.utf8")
	out, err := exec.CommandContext(t.Context(), "perl", "-e", `print join "\n", grep m{/perl-base$}, @INC`).Output()
	if err != nil || len(out) == 0 {
		t.Fatalf("find perl's modules: %q, %v", out, err)
	}
	p.tree(strings.TrimSpace(string(out)))
	if err := p.w.Close(); err != nil {
		t.Fatal(err)
	}
	t.Logf("image: %d MB, sha256 %x", data.Len()>>20, sha256.Sum256(data.Bytes()))
	return data.Bytes()
}

// A pack is an image that is being packed; what is there already is left out.
type pack struct {
	t    *testing.T
	w    *tar.Writer
	seen map[string]bool
}

func (p *pack) add(name string, h tar.Header, content []byte) {
	p.t.Helper()
	if name = strings.TrimPrefix(name, "/"); p.seen[name] {
		return
	}
	p.seen[name] = true
	h.Name, h.Size = name, int64(len(content))
	if err := p.w.WriteHeader(&h); err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.w.Write(content); err != nil {
		p.t.Fatal(err)
	}
}

// file adds a file of this machine, under a name.
func (p *pack) file(from, to string) {
	p.t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		p.t.Fatal(err)
	}
	p.add(to, tar.Header{Typeflag: tar.TypeReg, Mode: 0o755}, content)
}

// tree adds all files below a folder, under their names.
func (p *pack) tree(root string) {
	p.t.Helper()
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			p.file(path, path)
		}
		return err
	})
	if err != nil {
		p.t.Fatal(err)
	}
}

var library = regexp.MustCompile(`(?m)(/\S+) \(0x`)

func librariesOf(t *testing.T, program string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ldd", program).CombinedOutput()
	if err != nil {
		t.Fatalf("ldd %s: %v: %s", program, err, out)
	}
	var list []string
	for _, m := range library.FindAllStringSubmatch(string(out), -1) {
		list = append(list, m[1])
	}
	return list
}
