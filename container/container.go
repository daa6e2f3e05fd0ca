// Package container runs a job's command in a place: today the bot's own
// machine, later a sandbox, a container, a machine of another kind.
package container

import (
	"context"
	"io"
	"time"
)

// A Runner runs commands in one kind of place.
type Runner interface {
	// Run runs the command of s to its end and returns how it ended. When Run
	// returns, nothing of the job is left: no process, no directory of ours.
	//
	// An error is the bot's own trouble (infrastructure), never a verdict on
	// the task; a command that cannot be started because of the task is a
	// Result with Refused set. When ctx ends first, the job is stopped as at a
	// timeout, and the error wraps context.Cause(ctx).
	Run(ctx context.Context, s Spec) (Result, error)

	// Sweep removes what bots that were killed on this machine left behind.
	// Jobs of living bots are never touched.
	Sweep(ctx context.Context) error
}

// A Spec is one command to run.
type Spec struct {
	Name    string        // of the job, for people: errors, directory names
	Argv    []string      // the command and its arguments; a first element with a slash is relative to Dir
	Dir     string        // working directory, absolute; it must exist
	Env     []string      // KEY=VALUE, all that the command gets beside PATH, HOME, LANG and TMPDIR (which it may override)
	Output  io.Writer     // gets stdout and stderr in the order written; nil discards
	Timeout time.Duration // 0 is no limit
	Grace   time.Duration // between the polite signal and the end; 0 is DefaultGrace
}

// DefaultGrace is how long a job may tidy up after the polite signal.
const DefaultGrace = 10 * time.Second

// A Result is how a command ended.
type Result struct {
	Code     int           // exit code; 128+N after signal N; 126 or 127 if Refused
	Signal   string        // that ended the command ("killed"), or empty
	TimedOut bool          // stopped because Spec.Timeout passed
	Canceled bool          // stopped because the context ended
	Refused  string        // why the command could not be started, when that is the task's fault
	Duration time.Duration // from start to end
}
