//go:build linux

package container

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// daemon is shell text that starts a daemon in one of the ways daemons start,
// and goes on only when the daemon is up. DAEMON is replaced by the test's own
// word, which the daemon carries in its command line.
const daemonWait = `mkfifo up; (%s) & read line <up; echo $line; `

// Whatever a job leaves behind is gone when Run returns.
func TestNothingIsLeft(t *testing.T) {
	t.Parallel()
	// sleep as a daemon with a command line to find it by.
	const sleeper = `sh -c "echo up >up; exec sleep 1000 # DAEMON"`
	const named = `sh -c "echo up >up; while :; do sleep 1000; done" DAEMON`
	for _, test := range []struct{ name, start string }{
		{"background", named},
		{"holds the output", named},
		{"session", "setsid " + named},
		{"session without output", "setsid " + named + " >/dev/null 2>&1 </dev/null"},
		{"forked twice", "(setsid sh -c '" + named + " & exit 0' & exit 0)"},
		{"emptied environment", "setsid env -i PATH=/bin:/usr/bin " + named},
		{"environment, session, directory", `up=$PWD/up; cd /; (setsid env -i PATH=/bin:/usr/bin sh -c "echo up >$up; while :; do sleep 1000; done" DAEMON >/dev/null 2>&1 & exit 0)`},
		{"ignores signals", `sh -c "trap '' TERM HUP INT; echo up >up; while :; do sleep 1000; done" DAEMON`},
		{"stopped", `sh -c "echo up >up; kill -STOP \$\$" DAEMON`},
		{"nohup", "nohup " + named + " >/dev/null"},
		{"breeds", `sh -c "echo up >up; while :; do setsid sleep 1000 & sleep 0.01; done" DAEMON`},
		{"with another name", "setsid " + sleeper},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			j := newJob(t, "")
			word := "daemon-" + filepath.Base(filepath.Dir(filepath.Dir(j.dir))) + "-" + filepath.Base(filepath.Dir(j.dir))
			script := strings.ReplaceAll(daemonWait, "%s", strings.ReplaceAll(test.start, "DAEMON", word)) + "exit 7"
			j.spec.Argv = []string{"/bin/sh", "-c", script}
			j.spec.Timeout = 2 * time.Minute
			got := j.must(t)
			if got.Code != 7 {
				t.Errorf("result %+v; output:\n%s", got, j.output)
			}
			if !strings.Contains(j.output.String(), "up") {
				t.Errorf("the daemon did not come up: %q", j.output)
			}
			if left := using(word); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

// Orphans that end while the job runs are reaped then, not at its end.
func TestZombiesAreReaped(t *testing.T) {
	t.Parallel()
	j := newJob(t, `
		i=0; while [ $i -lt 30 ]; do (true & true &); i=$((i+1)); done
		zombies() { for s in /proc/[0-9]*/stat; do read -r line <$s || continue; echo "$line"; done 2>/dev/null |
			sed 's/.*) //' | grep -c "^Z $PPID "; }
		while [ "$(zombies)" != 0 ]; do sleep 0.01; done; echo clean`)
	j.spec.Timeout = 2 * time.Minute
	got := j.must(t)
	if !got.OK() || j.output.String() != "clean\n" {
		t.Errorf("result %v, output %q", got, j.output)
	}
}

// Two hundred generations of children that make children.
func TestForkBomb(t *testing.T) {
	t.Parallel()
	j := newJob(t, `bomb() { [ "$1" -gt 6 ] && sleep 1000; bomb $(($1+1)) & bomb $(($1+1)) & wait; }; bomb 0`)
	j.spec.Timeout, j.spec.Grace = time.Second, time.Millisecond
	if got := j.must(t); !got.TimedOut {
		t.Errorf("result %+v", got)
	}
}

// hop is a process that forks and ends at once, again and again; but not for ever, should nobody stop it.
const hop = "#!/bin/sh\n[ \"${HOPS:-0}\" -lt 2000 ] || exit 0\nHOPS=$((${HOPS:-0} + 1)) \"$0\" &\n"

// Processes that fork and end at once are gone from where they were seen.
func TestHoppers(t *testing.T) {
	t.Parallel()
	j := newJob(t, "for i in 1 2 3 4 5 6 7 8; do setsid ./hop & done; exit 6")
	if err := os.WriteFile(filepath.Join(j.dir, "hop"), []byte(hop), 0o755); err != nil {
		t.Fatal(err)
	}
	j.spec.Timeout = 2 * time.Minute
	if got := j.must(t); got.Code != 6 {
		t.Errorf("result %+v", got)
	}
}

// A job can kill its supervisor, but gains nothing by it.
func TestSupervisorKilled(t *testing.T) {
	t.Parallel()
	j := newJob(t, `mkfifo up; (setsid sh -c 'echo up >up; while :; do sleep 1000; done' & exit 0); read line <up
		echo killing; kill -KILL $PPID; sleep 1000`)
	_, err := j.run(t, deadline(t))
	if err == nil || !strings.Contains(err.Error(), "supervisor died: signal: killed") {
		t.Errorf("error %v", err)
	}
}

// A bot that is killed takes its job and the scratch directory with it.
func TestBotKilled(t *testing.T) {
	t.Parallel()
	b := startBot(t, `mkfifo up; (setsid env -i sh -c 'echo up >up; while :; do /bin/sleep 1000; done' & exit 0); read line <up
		touch "$HOME/file"; mkdir -p "$TMPDIR/mod/a"; chmod -R a-w "$TMPDIR/mod"; echo ready; sleep 1000`)
	if names := list(t, b.scratch); len(names) != 2 {
		t.Fatalf("scratch of a running job: %q", names)
	}
	b.kill(t)
	waitFor(t, func() bool { return len(using(b.dir)) == 0 && len(list(t, b.scratch)) == 0 })
}

// If bot and supervisor are killed at one moment, the next bot's Sweep finds
// what is left, and leaves alone what belongs to the living.
func TestSweep(t *testing.T) {
	t.Parallel()
	const script = `mkfifo up; (setsid sh -c 'echo up >up; while :; do sleep 1000; done' & exit 0); read line <up
		touch "$HOME/file"; echo $$ >first; echo ready; while :; do sleep 1000; done`
	dead, living := startBot(t, script), startBot(t, script)
	h := NewHost(HostOptions{Dir: dead.scratch})
	if err := h.Sweep(deadline(t)); err != nil {
		t.Fatal(err)
	}
	if len(list(t, dead.scratch)) != 2 || len(using(dead.dir)) < 4 {
		t.Fatalf("sweep touched a living bot: %q, %v", list(t, dead.scratch), using(dead.dir))
	}
	// A stopped bot cannot clean up after its supervisor.
	dead.signal(t, unix.SIGSTOP)
	if err := unix.Kill(dead.supervisor, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	dead.kill(t)
	// The job's first process goes with its supervisor, the daemon stays.
	first, err := os.ReadFile(filepath.Join(dead.dir, "first"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(first)))
	if err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool {
		p, err := readProcess(pid)
		return err != nil || p.state == 'Z'
	})
	if len(list(t, dead.scratch)) != 2 {
		t.Fatalf("nothing was left to sweep: %q", list(t, dead.scratch))
	}
	if len(using(dead.dir)) == 0 {
		t.Fatal("no process was left to sweep")
	}
	if err := h.Sweep(deadline(t)); err != nil {
		t.Error(err)
	}
	if left := using(dead.dir); len(left) > 0 {
		t.Errorf("processes left: %v", left)
	}
	if names := list(t, dead.scratch); len(names) > 0 {
		t.Errorf("directories left: %q", names)
	}
	if len(list(t, living.scratch)) != 2 || len(using(living.dir)) < 4 {
		t.Errorf("sweep touched a living bot: %q, %v", list(t, living.scratch), using(living.dir))
	}
}

// A bot is a process of its own with one running job.
type bot struct {
	cmd          *exec.Cmd
	dir, scratch string
	supervisor   int
}

// startBot starts a bot and waits until its job says that it is ready.
func startBot(t *testing.T, script string) *bot {
	t.Helper()
	dir := t.TempDir()
	out := &watched{}
	ready := make(chan struct{})
	out.when("ready\n", func() { close(ready) })
	cmd := exec.CommandContext(deadline(t), "/proc/self/exe")
	cmd.Env = append(os.Environ(), "TEST_BOT_DIR="+dir, "TEST_BOT_SCRIPT="+script)
	cmd.Stdout, cmd.Stderr = out, os.Stderr
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	b := &bot{cmd: cmd, dir: dir, scratch: filepath.Join(dir, "scratch")}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		waitFor(t, func() bool { return len(using(dir)) == 0 })
	})
	select {
	case <-ready:
	case <-deadline(t).Done():
		t.Fatalf("bot is not ready; output:\n%s", out)
	}
	for _, p := range descendants(processes(), cmd.Process.Pid) {
		if p.parent == cmd.Process.Pid {
			b.supervisor = p.pid
		}
	}
	return b
}

func (b *bot) signal(t *testing.T, sig unix.Signal) {
	t.Helper()
	if err := b.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

// kill kills the bot and nothing else, and waits until it is dead.
func (b *bot) kill(t *testing.T) {
	t.Helper()
	b.signal(t, unix.SIGKILL)
	_ = b.cmd.Wait()
}

// waitFor polls until true.
func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	// Also used when the test is over and its context with it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 3*time.Minute)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			t.Fatal("waited in vain")
		case <-tick.C:
		}
	}
}
