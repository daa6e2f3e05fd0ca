package main

import (
	"bufio"
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/cyborg-bots/cyborg/container"
	"github.com/cyborg-bots/cyborg/publish"
	"github.com/cyborg-bots/cyborg/tasks"
)

func resultsCommand() command {
	return command{
		Name: "results", Args: "FORMAT [FILE]", Short: "read test output as a bot does (tap, go-json), and say what failed",
		Long: `
Reads the output of a test from FILE or standard input, as a bot reads it for "results: FORMAT", and prints the failures
with their messages, the tests that were skipped, and the numbers. With --skips, a skipped test is a failure unless the
file lists it, as "NAME: reason", one a line; NAME may end in *.`,
		Exits: []exitStatus{{exitDone, "all tests passed"}, {exitNo, "a test failed, or was skipped and is not listed"},
			{exitUsage, "the command line is wrong"}},
		New: func(fs *flag.FlagSet, env *environment) func(context.Context, []string) error {
			skips := fs.String("skips", "", "fail on skipped tests that `FILE` does not list")
			return func(_ context.Context, args []string) error { return results(env, args, *skips) }
		},
	}
}

func results(env *environment, args []string, skips string) error {
	if len(args) < 1 || len(args) > 2 {
		return usageError("results: write cyborg results FORMAT [FILE]")
	}
	format := tasks.Format{Kind: tasks.FormatKind(args[0])}
	if format.Kind != tasks.TAP && format.Kind != tasks.GoJSON {
		return usageError("results: unknown format %q: tap or go-json", args[0])
	}
	input := env.Stdin
	if len(args) == 2 {
		f, err := os.Open(args[1])
		if err != nil {
			return &exitError{Code: exitUsage, Err: err}
		}
		defer f.Close()
		input = f
	}
	listed, err := readSkips(skips)
	if err != nil {
		return &exitError{Code: exitUsage, Err: err}
	}
	parser := tasks.NewResults(format)
	if _, err := io.Copy(parser, input); err != nil {
		return infra(fmt.Errorf("read test output: %w", err))
	}
	if err := parser.Close(); err != nil {
		return infra(err)
	}
	return judge(env, parser.Report(), listed)
}

// judge prints a report for people and turns it into an exit status.
func judge(env *environment, report publish.Report, listed []string) error {
	counts := report.Counts()
	for _, t := range report.Failures() {
		fmt.Fprintf(env.Stdout, "not ok: %s\n%s\n", t.Name, strings.TrimRight("    "+strings.ReplaceAll(t.Message, "\n", "\n    "), " \n"))
	}
	unlisted := 0
	for _, t := range report.Tests {
		if t.Status != publish.Skipped {
			continue
		}
		known := slices.ContainsFunc(listed, func(pattern string) bool {
			prefix, open := strings.CutSuffix(pattern, "*")
			return t.Name == pattern || open && strings.HasPrefix(t.Name, prefix)
		})
		if known {
			fmt.Fprintf(env.Stdout, "skipped: %s\n", t.Name)
			continue
		}
		unlisted++
		fmt.Fprintf(env.Stdout, "skipped, and not listed: %s: %s\n", t.Name, t.Message)
	}
	slowest := slices.SortedFunc(slices.Values(report.Tests), func(a, b publish.Test) int { return cmp.Compare(b.Duration, a.Duration) })
	for _, t := range slowest[:min(5, len(slowest))] {
		if t.Duration < time.Second {
			break
		}
		fmt.Fprintf(env.Stdout, "slow: %s took %s\n", t.Name, t.Duration)
	}
	verdict := tasks.Judge(report, container.Result{}, 0)
	fmt.Fprintf(env.Stdout, "%s\n%d passed, %d failed, %d skipped\n", verdict.Description, counts.Passed, counts.Failed, counts.Skipped)
	if unlisted > 0 || verdict.Status() != "success" {
		return &exitError{Code: exitNo, Err: fmt.Errorf("results: %d failed, %d skipped without a listed reason", counts.Failed, unlisted)}
	}
	return nil
}

// readSkips reads which tests may be skipped. A line without a reason is refused: the reason is the point.
func readSkips(file string) ([]string, error) {
	if file == "" {
		return nil, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read skips: %w", err)
	}
	defer f.Close()
	var list []string
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		name, reason, ok := strings.Cut(text, ": ")
		if !ok || strings.TrimSpace(reason) == "" {
			return nil, fmt.Errorf("read skips: %s:%d: write NAME: reason", file, n)
		}
		list = append(list, name)
	}
	return list, lines.Err()
}
