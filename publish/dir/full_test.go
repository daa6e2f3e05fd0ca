package dir_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cyborg-bots/cyborg/publish"
	"github.com/cyborg-bots/cyborg/publish/dir"
)

// fullDisk is set in the child that TestFullDisk starts.
const fullDisk = "CYBORG_TEST_FULL_DISK"

// TestFullDisk fills a real file system of 256 kB. It is mounted in a child
// with namespaces of its own, which needs no privilege and leaves nothing.
func TestFullDisk(t *testing.T) {
	if disk := os.Getenv(fullDisk); disk != "" {
		if err := syscall.Mount("none", disk, "tmpfs", 0, "size=256k"); err != nil {
			t.Fatalf("mount a small disk: %v", err)
		}
		onFullDisk(t, disk)
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFullDisk$", "-test.count=1")
	cmd.Env = append(os.Environ(), fullDisk+"="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) || strings.Contains(string(out), "mount a small disk: operation not permitted") {
		t.Skip("no user namespaces") // a container with the usual restrictions
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func onFullDisk(t *testing.T, disk string) {
	s := open(t, disk, dir.Options{})
	put(t, s, "old.txt", "old")
	err := s.Put(t.Context(), "old.txt", strings.NewReader(strings.Repeat("x", 1<<20)), publish.Meta{})
	if err == nil || !strings.Contains(err.Error(), "no space left in "+disk) {
		t.Errorf("error is %v, want one that names the full directory", err)
	}
	if left, err := filepath.Glob(filepath.Join(disk, ".incoming", "*")); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if data, err := os.ReadFile(filepath.Join(disk, "old.txt")); err != nil || string(data) != "old" {
		t.Errorf("the old object is %q, %v", data, err)
	}
	put(t, s, "new.txt", "there is room again")
}
