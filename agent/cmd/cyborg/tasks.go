package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cyborg-bots/cyborg/tasks"
)

func tasksCommand() command {
	return command{
		Name: "tasks", Args: "[check [FILE…]] | [new NAME …]", Short: "list what the repository in this folder teaches, check it, or teach more",
		Long: `
Without arguments, lists the tasks in ./bots and those built into this program. "check" reads ./bots (or the files
named) as a bot would and says, with file and line, what is wrong and what was meant. It writes nothing.

"new NAME" writes ./bots/NAME, a task that lacks nothing but what it does.`,
		Exits: []exitStatus{{exitDone, "all is well"}, {exitNo, "something is wrong with a task"}, {exitUsage, "the command line is wrong"}},
		New: func(fs *flag.FlagSet, env *environment) func(context.Context, []string) error {
			fresh := new(newFlags)
			fresh.register(fs)
			return func(_ context.Context, args []string) error {
				switch {
				case len(args) == 0:
					catalogue, err := localCatalogue(".")
					fmt.Fprint(env.Stdout, tasks.Table(catalogue.Tasks))
					return no(err)
				case args[0] == "new":
					return fresh.write(env, args[1:])
				case args[0] != "check":
					return usageError("tasks: unknown word %q: write cyborg tasks, cyborg tasks check [FILE…], or cyborg tasks new NAME", args[0])
				case len(args) == 1:
					catalogue, err := localCatalogue(".")
					if info, missing := os.Stat(tasks.Folder); missing != nil || !info.IsDir() {
						return &exitError{Code: exitNo, Err: fmt.Errorf("there is no folder %s/ here", tasks.Folder),
							Hint: "go to the top of the repository, or name the files"}
					}
					if err == nil {
						fmt.Fprintf(env.Stdout, "%s/: %d tasks, all well\n", tasks.Folder, taught(catalogue))
					}
					return no(err)
				}
				return checkFiles(env, args[1:])
			}
		},
	}
}

// no maps what is wrong with a task to its exit status.
func no(err error) error {
	if err == nil {
		return nil
	}
	return &exitError{Code: exitNo, Err: err}
}

// taught counts the tasks that come from files.
func taught(c *tasks.Catalogue) int {
	n := 0
	for _, t := range c.Tasks {
		if !t.Builtin() {
			n++
		}
	}
	return n
}

// checkFiles checks single files, wherever they lie.
func checkFiles(env *environment, names []string) error {
	var errs []error
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		data, err := os.ReadFile(name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		header, err := tasks.ParseHeader(name, data)
		switch {
		case err != nil:
			errs = append(errs, err)
		case info.Mode()&0o111 == 0:
			errs = append(errs, &tasks.HeaderError{File: name, Problem: "is not executable", Hint: "chmod +x " + name})
		case checkName(name) != nil:
			errs = append(errs, checkName(name))
		default:
			t := tasks.Task{Name: filepath.Base(name), Header: header}
			fmt.Fprintf(env.Stdout, "%s: well: %s\n", name, contextNames(&t))
		}
	}
	return no(errors.Join(errs...))
}

func contextNames(t *tasks.Task) string {
	var names []string
	for _, c := range t.Contexts() {
		names = append(names, c.Name)
	}
	return strings.Join(names, " ")
}

// localCatalogue reads bots/ of a folder of this machine. The error is about single files; the catalogue is always there.
func localCatalogue(dir string) (*tasks.Catalogue, error) {
	var files []tasks.File
	root := os.DirFS(dir)
	entries, err := fs.ReadDir(root, tasks.Folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read %s: %w", tasks.Folder, err)
	}
	var errs []error
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || info.IsDir() {
			continue
		}
		file := tasks.File{Path: tasks.Folder + "/" + e.Name(), Mode: info.Mode()}
		if info.Mode().IsRegular() {
			if file.Data, err = fs.ReadFile(root, file.Path); err != nil {
				errs = append(errs, err)
				continue
			}
		}
		files = append(files, file)
	}
	catalogue, err := tasks.Load(slices.Values(files), imageTasks(nil, nil)...)
	errs = append(errs, err)
	for _, t := range catalogue.Tasks {
		if !t.Builtin() {
			errs = append(errs, checkName(tasks.Folder+"/"+t.Name))
		}
	}
	return catalogue, errors.Join(errs...)
}

// checkName refuses what nobody could start by hand: the shell's word for it is a command of this program.
func checkName(file string) error {
	name := filepath.Base(file)
	if name != "help" && !slices.ContainsFunc(commands(), func(c command) bool { return c.Name == name }) {
		return nil
	}
	return &tasks.HeaderError{File: file, Problem: fmt.Sprintf("cyborg %s is something else already", name), Hint: "give the task another name"}
}

// isTaughtHere tells whether the repository in this folder has a task of that name.
func isTaughtHere(name string) bool {
	catalogue, _ := localCatalogue(".")
	if catalogue == nil {
		return false
	}
	_, err := catalogue.Find(name)
	return err == nil
}
