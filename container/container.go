// Package container runs a job's command in a place: the bot's own machine
// today, a sandbox, a container or another kind of machine later. It is the one
// owner of process execution; nobody else starts a job.
//
// # What a place promises
//
// A job gets a command, a working directory, a clean environment and one
// stream for its output. It gets nothing of the bot: no environment, no open
// file, no terminal, no standard input. When Run returns, everything of the
// job is gone, however it tried to stay: children in the background, daemons
// that made a session of their own, processes with an emptied environment.
//
// Three ways to end are kept apart, because different people must hear of
// them: the task said no (Result), the task could not even be started because
// of what is in it (Result.Refused), and the bot is in trouble (error). The
// first two are published on the pull request, the last sends the job back to
// the peers.
//
// # How Host keeps the promise
//
// Between the bot and the job stands a supervisor: the bot's own program,
// started again under another name (see Supervise). A process of its own is
// needed because only the parent of an orphan can wait for it, and a bot that
// waited for any child would steal the children of the packages it uses.
//
//		bot ── lifeline, report ──► supervisor (subreaper) ──► job (own session)
//		 ◄───────────────── output ──────────────────────────────┘
//
//	  - The supervisor is a child subreaper: whatever the job starts stays below
//	    it, and when the job's first process has ended all the rest is stopped,
//	    killed and reaped. Descent decides, nothing that a job can change.
//	  - The lifeline is a pipe from the bot. At its end, which is also how the
//	    supervisor learns that the bot was killed, it kills the job and removes
//	    its scratch directory. No PDEATHSIG of a Go thread is involved there.
//	  - The job's first process dies with the supervisor (PDEATHSIG, set from a
//	    locked thread that lives as long as the supervisor).
//	  - The job is the first choice of the kernel when memory runs out.
//
// If the supervisor is killed too, two things are left to find the remains by:
// every process of a job has a marker in its environment (variable
// CYBORG_JOB: pid namespace, process and start time of the bot, a nonce), and every
// scratch directory has a lock file held by bot and supervisor. Sweep kills the
// marked processes of dead bots and removes the directories nobody holds.
//
// # Sandboxes
//
// A Sandbox promises more: its jobs are held back from the machine and from each other. Bubble makes one of the
// machine's own programs:
//
//	bot ── lifeline, report ──► supervisor ──► bubblewrap
//	 ◄──── lifeline, report, output ──────► process 1 of the sandbox, a supervisor too ──► job
//	 ◄──── interface of the sandbox ────────────────────────────────────────────────────┘  (see package gate)
//
// The supervisor inside waits until the bot has moved it into the job's control groups and has taken the other end of
// the sandbox's network; only then it is told what to run, so that there is no moment at which the job runs free. What a
// machine cannot hold jobs to is told by Try. What no limit of the kernel covers (the disk; memory where there are no
// control groups) the bot looks at while the job runs, and ends a job that has too much.
//
// A runner is held to its promises by package containertest.
package container

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"
)

// A Runner runs commands in one kind of place.
type Runner interface {
	// Run runs the command of s to its end and returns how it ended. When Run
	// returns, nothing of the job is left: no process, no directory of the
	// runner.
	//
	// An error is the bot's own trouble (infrastructure), never a verdict on
	// the task. When ctx ends first, the job is stopped as at a timeout, the
	// Result says Canceled and the error wraps context.Cause(ctx). An error of
	// s.Output does not stop the job; it is returned with the Result.
	Run(ctx context.Context, s Spec) (Result, error)

	// Sweep removes what bots that were killed on this machine left behind.
	// Jobs of living bots are never touched.
	Sweep(ctx context.Context) error
}

