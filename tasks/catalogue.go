package tasks

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
)

// Folder is where a served repository keeps what it teaches.
const Folder = "bots"

// MaxTasks bounds how many tasks one repository can have.
const MaxTasks = 500

// A File is one file of the served repository as git has it. Its fields are those of the checkout's files, so that one
// converts into the other.
type File struct {
	Path string      // from the repository's root, with slashes
	Mode fs.FileMode // 0o644, 0o755, or fs.ModeSymlink
	Data []byte
}

// A Catalogue is what one commit of the served repository teaches.
type Catalogue struct {
	Tasks    []*Task // by name; the built-in ones included
	Fleet    Fleet
	Problems []Problem // files that were meant to be tasks, and fleet.toml if something is wrong with it
}

// Load reads the files of bots/ of one commit. Every executable file directly in it is a task; "fleet.toml",
// "allowed_signers" and the folders below ("images", "known") are not, nor is a file that is neither executable nor has
// a header. The catalogue is always usable: what is wrong with a file is in the error (errors.Join of [*HeaderErrors]
// and the like) and costs only that file. A faulty fleet.toml leaves the strictest settings. also are more tasks that the
// program can do, with what it was given.
func Load(files iter.Seq[File], also ...Task) (*Catalogue, error) {
	c := &Catalogue{Fleet: DefaultFleet()}
	var errs, settings []error
	for f := range files {
		dir, name := path.Split(f.Path)
		if dir != Folder+"/" {
			continue
		}
		var err error
		switch name {
		case settingsFile:
			if c.Fleet, err = ParseFleet(f.Path, f.Data); err != nil {
				settings = append(settings, err)
				continue
			}
		case "allowed_signers":
		default:
			err = c.add(f, name)
		}
		errs = append(errs, err)
	}
	for _, b := range append(Builtins(), also...) {
		if c.Task(b.Name) == nil {
			c.Tasks = append(c.Tasks, &b)
		}
	}
	slices.SortFunc(c.Tasks, func(a, b *Task) int { return cmp.Compare(a.Name, b.Name) })
	settings = append(settings, c.setChores()...)
	if len(settings) > 0 {
		c.Problems = append(c.Problems, Problem{Task: &Task{Name: settingsFile, Path: Folder + "/" + settingsFile}, Err: settings[0]})
	}
	errs = append(append(errs, settings...), c.checkSteps()...)
	return c, errors.Join(errs...)
}

// Refuse drops the tasks from files with whose names check finds something wrong, as what is typed would mean something else,
// and notes them among the problems. It gives what check said.
func (c *Catalogue) Refuse(check func(file string) error) error {
	var errs []error
	c.Tasks = slices.DeleteFunc(c.Tasks, func(t *Task) bool {
		if t.Builtin() {
			return false
		}
		err := check(t.Path)
		if err != nil {
			c.Problems, errs = append(c.Problems, Problem{Task: t, Err: err}), append(errs, err)
		}
		return err != nil
	})
	return errors.Join(errs...)
}

// setChores gives the tasks the periods that fleet.toml names.
func (c *Catalogue) setChores() []error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(c.Fleet.Chores)) {
		t := c.Task(name)
		switch {
		case t == nil:
			errs = append(errs, &HeaderError{File: Folder + "/fleet.toml", Key: "chores", Problem: fmt.Sprintf("chores: there is no task %q", clip(name, 60)), Hint: didYouMean(name, c.Names())})
		case !t.Builtin():
			errs = append(errs, &HeaderError{File: Folder + "/fleet.toml", Key: "chores", Problem: fmt.Sprintf("chores: %q is a file", name), Hint: "write its period into the header of " + t.Path + ", as \"every\""})
		default:
			t.Every = time.Duration(c.Fleet.Chores[name])
		}
	}
	return errs
}

