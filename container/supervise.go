//go:build linux

package container

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Supervise makes this process the supervisor of one job if Host started it as
// one: it then returns ok and the code to exit with when the job is over.
// Every program that uses Host calls it first thing in main, tests in TestMain:
//
//	if code, ok := container.Supervise(os.Args); ok {
//		os.Exit(code)
//	}
//
// A program that does not is told so by the error of Host.Run.
func Supervise(args []string) (code int, ok bool) {
	if len(args) < 2 || filepath.Base(args[0]) != supervisorName || args[1] != supervisorFlag && args[1] != attachedFlag {
		return 0, false
	}
	// The job's first process is bound to this thread (PDEATHSIG), which must
	// therefore live as long as the process.
	runtime.LockOSThread()
	// Nobody but the bot ends a supervisor. Not SIG_IGN: jobs would inherit it.
	signal.Notify(make(chan os.Signal, 1),
		unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGPIPE, unix.SIGUSR1, unix.SIGUSR2)
	toReport, output, err := wires(args[1] == attachedFlag)
	if err = errors.Join(err, closeOnExec()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1, true
	}
	reports := json.NewEncoder(os.NewFile(toReport, "report"))
	say := func(r report) { _ = reports.Encode(r) } // a dead bot shows as the lifeline's end

	lifeline := bufio.NewReader(os.Stdin)
	var o order
	line, err := lifeline.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &o)
	}
	if err != nil {
		say(report{Trouble: fmt.Sprintf("read order: %v", err)})
		return 1, true
	}
	if err := o.confine(); err != nil {
		say(report{Trouble: err.Error()})
		return 1, true
	}
	s := &supervisor{order: o, say: say, output: output, commands: make(chan byte), reaped: make(chan exit)}
	if !s.start() {
		return 0, true
	}
	go s.listen(lifeline)
	go s.reap()
	s.watch()
	return 0, true
}

// wires gives the descriptors of the reports and of the job's output. Attached, they are the standard files, which then lead
// nowhere else: what this program might print itself must not come between.
func wires(attached bool) (report, output uintptr, err error) {
	if !attached {
		return reportFD, outputFD, nil
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return 0, 0, err
	}
	defer null.Close()
	var fds [2]int
	for i, standard := range []int{unix.Stderr, unix.Stdout} {
		if fds[i], err = unix.FcntlInt(uintptr(standard), unix.F_DUPFD_CLOEXEC, lockFD+1); err != nil {
			return 0, 0, err
		}
		if err := unix.Dup3(int(null.Fd()), standard, 0); err != nil {
			return 0, 0, err
		}
	}
	return uintptr(fds[0]), uintptr(fds[1]), nil
}

// closeOnExec keeps every open file from the job: those of the supervisor and
// whatever the bot itself was started with.
func closeOnExec() error {
	err := unix.CloseRange(reportFD, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	if err == nil {
		return nil
	}
	entries, err := os.ReadDir("/proc/self/fd") // kernels before 5.11
	if err != nil {
		return fmt.Errorf("close files: %w", err)
	}
	for _, entry := range entries {
		if fd, err := strconv.Atoi(entry.Name()); err == nil && fd >= reportFD {
			syscall.CloseOnExec(fd)
		}
	}
	return nil
}

// A supervisor is the state of one supervising process.
type supervisor struct {
	order    order
	say      func(report)
	output   uintptr   // descriptor of the job's stdout and stderr
	commands chan byte // from the lifeline; closed when the bot is dead
	reaped   chan exit // the end of the job's first process; closed when there are no children left
	job      int       // process and group number of the job's first process

	ended   bool // the first process has ended, with status
	status  syscall.WaitStatus
	stopped bool // it was told to end before it ended
	killing bool
	orphan  bool // the bot is dead
}

// An exit is the end of a child.
type exit struct {
	pid    int
	status syscall.WaitStatus
}

// start starts the job, or says why not.
func (s *supervisor) start() bool {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		s.say(report{Trouble: fmt.Sprintf("become subreaper: %v", err)})
		return false
	}
	pid, err := s.spawn()
	if err == nil {
		s.job = pid
		s.say(report{Started: true, PID: pid})
		return true
	}
	if text, code, ok := refusal(err, s.order.Argv, s.order.Dir); ok {
		s.say(report{Refused: text, Code: code})
	} else {
		s.say(report{Trouble: err.Error()})
	}
	return false
}

