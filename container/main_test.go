//go:build linux

package container

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestMain lets the test program be what its tests need beside itself: the
// supervisor of a job, and a bot that can be killed.
func TestMain(m *testing.M) {
	if code, ok := Supervise(os.Args); ok {
		os.Exit(code)
	}
	if dir := os.Getenv("TEST_BOT_DIR"); dir != "" {
		os.Exit(botMain(dir, os.Getenv("TEST_BOT_SCRIPT")))
	}
	os.Exit(m.Run())
}

// botMain is a bot with one job, its output on our own.
func botMain(dir, script string) int {
	h := NewHost(HostOptions{Dir: filepath.Join(dir, "scratch")})
	result, err := h.Run(context.Background(), Spec{
		Name: "bot", Argv: []string{"/bin/sh", "-c", script}, Dir: dir, Output: os.Stdout,
	})
	fmt.Fprintln(os.Stderr, result, err)
	return 0
}

// A job is one run of a shell script on a host of its own.
type job struct {
	host   *Host
	dir    string // working directory
	spec   Spec
	output *watched
}

// newJob prepares script. The deadline of ctx makes a hang a failure with its
// output instead of a test that never ends.
func newJob(t *testing.T, script string) *job {
	t.Helper()
	root := t.TempDir()
	dir := filepath.Join(root, "work")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	j := &job{host: NewHost(HostOptions{Dir: filepath.Join(root, "scratch")}), dir: dir, output: &watched{}}
	j.spec = Spec{Name: t.Name(), Argv: []string{"/bin/sh", "-c", script}, Dir: dir, Output: j.output}
	return j
}

// run runs the job and checks what holds for every job: nothing is left of it.
func (j *job) run(t *testing.T, ctx context.Context) (Result, error) {
	t.Helper()
	result, err := j.host.Run(ctx, j.spec)
	if t.Failed() {
		return result, err
	}
	if left := using(j.dir); len(left) > 0 {
		t.Errorf("processes in the job's directory are left: %v", left)
	}
	if names := list(t, j.host.o.Dir); len(names) > 0 {
		t.Errorf("scratch directories are left: %q", names)
	}
	return result, err
}

// must is run for jobs that meet no trouble.
func (j *job) must(t *testing.T) Result {
	t.Helper()
	result, err := j.run(t, deadline(t))
	if err != nil {
		t.Fatalf("run: %v; output:\n%s", err, j.output)
	}
	return result
}

// deadline is a context that turns a hang into a failure.
func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// using lists the processes that carry the word in their command line,
// environment or working directory. Tests use names that nothing else has.
func using(word string) []string {
	var found []string
	for _, p := range processes() {
		if p.pid == os.Getpid() || p.state == 'Z' {
			continue
		}
		dir := "/proc/" + strconv.Itoa(p.pid)
		line, _ := os.ReadFile(dir + "/cmdline")
		env, _ := os.ReadFile(dir + "/environ")
		cwd, _ := os.Readlink(dir + "/cwd")
		if bytes.Contains(line, []byte(word)) || bytes.Contains(env, []byte(word)) || strings.Contains(cwd, word) {
			found = append(found, fmt.Sprintf("%d %q", p.pid, line))
		}
	}
	return found
}

// list returns what is in a directory of scratch directories.
func list(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		if entry.Name() != gateName {
			names = append(names, entry.Name())
		}
	}
	return names
}

// watched keeps what is written and calls a function when a text has come.
type watched struct {
	mu   sync.Mutex
	data bytes.Buffer
	text string
	then func()
}

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.data.Write(p)
	if w.then != nil && strings.Contains(w.data.String(), w.text) {
		w.then()
		w.then = nil
	}
	return len(p), nil
}

// when sets what to do when text has come.
func (w *watched) when(text string, then func()) { w.text, w.then = text, then }

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.data.String()
}
