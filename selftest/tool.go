package selftest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Git asks whether git is there and new enough to merge without a work tree
// (2.38).
func Git() Probe {
	return Probe{
		Name: "git", Doc: "is git there, and new enough", Needed: true,
		Hint: "install git 2.38 or newer, for example: apt-get install git",
		Check: func(ctx context.Context) (Finding, error) {
			out, err := output(ctx, "git", "version")
			if errors.Is(err, exec.ErrNotFound) {
				return Finding{Text: "there is no git on this machine"}, nil
			}
			if err != nil {
				return Finding{}, err
			}
			major, minor, ok := gitVersion(out)
			switch {
			case !ok:
				return Finding{Text: fmt.Sprintf("git answers %.80q", out)}, nil
			case major < 2 || major == 2 && minor < 38:
				return Finding{Text: fmt.Sprintf("git is too old: %d.%d", major, minor)}, nil
			}
			return Finding{OK: true, Text: strings.TrimPrefix(out, "git version ")}, nil
		},
	}
}

// gitVersion reads the first two numbers of "git version 2.39.5 (Apple Git-154)".
func gitVersion(text string) (major, minor int, ok bool) {
	rest, ok := strings.CutPrefix(text, "git version ")
	if !ok {
		return 0, 0, false
	}
	first, rest, _ := strings.Cut(rest, ".")
	second := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
	major, err1 := strconv.Atoi(first)
	minor, err2 := strconv.Atoi(second)
	return major, minor, err1 == nil && err2 == nil
}

// Place asks whether jobs can be run in a place, by running one; then the bot
// has the place's name as a capability ("host").
func Place(name string, try func(context.Context) error) Probe {
	return Probe{
		Name: name, Doc: "can jobs run in the place " + name,
		Check: func(ctx context.Context) (Finding, error) {
			if err := try(ctx); err != nil {
				return Finding{Text: err.Error()}, nil
			}
			return Finding{OK: true, Text: "a job ran to its end", Capabilities: []string{name}}, nil
		},
	}
}

// Sandbox asks whether jobs can be held back in a kind of sandbox, by running
// some; then the bot has the capability. try tells what they are held to.
func Sandbox(name, capability, hint string, patience time.Duration, try func(context.Context) (string, error)) Probe {
	return Probe{
		Name: name, Doc: "can jobs be held back by " + name, Timeout: patience, Hint: hint,
		Check: func(ctx context.Context) (Finding, error) {
			text, err := try(ctx)
			if err != nil {
				return Finding{Text: err.Error()}, nil
			}
			return Finding{OK: true, Text: text, Capabilities: []string{capability}}, nil
		},
	}
}

// output runs a command and returns what it prints, in one line. The error
// has the end of what it complained.
func output(ctx context.Context, name string, args ...string) (string, error) {
	const most = 200
	var out, complaint bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = &out, &complaint
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	if err == nil {
		return line(out.String()), nil
	}
	if ctx.Err() != nil {
		return "", fmt.Errorf("run %s: %w", name, ctx.Err())
	}
	if text := line(complaint.String()); text != "" {
		runes := []rune(text)
		return "", fmt.Errorf("run %s: %w: %s", name, err, string(runes[max(0, len(runes)-most):]))
	}
	return "", fmt.Errorf("run %s: %w", name, err)
}
