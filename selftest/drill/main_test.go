//go:build drill && vm

package drill

import (
	"os"
	"testing"

	"github.com/cyborg-bots/cyborg/vmimage/machine/machinetest"
)

func TestMain(m *testing.M) { os.Exit(machinetest.Main(m)) }
