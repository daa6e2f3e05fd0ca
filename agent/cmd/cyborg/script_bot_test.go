//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
)

// wordDisk lets the bots that are started later have a disk of a size in a folder, which only they see.
func wordDisk(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 2, "disk FOLDER SIZE")
	scriptOf(ts).disk = []string{"mount", "-t", "tmpfs", "-o", "size=" + args[1], "none", ts.MkAbs(args[0])}
}

// onDisk is a command that mounts something where only it sees it, which needs no privilege, and becomes another.
func onDisk(mount, command []string) []string {
	quoted := strings.Join(mount, " ") + ` && exec "$@"`
	return append([]string{"unshare", "--user", "--map-root-user", "--mount", "sh", "-c", quoted, "sh"}, command...)
}

// namespaces tells whether onDisk works here: in a container with the usual restrictions it does not.
func namespaces(ctx context.Context) bool {
	c := onDisk([]string{"mount", "-t", "tmpfs", "none", "/mnt"}, []string{"true"})
	return exec.CommandContext(ctx, c[0], c[1:]...).Run() == nil
}

// A scriptBot is a bot, or the emulator, that a script has started.
type scriptBot struct {
	cmd  *exec.Cmd
	log  string        // file
	done chan struct{} // closed when it has ended
}

// quick are the timings of scripts' bots. The lease is long: nothing may depend on how fast the machine is.
func quick() []string { return []string{"--poll", "400ms", "--settle", "300ms", "--lease", "2m"} }

// wordBot starts `cyborg run` as the script's environment says. Flags of the script go after those of quick, and so win.
func wordBot(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) > 0, "bot NAME [FLAG…]")
	words := slices.Concat([]string{"run", "--name", args[0]}, quick(), args[1:])
	ts.Check(start(ts, args[0], words, true))
}

// wordFakehub starts `cyborg fakehub` and takes its address from the first line that it prints.
func wordFakehub(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg, "fakehub [FLAG…]")
	ts.Check(start(ts, "fakehub", append([]string{"fakehub"}, args...), false))
	until(ts, "fakehub prints its address", func() (bool, string) {
		text := ts.ReadFile("fakehub.log")
		address, _, ok := strings.Cut(text, "\n")
		ts.Setenv("HUB", address)
		ts.Setenv("ADDRESS", strings.TrimPrefix(address, "http://"))
		ts.Setenv("GITHUB_API_URL", address)
		return ok && strings.HasPrefix(address, "http://"), text
	})
	ts.Setenv("REPO", widget)
}

// start starts the program under a name, with its output in NAME.log.
func start(ts *testscript.TestScript, name string, words []string, onSmallDisk bool) error {
	s := scriptOf(ts)
	program, err := exec.LookPath("cyborg") // testscript has put it first
	if err != nil {
		return err
	}
	words = append([]string{program}, words...)
	if onSmallDisk && s.disk != nil {
		words = onDisk(s.disk, words)
	}
	p := &scriptBot{log: ts.MkAbs(name + ".log"), done: make(chan struct{})}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	p.cmd = exec.CommandContext(s.ctx, words[0], words[1:]...)
	p.cmd.Dir, p.cmd.Stderr, p.cmd.Stdout = ts.MkAbs("."), log, log
	p.cmd.Env = environ(ts)
	if err := p.cmd.Start(); err != nil {
		return err
	}
	go func() { _ = p.cmd.Wait(); close(p.done) }() // how it ended is in its ProcessState
	s.bots[name] = p
	ts.Defer(func() {
		_ = p.cmd.Process.Kill()
		<-p.done
	})
	return nil
}

// environ is the script's environment.
func environ(ts *testscript.TestScript) []string {
	ts.Check(ts.Exec("env"))
	return strings.Split(strings.TrimSpace(ts.ReadFile("stdout")), "\n")
}

// tails writes the ends of the bots' logs into the script's.
func (s *script) tails(ts *testscript.TestScript) {
	for _, name := range slices.Sorted(maps.Keys(s.bots)) {
		data, err := os.ReadFile(s.bots[name].log)
		ts.Check(err)
		ts.Logf("%s:\n%s", name, data[max(0, len(data)-5000):])
	}
}

func (s *script) bot(ts *testscript.TestScript, name string) *scriptBot {
	b := s.bots[name]
	if b == nil {
		ts.Fatalf("no bot %q was started", name)
	}
	return b
}

