//go:build vm

package place_test

import (
	"os"
	"testing"

	"github.com/cyborg-bots/cyborg/vmimage/machine/machinetest"
)

func TestMain(m *testing.M) { os.Exit(machinetest.Main(m)) }
