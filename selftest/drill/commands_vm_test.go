//go:build drill && vm

package drill

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/vmimage/machine/machinetest"
)

// TestVMCommands types what people type who want a machine for themselves: it outlives the command that starts it, is found by
// its image's name, does commands with their exit status, and goes without a trace.
func TestVMCommands(t *testing.T) {
	ctx, cancel := context.WithTimeoutCause(t.Context(), 30*time.Minute, errors.New("it took longer than half an hour"))
	defer cancel()
	home := machinetest.Home()
	images := filepath.Join(home, "shelf")
	if err := errors.Join(os.Mkdir(images, 0o755), os.Symlink(os.Getenv("CYBORG_VM_IMAGE"), filepath.Join(images, "busybox.qcow2"))); err != nil {
		t.Fatal(err)
	}
	vm := func(want int, words ...string) (string, string) {
		t.Helper()
		cmd := exec.CommandContext(ctx, os.Getenv("CYBORG_BIN"), append([]string{"vm", "--state", filepath.Join(home, "v"), "--images", images}, words...)...)
		var out, bad bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &bad
		err := cmd.Run()
		if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok || err == nil && want != 0 || ok && exit.ExitCode() != want {
			t.Fatalf("cyborg vm %q: %v, want status %d\n%s%s", words, err, want, out.String(), bad.String())
		}
		return out.String(), bad.String()
	}
	if _, bad := vm(1, "run", "debian"); !strings.Contains(bad, "debian") || !strings.Contains(bad, "hint: cyborg image build NAME makes a disk") {
		t.Errorf("of an image that is not there it says %q", bad)
	}
	out, bad := vm(0, "run", "busybox", "--memory", "128M", "--cpus", "1", "--boot", "15m")
	name := strings.TrimSpace(out)
	if !regexp.MustCompile(`^cyborg-\d+-[a-z0-9]+$`).MatchString(name) || !strings.Contains(bad, "cyborg vm ssh busybox works in it") {
		t.Fatalf("got %q, %q", out, bad)
	}
	t.Log(strings.TrimSpace(bad))
	if out, _ := vm(0, "list"); !regexp.MustCompile(name + ` +busybox +128M +root@127\.0\.0\.1:\d+ `).MatchString(out) {
		t.Errorf("the list is %q", out)
	}
	for _, c := range []struct {
		words []string
		code  int
		want  string
	}{
		{[]string{"ssh", "busybox", "echo", "two  blanks", "$HOME"}, 0, "two  blanks $HOME\n"},
		{[]string{"ssh", name, "echo a line | tr a-z A-Z; exit 3"}, 3, "A LINE\n"},
		{[]string{"ssh", name[len(name)-8:], "--", "uname", "-s"}, 0, "Linux\n"},
	} {
		if out, bad := vm(c.code, c.words...); out != c.want || bad != "" {
			t.Errorf("%q: got %q, %q", c.words, out, bad)
		}
	}
	vm(0, "stop", "busybox")
	if out, bad := vm(0, "list"); out != "" || !strings.Contains(bad, "no machines are kept here") {
		t.Errorf("after the stop: %q, %q", out, bad)
	}
	if _, bad := vm(1, "ssh", "busybox", "true"); !strings.Contains(bad, "hint: cyborg vm list shows them") {
		t.Errorf("of a machine that is gone it says %q", bad)
	}
	if left, err := filepath.Glob(filepath.Join(home, "v", "vm", "*")); err != nil || len(left) > 0 {
		t.Errorf("left: %q, %v", left, err)
	}
}