// spawn forks the job: own session, nothing on standard input, one pipe for
// all output.
func (s *supervisor) spawn() (int, error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return 0, err
	}
	defer null.Close()
	file, err := findCommand(s.order.Argv[0], lookup(s.order.Env, "PATH"))
	if err != nil {
		return 0, err
	}
	// Of all processes the job is to go first when memory is short. The score
	// is inherited, so it is raised around the fork; it may fail where /proc
	// is read-only, which only costs the preference.
	restore := raiseOOMScore()
	defer restore()
	attr := &syscall.ProcAttr{
		Dir:   s.order.Dir,
		Env:   s.order.Env,
		Files: []uintptr{null.Fd(), s.output, s.output},
		Sys:   &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL},
	}
	for i := range s.order.Extra {
		fd := uintptr(lockFD + 1 + i)
		switch {
		case i == 0 || s.order.Streams && i < len(attr.Files):
			attr.Files[i] = fd
		default:
			attr.Files = append(attr.Files, fd)
		}
	}
	if id := uint32(s.order.User); id != 0 {
		attr.Sys.Credential = &syscall.Credential{Uid: id, Gid: id}
	}
	// "Text file busy" passes: another process of the bot was forked while the
	// file was being written, and has not yet reached its own exec.
	const tries = 100
	for try := 1; ; try++ {
		pid, err := syscall.ForkExec(file, s.order.Argv, attr)
		if !errors.Is(err, syscall.ETXTBSY) || try == tries {
			return pid, err
		}
		<-time.After(10 * time.Millisecond)
	}
}

// raiseOOMScore makes children of this process the kernel's first choice.
func raiseOOMScore() (restore func()) {
	const file, raised = "/proc/self/oom_score_adj", 500
	before, err := os.ReadFile(file)
	if err != nil || os.WriteFile(file, []byte(strconv.Itoa(raised)), 0) != nil {
		return func() {}
	}
	return func() { _ = os.WriteFile(file, before, 0) }
}

// listen turns the lifeline into commands until it ends.
func (s *supervisor) listen(lifeline io.ByteReader) {
	defer close(s.commands)
	for {
		c, err := lifeline.ReadByte()
		if err != nil {
			return
		}
		s.commands <- c
	}
}

// reap waits for every child, the job's first process and all orphans that
// have fallen to us, until there are none. It tells of the first process only
// and waits for nobody: a job can leave orphans more quickly than watch, which
// looks at all processes of the machine, could hear of them one by one.
func (s *supervisor) reap() {
	defer close(s.reaped)
	told := false
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case err == syscall.EINTR:
		case err != nil: // ECHILD: nobody is left
			return
		case pid == s.job && !told:
			told = true
			s.reaped <- exit{pid, status}
		}
	}
}

// watch follows the job to its end and reports it.
func (s *supervisor) watch() {
	const again, patience = 20 * time.Millisecond, 30 * time.Second
	tick := time.NewTicker(again)
	defer tick.Stop()
	var late <-chan time.Time
	commands := s.commands
	for {
		due := false // a look at all processes costs; once a tick is enough
		select {
		case c, ok := <-commands:
			if !ok {
				commands, s.orphan = nil, true
			}
			s.obey(c, ok)
		case e, ok := <-s.reaped:
			if !ok {
				s.finish(true)
				return
			}
			s.ended, s.status = true, e.status
		case <-tick.C:
			due = s.killing
		case <-late:
			s.finish(false)
			return
		}
		// After SIGTERM the whole group may tidy up, not only its first
		// process; otherwise what outlives the first process goes at once.
		if s.ended && !s.killing && (!s.stopped || groupEmpty(s.job)) {
			s.killing = true
		}
		if s.killing && late == nil {
			late, due = time.After(patience), true
		}
		if due {
			killAll(s.family)
		}
	}
}

// obey does what the bot asks; a lifeline that has ended asks for the end.
func (s *supervisor) obey(c byte, ok bool) {
	if !s.ended {
		s.stopped = true
	}
	if ok && c == commandTerm {
		if !s.ended && !s.order.Deaf {
			_ = syscall.Kill(-s.job, syscall.SIGTERM)
		}
		return
	}
	s.killing = true
}

// family is everything that descends from the job.
func (s *supervisor) family() []process { return descendants(processes(), os.Getpid()) }

// finish reports the end, and cleans up for a bot that is dead.
func (s *supervisor) finish(gone bool) {
	if s.orphan {
		s.order.cleanUp()
	}
	r := report{Ended: true, Stopped: s.stopped, Gone: gone}
	if s.order.Inside { // there the groups of the container are the top, if they are there
		r.Kills = max(killsIn("/sys/fs/cgroup"), killsIn("/sys/fs/cgroup/memory"))
	}
	switch {
	case s.status.Signaled():
		sig := s.status.Signal()
		r.Code, r.Signal = codeSignal+int(sig), unix.SignalName(sig)
	default:
		r.Code = s.status.ExitStatus()
	}
	if !gone {
		for _, p := range s.family() {
			r.Left = append(r.Left, p.pid)
		}
	}
	s.say(r)
}
