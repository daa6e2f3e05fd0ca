package world

import (
	"os"
	"testing"

	"github.com/cyborg-bots/cyborg/container"
)

func TestMain(m *testing.M) {
	if code, ok := container.Supervise(os.Args); ok {
		os.Exit(code)
	}
	os.Exit(m.Run())
}
