package containertest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/cyborg-bots/cyborg/container"
)

// The environment of the tests: a secret that no job may see, and what a process is that is to be a bot.
const (
	sentinelVariable = "CONTAINERTEST_TOKEN"
	sentinel         = "SENTINEL-of-the-bot"
	botVariable      = "CONTAINERTEST_BOT"
)

// Main is for TestMain: it makes of this process what the suite needs beside itself, runs the tests otherwise, and
// returns the exit status.
func Main(ctx context.Context, m *testing.M, places []Place) int {
	if code, ok := container.Supervise(os.Args); ok {
		return code
	}
	if name := os.Getenv(botVariable); name != "" {
		return botMain(ctx, name, places)
	}
	if err := os.Setenv(sentinelVariable, sentinel); err != nil {
		return 2
	}
	// The environment that other processes see of this one is that of its start.
	if self, err := os.ReadFile("/proc/self/environ"); err == nil && !bytes.Contains(self, []byte(sentinel)) {
		return again(ctx)
	}
	return m.Run()
}

// again starts this program once more, with the sentinel in its environment.
func again(ctx context.Context) int {
	cmd := exec.CommandContext(ctx, "/proc/self/exe", os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		if cmd.ProcessState == nil {
			fmt.Fprintln(os.Stderr, err)
		}
		return 1
	}
	return 0
}

// botMain is a bot with one job.
func botMain(ctx context.Context, name string, places []Place) int {
	for _, p := range places {
		if p.Name != name {
			continue
		}
		root := os.Getenv(botVariable + "_ROOT")
		dir := filepath.Join(root, "orphan")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		result, err := p.New(filepath.Join(root, "scratch")).Run(ctx, container.Spec{
			Name: "orphan", Argv: []string{"/bin/sh", "-c", os.Getenv(botVariable + "_SCRIPT")}, Dir: dir, Output: os.Stdout,
			Image: p.Image, Network: []string{container.NoNetwork}, Limits: limits(), Timeout: patience,
		})
		fmt.Fprintln(os.Stderr, result, err)
		return 0
	}
	return 2
}

// A bot is a process with one job.
type bot struct{ cmd *exec.Cmd }

// startBot starts a bot and waits until its job says "up".
func startBot(t *testing.T, p Place, root, script string) *bot {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe")
	cmd.Env = append(os.Environ(), botVariable+"="+p.Name, botVariable+"_ROOT="+root, botVariable+"_SCRIPT="+script)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	b := &bot{cmd}
	t.Cleanup(func() { b.kill(t) })
	for lines := bufio.NewScanner(out); ; {
		if !lines.Scan() {
			t.Fatal("the bot's job did not begin")
		}
		if lines.Text() == "up" {
			return b
		}
	}
}

// kill ends the bot without a chance to clean up.
func (b *bot) kill(t *testing.T) {
	t.Helper()
	if b.cmd.ProcessState != nil {
		return
	}
	_ = b.cmd.Process.Kill()
	_ = b.cmd.Wait() // killed: an error
}

// unique is a word that nothing else on the machine has.
func unique(word string) string { return word + "-" + strings.ToLower(rand.Text()[:12]) }

// Using lists the processes of the machine that have a word in their command line.
func Using(word string) []string {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return []string{err.Error()}
	}
	var found []string
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		line, err := os.ReadFile("/proc/" + e.Name() + "/cmdline")
		if err == nil && bytes.Contains(line, []byte(word)) {
			found = append(found, fmt.Sprintf("%d %q", pid, line))
		}
	}
	return found
}