func wordSignal(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 2, "signal NAME TERM|KILL|STOP|CONT")
	signals := map[string]syscall.Signal{"TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL, "STOP": syscall.SIGSTOP, "CONT": syscall.SIGCONT}
	sig, ok := signals[args[1]]
	usage(ts, ok, "signal NAME TERM|KILL|STOP|CONT")
	ts.Check(scriptOf(ts).bot(ts, args[0]).cmd.Process.Signal(sig))
}

// wordEnded waits for the end of a bot, which must have the exit status (of one that was killed: -1).
func wordEnded(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && (len(args) == 1 || len(args) == 2), "ended NAME [STATUS]")
	want := "0"
	if len(args) == 2 {
		want = args[1]
	}
	b := scriptOf(ts).bot(ts, args[0])
	until(ts, args[0]+" has ended", func() (bool, string) {
		select {
		case <-b.done:
			return true, ""
		default:
			return false, "it runs"
		}
	})
	if got := b.cmd.ProcessState.ExitCode(); strconv.Itoa(got) != want {
		scriptOf(ts).tails(ts)
		ts.Fatalf("%s ended with %d, want %s", args[0], got, want)
	}
}

// running tells whether the process is alive whose number is in a file. One that nobody has waited for is not.
func running(ts *testscript.TestScript, file string) bool {
	pid, err := strconv.Atoi(strings.TrimSpace(ts.ReadFile(file)))
	ts.Check(err)
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := bytes.Cut(stat, []byte(") "))
	return len(rest) > 0 && rest[0] != 'Z' && rest[0] != 'X'
}

func wordRuns(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "runs FILE")
	if !running(ts, args[0]) {
		ts.Fatalf("the process of %s does not run", args[0])
	}
}

func wordGone(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "gone FILE")
	until(ts, "the process of "+args[0]+" has ended", func() (bool, string) { return !running(ts, args[0]), "it runs" })
}

// wordMemory compares the most that a bot, which must be running, has ever used with a limit in MB.
func wordMemory(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 2, "memory NAME MB")
	limit, err := strconv.Atoi(args[1])
	ts.Check(err)
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", scriptOf(ts).bot(ts, args[0]).cmd.Process.Pid))
	ts.Check(err)
	_, peak, _ := strings.Cut(string(status), "VmHWM:")
	kib, err := strconv.Atoi(strings.Fields(peak)[0])
	ts.Check(err)
	ts.Logf("%s has used %d MB", args[0], kib>>10)
	if kib>>10 > limit {
		ts.Fatalf("%s has used %d MB, more than %d", args[0], kib>>10, limit)
	}
}

// wordTidy looks for what a job has left. A job's directory is gone before its result is published, so it need not be
// waited for; one of a killed bot may be about to go, and is.
func wordTidy(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 0, "tidy")
	jobs, tmp := filepath.Join(ts.Getenv("CYBORG_STATE"), jobsDir), ts.Getenv("TMPDIR")
	until(ts, "nothing of a job is left", func() (bool, string) {
		var left []string
		for _, dir := range []string{jobs, tmp} {
			entries, err := os.ReadDir(dir)
			if err != nil && !os.IsNotExist(err) {
				return false, err.Error()
			}
			for _, e := range entries {
				if e.Name() != "gate" && e.Name() != "gate-images" { // locks
					left = append(left, filepath.Join(dir, e.Name()))
				}
			}
		}
		left = append(left, processesOf(jobs)...)
		return len(left) == 0, strings.Join(left, "\n")
	})
}

// wordLeft looks for processes that have to do with a folder.
func wordLeft(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg && len(args) == 1, "! left FOLDER")
	until(ts, "no process is left", func() (bool, string) {
		list := processesOf(ts.MkAbs(args[0]))
		return len(list) == 0, strings.Join(list, "\n")
	})
}

// processesOf lists the processes that have to do with a folder: those that work in it, were started from it, or have
// its name among their arguments or in their environment. Bots are left out: it is the state folder which they know.
func processesOf(folder string) []string {
	var list []string
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		cwd, _ := os.Readlink(filepath.Join(dir, "cwd"))
		exe, _ := os.Readlink(filepath.Join(dir, "exe"))
		args, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		env, _ := os.ReadFile(filepath.Join(dir, "environ"))
		for _, place := range [][]byte{[]byte(cwd), []byte(exe), args, env} {
			if bytes.Contains(place, []byte(folder)) {
				list = append(list, fmt.Sprintf("process %s: %s", filepath.Base(dir), bytes.ReplaceAll(args, []byte{0}, []byte(" "))))
				break
			}
		}
	}
	return list
}
