//go:build linux

package shadow

import (
	"os"
	"strings"
	"testing"

	"github.com/cyborg-bots/cyborg/container"
)

// TestMain lets the test program be what a trial needs beside itself: the supervisor of jobs, the relay, and a bot.
func TestMain(m *testing.M) {
	if code, ok := container.Supervise(os.Args); ok {
		os.Exit(code)
	}
	if code, ok := Relay(os.Args); ok {
		os.Exit(code)
	}
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-") {
		os.Exit(smallBot(os.Args[1], os.Getenv(pretended)))
	}
	os.Exit(m.Run())
}
