package containertest

import (
	"context"
	"os"
	"testing"

	"github.com/cyborg-bots/cyborg/container"
	"github.com/cyborg-bots/cyborg/container/gate"
)

func TestMain(m *testing.M) { os.Exit(Main(context.Background(), m, append(places(), engines()...))) }

// places are the runners that are tested wherever the tests run.
func places() []Place {
	return []Place{
		{Name: "host", New: func(dir string) container.Runner {
			return container.NewHost(container.HostOptions{Dir: dir, Path: "/usr/local/bin:/usr/bin:/bin"})
		}},
		{Name: "bubblewrap", Sandbox: true,
			New: func(dir string) container.Runner { return container.NewBubble(container.BubbleOptions{Dir: dir}) },
			Online: func(dir string, o gate.Options) container.Runner {
				return container.NewBubble(container.BubbleOptions{Dir: dir, Gate: o})
			}},
	}
}

func TestPlaces(t *testing.T) {
	for _, p := range places() {
		t.Run(p.Name, func(t *testing.T) { Run(t, p) })
	}
}
