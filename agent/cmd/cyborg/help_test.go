package main

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// typed runs one command line as main does.
func typed(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	env := &environment{Getenv: func(string) string { return "" }, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs}
	code = execute(t.Context(), env, args)
	return code, out.String(), errs.String()
}

// TestHelp holds every row of the table to what the overview promises: help says how a command is written, what each
// flag is, and which exit statuses it has.
func TestHelp(t *testing.T) {
	_, overview, _ := typed(t, "help")
	for _, c := range append(commands(), taskCommand()) {
		t.Run(c.Name, func(t *testing.T) {
			code, text, errs := typed(t, "help", c.Name)
			if code != exitDone || errs != "" {
				t.Errorf("exit status %d: %s", code, errs)
			}
			if _, same, _ := typed(t, strings.ToLower(c.Name), "--help"); same != text {
				t.Errorf("cyborg %s --help prints something else than cyborg help %[1]s", c.Name)
			}
			if !strings.Contains(overview, "  "+strings.TrimSpace(c.Name+" "+c.Args)) || !strings.Contains(overview, c.Short) {
				t.Error("the overview does not have it")
			}
			if first, _ := utf8.DecodeRuneInString(c.Short); c.Short == "" || unicode.IsUpper(first) || strings.HasSuffix(c.Short, ".") {
				t.Errorf("its short text is no phrase: %q", c.Short)
			}
			for line := range strings.Lines(text) {
				if n := utf8.RuneCountInString(line); n > 125 {
					t.Errorf("a line has %d characters: %s", n, line)
				}
			}
			checkExits(t, c, text)
		})
	}
}

// checkExits looks for each exit status, in order, once, and with words.
func checkExits(t *testing.T, c command, help string) {
	t.Helper()
	_, list, ok := strings.Cut(help, "\nEXIT STATUS\n")
	if !ok || len(c.Exits) == 0 {
		t.Fatal("help does not end with the exit statuses")
	}
	var want strings.Builder
	for _, e := range c.Exits {
		fmt.Fprintf(&want, "  %d  %s\n", e.Code, e.When)
		if e.When == "" || e.Code < exitDone || e.Code > exitOccupied {
			t.Errorf("exit status %d: %q", e.Code, e.When)
		}
	}
	if list != want.String() {
		t.Errorf("help lists\n%s, not\n%s", list, want.String())
	}
	if !slices.IsSortedFunc(c.Exits, func(a, b exitStatus) int { return cmp.Compare(a.Code, b.Code) }) {
		t.Error("the exit statuses are not in order")
	}
	for _, code := range []int{exitDone, exitUsage} {
		if !slices.ContainsFunc(c.Exits, func(e exitStatus) bool { return e.Code == code }) {
			t.Errorf("no word about exit status %d, which every command has", code)
		}
	}
}
