package machine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyborg-bots/cyborg/vmimage/machine"
	"github.com/cyborg-bots/cyborg/vmimage/machine/machinetest"
)

// world is a pool on a fake hypervisor, with an image.
func world(t *testing.T) (*machine.Pool, *machinetest.Fake, machine.Spec) {
	t.Helper()
	dir, err := os.MkdirTemp("", "m") // short, as sockets are in it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	fake := &machinetest.Fake{}
	return pool(t, filepath.Join(dir, "m"), fake), fake, machine.Spec{Image: image(t, dir), Boot: 5 * time.Minute}
}

func pool(t *testing.T, dir string, d machine.Driver) *machine.Pool {
	t.Helper()
	p, err := machine.NewPool(machine.PoolOptions{Dir: dir, Driver: d})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func image(t *testing.T, dir string) machine.Image {
	t.Helper()
	disk := filepath.Join(dir, "disk.qcow2")
	if out, err := exec.CommandContext(t.Context(), "qemu-img", "create", "-q", "-f", "qcow2", disk, "64M").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return machine.Image{Name: "tiny", Disk: disk}
}

func start(t *testing.T, p *machine.Pool, s machine.Spec) *machine.Machine {
	t.Helper()
	m, err := p.Start(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// nothingLeft demands that no domain and no file is left.
func nothingLeft(t *testing.T, p *machine.Pool, f *machinetest.Fake, dir string) {
	t.Helper()
	domains, _ := f.List(t.Context())
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	if len(domains)+len(files) > 0 {
		t.Errorf("left: domains %v, files %v", domains, files)
	}
}

func dirOf(f *machinetest.Fake) string { return filepath.Dir(filepath.Dir(f.Started()[0].Disk)) }

func TestRun(t *testing.T) {
	p, f, s := world(t)
	f.Taken = 2 // another program is quicker, twice
	m := start(t, p, s)
	for _, test := range []struct {
		name string
		cmd  machine.Cmd
		want machine.Exit
		out  string
	}{
		{"both streams in order", machine.Cmd{Argv: []string{"sh", "-c", "echo one; echo two >&2; echo three"}}, machine.Exit{}, "one\ntwo\nthree\n"},
		{"exit code", machine.Cmd{Argv: []string{"sh", "-c", "exit 7"}}, machine.Exit{Code: 7}, ""},
		{"signal", machine.Cmd{Argv: []string{"sh", "-c", "kill -KILL $$"}}, machine.Exit{Code: 137, Signal: "SIGKILL"}, ""},
		{"words of any kind", machine.Cmd{Argv: []string{"printf", `%s\n`, `it's "$HOME" \ *;`, "", "a\nb"}}, machine.Exit{}, "it's \"$HOME\" \\ *;\n\na\nb\n"},
		{"environment and folder", machine.Cmd{Argv: []string{"sh", "-c", `echo "$A $PWD"`}, Dir: "/", Env: []string{"A=it's $B"}}, machine.Exit{}, "it's $B /\n"},
		{"standard input", machine.Cmd{Argv: []string{"cat"}, Stdin: strings.NewReader("in and out")}, machine.Exit{}, "in and out"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out bytes.Buffer
			test.cmd.Output = &out
			got, err := m.Run(t.Context(), test.cmd)
			if err != nil || got != test.want || out.String() != test.out {
				t.Errorf("got %+v, %v, %q", got, err, out.String())
			}
		})
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	if got := string(m.Console()); got != "booting\r\ncyborg: ready\r\n" {
		t.Errorf("console %q", got)
	}
	nothingLeft(t, p, f, dirOf(f))
}

func TestRunStops(t *testing.T) {
	p, _, s := world(t)
	m := start(t, p, s)
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	heard := &watcher{word: "ready\n", then: func() { cancel(why) }}
	_, err := m.Run(ctx, machine.Cmd{
		Argv: []string{"sh", "-c", `trap 'echo tidied; exit 0' TERM; echo ready; while :; do sleep 0.05; done`}, Output: heard, Grace: 5 * time.Minute,
	})
	if !errors.Is(err, why) || !strings.Contains(heard.all.String(), "tidied") {
		t.Errorf("got %v, output %q", err, heard.all.String())
	}
}

// A watcher does something when it hears a word.
type watcher struct {
	all  bytes.Buffer
	word string
	then func()
}

func (w *watcher) Write(p []byte) (int, error) {
	w.all.Write(p)
	if w.then != nil && strings.Contains(w.all.String(), w.word) {
		w.then()
		w.then = nil
	}
	return len(p), nil
}

func TestBootFails(t *testing.T) {
	for _, test := range []struct {
		name string
		set  func(*machinetest.Fake, *machine.Spec)
		want string
	}{
		{"panic", func(f *machinetest.Fake, _ *machine.Spec) { f.Panic = "VFS: Unable to mount root" }, "boot tiny: kernel panic: VFS: Unable to mount root; the console's last lines:\n  booting\n"},
		{"silence", func(f *machinetest.Fake, s *machine.Spec) { f.Mute, s.Boot = true, 50*time.Millisecond }, "boot tiny: no answer within 50ms; the console's last lines:\n  booting"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, f, s := world(t)
			test.set(f, &s)
			_, err := p.Start(t.Context(), s)
			boot, ok := errors.AsType[*machine.BootError](err)
			if !ok || !strings.HasPrefix(boot.Error(), test.want) {
				t.Errorf("got %v", err)
			}
			nothingLeft(t, p, f, dirOf(f))
		})
	}
	t.Run("stopped while it boots", func(t *testing.T) {
		p, f, s := world(t)
		f.Mute = true
		why := errors.New("a newer commit")
		ctx, cancel := context.WithCancelCause(t.Context())
		s.Console = &watcher{word: "booting", then: func() { cancel(why) }}
		_, err := p.Start(ctx, s)
		if _, boot := errors.AsType[*machine.BootError](err); boot || !errors.Is(err, why) {
			t.Errorf("got %v", err)
		}
		nothingLeft(t, p, f, dirOf(f))
	})
}

func TestCrashes(t *testing.T) {
	for _, test := range []struct {
		name, want string
		do         func(*machinetest.Fake, string)
		ours       bool
	}{
		{"panic", "machine tiny: kernel panic: Attempted to kill init!", func(f *machinetest.Fake, n string) { f.PanicNow(n, "Attempted to kill init!") }, false},
		{"switched off", "machine tiny: it switched itself off", func(f *machinetest.Fake, n string) { f.Crash(n, machine.Shutdown) }, false},
		{"hypervisor killed", "the hypervisor's process died", func(f *machinetest.Fake, n string) { f.Crash(n, machine.Crashed) }, true},
		{"stopped by somebody", "somebody stopped it", func(f *machinetest.Fake, n string) { f.Crash(n, machine.Stopped) }, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, f, s := world(t)
			m := start(t, p, s)
			heard := &watcher{word: "ready\n", then: func() { test.do(f, m.Name()) }}
			_, err := m.Run(t.Context(), machine.Cmd{Argv: []string{"sh", "-c", "echo ready; exec sleep 600"}, Output: heard})
			_, crash := errors.AsType[*machine.CrashError](err)
			if err == nil || crash == test.ours || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v", err)
			}
			if err := m.Close(); err != nil {
				t.Error(err)
			}
			nothingLeft(t, p, f, dirOf(f))
		})
	}
}

