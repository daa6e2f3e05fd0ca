// Package containertest holds runners to their promises: one suite for all of them, whatever they are made with, and
// a second one of jobs that try to get out (see Escape). A runner that passes both can be given to a bot.
//
// A test of the package of a runner says which place it is, calls Main in its TestMain, and Run and Escape in a test.
// Jobs are shell scripts, and perl where a system call is wanted: both are in the smallest installations.
package containertest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cyborg-bots/cyborg/container"
	"github.com/cyborg-bots/cyborg/container/gate"
)

// A Place is a runner to be tested.
type Place struct {
	Name    string
	Sandbox bool                                              // it promises what a container.Sandbox does
	Online  func(dir string, o gate.Options) container.Runner // one whose jobs reach the world that way; nil if they cannot
	Image   string                                            // for the runners that want one
	New     func(dir string) container.Runner                 // one with its scratch directories in dir
}

// Limits of the suite's jobs: small, so that the tests of what lies beyond are quick.
func limits() container.Limits {
	return container.Limits{Memory: 256 << 20, CPUs: 1, Processes: 100, Disk: 64 << 20}
}

// patience is how long a job of the suite may take on a machine that does much else.
const patience = 5 * time.Minute

// A bench is a runner with a job prepared.
type bench struct {
	place  Place
	runner container.Runner
	root   string // of everything of this test, the bot's
	dir    string // the job's work directory
	spec   container.Spec
	output *Output
}

// newBench prepares a script as a job.
func newBench(t *testing.T, p Place, script string) *bench {
	t.Helper()
	root := t.TempDir()
	b := &bench{place: p, root: root, dir: filepath.Join(root, "work"), output: &Output{}}
	b.runner = p.New(b.scratch())
	if err := os.Mkdir(b.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	b.spec = container.Spec{
		Name: "test", Argv: []string{"/bin/sh", "-c", script}, Dir: b.dir, Output: b.output, Timeout: patience, Image: p.Image,
		Env: []string{"CYBORG_TASK=test"}, Network: []string{container.NoNetwork}, Limits: limits(),
	}
	return b
}

// scratch is the runner's directory.
func (b *bench) scratch() string { return filepath.Join(b.root, "scratch") }

// run runs the job, and checks that nothing of it is left.
func (b *bench) run(ctx context.Context, t *testing.T) (container.Result, error) {
	t.Helper()
	result, err := b.runner.Run(ctx, b.spec)
	if names := b.left(t); len(names) > 0 {
		t.Errorf("left in the scratch directory: %q", names)
	}
	return result, err
}

// left lists what is in the runner's directory, but for its own bookkeeping.
func (b *bench) left(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(b.scratch())
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if e.Name() != "gate" && !strings.Contains(e.Name(), "images") {
			names = append(names, e.Name())
		}
	}
	return names
}

// must is run for jobs that meet no trouble.
func (b *bench) must(t *testing.T) container.Result {
	t.Helper()
	result, err := b.run(t.Context(), t)
	if err != nil {
		t.Fatalf("run: %v; output:\n%s", err, b.output)
	}
	return result
}

// ends compares results, but for times and for limits, which say what was asked.
func ends(t *testing.T, b *bench, want container.Result) {
	t.Helper()
	got := b.must(t)
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(container.Result{}, "Duration", "Limits")); diff != "" {
		t.Errorf("result (-want +got):\n%s\noutput:\n%s", diff, b.output)
	}
}

// Output keeps what a job writes, and tells when a text has come.
type Output struct {
	mu    sync.Mutex
	data  bytes.Buffer
	text  string
	heard chan struct{}
}

// Write implements io.Writer.
func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.data.Write(p)
	if o.heard != nil && strings.Contains(o.data.String(), o.text) {
		close(o.heard)
		o.heard = nil
	}
	return len(p), nil
}

// Heard returns a channel that is closed when text has been written.
func (o *Output) Heard(text string) <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	heard := make(chan struct{})
	o.text, o.heard = text, heard
	return heard
}

