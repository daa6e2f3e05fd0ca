package build_test

import (
	"os"
	"testing"

	"github.com/cyborg-bots/cyborg/container"
)

// TestMain lets the test program be the supervisor of what it runs.
func TestMain(m *testing.M) {
	if code, ok := container.Supervise(os.Args); ok {
		os.Exit(code)
	}
	os.Exit(m.Run())
}
