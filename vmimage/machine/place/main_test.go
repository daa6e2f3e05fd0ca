//go:build vm

package place_test

import (
	"context"
	"os"
	"testing"

	"github.com/cyborg-bots/cyborg/vmimage/machine/machinetest"
)

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		os.Exit(child())
	}
	os.Exit(machinetest.Main(m))
}

// contextOf is the child's, which is a main.
func contextOf() context.Context { return context.Background() }
