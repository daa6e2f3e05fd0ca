package containertest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/container"
)

// A story is a test that is more than one job.
type story func(t *testing.T, p Place)

// stories are those of every runner.
func stories() map[string]story {
	return map[string]story{
		"output comes while the job runs": streams,
		"canceled":                        canceled,
		"canceled before":                 canceledBefore,
		"an output that fails":            failingOutput,
		"nothing is left":                 nothingLeft,
		"many at once":                    manyAtOnce,
		"binary output":                   binaryOutput,
		"mistakes":                        mistakes,
		"a killed bot":                    killedBot,
	}
}

// secluded are the stories of sandboxes.
func secluded() map[string]story {
	return map[string]story{
		"files of the bot":       botFiles,
		"environment of the bot": botEnvironment,
		"more directories":       moreDirectories,
		"the machine's sockets":  machineSockets,
		"one job and another":    twoJobs,
		"memory of many":         memoryOfMany,
	}
}

func streams(t *testing.T, p Place) {
	b := newBench(t, p, "echo first; until [ -e go ]; do sleep 0.05; done; echo second")
	heard := b.output.Heard("first")
	go func() {
		select {
		case <-heard:
			_ = os.WriteFile(filepath.Join(b.dir, "go"), nil, 0o644) // a job that waits in vain times out
		case <-t.Context().Done():
		}
	}()
	ends(t, b, container.Result{})
	if got := b.output.String(); got != "first\nsecond\n" {
		t.Errorf("output %q", got)
	}
}

func canceled(t *testing.T, p Place) {
	b := newBench(t, p, "trap 'echo tidy; exit 5' TERM; echo begun; while :; do sleep 0.1; done")
	b.spec.Grace = patience
	closed := errors.New("pull request closed")
	ctx, cancel := context.WithCancelCause(t.Context())
	heard := b.output.Heard("begun")
	go func() {
		<-heard
		cancel(closed)
	}()
	result, err := b.run(ctx, t)
	if !errors.Is(err, closed) || !result.Canceled || result.Code != 5 {
		t.Errorf("result %+v, error %v; output %q", result, err, b.output)
	}
	if !strings.Contains(b.output.String(), "tidy") {
		t.Errorf("no time to tidy up: %q", b.output)
	}
}

func canceledBefore(t *testing.T, p Place) {
	b := newBench(t, p, "touch ran")
	closed := errors.New("pull request closed")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(closed)
	result, err := b.run(ctx, t)
	if !errors.Is(err, closed) || !result.Canceled {
		t.Errorf("result %+v, error %v", result, err)
	}
	if _, err := os.Stat(filepath.Join(b.dir, "ran")); err == nil {
		t.Error("the job ran")
	}
}

// failing is an output that cannot be written.
type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func failingOutput(t *testing.T, p Place) {
	b := newBench(t, p, "head -c 1000000 /dev/zero; touch ended; exit 4")
	full := errors.New("disk full")
	b.spec.Output = failing{full}
	result, err := b.run(t.Context(), t)
	if !errors.Is(err, full) || result.Code != 4 {
		t.Errorf("result %+v, error %v", result, err)
	}
	if _, err := os.Stat(filepath.Join(b.dir, "ended")); err != nil {
		t.Errorf("the job did not reach its end: %v", err)
	}
}

// daemon starts a process that wants to outlive its job; its name is in its command line.
const daemon = `setsid sh -c 'trap "" TERM HUP INT; echo up >up; while :; do sleep 1000; done' NAME >/dev/null 2>&1 </dev/null &
	until [ -e up ]; do sleep 0.05; done; exit 7`