func TestCopy(t *testing.T) {
	p, _, s := world(t)
	m := start(t, p, s)
	from, guest, to := t.TempDir(), filepath.Join(t.TempDir(), "it's there"), t.TempDir()
	write(t, filepath.Join(from, "sub dir", "file"), "content", 0o644)
	write(t, filepath.Join(from, "run"), "#!/bin/sh\n", 0o755)
	if err := os.Symlink("run", filepath.Join(from, "link")); err != nil {
		t.Fatal(err)
	}
	if err := m.CopyIn(t.Context(), from, guest); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(guest, "run")); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("run: %v %v", info, err)
	}
	if link, err := os.Readlink(filepath.Join(guest, "link")); err != nil || link != "run" {
		t.Errorf("link: %q %v", link, err)
	}
	files, err := m.Files(t.Context(), guest, 10)
	if err != nil || len(files) != 2 {
		t.Errorf("files: %q %v", files, err)
	}
	if err := m.CopyOut(t.Context(), guest, to, []string{"sub dir/file"}, machine.Limit{Bytes: 100, Files: 5}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"sub dir/file"}, under(t, to)); diff != "" {
		t.Error(diff)
	}
	if err := m.CopyOut(t.Context(), guest, to, nil, machine.Limit{Bytes: 100, Files: 10}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"run", "sub dir/file"}, under(t, to)); diff != "" { // no links
		t.Error(diff)
	}
	for name, most := range map[string]machine.Limit{"bytes": {Bytes: 10, Files: 10}, "files": {Bytes: 100, Files: 2}} {
		if err := m.CopyOut(t.Context(), guest, t.TempDir(), nil, most); !errors.Is(err, machine.ErrTooMuch) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if err := m.CopyOut(t.Context(), guest+"/none", to, nil, machine.Limit{Bytes: 1, Files: 1}); err != nil {
		t.Errorf("a folder that is not there: %v", err)
	}
}

