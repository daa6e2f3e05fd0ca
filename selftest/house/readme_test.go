package house

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestREADME types what the README shows and compares what is printed. "…" in the README stands for anything: in a line
// for any characters, alone on a line for any lines.
func TestREADME(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	task := block(t, string(text), "sh", "#!/bin/sh\n")
	dir := t.TempDir()
	bin := filepath.Join(dir, "cyborg")
	run(t, root, "go", "build", "-o", bin, "./agent/cmd/cyborg")
	if err := os.Mkdir(filepath.Join(dir, "bots"), 0o755); err != nil {
		t.Fatal(err)
	}
	// The tasks as shown are well; with the slip that the transcript tells of, the first is not.
	file := filepath.Join(dir, "bots", "verify")
	tasks := blocks(string(text), "sh")
	tasks = slices.DeleteFunc(tasks, func(b string) bool { return !strings.HasPrefix(b, "#!/bin/sh\n") })
	if len(tasks) < 2 {
		t.Errorf("found only %d tasks in the README", len(tasks))
	}
	for _, shown := range tasks {
		write(t, file, shown)
		if out := run(t, dir, bin, "tasks", "check", "bots/verify"); !regexp.MustCompile(`(?m)^bots/verify: well: verify`).MatchString(out) {
			t.Errorf("a task of the README is not well: %s", out)
		}
	}
	write(t, file, strings.Replace(task, "timeout:", "timout:", 1))

	transcripts := 0
	for _, transcript := range blocks(string(text), "console") {
		command, want, _ := strings.Cut(strings.TrimPrefix(transcript, "$ "), "\n")
		words := strings.Fields(command)
		switch {
		case command == "make demo":
			words = []string{bin, "demo"}
		case words[0] == "cyborg":
			words[0] = bin
		default:
			t.Errorf("the README's %q is run by no test", command)
			continue
		}
		transcripts++
		if got := run(t, dir, words...); !pattern(want).MatchString(got) {
			t.Errorf("%s prints\n%s\nand the README says\n%s", command, got, want)
		}
	}
	if transcripts < 2 {
		t.Errorf("found only %d transcripts in the README", transcripts)
	}
}

// TestREADMENamesDependencies: each direct dependency earns its line.
func TestREADMENamesDependencies(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^\t(\S+) v\S+$`).FindAllStringSubmatch(string(mod), -1) {
		name := regexp.MustCompile(`/v\d+$`).ReplaceAllString(strings.TrimPrefix(m[1], "github.com/"), "")
		if !strings.Contains(string(text), name) {
			t.Errorf("go.mod requires %s, and the README does not say what it saves", m[1])
		}
	}
}

// blocks lists the fenced blocks of a kind.
func blocks(text, kind string) []string {
	var list []string
	for _, m := range regexp.MustCompile("(?s)```"+kind+"\n(.*?)```").FindAllStringSubmatch(text, -1) {
		list = append(list, m[1])
	}
	return list
}

// block is the one block of a kind that begins so.
func block(t *testing.T, text, kind, start string) string {
	t.Helper()
	for _, b := range blocks(text, kind) {
		if strings.HasPrefix(b, start) {
			return b
		}
	}
	t.Fatalf("the README has no block of %s that begins with %q", kind, start)
	return ""
}

// pattern is what the README shows, as a regular expression.
func pattern(want string) *regexp.Regexp {
	var b strings.Builder
	b.WriteString(`(?s)^`)
	for line := range strings.Lines(want) {
		line = strings.TrimRight(line, "\n")
		if line == "…" {
			b.WriteString(`(?:[^\n]*\n)*?`)
			continue
		}
		if text := strings.TrimLeft(line, " "); text != line { // a column of times is as wide as the slowest machine makes it
			b.WriteString(` *`)
			line = text
		}
		b.WriteString(strings.ReplaceAll(regexp.QuoteMeta(line), "…", `[^\n]*`) + `\n`)
	}
	b.WriteString(`$`)
	return regexp.MustCompile(b.String())
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

// run gives what a command prints, whatever its exit status.
func run(t *testing.T, dir string, words ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out)
}
