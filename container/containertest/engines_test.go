//go:build engines

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

	"github.com/cyborg-bots/cyborg/container"
	"github.com/cyborg-bots/cyborg/container/gate"
)

// engines are the places that want a daemon, or a machine that is not everywhere; see make sandboxes.
func engines() []Place {
	var list []Place
	for _, program := range []string{"docker", "podman"} {
		list = append(list, Place{
			Name: program, Sandbox: true, Image: testImage,
			New: func(dir string) container.Runner {
				return container.NewEngine(container.EngineOptions{Program: program, Dir: dir})
			},
			Online: func(dir string, o gate.Options) container.Runner {
				return container.NewEngine(container.EngineOptions{Program: program, Dir: dir, Gate: o})
			},
		})
	}
	return list
}

// testImage has what the suite's jobs use, from the machine that the tests run on.
const testImage = "localhost/cyborg-test:1"

// programs are those of the jobs.
const programs = `sh env sort cat head tail wc ls cp mv rm mkdir ln touch sleep seq grep sed tr stat id setsid printf true false perl mknod
	mount umount chown chmod dd find du df ps uname hostname date mkfifo nohup timeout xargs cut unshare nsenter readlink rmdir sync yes tee sha256sum kill`

func TestEngines(t *testing.T) {
	image := makeImage(t)
	for _, p := range engines() {
		t.Run(p.Name, func(t *testing.T) {
			importImage(t, p.Name, image)
			holds, err := p.New(t.TempDir()).(container.Sandbox).Try(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%v", holds)
			t.Run("promises", func(t *testing.T) { Run(t, p) })
			t.Run("escape", func(t *testing.T) { Escape(t, p) })
		})
	}
}

func importImage(t *testing.T, program string, image []byte) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, "import", "-", testImage)
	cmd.Stdin = bytes.NewReader(image)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s import: %v: %s", program, err, out)
	}
}

// makeImage packs the programs with their libraries.
func makeImage(t *testing.T) []byte {
	t.Helper()
	var data bytes.Buffer
	w := tar.NewWriter(&data)
	seen := map[string]bool{}
	add := func(name string, h tar.Header, content []byte) {
		if name = strings.TrimPrefix(name, "/"); seen[name] {
			return
		}
		seen[name] = true
		h.Name, h.Size = name, int64(len(content))
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{"usr/", "usr/bin/", "usr/lib/", "usr/lib64/", "tmp/", "proc/", "dev/", "etc/", "var/", "run/", "home/", "root/", "sys/"} {
		add(dir, tar.Header{Typeflag: tar.TypeDir, Mode: 0o755}, nil)
	}
	for _, link := range []string{"bin", "lib", "lib64"} {
		add(link, tar.Header{Typeflag: tar.TypeSymlink, Linkname: "usr/" + link, Mode: 0o777}, nil)
	}
	file := func(from, to string) {
		content, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		add(to, tar.Header{Typeflag: tar.TypeReg, Mode: 0o755}, content)
	}
	for _, name := range strings.Fields(programs) {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		file(path, "usr/bin/"+name)
		for _, lib := range librariesOf(t, path) {
			file(lib, "usr/"+strings.TrimPrefix(strings.TrimPrefix(lib, "/usr"), "/"))
		}
	}
	tree := func(root string) {
		err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
			if err == nil && e.Type().IsRegular() {
				file(path, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	tree("/usr/lib/locale/C.utf8")
	out, err := exec.CommandContext(t.Context(), "perl", "-e", `print join "\n", grep m{/perl-base$}, @INC`).Output()
	if err != nil || len(out) == 0 {
		t.Fatalf("find perl's modules: %q, %v", out, err)
	}
	tree(strings.TrimSpace(string(out)))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	t.Logf("image: %d MB, sha256 %x", data.Len()>>20, sha256.Sum256(data.Bytes()))
	return data.Bytes()
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
