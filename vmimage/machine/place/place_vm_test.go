//go:build vm

package place_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/container"
	"github.com/cyborg-bots/cyborg/vmimage/machine"
	"github.com/cyborg-bots/cyborg/vmimage/machine/libvirt"
	"github.com/cyborg-bots/cyborg/vmimage/machine/machinetest"
	"github.com/cyborg-bots/cyborg/vmimage/machine/place"
)

const memory = 128 << 20

func newPlace(t *testing.T, with ...func(*place.Options)) *place.Place {
	t.Helper()
	d, err := libvirt.Open(libvirt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	p, err := machine.NewPool(machine.PoolOptions{Dir: filepath.Join(machinetest.Home(), "m"), States: filepath.Join(machinetest.Home(), "states"), Driver: d})
	if err != nil {
		t.Fatal(err)
	}
	o := place.Options{
		Pool: p, Budget: place.NewBudget(place.Share{Memory: 1 << 30, CPUs: 4}), CPUs: 1, Boot: 10 * time.Minute,
		Find: func(_ context.Context, disk string) (machine.Image, error) {
			if disk != "busybox" {
				return machine.Image{}, &place.UnknownImageError{Image: disk, Reason: "nobody has it"}
			}
			return machinetest.Small(t), nil
		},
	}
	for _, w := range with {
		w(&o)
	}
	return place.New(o)
}

// job is a work tree with a task of this text, and the spec that runs it.
func job(t *testing.T, task string) (container.Spec, *bytes.Buffer) {
	t.Helper()
	dir := t.TempDir()
	source, artifacts := filepath.Join(dir, "src"), filepath.Join(dir, "artifacts")
	for _, d := range []string{filepath.Join(source, "bots"), artifacts} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(source, "bots", "verify"), []byte("#!/bin/sh\n"+task), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(source, "old.xml"), []byte("of the checkout"), 0o644); err != nil {
		t.Fatal(err)
	}
	out := &bytes.Buffer{}
	return container.Spec{
		Name: "verify", Argv: []string{"./bots/verify", "an argument"}, Dir: source, Output: out, Image: "busybox",
		Env: []string{"CYBORG_ARTIFACTS=" + artifacts}, Writable: []string{artifacts}, Network: []string{container.NoNetwork}, Limits: container.Limits{Memory: memory},
		Keep: func(name string) bool { return strings.HasSuffix(name, ".xml") },
	}, out
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	return string(data)
}

// TestVMJob: a job finds its checkout and its secrets, and leaves its artifacts and results, whatever else it tries to leave.
func TestVMJob(t *testing.T) {
	p := newPlace(t)
	s, out := job(t, `
echo "in $PWD with $1 as $(id -u)"
echo "the key $(cat $KEY_FILE) has mode $(stat -c %a $KEY_FILE)"
echo shot >$CYBORG_ARTIFACTS/shot.png
ln -s /etc/passwd $CYBORG_ARTIFACTS/link
ln -s /etc/passwd $CYBORG_ARTIFACTS/console.txt
echo new >old.xml
mkdir sub; echo result >sub/r.xml; echo not wanted >sub/r.txt
exit 7
`)
	secrets := filepath.Join(filepath.Dir(s.Dir), "secrets")
	if err := errors.Join(os.Mkdir(secrets, 0o700), os.WriteFile(filepath.Join(secrets, "KEY"), []byte(theKey), 0o400)); err != nil {
		t.Fatal(err)
	}
	s.Writable, s.Env = append(s.Writable, secrets), append(s.Env, "KEY_FILE="+filepath.Join(secrets, "KEY"))
	result, err := p.Run(t.Context(), s)
	if err != nil || result.Code != 7 || result.TimedOut || result.Died != "" {
		t.Errorf("got %+v, %v", result, err)
	}
	for _, want := range []string{"in " + s.Dir + " with an argument as 0\n", "the key " + theKey + " has mode 400\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the log lacks %q: %s", want, out)
		}
	}
	forgotten(t, theKey)
	for name, want := range map[string]string{
		filepath.Join(s.Writable[0], "shot.png"): "shot\n", filepath.Join(s.Writable[0], "link"): "",
		filepath.Join(s.Dir, "old.xml"): "new\n", filepath.Join(s.Dir, "sub", "r.xml"): "result\n", filepath.Join(s.Dir, "sub", "r.txt"): "",
	} {
		if got := read(t, name); got != want {
			t.Errorf("%s has %q, want %q", name, got, want)
		}
	}
	if got := read(t, filepath.Join(s.Writable[0], place.ConsoleFile)); !strings.Contains(got, "cyborg: ready") {
		t.Errorf("the console has %q", got)
	}
}

// theKey is a secret; logs hide them a level above.
const theKey = "opensesame-and-thanks"

// forgotten fails for a file of the pool, or of what machines go on from, that has the text: with the machine all that it was told
// is gone.
func forgotten(t *testing.T, text string) {
	t.Helper()
	for _, dir := range []string{"m", "states"} {
		err := filepath.WalkDir(filepath.Join(machinetest.Home(), dir), func(name string, e os.DirEntry, err error) error {
			if err == nil && e.Type().IsRegular() && strings.Contains(read(t, name), text) {
				t.Errorf("%s has the secret", name)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// TestVMJobTimesOut: a job that takes too long may tidy up, and what it had left by then is kept.
func TestVMJobTimesOut(t *testing.T) {
	p := newPlace(t)
	s, out := job(t, `
trap 'echo tidied; exit 0' TERM
echo early >$CYBORG_ARTIFACTS/early
echo started
while :; do sleep 1; done
`)
	s.Timeout, s.Grace = 10*time.Second, 2*time.Minute
	result, err := p.Run(t.Context(), s)
	if err != nil || !result.TimedOut {
		t.Errorf("got %+v, %v", result, err)
	}
	if !strings.Contains(out.String(), "tidied") {
		t.Errorf("it was not asked to stop: %s", out)
	}
	if got := read(t, filepath.Join(s.Writable[0], "early")); got != "early\n" {
		t.Errorf("what it had left is %q", got)
	}
}

// TestVMJobKillsItsMachine is the job's fault, and its console tells why.
func TestVMJobKillsItsMachine(t *testing.T) {
	p := newPlace(t)
	s, out := job(t, "echo c >/proc/sysrq-trigger\nsleep 600\n")
	result, err := p.Run(t.Context(), s)
	if err != nil || result.Died != "kernel panic: sysrq triggered crash" {
		t.Errorf("got %+v, %v", result, err)
	}
	if !strings.Contains(out.String(), "the console's last lines") {
		t.Errorf("the log does not show the console: %s", out)
	}
}

// TestVMJobRefused: what is wrong with the task is said before any machine starts.
func TestVMJobRefused(t *testing.T) {
	p := newPlace(t)
	for image, want := range map[string]string{"": "names no disk", "fedora": "find image fedora: nobody has it"} {
		s, _ := job(t, "exit 0\n")
		s.Image = image
		result, err := p.Run(t.Context(), s)
		if err != nil || !strings.Contains(result.Refused, want) {
			t.Errorf("image %q: got %+v, %v", image, result, err)
		}
	}
	s, _ := job(t, "exit 0\n")
	s.Limits.Memory = 2 << 30
	if _, err := p.Run(t.Context(), s); err == nil || !strings.Contains(err.Error(), "needs 2208 MB of memory for machines") {
		t.Errorf("more memory than there is: %v", err)
	}
}
