// The cyborg command: a bot that works for GitHub repositories with no server of its own, and everything that people
// do beside it.
//
// This package is the only place that wires real things together: it reads flags and the environment, builds the
// clients, and maps errors to words and exit statuses, once, in main. Each command is a file of its own with a row in
// the table of commands.go; its function takes a context, the environment and its arguments, so that a test can call it
// and testdata/script/*.txtar type it as a person would.
//
// Rules of what is printed: results go to standard output, everything else to standard error with the prefix
// "cyborg:"; sentences begin in lower case and end without a full stop; a line that begins "cyborg: hint:" says what to
// do. Nothing asks questions.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/cyborg-bots/cyborg/container"
	"github.com/cyborg-bots/cyborg/selftest/shadow"
)

// version is set by the Makefile; a build without it says which revision it was made from.
var version = ""

func main() {
	if code, ok := container.Supervise(os.Args); ok { // this process watches over one job
		os.Exit(code)
	}
	if code, ok := shadow.Relay(os.Args); ok { // it carries what a candidate asks of GitHub
		os.Exit(code)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	env := &environment{
		Getenv: os.Getenv,
		Stdin:  os.Stdin,
		Stdout: os.Stdout,
		Stderr: os.Stderr,
		Kill:   secondSignal(ctx, stop),
	}
	os.Exit(execute(ctx, env, os.Args[1:]))
}

// secondSignal gives a channel that is closed by the signal after the one that ended ctx: the first asks politely, the
// second means it. The program is still there to clean up after the second; a third one kills it as any program.
func secondSignal(ctx context.Context, stop func()) <-chan struct{} {
	kill := make(chan struct{})
	go func() {
		<-ctx.Done()
		again := make(chan os.Signal, 1)
		signal.Notify(again, os.Interrupt, syscall.SIGTERM)
		stop()
		<-again
		signal.Stop(again)
		close(kill)
	}()
	return kill
}

// buildVersion is the version that every status, page and request names.
func buildVersion() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return s.Value[:12]
		}
	}
	return "devel"
}
