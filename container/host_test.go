//go:build linux

package container

import (
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var ignoreDuration = cmpopts.IgnoreFields(Result{}, "Duration")

func TestResult(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, script string
		want         Result
	}{
		{"yes", "exit 0", Result{}},
		{"no", "exit 3", Result{Code: 3}},
		{"killed by itself", "kill -KILL $$", Result{Code: 137, Signal: "SIGKILL"}},
		{"crash", "kill -SEGV $$", Result{Code: 139, Signal: "SIGSEGV"}},
		{"a code like a signal's", "exit 137", Result{Code: 137}},
		{"child killed", "sh -c 'kill -KILL $$'; exit 0", Result{}},
		{"killed with its group", "kill -TERM 0", Result{Code: 143, Signal: "SIGTERM"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := newJob(t, test.script).must(t)
			if diff := cmp.Diff(test.want, got, ignoreDuration); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
			if got.Duration <= 0 {
				t.Errorf("duration %v", got.Duration)
			}
			if got.OK() != (test.want.Code == 0) {
				t.Errorf("OK() = %v for %v", got.OK(), got)
			}
		})
	}
}

func TestOutputKeepsOrderOfBothStreams(t *testing.T) {
	t.Parallel()
	j := newJob(t, "echo one; echo two >&2; echo three; printf four >&2")
	j.must(t)
	if got, want := j.output.String(), "one\ntwo\nthree\nfour"; got != want {
		t.Errorf("output %q, want %q", got, want)
	}
}

// The job gets what it is given, and nothing of the bot.
func TestEnvironmentIsClean(t *testing.T) {
	t.Setenv("GITHUB_TOKEN", "ghp_secret")
	t.Setenv("LD_PRELOAD_X", "1")
	j := newJob(t, `env | sort; echo "fds:" $(ls /proc/self/fd); echo "cwd: $(pwd)"
		echo "HOME has $(ls -A "$HOME" | wc -l) files"; touch "$HOME/x" "$TMPDIR/y" && echo writable; cat; tty || true`)
	j.spec.Env = []string{"CYBORG_TASK=verify", "LANG=de_DE.UTF-8", "A=1", "A=2", "EMPTY="}
	j.host = NewHost(HostOptions{Dir: j.host.o.Dir, Path: "/usr/bin:/bin"})
	j.must(t)
	var names []string
	values := map[string]string{}
	for line := range strings.Lines(j.output.String()) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			names = append(names, name)
			values[name] = value
		}
	}
	// PWD, OLDPWD and _ are the shell's own.
	names = slices.DeleteFunc(names, func(n string) bool { return n == "PWD" || n == "OLDPWD" || n == "_" || n == "SHLVL" })
	want := []string{"A", "CYBORG_JOB", "CYBORG_TASK", "EMPTY", "HOME", "LANG", "PATH", "TMPDIR"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("names in the environment (-want +got):\n%s", diff)
	}
	for name, want := range map[string]string{"A": "2", "LANG": "de_DE.UTF-8", "PATH": "/usr/bin:/bin", "EMPTY": ""} {
		if values[name] != want {
			t.Errorf("%s=%q, want %q", name, values[name], want)
		}
	}
	for _, dir := range []string{values["HOME"], values["TMPDIR"]} {
		if !strings.HasPrefix(dir, j.host.o.Dir+"/") {
			t.Errorf("directory %q is not below %q", dir, j.host.o.Dir)
		}
	}
	// 3 is ls's own look at the directory.
	for _, want := range []string{"fds: 0 1 2 3\n", "cwd: " + j.dir + "\n", "HOME has 0 files\n", "writable\n", "not a tty\n"} {
		if !strings.Contains(j.output.String(), want) {
			t.Errorf("output lacks %q:\n%s", want, j.output)
		}
	}
}

func TestRefusedIsTheTasksFault(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, content string
		mode          os.FileMode
		argv          []string
		code          int
		want          string
	}{
		{"missing", "", 0, []string{"bots/none"}, 127, "bots/none: no such file"},
		{"unknown program", "", 0, []string{"no-such-program-here"}, 127, "no-such-program-here: no such file"},
		{"below a file", "x", 0o755, []string{"bots/task/x"}, 127, "bots/task/x: not a directory"},
		{"mode", "#!/bin/sh\n", 0o644, []string{"bots/task"}, 126,
			"bots/task: not executable; hint: chmod +x bots/task and commit the mode"},
		{"directory", "x", 0o755, []string{"./bots"}, 126, "./bots: is a directory"},
		{"no interpreter line", "echo hello\n", 0o755, []string{"bots/task"}, 126,
			"bots/task: neither a script that begins with #! nor a program for this machine"},
		{"interpreter missing", "#!/usr/bin/nope -w\n", 0o755, []string{"bots/task"}, 127,
			`bots/task: its interpreter "/usr/bin/nope" is not on this machine`},
		{"carriage return", "#!/bin/sh\r\necho\r\n", 0o755, []string{"bots/task"}, 127,
			"bots/task: its first line ends in a carriage return; hint: store the file with Unix line ends"},
		{"argument too long", "#!/bin/sh\n", 0o755, []string{"bots/task", strings.Repeat("x", 3<<20)}, 126,
			"bots/task: arguments and environment are too long for this system"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			j := newJob(t, "")
			j.spec.Argv = test.argv
			if err := os.Mkdir(filepath.Join(j.dir, "bots"), 0o755); err != nil {
				t.Fatal(err)
			}
			if test.content != "" {
				if err := os.WriteFile(filepath.Join(j.dir, "bots/task"), []byte(test.content), test.mode); err != nil {
					t.Fatal(err)
				}
			}
			got := j.must(t)
			if diff := cmp.Diff(Result{Code: test.code, Refused: test.want}, got, ignoreDuration); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
			if got.OK() {
				t.Error("a refused command counts as success")
			}
		})
	}
}

