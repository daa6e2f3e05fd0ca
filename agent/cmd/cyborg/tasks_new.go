package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cyborg-bots/cyborg/tasks"
)

// newFlags are what `cyborg tasks new` is told of a task.
type newFlags struct{ on, every, doc string }

func (f *newFlags) register(fs *flag.FlagSet) {
	fs.StringVar(&f.on, "on", "", "new: what `EVENT` asks for it (default \"pull request, request\", unless --every is given)")
	fs.StringVar(&f.every, "every", "", "new: it is a chore, due every `PERIOD` (\"7 days\")")
	fs.StringVar(&f.doc, "doc", "say here in one line what it does", "new: `TEXT` says what it is about")
}

// write writes the file of a new task, from which a person goes on: with a header that is right, and what a task finds
// said below it.
func (f *newFlags) write(env *environment, args []string) error {
	if len(args) == 0 {
		return usageError("tasks new: name the task: cyborg tasks new NAME [--on EVENT] [--every PERIOD] [--doc TEXT]")
	}
	name := args[0]
	if len(args) > 1 {
		return usageError("tasks new: one name, got %q too", args[1])
	}
	on := f.on
	if f.every == "" && on == "" {
		on = "pull request, request"
	}
	file := filepath.Join(tasks.Folder, name)
	text := template(name, f.doc, on, f.every)
	if _, err := tasks.ReadTask(tasks.File{Path: tasks.Folder + "/" + name, Mode: 0o755, Data: []byte(text)}); err != nil {
		return no(err)
	}
	if err := checkName(file); err != nil {
		return no(err)
	}
	if err := os.MkdirAll(tasks.Folder, 0o755); err != nil {
		return infra(err)
	}
	out, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if errors.Is(err, os.ErrExist) {
		return &exitError{Code: exitNo, Err: fmt.Errorf("there is a file %s already", file), Hint: "edit it, or give the task another name"}
	}
	if err != nil {
		return infra(err)
	}
	_, err = out.WriteString(text)
	if err := errors.Join(err, out.Chmod(0o755), out.Close()); err != nil { // whatever the umask says
		return infra(err)
	}
	fmt.Fprintf(env.Stdout, `wrote %[1]s
Write what it does at its end, then:
  cyborg tasks check %[1]s     # is it well?
  cyborg %[2]s                 # do it here
  cyborg demo --tasks %[3]s         # let bots do it in a world of their own
and commit the file: bots do it from then on.
`, file, name, tasks.Folder)
	return nil
}

// template is a task of which only the doing is missing.
func template(name, doc, on, every string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "#!/bin/sh\n# %s: %s\n", name, doc)
	if on != "" {
		fmt.Fprintf(&b, "# on: %s\n", on)
	}
	if every != "" {
		fmt.Fprintf(&b, "# every: %s\n", every)
	}
	b.WriteString(`# timeout: 30 minutes

# The checkout is the working directory; the arguments are those that were asked for; CYBORG_TASK, CYBORG_REPO,
# CYBORG_SHA, CYBORG_PULL or CYBORG_ISSUE say what it is about, and files in $CYBORG_ARTIFACTS are kept.
# The exit status 0 says yes, any other no.`)
	if every != "" || strings.Contains(on, string(tasks.Request)) {
		b.WriteString(" What it changes when an issue asks for it becomes a pull request.")
	}
	b.WriteString("\nset -eu\n\necho \"nobody has written yet what $CYBORG_TASK does\" >&2\nexit 1\n")
	return b.String()
}
