package fakehub

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// gitCommand runs the git program with argument vectors in a clean
// environment: nothing of the user's or the system's configuration reaches
// it, so the emulator behaves alike on every machine.
type gitCommand struct {
	path string   // the executable
	env  []string // the whole environment of every child
}

// A gitCall is one run of git.
type gitCall struct {
	Dir  string    // the bare repository, given to git as --git-dir; empty for none
	Args []string  // without "git"
	Env  []string  // added to the clean environment
	In   io.Reader // standard input; nil for none
}

// A gitError is a run of git that did not exit with 0.
type gitError struct {
	Args   []string
	Code   int // exit status; -1 when it did not exit by itself
	Stderr string
	Err    error
}

// Error implements [error]: what git said, else how it ended.
func (e *gitError) Error() string {
	text := strings.TrimSpace(e.Stderr)
	if text == "" {
		text = e.Err.Error()
	}
	return fmt.Sprintf("run git %s: %s", strings.Join(e.Args, " "), text)
}

// Unwrap gives how git ended.
func (e *gitError) Unwrap() error { return e.Err }

// gitOutputLimit is the most that one run may print. It protects the memory
// of the emulator from a diff of a huge push; 256 MiB is far above any answer
// that GitHub would give.
const gitOutputLimit = 256 << 20

// findGit looks for the git program and refuses one that is too old for
// `merge-tree --write-tree` (git 2.38).
func findGit(ctx context.Context) (gitCommand, error) {
	path, err := exec.LookPath("git")
	if err != nil {
		return gitCommand{}, fmt.Errorf("find git: %w (install git 2.38 or newer)", err)
	}
	g := gitCommand{path: path, env: cleanGitEnv(os.Getenv("PATH"))}
	out, err := g.output(ctx, gitCall{Args: []string{"version"}})
	if err != nil {
		return gitCommand{}, err
	}
	var major, minor int
	if _, err := fmt.Sscanf(string(out), "git version %d.%d", &major, &minor); err != nil {
		return gitCommand{}, fmt.Errorf("read version of git from %q: %w", out, err)
	}
	if major < 2 || major == 2 && minor < 38 {
		return gitCommand{}, fmt.Errorf("use git %d.%d: git 2.38 or newer is needed", major, minor)
	}
	return g, nil
}

// cleanGitEnv is the environment of every git child. safe.directory is set
// since the folder of the emulator may belong to another user (a container
// volume) and git would then refuse to serve it.
func cleanGitEnv(path string) []string {
	return []string{
		"PATH=" + path,
		"HOME=" + os.DevNull,
		"LC_ALL=C",
		"TZ=UTC",
		"GIT_CONFIG_NOSYSTEM=1",
		"GIT_CONFIG_GLOBAL=" + os.DevNull,
		"GIT_ATTR_NOSYSTEM=1",
		"GIT_TERMINAL_PROMPT=0",
		"GIT_OPTIONAL_LOCKS=0",
		"GIT_CONFIG_COUNT=1",
		"GIT_CONFIG_KEY_0=safe.directory",
		"GIT_CONFIG_VALUE_0=*",
	}
}

// command prepares a child in a process group of its own, so that its
// helpers (index-pack, pack-objects) end with it when ctx ends.
func (g gitCommand) command(ctx context.Context, c gitCall) *exec.Cmd {
	var args []string
	if c.Dir != "" {
		args = append(args, "--git-dir="+c.Dir)
	}
	cmd := exec.CommandContext(ctx, g.path, append(args, c.Args...)...)
	cmd.Env = append(append([]string(nil), g.env...), c.Env...)
	cmd.Dir = c.Dir
	cmd.Stdin = c.In
	ownGroup(cmd)
	return cmd
}

// ownGroup lets a cancelled command take its whole process group along.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
}

// output runs git and returns what it printed; *gitError when it failed.
func (g gitCommand) output(ctx context.Context, c gitCall) ([]byte, error) {
	var out, diag limitedBuffer
	out.limit, diag.limit = gitOutputLimit, 64<<10
	cmd := g.command(ctx, c)
	cmd.Stdout, cmd.Stderr = &out, &diag
	err := cmd.Run()
	if ctx.Err() != nil {
		return nil, fmt.Errorf("run git %s: %w", strings.Join(c.Args, " "), context.Cause(ctx))
	}
	if err != nil {
		code := -1
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			code = exit.ExitCode()
		}
		return out.buf.Bytes(), &gitError{Args: c.Args, Code: code, Stderr: diag.buf.String(), Err: err}
	}
	if out.dropped {
		return nil, fmt.Errorf("run git %s: more than %d bytes of output", strings.Join(c.Args, " "), gitOutputLimit)
	}
	return out.buf.Bytes(), nil
}

// line runs git and returns its output without the final newline.
func (g gitCommand) line(ctx context.Context, dir string, args ...string) (string, error) {
	out, err := g.output(ctx, gitCall{Dir: dir, Args: args})
	return strings.TrimSuffix(string(out), "\n"), err
}

// gitExit returns the exit status of a failed run of git, and 0 for any other error.
func gitExit(err error) int {
	if e, ok := errors.AsType[*gitError](err); ok {
		return e.Code
	}
	return 0
}

// A limitedBuffer keeps the first limit bytes and swallows the rest.
type limitedBuffer struct {
	buf     bytes.Buffer
	limit   int
	dropped bool
}

// Write implements [io.Writer]; it never fails, so that no child blocks on it.
func (b *limitedBuffer) Write(p []byte) (int, error) {
	room := b.limit - b.buf.Len()
	if len(p) > room {
		b.dropped = true
		b.buf.Write(p[:max(room, 0)])
		return len(p), nil
	}
	return b.buf.Write(p)
}
