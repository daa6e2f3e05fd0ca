package tasks

import (
	"errors"
	"slices"
	"strings"
)

// A Problem is a file of bots/ that was meant to be a task and cannot be used. People who wait for it must hear of it
// where they wait.
type Problem struct {
	Task *Task // its name and path, and of its header what could be read; not to be run
	Err  error // a [*HeaderError] or a [*HeaderErrors]
}

// problem makes one of what ReadTask said of a file.
func problem(f File, name string, err error) Problem {
	return Problem{Task: &Task{Name: name, Path: f.Path, Header: parseHeader(f.Path, f.Data, &HeaderErrors{})}, Err: err}
}

// settingsFile is the file of bots/ that is no task.
const settingsFile = "fleet.toml"

// Settings reports whether the problem is fleet.toml, for which nobody waits: it is said of the commit that has it.
func (p Problem) Settings() bool { return p.Task.Name == settingsFile }

// Awaited reports whether people with a pull request for a branch may wait for the task: its header asks for them, or
// cannot be read far enough to tell.
func (p Problem) Awaited(branch string) bool {
	if p.Settings() {
		return false
	}
	if len(p.Task.On) > 0 {
		return p.Task.Holds(PullRequest, branch)
	}
	if p.Task.Every > 0 || len(p.Task.After) > 0 {
		return false
	}
	return slices.ContainsFunc(single(p.Err), func(e *HeaderError) bool {
		return e.Key == "on" || !slices.Contains(keyNames(), e.Key)
	})
}

// single lists the problems in an error of ReadTask.
func single(err error) []*HeaderError {
	if all, ok := errors.AsType[*HeaderErrors](err); ok {
		return all.Problems
	}
	if one, ok := errors.AsType[*HeaderError](err); ok {
		return []*HeaderError{one}
	}
	return nil
}

// Brief is an error about a header in one line, for a status: its first problem, and what to do about it.
func Brief(err error) string {
	list := single(err)
	if len(list) == 0 {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return first
	}
	text, hint, ok := strings.Cut(list[0].Error(), "\nhint: ")
	if ok {
		text += " (" + hint + ")"
	}
	return strings.ReplaceAll(text, "\n", " ")
}
