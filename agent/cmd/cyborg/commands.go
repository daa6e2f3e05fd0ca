package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// environment is what a command may touch of the process it runs in.
type environment struct {
	Getenv         func(string) string
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Kill           <-chan struct{} // closed when a second signal asks to stop at once
}

// command is one row of the table: `cyborg NAME ARGS`.
type command struct {
	Name, Args, Short string
	Long              string // more for `cyborg help NAME`: what it reads and writes; lines of at most 100 characters
	Exits             []exitStatus
	// Verbatim tells whether what stands behind these words is somebody else's, flags and all; nil: it never is.
	Verbatim func(words []string) bool
	// New registers the command's flags and gives the function that runs it with what is left of the arguments.
	New func(fs *flag.FlagSet, env *environment) func(ctx context.Context, args []string) error
}

// exitStatus is one line under EXIT STATUS in a command's help.
type exitStatus struct {
	Code int
	When string
}

// The exit statuses of all commands (1-product.md).
const (
	exitDone     = 0
	exitNo       = 1 // the task said no
	exitUsage    = 2
	exitInfra    = 3 // our own trouble: network, disk, machine
	exitOccupied = 4 // a peer has it
)

// commands is the table, in the order that help prints.
func commands() []command {
	return []command{
		runCommand(),
		demoCommand(),
		scanCommand(),
		statusCommand(),
		claimCommand(),
		retestCommand(),
		tasksCommand(),
		selftestCommand(),
		imageCommand(),
		vmCommand(),
		healthCommand(),
		publishCommand(),
		fakehubCommand(),
		simulateCommand(),
		resultsCommand(),
		versionCommand(),
	}
}

// exitError is an error that knows the exit status and what a person can do about it.
type exitError struct {
	Code int
	Err  error
	Hint string
}

func (e *exitError) Error() string { return e.Err.Error() }
func (e *exitError) Unwrap() error { return e.Err }

// usageError says that the command line is wrong, and how to find the right one.
func usageError(format string, args ...any) error {
	return &exitError{Code: exitUsage, Err: fmt.Errorf(format, args...)}
}

// execute runs one command line and gives the exit status. It is main without the process.
func execute(ctx context.Context, env *environment, args []string) int {
	err := dispatch(ctx, env, args)
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return exitDone
	}
	code, hint := explain(err)
	if text := err.Error(); text != "" {
		fmt.Fprintf(env.Stderr, "cyborg: %s\n", strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\ncyborg: "))
	}
	if hint != "" {
		fmt.Fprintf(env.Stderr, "cyborg: hint: %s\n", hint)
	}
	return code
}

func dispatch(ctx context.Context, env *environment, args []string) error {
	if len(args) == 0 {
		help(env.Stderr)
		return usageError("no command given")
	}
	name, rest := args[0], args[1:]
	switch name {
	case "help", "-h", "-help", "--help":
		if len(rest) == 0 {
			help(env.Stdout)
			return nil
		}
		name = rest[0]
		if by := taskCommand(); name == by.Name {
			return by.execute(ctx, env, []string{"-h"})
		}
		if !slices.ContainsFunc(commands(), func(c command) bool { return c.Name == name }) {
			if isTaughtHere(name) {
				return taskCommand().execute(ctx, env, []string{"-h"})
			}
			return &exitError{Code: exitUsage, Err: fmt.Errorf("help: there is no command %q", name), Hint: "cyborg help lists them"}
		}
		rest = []string{"-h"}
	case "--version", "-version":
		name = "version"
	}
	all := commands()
	at := slices.IndexFunc(all, func(c command) bool { return c.Name == name })
	if at < 0 {
		return runTask(ctx, env, name, rest)
	}
	return all[at].execute(ctx, env, rest)
}

