package tasks

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/cyborg-bots/cyborg/container"
)

// A Task is something the team knows how to do: an executable file of the served repository's bots/ folder, or one
// of the functions in [Builtins]. Both are described by the same [Header], chosen, claimed and reported the same
// way; only who runs differs (the agent executes Path, or calls Run).
type Task struct {
	// Name is the file's name, and the first word of every line and the first part of every context of this task.
	Name string

	// Header says when, where and on what the task runs.
	Header

	// Path is where the file lies in the repository ("bots/verify"); empty for a built-in task.
	Path string

	// Digest is "sha256:" and the hex digest of the file, so that logs can say which teaching was followed.
	Digest string

	// Params are the arguments of a built-in task, in order. A file's arguments are its own business.
	Params []Param

	// Run does a built-in task. An error from [Fail] says no to the change; any other error is our own trouble, and
	// the job goes back to the peers. It must be safe to run twice: a bot may be killed between any two lines.
	Run func(ctx context.Context, env *Env, args []string) error
}

// A Param is one argument of a built-in task: checked before anything is claimed, printed in help, and quoted in the
// answer to a line that gets it wrong.
type Param struct {
	Name    string // as it stands in help, "NAME"
	Doc     string // one line, lower case, no full stop
	Example string // a value a person could write
	Many    bool   // the last parameter may take any number of words, none included

	Check func(value string) error // nil accepts every value
}

// An Env is what a built-in task works with: a file task finds the same things as its working directory, its
// environment and its standard output.
type Env struct {
	Job       Job
	Dir       string    // the checkout, the task's working directory
	Artifacts string    // a folder for files worth keeping
	Vars      []string  // the same NAME=value list that a file task is started with, see Environment
	Output    io.Writer // the job's log, never the bot's

	Fleet Fleet // what the repository asks of all its bots

	// Command runs a command in the place of the task, which holds it back as it does the command of a file task. It must be
	// given all but its name and limits. Scratch is a folder that it may write to, beside Dir; it goes with the job.
	Command func(ctx context.Context, s container.Spec) (container.Result, error)
	Scratch string

	// Issues and Archive are for tasks that look after the repository's issues, as the account Login. Nil where nothing may be
	// written.
	Issues  IssueDesk
	Archive Archive
	Login   string

	// Prune deletes the repository's logs that are older than its fleet.toml keeps them, and says what it did. Nil by hand.
	Prune func(ctx context.Context) (string, error)

	// Result may be set by the task: how the command ended that did the work. The job is then judged by it, and by the tests
	// that the output tells of.
	Result *container.Result

	// Message may be set by the task: the message of the commit for what it has changed, beginning with one line of at
	// most 72 characters. Without it the task's line and what it does are the message. A file task that has words for
	// its change commits it itself.
	Message string
}

// Builtin reports whether the task is a function of this program rather than a file of the repository.
func (t *Task) Builtin() bool { return t.Path == "" }

// CheckArgs says whether a built-in task can be asked with these arguments, naming the parameter that is wrong. A
// file's arguments are not known here and always pass.
func (t *Task) CheckArgs(args []string) error {
	if !t.Builtin() {
		return nil
	}
	for i, p := range t.Params {
		if p.Many {
			return checkAll(t.Name, p, args[min(i, len(args)):])
		}
		if i >= len(args) {
			return fmt.Errorf("%s: missing %s (%s), for example: %s %s", t.Name, p.Name, p.Doc, t.Name, p.Example)
		}
		if err := checkAll(t.Name, p, args[i:i+1]); err != nil {
			return err
		}
	}
	if n := len(t.Params); len(args) > n {
		return fmt.Errorf("%s: too many arguments: takes %d, got %d, the first too many is %q", t.Name, n, len(args), args[n])
	}
	return nil
}

// checkAll applies a parameter's check to each of the words given for it.
func checkAll(task string, p Param, words []string) error {
	if p.Check == nil {
		return nil
	}
	for _, w := range words {
		if err := p.Check(w); err != nil {
			return fmt.Errorf("%s: %s %q: %w", task, p.Name, w, err)
		}
	}
	return nil
}

// A failure is a task's "no" to the change it was run on.
type failure struct{ err error }

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// Fail makes the error with which a task says no to the change it was run on: it is reported to the people as the
// result. Every other error of a task is our own trouble (network, disk, a bug), never blamed on the change: the
// claim is released and a peer tries. The arguments are those of fmt.Errorf, %w included.
func Fail(format string, args ...any) error {
	return &failure{err: fmt.Errorf(format, args...)}
}

// IsFail reports whether err, or an error it wraps, was made by [Fail].
func IsFail(err error) bool {
	_, ok := errors.AsType[*failure](err)
	return ok
}