func TestTaskInItsCheckout(t *testing.T) {
	t.Parallel()
	j := newJob(t, "")
	if err := os.WriteFile(filepath.Join(j.dir, "task"), []byte("#!/bin/sh\necho \"$0 $# $2\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	j.spec.Argv = []string{"./task", "a b", "$(id); `id`"}
	j.must(t)
	if got, want := j.output.String(), "./task 2 $(id); `id`\n"; got != want {
		t.Errorf("output %q, want %q", got, want)
	}
}

func TestTroubleIsOurs(t *testing.T) {
	t.Parallel()
	j := newJob(t, "exit 0")
	for _, test := range []struct {
		name string
		edit func(*Spec)
		want string
	}{
		{"no command", func(s *Spec) { s.Argv = nil }, "run x: no command"},
		{"relative directory", func(s *Spec) { s.Dir = "work" }, `run x: working directory "work" is not absolute`},
		{"no directory", func(s *Spec) { s.Dir = "/nonexistent/dir" }, "run x: stat /nonexistent/dir: no such file or directory"},
		{"directory is a file", func(s *Spec) { s.Dir = "/etc/passwd" }, "run x: /etc/passwd is not a directory"},
		{"zero byte", func(s *Spec) { s.Argv = []string{"a", "b\x00c"} }, `run x: argument "b\x00c" contains a zero byte`},
		{"secret is not shown", func(s *Spec) { s.Env = []string{"=ghp_secret"} }, `run x: environment entry "" is not NAME=VALUE`},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := j.spec
			s.Name = "x"
			test.edit(&s)
			if _, err := j.host.Run(t.Context(), s); err == nil || err.Error() != test.want {
				t.Errorf("error %v, want %s", err, test.want)
			}
		})
	}
}

// A hundred thousand lines more than any buffer holds.
func TestFloodOfOutput(t *testing.T) {
	t.Parallel()
	const size = 200 << 20
	j := newJob(t, "head -c 209715200 /dev/zero")
	count := &counter{sum: sha256.New()}
	j.spec.Output = count
	j.must(t)
	if count.n != size {
		t.Errorf("got %d bytes, want %d", count.n, size)
	}
	if count.largest > pumpSize {
		t.Errorf("a write of %d bytes, more than %d", count.largest, pumpSize)
	}
}

func TestBinaryOutput(t *testing.T) {
	t.Parallel()
	data := make([]byte, 100_000)
	for i := range data {
		data[i] = byte(i * i >> 3)
	}
	j := newJob(t, "cat data")
	if err := os.WriteFile(filepath.Join(j.dir, "data"), data, 0o644); err != nil {
		t.Fatal(err)
	}
	j.must(t)
	if j.output.String() != string(data) {
		t.Error("bytes changed on the way")
	}
}

// A log that fails does not fail the job, but it does not go unnoticed.
func TestOutputThatFails(t *testing.T) {
	t.Parallel()
	j := newJob(t, "head -c 1000000 /dev/zero; echo done >marker; exit 4")
	full := errors.New("disk full")
	j.spec.Output = writerFunc(func([]byte) (int, error) { return 0, full })
	result, err := j.run(t, deadline(t))
	if !errors.Is(err, full) {
		t.Errorf("error %v, want %v", err, full)
	}
	if result.Code != 4 {
		t.Errorf("result %v", result)
	}
	if _, err := os.Stat(filepath.Join(j.dir, "marker")); err != nil {
		t.Errorf("the job did not reach its end: %v", err)
	}
}

func TestCanceledBeforeStart(t *testing.T) {
	t.Parallel()
	j := newJob(t, "touch ran")
	gone := errors.New("pull request closed")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(gone)
	result, err := j.run(t, ctx)
	if !errors.Is(err, gone) || !result.Canceled {
		t.Errorf("got %v, %v", result, err)
	}
	if _, err := os.Stat(filepath.Join(j.dir, "ran")); err == nil {
		t.Error("the job ran")
	}
}

func TestProgramWithoutSupervise(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"/bin/true", "/bin/false", "/nonexistent"} {
		j := newJob(t, "exit 0")
		j.host.self = program
		_, err := j.run(t, deadline(t))
		if err == nil || !strings.Contains(err.Error(), "supervis") {
			t.Errorf("%s: error %v", program, err)
		}
	}
}

// counter counts what is written, and sums it so that it is really read.
type counter struct {
	n, largest int
	sum        hash.Hash
}

func (c *counter) Write(p []byte) (int, error) {
	c.n += len(p)
	c.largest = max(c.largest, len(p))
	return c.sum.Write(p)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

var _ io.Writer = writerFunc(nil)