// add takes up one file, if it is a task. A file with the name of a built-in task replaces it: the team decides.
func (c *Catalogue) add(f File, name string) error {
	if !executable(f) && f.Mode&fs.ModeSymlink == 0 && !looksTaught(f.Path, f.Data) {
		return nil
	}
	if len(c.Tasks) >= MaxTasks {
		return &HeaderError{File: f.Path, Problem: fmt.Sprintf("more than %d tasks", MaxTasks), Hint: "remove some"}
	}
	t, err := ReadTask(f)
	if err != nil {
		c.Problems = append(c.Problems, problem(f, name, err))
		return err
	}
	c.Tasks = append(c.Tasks, t)
	return nil
}

// executable reports whether git would make the file executable.
func executable(f File) bool { return f.Mode.IsRegular() && f.Mode&0o111 != 0 }

// ReadTask reads one file as a task, wherever it lies: what Load does for each, and what people ask about a file that
// they are about to commit. The error is a [*HeaderError] or a [*HeaderErrors].
func ReadTask(f File) (*Task, error) {
	name := path.Base(f.Path)
	if f.Mode&fs.ModeSymlink != 0 {
		return nil, &HeaderError{File: f.Path, Problem: "is a symbolic link", Hint: "a task is a file of its own; a link could lead anywhere"}
	}
	if err := taskName.check(name); err != nil {
		return nil, &HeaderError{File: f.Path, Problem: err.Error(), Hint: hintOf(err)}
	}
	if name == Program {
		return nil, &HeaderError{File: f.Path, Problem: fmt.Sprintf("no task can be named %q", Program), Hint: "it is the program's name"}
	}
	if !executable(f) {
		return nil, &HeaderError{File: f.Path, Line: 1, Problem: "is not executable", Hint: "chmod +x " + QuoteWord(f.Path)}
	}
	h, err := ParseHeader(f.Path, f.Data)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(f.Data)
	return &Task{Name: name, Header: h, Path: f.Path, Digest: "sha256:" + hex.EncodeToString(sum[:])}, nil
}

// looksTaught reports whether a file that is not executable was meant to be a task: it begins with #!, and has the doc
// line of its own name.
func looksTaught(file string, data []byte) bool {
	if !strings.HasPrefix(string(data[:min(2, len(data))]), "#!") || len(data) > MaxHeader {
		data = data[:min(len(data), MaxHeader)]
	}
	name := path.Base(file)
	return slices.ContainsFunc(leadingComments(file, data, &HeaderErrors{}), func(c comment) bool {
		return strings.HasPrefix(c.text, name+":")
	})
}

// Task finds a task by its name; nil if there is none.
func (c *Catalogue) Task(name string) *Task {
	for _, t := range c.Tasks {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// Names lists the tasks' names, sorted.
func (c *Catalogue) Names() []string {
	names := make([]string, len(c.Tasks))
	for i, t := range c.Tasks {
		names[i] = t.Name
	}
	return names
}

// Find is Task with an error for people, who may have mistyped.
func (c *Catalogue) Find(name string) (*Task, error) {
	if t := c.Task(name); t != nil {
		return t, nil
	}
	return nil, fmt.Errorf("no task %q: %s", clip(name, 60), didYouMean(name, c.Names()))
}

// checkSteps refuses release steps that wait for a task that does not exist, or for each other.
func (c *Catalogue) checkSteps() []error {
	var errs []error
	for _, t := range c.Tasks {
		for _, step := range t.After {
			if c.Task(step) == nil {
				errs = append(errs, &HeaderError{File: t.Path, Key: "after",
					Problem: fmt.Sprintf("waits for the step %q, which is no task", step), Hint: didYouMean(step, c.Names())})
			}
		}
		if c.waitsFor(t, t.Name, map[string]bool{}) {
			errs = append(errs, &HeaderError{File: t.Path, Key: "after",
				Problem: fmt.Sprintf("the step %q waits for itself", t.Name), Hint: "follow the keys \"after\" in a circle"})
		}
	}
	return errs
}

// waitsFor reports whether a step waits for the named one, however far.
func (c *Catalogue) waitsFor(t *Task, name string, seen map[string]bool) bool {
	for _, step := range t.After {
		if step == name {
			return true
		}
		if next := c.Task(step); next != nil && !seen[step] {
			seen[step] = true
			if c.waitsFor(next, name, seen) {
				return true
			}
		}
	}
	return false
}