// String is all that was written.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.data.String()
}

// A row is a job and what is expected of it.
type row struct {
	name    string
	script  string
	edit    func(*container.Spec)
	want    container.Result
	says    []string // in the output
	lacks   []string
	sandbox bool // promised by sandboxes only
}

// Run holds a runner to its promises.
func Run(t *testing.T, p Place) {
	for _, r := range append(common(), confined()...) {
		if r.sandbox && !p.Sandbox {
			continue
		}
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, p, r.script)
			if r.edit != nil {
				r.edit(&b.spec)
			}
			ends(t, b, r.want)
			for _, text := range r.says {
				if !strings.Contains(b.output.String(), text) {
					t.Errorf("the output lacks %q:\n%s", text, b.output)
				}
			}
			for _, text := range r.lacks {
				if strings.Contains(b.output.String(), text) {
					t.Errorf("the output has %q:\n%s", text, b.output)
				}
			}
		})
	}
	for name, test := range stories() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, p)
		})
	}
	if p.Sandbox {
		for name, test := range secluded() {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, p)
			})
		}
	}
	if p.Sandbox && p.Online != nil {
		networks(t, p)
	}
}

// common are the jobs of every runner.
func common() []row {
	short := func(s *container.Spec) { s.Timeout, s.Grace = 5*time.Second, 50*time.Millisecond }
	return []row{
		{name: "yes", script: "exit 0"},
		{name: "no", script: "exit 3", want: container.Result{Code: 3}},
		{name: "a code like a signal's", script: "exit 137", want: container.Result{Code: 137}},
		{name: "killed by itself", script: "kill -KILL $$", want: container.Result{Code: 137, Signal: "SIGKILL"}},
		{name: "output in order", script: "echo one; echo two >&2; echo three; printf four >&2", says: []string{"one\ntwo\nthree\nfour"}},
		{name: "unknown program", edit: func(s *container.Spec) { s.Argv = []string{"no-such-program-here"} },
			want: container.Result{Code: 127, Refused: "no-such-program-here: no such file"}},
		{name: "missing file", edit: func(s *container.Spec) { s.Argv = []string{"bots/none"} },
			want: container.Result{Code: 127, Refused: "bots/none: no such file"}},
		{name: "arguments are data", edit: func(s *container.Spec) { s.Argv = []string{"printf", "%s|", "a b", "$(id); `id`", ""} },
			says: []string{"a b|$(id); `id`||"}},
		{name: "timeout", script: "echo begun; sleep 1000", edit: short, want: container.Result{Code: 143, Signal: "SIGTERM", TimedOut: true}},
		{name: "timeout, with time to tidy up", script: "trap 'echo tidy; exit 9' TERM; while :; do sleep 0.1; done",
			edit: func(s *container.Spec) { s.Timeout, s.Grace = 5*time.Second, patience },
			want: container.Result{Code: 9, TimedOut: true}, says: []string{"tidy"}},
		{name: "timeout, ignored", script: "trap '' TERM INT HUP; while :; do sleep 1; done", edit: short,
			want: container.Result{Code: 137, Signal: "SIGKILL", TimedOut: true}},
		{name: "environment", script: "env | sort; env | wc -l",
			edit: func(s *container.Spec) { s.Env = []string{"A=1", "B=two words", "LANG=de_DE.UTF-8"} },
			says: []string{"A=1\n", "B=two words\n", "LANG=de_DE.UTF-8\n", "HOME=/", "PATH=/"}, lacks: []string{"SENTINEL"}},
		{name: "standard input is empty", script: "cat; echo end", says: []string{"end\n"}},
		{name: "home and temporary directory", script: `touch "$HOME/a" "$TMPDIR/b" && ls "$HOME"`, says: []string{"a\n"}},
		{name: "work directory", script: `pwd; echo mine >file; mkdir sub; ln -s file link; cat link`, says: []string{"/work\n", "mine\n"}},
	}
}

