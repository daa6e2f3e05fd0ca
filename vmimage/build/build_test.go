package build_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cyborg-bots/cyborg/container"
	"github.com/cyborg-bots/cyborg/vmimage"
	"github.com/cyborg-bots/cyborg/vmimage/build"
)

// A guest that is none: it remembers what it was told, and its disk changes when it is saved.
type guest struct {
	disk    string
	scripts *[]string
	code    int
}

func (g guest) Run(_ context.Context, script []byte, _ []string, output io.Writer) (int, error) {
	*g.scripts = append(*g.scripts, string(script))
	switch {
	case bytes.Contains(script, []byte("dpkg-query")):
		_, err := io.WriteString(output, "zlib1g 1.2\nbash 5.2\n")
		return 0, err
	case bytes.Contains(script, []byte("fstrim")):
		return 0, nil
	}
	return g.code, nil
}

func (g guest) Save(ctx context.Context, to string) error {
	if err := exec.CommandContext(ctx, "qemu-img", "convert", "-O", "qcow2", g.disk, to).Run(); err != nil {
		return err
	}
	return exec.CommandContext(ctx, "qemu-img", "resize", "-q", to, "+1M").Run()
}

func (g guest) Close() error { return nil }

// world is where a test builds.
type world struct {
	build.Options
	scripts []string
	starts  int
	log     bytes.Buffer
}

// newWorld starts guests that do not come up the first few times, and whose scripts end with code.
func newWorld(t *testing.T, dead, code int) *world {
	t.Helper()
	w := &world{}
	w.Options = build.Options{
		Dir: t.TempDir(), Host: container.NewHost(container.HostOptions{Dir: t.TempDir()}), Output: &w.log,
		Start: func(_ context.Context, _, disk string, _ bool, _ io.Writer) (build.Guest, error) {
			if w.starts++; w.starts <= dead {
				return nil, &build.FailedError{Step: "boot", Cause: errors.New("kernel panic")}
			}
			return guest{disk, &w.scripts, code}, nil
		},
	}
	return w
}

// recipe makes a disk of 4 MB with a word in it.
const recipe = "#!/bin/sh\nset -e\necho \"$CYBORG_IMAGE\" >\"$CYBORG_DISK\"\ntruncate -s 4M \"$CYBORG_DISK\"\n[ -e \"$CYBORG_RECIPES/disk.sh\" ]\n"

func TestBuild(t *testing.T) {
	w := newWorld(t, 1, 0)
	got, err := build.Build(t.Context(), build.Recipe{Name: "tiny", Bootstrap: []byte(recipe), Setup: []byte("#!/bin/sh\necho mine\n")}, w.Options)
	if err != nil {
		t.Fatalf("%v\n%s", err, &w.log)
	}
	data, err := os.ReadFile(got.File)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	if got.Disk.Name != "tiny" || got.Disk.Digest != hex.EncodeToString(sum[:]) || got.Size != int64(len(data)) {
		t.Errorf("the disk is called %s, and has %d bytes with sum %x", got.Disk.File(), len(data), sum)
	}
	if got.Virtual != 5<<20 || got.Size > 1<<20 {
		t.Errorf("%d bytes show %d to a guest", got.Size, got.Virtual)
	}
	if want := (vmimage.Packages{{Name: "bash", Version: "5.2"}, {Name: "zlib1g", Version: "1.2"}}); !slices.Equal(got.Packages, want) {
		t.Errorf("packages %v", got.Packages)
	}
	if len(w.scripts) != 3 || w.starts != 3 {
		t.Errorf("%d starts, scripts %q", w.starts, w.scripts)
	}
	left, err := os.ReadDir(w.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range left {
		if strings.HasSuffix(e.Name(), ".qcow2") && e.Name() != filepath.Base(got.File) {
			t.Errorf("%s is left", e.Name())
		}
	}
}

// TestFails: a recipe that does not work is told apart from our own trouble, and says where.
func TestFails(t *testing.T) {
	setup := []byte("#!/bin/sh\nexit 3\n")
	for _, tt := range []struct {
		name, bootstrap string
		setup           []byte
		dead, code      int
		step, says      string
	}{
		{"bootstrap says no", "#!/bin/sh\nexit 7\n", nil, 0, 0, "bootstrap", "exit code 7"},
		{"bootstrap is no program", "hello\n", nil, 0, 0, "bootstrap", ""},
		{"no disk", "#!/bin/sh\n", nil, 0, 0, "bootstrap", "it made no disk"},
		{"another's file", "#!/bin/sh\nln -s /etc/passwd \"$CYBORG_DISK\"\n", nil, 0, 0, "bootstrap", "it made no disk"},
		{"setup says no", recipe, setup, 0, 3, "setup", "exit code 3"},
		{"never boots", recipe, nil, 100, 0, "boot", "kernel panic"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, tt.dead, tt.code)
			_, err := build.Build(t.Context(), build.Recipe{Name: "tiny", Bootstrap: []byte(tt.bootstrap), Setup: tt.setup}, w.Options)
			failed, ok := errors.AsType[*build.FailedError](err)
			if !ok || failed.Step != tt.step || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want %s: %s", err, tt.step, tt.says)
			}
		})
	}
	w := newWorld(t, 0, 0)
	if _, err := build.Build(t.Context(), build.Recipe{Name: "nobody-knows"}, w.Options); err == nil || !strings.Contains(err.Error(), "busybox, centos") {
		t.Errorf("an image without a recipe: %v", err)
	}
	w.Start = nil
	if _, err := build.Build(t.Context(), build.Recipe{Name: "tiny", Bootstrap: []byte(recipe), Setup: setup}, w.Options); err == nil || !strings.Contains(err.Error(), "needs a machine") {
		t.Errorf("a setup without machines: %v", err)
	}
}

// TestRecipes: what is ready-made is shell that a shell can read.
func TestRecipes(t *testing.T) {
	dir, err := build.Unpack(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range build.Recipes() {
		if err := vmimage.CheckName(name); err != nil {
			t.Error(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) < 5 {
		t.Fatalf("%q, %v", files, err)
	}
	for _, f := range files {
		if out, err := exec.CommandContext(t.Context(), "sh", "-n", f).CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", f, err, out)
		}
	}
}

// TestDownload: somebody else's disk, as a team commits where it is; one that is another is not taken.
func TestDownload(t *testing.T) {
	made := filepath.Join(t.TempDir(), "theirs.qcow2")
	if out, err := exec.CommandContext(t.Context(), "qemu-img", "create", "-q", "-f", "qcow2", made, "8M").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	data, err := os.ReadFile(made)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.FileServer(http.Dir(filepath.Dir(made))))
	defer server.Close()
	sum := sha256.Sum256(data)
	for _, digest := range []string{hex.EncodeToString(sum[:]), strings.Repeat("0", 64)} {
		script := "#!/bin/sh\nCYBORG_URL=" + server.URL + "/theirs.qcow2 CYBORG_SHA256=" + digest + " exec \"$CYBORG_RECIPES/download.bootstrap\"\n"
		w := newWorld(t, 0, 0)
		got, err := build.Build(t.Context(), build.Recipe{Name: "theirs", Bootstrap: []byte(script)}, w.Options)
		if digest == strings.Repeat("0", 64) {
			if failed, ok := errors.AsType[*build.FailedError](err); !ok || failed.Step != "bootstrap" {
				t.Errorf("a disk with another sum: %v", err)
			}
		} else if err != nil || got.Virtual != 8<<20 {
			t.Errorf("a guest sees %d bytes: %v\n%s", got.Virtual, err, &w.log)
		}
	}
}