func (c command) execute(ctx context.Context, env *environment, args []string) error {
	fs := flag.NewFlagSet(c.Name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	run := c.New(fs, env)
	words, err := c.parse(fs, args)
	if errors.Is(err, flag.ErrHelp) {
		c.help(env.Stdout, fs)
		return err
	}
	if err != nil {
		return &exitError{Code: exitUsage, Err: fmt.Errorf("%s: %w", c.Name, err), Hint: c.hint(fs, err)}
	}
	if c.Args == "" && len(words) > 0 {
		return usageError("%s: takes no arguments, got %q", c.Name, words[0])
	}
	return run(ctx, words)
}

// parse reads flags wherever they stand, as people type them, and gives the words between them. Behind "--" all are words.
func (c command) parse(fs *flag.FlagSet, args []string) (words []string, err error) {
	for {
		if err := fs.Parse(args); err != nil {
			return nil, err
		}
		rest := fs.Args()
		if n := len(args) - len(rest); len(rest) == 0 || n > 0 && args[n-1] == "--" {
			return append(words, rest...), nil
		}
		words, args = append(words, rest[0]), rest[1:]
		if c.Verbatim != nil && c.Verbatim(words) {
			return append(words, args...), nil
		}
	}
}

// hint says what to do about a flag that could not be read.
func (c command) hint(fs *flag.FlagSet, err error) string {
	hint := "see cyborg help " + c.Name
	if !strings.HasSuffix(err.Error(), ": parse error") { // package flag's words for a number, and for a time
		return hint
	}
	timed := false
	fs.VisitAll(func(f *flag.Flag) {
		if g, ok := f.Value.(flag.Getter); ok && strings.Contains(err.Error(), " for flag -"+f.Name+": ") {
			_, timed = g.Get().(time.Duration)
		}
	})
	if timed {
		return hint + "; a time has a unit: 500ms, 5s, 30m, 2h"
	}
	return hint + "; it is a number"
}

func help(w io.Writer) {
	fmt.Fprint(w, "cyborg: bots that work for GitHub repositories with no server of their own\n\nusage: cyborg COMMAND [FLAGS] [ARGS]\n\n")
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range append(commands(), taskCommand()) {
		fmt.Fprintf(table, "  %s\t%s\n", strings.TrimSpace(c.Name+" "+c.Args), c.Short)
	}
	table.Flush()
	fmt.Fprint(w, "\ncyborg help COMMAND tells more. The exit status is 0 for done, 1 when the task said no,\n2 for a wrong command line, 3 for trouble with machines or networks, 4 when a peer has the job.\n")
}

func (c command) help(w io.Writer, fs *flag.FlagSet) {
	name, any := c.Name, false
	fs.VisitAll(func(*flag.Flag) { any = true })
	if any {
		name += " [FLAGS]"
	}
	fmt.Fprintf(w, "usage: cyborg %s\n\n%s\n", strings.TrimSpace(name+" "+c.Args), c.Short)
	if c.Long != "" {
		fmt.Fprintf(w, "\n%s\n", strings.TrimSpace(c.Long))
	}
	if any {
		fmt.Fprint(w, "\nFLAGS\n")
		fs.VisitAll(func(f *flag.Flag) {
			kind, usage := flag.UnquoteUsage(f)
			fmt.Fprintf(w, "  --%s\n        %s\n", strings.TrimSpace(f.Name+" "+kind), strings.ReplaceAll(usage+defaultOf(f), "\n", "\n        "))
		})
	}
	fmt.Fprint(w, "\nEXIT STATUS\n")
	for _, e := range c.Exits {
		fmt.Fprintf(w, "  %d  %s\n", e.Code, e.When)
	}
}

// defaultOf tells what a flag is when it is not given, unless its text says so or it is nothing.
func defaultOf(f *flag.Flag) string {
	switch value := f.DefValue; {
	case strings.Contains(f.Usage, "(default"), value == "", value == "0", value == "0s", value == "false":
		return ""
	case strings.HasSuffix(value, "m0s"):
		return " (default " + strings.TrimSuffix(value, "0s") + ")"
	default:
		return " (default " + value + ")"
	}
}