// confined are the jobs that only a sandbox can hold.
func confined() []row {
	return []row{
		{name: "root is read-only", sandbox: true, script: "for d in / /usr /etc /bin /dev /var /run; do touch $d/x 2>/dev/null && echo wrote $d; done; grep -q '^[^ ]* / [^ ]* ro,' /proc/self/mounts || echo wrote; exit 0", lacks: []string{"wrote"}},
		{name: "no capabilities", sandbox: true, script: "grep -e ^Cap -e ^NoNew -e ^Seccomp: /proc/self/status",
			says: []string{"CapInh:\t0000000000000000\n", "CapPrm:\t0000000000000000\n", "CapEff:\t0000000000000000\n", "CapBnd:\t0000000000000000\n",
				"CapAmb:\t0000000000000000\n", "NoNewPrivs:\t1\n", "Seccomp:\t2\n"}},
		{name: "own user", sandbox: true, script: `test "$(id -u)" != 0 && touch mine && test "$(stat -c %u mine)" = "$(id -u)" && echo good`, says: []string{"good"}},
		{name: "own processes", sandbox: true, script: `ls /proc | grep -c '^[0-9]' | { read n; test $n -lt 10 && echo few; }`, says: []string{"few"}},
		{name: "own namespaces", sandbox: true, script: "for n in ipc mnt net pid uts; do readlink /proc/self/ns/$n; done", says: []string{"ipc:[", "uts:["}, lacks: namespaces()},
		{name: "own host name", sandbox: true, script: "cat /proc/sys/kernel/hostname", lacks: []string{hostname()}},
		{name: "no network", sandbox: true, script: `grep -c : /proc/net/dev; perl -MSocket -e 'socket(S,PF_INET,SOCK_STREAM,0); print connect(S,sockaddr_in(80,inet_aton("8.8.8.8"))) ? "out" : "in: $!"'`,
			says: []string{"in: Network is unreachable"}},
		{name: "out of memory", sandbox: true, script: `exec perl -e 'my @a; push @a, "x" x 1_000_000 while 1'`,
			want: container.Result{Code: 137, Signal: "SIGKILL", Excess: container.TooMuchMemory}},
		{name: "temporary files are bounded", sandbox: true, script: `for i in 1 2 3 4 5 6; do head -c 60000000 /dev/zero >/tmp/big$i; done; test $(du -sm /tmp | cut -f1) -le 130 && echo bounded`, says: []string{"bounded"}},
		{name: "too many processes", sandbox: true, script: `perl -e 'for (1..300) { my $p = fork; if (!defined $p) { print "enough at $_: $!\n"; last } if (!$p) { sleep 1000; exit } }'`,
			says: []string{"enough at"}},
		{name: "too much on disk", sandbox: true, script: `i=0; while :; do head -c 4000000 /dev/zero >f$i; i=$((i+1)); done`,
			want: container.Result{Code: 137, Signal: "SIGKILL", Excess: container.TooMuchDisk}},
		{name: "too much in a file without a name", sandbox: true, script: `exec perl -e 'while (@f < 300) { open(my $f, ">", "gone") or last; unlink "gone"; push @f, $f; syswrite $f, "x" x 1_000_000 } sleep 200'`,
			edit: func(s *container.Spec) { s.Limits.Disk = 32 << 20 },
			want: container.Result{Code: 137, Signal: "SIGKILL", Excess: container.TooMuchDisk}},
		{name: "memory for shared use", sandbox: true, script: `head -c 1000000 /dev/zero >/dev/shm/x && echo there`, says: []string{"there"}},
	}
}

// namespaces are those of the machine, as links in /proc name them.
func namespaces() []string {
	list := make([]string, 0, 5)
	for _, kind := range []string{"ipc", "mnt", "net", "pid", "uts"} {
		if name, err := os.Readlink("/proc/self/ns/" + kind); err == nil {
			list = append(list, name)
		}
	}
	return list
}

func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return "no-name-at-all"
	}
	return fmt.Sprintf("%s\n", name)
}
