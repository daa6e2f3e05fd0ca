//go:build engines

package containertest

import (
	"os"
	"strings"
	"testing"

	"github.com/cyborg-bots/cyborg/container"
	"github.com/cyborg-bots/cyborg/container/gate"
)

// engines are the places that want a daemon, or a machine that is not everywhere: those that CYBORG_ENGINES names, see make
// sandboxes.
func engines() []Place {
	var list []Place
	for _, program := range strings.Fields(os.Getenv("CYBORG_ENGINES")) {
		list = append(list, Place{
			Name: program, Sandbox: true, Image: Image,
			New: func(dir string) container.Runner {
				return container.NewEngine(container.EngineOptions{Program: program, Dir: dir})
			},
			Online: func(dir string, o gate.Options) container.Runner {
				return container.NewEngine(container.EngineOptions{Program: program, Dir: dir, Gate: o})
			},
		})
	}
	return list
}

func TestEngines(t *testing.T) {
	image := MakeImage(t)
	list := engines()
	if len(list) == 0 {
		t.Fatal("CYBORG_ENGINES names none: use the Makefile's targets")
	}
	for _, p := range list {
		t.Run(p.Name, func(t *testing.T) {
			Import(t, p.Name, image)
			holds, err := p.New(t.TempDir()).(container.Sandbox).Try(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%v", holds)
			t.Run("promises", func(t *testing.T) { Run(t, p) })
			t.Run("escape", func(t *testing.T) { Escape(t, p) })
		})
	}
}
