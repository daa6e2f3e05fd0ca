package checkout

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A call is one git command.
type call struct {
	args    []string
	gitDir  string    // GIT_DIR; empty for commands that make one
	tree    string    // GIT_WORK_TREE and working directory; empty for none
	env     []string  // beside the clean environment
	config  []setting // beside the common ones
	input   io.Reader
	output  io.Writer // nil keeps it in memory, see most
	secrets []string  // taken out of the error's text
	locks   []*os.File
	allow   string // transport that may be used; empty is none
}

// A setting is one entry of git's configuration. It reaches git through the
// environment, never through an argument.
type setting struct{ key, value string }

// most is what is kept of a command's output in memory.
const most = 64 << 20

// settings are in force for every command. No file can change them: those of
// the system and of the user are not read.
func settings() []setting {
	return []setting{
		{"core.hooksPath", os.DevNull},
		{"core.fsmonitor", "false"},
		{"core.askPass", ""},
		{"credential.helper", ""},
		{"advice.detachedHead", "false"},
		{"gc.auto", "0"}, // see tidy
		{"gc.autoDetach", "false"},
		{"maintenance.auto", "false"},
		{"fetch.unpackLimit", "1"}, // packs, no thousands of small files
		{"fetch.recurseSubmodules", "false"},
		{"submodule.recurse", "false"},
		{"uploadpack.allowAnySHA1InWant", "true"},
		{"http.followRedirects", "false"}, // the header with the token would follow
		{"http.lowSpeedLimit", "1000"},
		{"http.lowSpeedTime", "60"},
		{"pack.windowMemory", "256m"},
		{"pack.threads", "2"},
	}
}

// passed are the variables of the bot that git may see: how to get out, and
// whom to trust.
func passed() []string {
	return []string{
		"PATH", "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY",
		"SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "CURL_CA_BUNDLE", "TMPDIR",
	}
}

// environ is the whole environment of a command.
func (c call) environ() []string {
	env := []string{
		"HOME=/nonexistent", // no .netrc, no .gitconfig
		"LC_ALL=C",
		"GIT_CONFIG_NOSYSTEM=1",
		"GIT_CONFIG_GLOBAL=" + os.DevNull,
		"GIT_ATTR_NOSYSTEM=1",
		"GIT_TERMINAL_PROMPT=0",
		"GIT_NO_REPLACE_OBJECTS=1",
		"GIT_OPTIONAL_LOCKS=0",
		"GIT_LITERAL_PATHSPECS=1",
		"GIT_LFS_SKIP_SMUDGE=1",
		"GIT_ALLOW_PROTOCOL=" + c.allow,
	}
	for _, name := range passed() {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	if c.gitDir != "" {
		env = append(env, "GIT_DIR="+c.gitDir)
	}
	if c.tree != "" {
		env = append(env, "GIT_WORK_TREE="+c.tree)
	}
	all := append(settings(), c.config...)
	for i, s := range all {
		env = append(env, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", i, s.key), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", i, s.value))
	}
	return append(append(env, "GIT_CONFIG_COUNT="+strconv.Itoa(len(all))), c.env...)
}

// git runs a command and returns what it wrote to standard output.
func (m *Mirror) git(ctx context.Context, c call) ([]byte, error) {
	// How long git may take to remove its lock files after SIGTERM.
	const grace = 5 * time.Second
	ctx, cancel := context.WithTimeoutCause(ctx, m.o.Timeout, fmt.Errorf("no end after %v", m.o.Timeout))
	defer cancel()
	kept, stderr := &head{most: most}, &tail{most: 16 << 10}
	cmd := exec.CommandContext(ctx, m.o.Git, c.args...)
	cmd.Dir = "/"
	if c.tree != "" {
		cmd.Dir = c.tree
	}
	cmd.Env = c.environ()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.input, kept, stderr
	if c.output != nil {
		cmd.Stdout = c.output
	}
	cmd.ExtraFiles = c.locks
	cmd.SysProcAttr = attributes()
	cmd.WaitDelay = grace
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	err := runLocked(cmd)
	switch {
	case err == nil && kept.over:
		err = fmt.Errorf("more than %d bytes of output", most)
	case err == nil:
		return kept.data.Bytes(), nil
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	}
	code := -1
	if cmd.ProcessState != nil {
		code = cmd.ProcessState.ExitCode()
	}
	return kept.data.Bytes(), &gitError{
		verb: c.args[0], code: code, cut: ctx.Err() != nil, stderr: censor(stderr.String(), c.secrets), err: err,
	}
}

// runLocked runs a command from one system thread to its end: the kernel
// kills the command when the thread that started it goes, which shall mean
// that the bot was killed. What is left of the command's group goes with it.
func runLocked(cmd *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := cmd.Run()
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	return err
}

// exited reports whether err is a git command that ended with code.
func exited(err error, code int) bool {
	g, ok := errors.AsType[*gitError](err)
	return ok && g.code == code
}

// said reports whether err is a git command that wrote text to its errors.
func said(err error, text string) bool {
	g, ok := errors.AsType[*gitError](err)
	return ok && strings.Contains(g.stderr, text)
}

// head keeps the first bytes written to it.
type head struct {
	data bytes.Buffer
	most int
	over bool
}

func (h *head) Write(p []byte) (int, error) {
	n := min(len(p), h.most-h.data.Len())
	h.data.Write(p[:n])
	h.over = h.over || n < len(p)
	return len(p), nil
}

// tail keeps the last bytes written to it.
type tail struct {
	data []byte
	most int
}

func (t *tail) Write(p []byte) (int, error) {
	t.data = append(t.data, p...)
	if over := len(t.data) - t.most; over > 0 {
		t.data = append(t.data[:0], t.data[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string { return string(t.data) }