func write(t *testing.T, name, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func under(t *testing.T, dir string) []string {
	t.Helper()
	var list []string
	err := filepath.Walk(dir, func(name string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			rel, _ := filepath.Rel(dir, name)
			list = append(list, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestSweep(t *testing.T) {
	p, f, s := world(t)
	living := start(t, p, s)
	kept := func(life time.Duration) string {
		spec := s
		spec.Keep, spec.Life = true, life
		return start(t, p, spec).Name()
	}
	young, old := kept(time.Hour), kept(time.Nanosecond)
	dead := start(t, p, s)
	if err := dead.Abandon(); err != nil {
		t.Fatal(err)
	}
	foreign := func(expiry time.Time) string {
		name := fmt.Sprintf("cyborg-%d-elsewhere", expiry.Unix())
		if err := f.Start(t.Context(), machine.Domain{Name: name}); err != nil {
			t.Fatal(err)
		}
		return name
	}
	foreignYoung, foreignOld := foreign(time.Now().Add(time.Hour)), foreign(time.Now().Add(-time.Hour))
	theirs := "win11"
	if err := f.Start(t.Context(), machine.Domain{Name: theirs}); err != nil {
		t.Fatal(err)
	}
	swept, err := pool(t, dirOf(f), f).Sweep(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sorted := cmp.Transformer("sorted", func(list []string) []string { return slices.Sorted(slices.Values(list)) })
	if diff := cmp.Diff([]string{old, dead.Name(), foreignOld}, swept, sorted); diff != "" {
		t.Error(diff)
	}
	left, _ := f.List(t.Context())
	if diff := cmp.Diff([]string{living.Name(), young, foreignYoung, theirs}, left, sorted); diff != "" {
		t.Error(diff)
	}
	if exit, err := living.Run(t.Context(), machine.Cmd{Argv: []string{"true"}}); err != nil || exit.Code != 0 {
		t.Errorf("the living one: %v %v", exit, err)
	}
	files, _ := filepath.Glob(filepath.Join(dirOf(f), "*"))
	if len(files) != 4 { // a directory and a lock file each
		t.Errorf("files left: %q", files)
	}
}

func TestKept(t *testing.T) {
	p, f, s := world(t)
	s.Keep = true
	m := start(t, p, s)
	if err := m.Leave(); err != nil {
		t.Fatal(err)
	}
	other := pool(t, dirOf(f), f)
	info, err := other.Find("tiny")
	if err != nil {
		t.Fatal(err)
	}
	again, err := other.Attach(t.Context(), info, 0)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if exit, err := again.Run(t.Context(), machine.Cmd{Argv: []string{"echo", "still here"}, Output: &out}); err != nil || exit.Code != 0 || out.String() != "still here\n" {
		t.Errorf("got %v %v %q", exit, err, out.String())
	}
	if _, err := other.Find("debian"); !errors.Is(err, machine.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	if err := other.Remove(t.Context(), info); err != nil {
		t.Fatal(err)
	}
	nothingLeft(t, p, f, dirOf(f))
}