// A Spec is one command to run.
type Spec struct {
	Name    string        // of the job, for people: in errors and directory names
	Argv    []string      // the command and its arguments; a first element with a slash is relative to Dir
	Dir     string        // working directory, absolute; it must exist
	Env     []string      // KEY=VALUE: all that the command gets beside PATH, HOME, LANG and TMPDIR, which it may replace
	Output  io.Writer     // gets stdout and stderr in the order written; nil discards
	Timeout time.Duration // 0 is no limit
	Grace   time.Duration // between SIGTERM and SIGKILL; 0 is DefaultGrace

	// What follows is for sandboxes; Host, which holds nobody back, takes no Image and leaves out the rest.
	Writable []string // more directories that the job may write to, absolute, under the same names inside
	Image    string   // what the job finds as its root directory; empty is the runner's own rule
	Network  []string // nil is the Internet without private networks; [NoNetwork]; or the hosts that it may reach
	Limits   Limits
	Machines []Machine              // more machines beside the job's own, for runners that have machines
	Keep     func(name string) bool // which files of Dir count afterwards, for runners whose jobs work on a copy; nil: none
}

// OwnMachine is the name by which a job's own machine is known to those beside it.
const OwnMachine = "job"

// A Machine is one beside a job's own, on a network that only the machines of the job see.
type Machine struct {
	Name  string // by which the others reach it
	Image string // what it starts from
}

// DefaultGrace is how long a job may tidy up after SIGTERM.
const DefaultGrace = 10 * time.Second

// Exit codes of commands that could not be started, as shells use them.
const (
	codeNotExecutable = 126
	codeNotFound      = 127
	codeSignal        = 128 // plus the signal's number
)

// A Result is how a command ended.
type Result struct {
	Code     int           // exit code; 128+N after signal N; 126 or 127 if Refused
	Signal   string        // that ended the command ("SIGKILL"), or empty
	TimedOut bool          // stopped because Spec.Timeout passed
	Canceled bool          // stopped because the context ended
	Refused  string        // why the command could not be started, when that is the task's fault
	Excess   Excess        // the limit that the job ran into, which is why it ended or a process of it was killed
	Limits   Limits        // that the job had, beside Excess
	Died     string        // how the machine died under the command, when the command had one of its own
	Duration time.Duration // from start to end
}

// OK reports whether the command ran and said yes.
func (r Result) OK() bool {
	return r.Code == 0 && r.Signal == "" && !r.TimedOut && !r.Canceled && r.Refused == "" && r.Excess == "" && r.Died == ""
}

// String says in a few words how the command ended.
func (r Result) String() string {
	switch {
	case r.Refused != "":
		return "could not start: " + r.Refused
	case r.Canceled:
		return fmt.Sprintf("canceled after %v", r.Duration.Round(time.Second))
	case r.TimedOut:
		return fmt.Sprintf("timed out after %v", r.Duration.Round(time.Second))
	case r.Excess != "":
		return r.Excess.text(r.Limits)
	case r.Died != "":
		return "the machine died: " + r.Died
	case r.Signal != "":
		return "killed by " + r.Signal
	default:
		return fmt.Sprintf("exit code %d", r.Code)
	}
}

// check refuses specs that no runner can run; these are mistakes of the caller.
func (s Spec) check() error {
	switch {
	case len(s.Argv) == 0 || s.Argv[0] == "":
		return fmt.Errorf("run %s: no command", s.Name)
	case !filepath.IsAbs(s.Dir):
		return fmt.Errorf("run %s: working directory %q is not absolute", s.Name, s.Dir)
	}
	for _, text := range s.Argv {
		if strings.ContainsRune(text, 0) {
			return fmt.Errorf("run %s: argument %q contains a zero byte", s.Name, text)
		}
	}
	for _, text := range s.Env {
		name, _, ok := strings.Cut(text, "=")
		if !ok || name == "" || strings.ContainsRune(text, 0) {
			// The value may be a secret; only the name is shown.
			return fmt.Errorf("run %s: environment entry %q is not NAME=VALUE", s.Name, name)
		}
	}
	for _, dir := range s.Writable {
		if !filepath.IsAbs(dir) {
			return fmt.Errorf("run %s: directory %q is not absolute", s.Name, dir)
		}
	}
	return s.checkLimits()
}