func nothingLeft(t *testing.T, p Place) {
	name := unique("daemon")
	b := newBench(t, p, strings.ReplaceAll(daemon, "NAME", name))
	ends(t, b, container.Result{Code: 7})
	if left := Using(name); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

func manyAtOnce(t *testing.T, p Place) {
	const many = 4
	var all sync.WaitGroup
	for i := range many {
		b := newBench(t, p, fmt.Sprintf("echo %d >who; sleep 0.2; cat who; exit %d", i, i))
		all.Go(func() {
			result, err := b.runner.Run(t.Context(), b.spec)
			if err != nil || result.Code != i || b.output.String() != fmt.Sprintf("%d\n", i) {
				t.Errorf("job %d: %+v, %v, output %q", i, result, err, b.output)
			}
		})
	}
	all.Wait()
}

func binaryOutput(t *testing.T, p Place) {
	data := make([]byte, 300_000)
	for i := range data {
		data[i] = byte(i * i >> 3)
	}
	b := newBench(t, p, "cat data")
	if err := os.WriteFile(filepath.Join(b.dir, "data"), data, 0o644); err != nil {
		t.Fatal(err)
	}
	ends(t, b, container.Result{})
	if b.output.String() != string(data) {
		t.Errorf("%d bytes went in, %d other ones came out", len(data), len(b.output.String()))
	}
}

func mistakes(t *testing.T, p Place) {
	for name, edit := range map[string]func(*container.Spec){
		"no command":           func(s *container.Spec) { s.Argv = nil },
		"relative directory":   func(s *container.Spec) { s.Dir = "work" },
		"no directory":         func(s *container.Spec) { s.Dir = "/nonexistent/dir" },
		"directory is a file":  func(s *container.Spec) { s.Dir = "/etc/passwd" },
		"zero byte":            func(s *container.Spec) { s.Argv = []string{"a", "b\x00c"} },
		"environment":          func(s *container.Spec) { s.Env = []string{"=x"} },
		"negative limit":       func(s *container.Spec) { s.Limits.Memory = -1 },
		"none and hosts":       func(s *container.Spec) { s.Network = []string{"none", "example.com"} },
		"an image not to have": func(s *container.Spec) { s.Image = "registry.invalid/no/such:image" },
	} {
		b := newBench(t, p, "touch ran")
		edit(&b.spec)
		if result, err := b.run(t.Context(), t); err == nil && result.Refused == "" {
			t.Errorf("%s: no error, result %+v", name, result)
		}
		if _, err := os.Stat(filepath.Join(b.dir, "ran")); err == nil {
			t.Errorf("%s: the job ran", name)
		}
	}
}

// botFiles has the job look for what only the bot may read, where the bot has it.
func botFiles(t *testing.T, p Place) {
	b := newBench(t, p, "")
	secret := filepath.Join(b.root, "token")
	if err := os.WriteFile(secret, []byte("SENTINEL"), 0o644); err != nil {
		t.Fatal(err)
	}
	b.spec.Argv = []string{"/bin/sh", "-c", fmt.Sprintf(`
		cat %[1]s /etc/shadow /root/.bash_history ../token 2>&1
		ln -s %[1]s link; cat link 2>&1
		ls %[2]s %[3]s 2>&1
		ls /var/run/docker.sock /run/docker.sock /run/podman 2>/dev/null && echo a socket
		exit 0`, secret, b.scratch(), filepath.Dir(b.root))}
	ends(t, b, container.Result{})
	for _, text := range []string{"SENTINEL", "root:*", "root:$", "a socket", "test-"} {
		if strings.Contains(b.output.String(), text) {
			t.Errorf("the job saw %q:\n%s", text, b.output)
		}
	}
}

// botEnvironment has the job look into every process that it sees. The test's own environment has the sentinel: Main
// sees to that.
func botEnvironment(t *testing.T, p Place) {
	if os.Getenv(sentinelVariable) == "" {
		t.Fatal("the test does not call Main in TestMain")
	}
	b := newBench(t, p, `env; for p in /proc/[0-9]*; do tr '\0' '\n' <$p/environ; ls -l $p/fd $p/root/ $p/cwd/; done 2>&1; exit 0`)
	ends(t, b, container.Result{})
	if strings.Contains(b.output.String(), sentinel) {
		t.Errorf("the job saw the bot's environment:\n%s", b.output)
	}
}

func moreDirectories(t *testing.T, p Place) {
	b := newBench(t, p, `echo kept >"$CYBORG_ARTIFACTS/file" && touch "$CYBORG_ARTIFACTS/../outside"; ls "$CYBORG_ARTIFACTS"`)
	artifacts := filepath.Join(b.root, "artifacts")
	if err := os.Mkdir(artifacts, 0o700); err != nil {
		t.Fatal(err)
	}
	b.spec.Writable, b.spec.Env = []string{artifacts}, []string{"CYBORG_ARTIFACTS=" + artifacts}
	ends(t, b, container.Result{})
	if data, err := os.ReadFile(filepath.Join(artifacts, "file")); err != nil || string(data) != "kept\n" {
		t.Errorf("artifact %q, %v", data, err)
	}
	if _, err := os.Stat(filepath.Join(b.root, "outside")); err == nil {
		t.Error("the job wrote beside the directory")
	}
}

// machineSockets has the job knock at a server on the machine's loopback, and at an abstract socket.
func machineSockets(t *testing.T, p Place) {
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	name := unique("abstract")
	abstract, err := config.Listen(t.Context(), "unix", "@"+name)
	if err != nil {
		t.Fatal(err)
	}
	defer abstract.Close()
	b := newBench(t, p, fmt.Sprintf(`exec perl -MSocket -e '
		socket(S, PF_INET, SOCK_STREAM, 0); print "reached the loopback\n" if connect(S, sockaddr_in(%d, inet_aton("127.0.0.1")));
		socket(U, PF_UNIX, SOCK_STREAM, 0); print "reached the socket\n" if connect(U, pack("S a*", AF_UNIX, "\0%s"))'`,
		listener.Addr().(*net.TCPAddr).Port, name))
	ends(t, b, container.Result{})
	if strings.Contains(b.output.String(), "reached") {
		t.Errorf("out: %s", b.output)
	}
}

// twoJobs run side by side; neither sees the other.
func twoJobs(t *testing.T, p Place) {
	name := unique("neighbour")
	victim := newBench(t, p, fmt.Sprintf("echo begun; echo hello >/tmp/%[1]s; until [ -e go ]; do sleep 0.05; done; cat /tmp/%[1]s # %[1]s", name))
	begun := victim.output.Heard("begun")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var all sync.WaitGroup
	all.Go(func() { ends(t, victim, container.Result{}) })
	select {
	case <-begun:
	case <-ctx.Done():
		t.Error("the first job does not begin")
	}
	other := newBench(t, p, fmt.Sprintf(`grep -l %[1]s /proc/[0-9]*/cmdline | grep -v -e /proc/$$/ -e self; ls %[2]s /tmp/%[1]s 2>/dev/null; kill -9 -1; exit 0`, name, victim.dir))
	other.spec.Argv[2] = strings.Replace(other.spec.Argv[2], "kill -9 -1;", "(trap '' TERM; kill -TERM -1) ;", 1)
	result, err := other.run(t.Context(), t)
	if err != nil {
		t.Errorf("the second job: %+v, %v", result, err)
	}
	if strings.Contains(other.output.String(), name) {
		t.Errorf("the second job saw the first: %s", other.output)
	}
	if err := os.WriteFile(filepath.Join(victim.dir, "go"), nil, 0o644); err != nil {
		t.Error(err)
	}
	all.Wait()
	if got := victim.output.String(); got != "begun\nhello\n" {
		t.Errorf("the first job's output: %q", got)
	}
}

// memoryOfMany has the job use its memory in processes of which each is small enough. What ends, a child or all of the
// job, depends on who looks after it.
func memoryOfMany(t *testing.T, p Place) {
	b := newBench(t, p, `perl -e 'for (1..8) { if (!fork) { my $x = "x" x 80_000_000; sleep 60; exit } } my $n = 0; while (wait > 0) { exit 4 if $?; }'`)
	result := b.must(t)
	if result.Excess != container.TooMuchMemory || result.OK() {
		t.Errorf("result %+v; output:\n%s", result, b.output)
	}
}

// killedBot kills a bot with SIGKILL while its job runs: the next one's Sweep leaves nothing, and the job of a bot that
// lives goes on.
func killedBot(t *testing.T, p Place) {
	name := unique("orphan")
	b := newBench(t, p, "")
	living := newBench(t, p, "echo begun; until [ -e go ]; do sleep 0.05; done; echo lives")
	living.runner = p.New(b.scratch())
	begun := living.output.Heard("begun")
	var all sync.WaitGroup
	all.Go(func() {
		if result, err := living.runner.Run(t.Context(), living.spec); err != nil || !result.OK() {
			t.Errorf("the job of the living bot: %+v, %v", result, err)
		}
	})
	<-begun
	script := fmt.Sprintf(`(setsid sh -c 'while :; do sleep 1000; done' %[1]s &); echo up; while :; do sleep 1000; done # %[1]s`, name)
	bot := startBot(t, p, b.root, script)
	bot.kill(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for next := p.New(b.scratch()); ; {
		if err := next.Sweep(ctx); err != nil {
			t.Fatalf("sweep: %v", err)
		}
		if len(Using(name)) == 0 && len(b.left(t)) <= 2 { // the living job's directory and lock
			break
		}
		select {
		case <-ctx.Done():
			t.Fatalf("left: processes %q, files %q", Using(name), b.left(t))
		case <-time.After(100 * time.Millisecond):
		}
	}
	if err := os.WriteFile(filepath.Join(living.dir, "go"), nil, 0o644); err != nil {
		t.Error(err)
	}
	all.Wait()
	if got := living.output.String(); got != "begun\nlives\n" {
		t.Errorf("output of the living bot's job: %q", got)
	}
	if left := b.left(t); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}
