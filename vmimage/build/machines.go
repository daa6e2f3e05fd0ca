package build

import (
	"bytes"
	"context"
	"errors"
	"io"
	"time"

	"github.com/cyborg-bots/cyborg/vmimage/machine"
)

// Machines starts guests from a pool of machines, each with so much memory and so long to come up; 0 is the pool's own.
func Machines(pool *machine.Pool, memory int64, boot time.Duration) Starter {
	return func(ctx context.Context, name, disk string, open bool, console io.Writer) (Guest, error) {
		m, err := pool.Start(ctx, machine.Spec{
			Image: machine.Image{Name: name, Disk: disk}, Memory: memory, Boot: boot, Open: open, Console: console, Cold: true,
		})
		if bad, ok := errors.AsType[*machine.BootError](err); ok {
			return nil, &FailedError{"boot", bad}
		}
		if err != nil {
			return nil, err
		}
		return guest{m}, nil
	}
}

// guest is a machine as a build sees it.
type guest struct{ *machine.Machine }

var _ Guest = guest{}

// start is how a script of any kind is run that comes through standard input.
const start = `umask 077 && cat >/root/.cyborg-script && chmod 700 /root/.cyborg-script && cd / &&
{ /root/.cyborg-script </dev/null; code=$?; rm -f /root/.cyborg-script; exit $code; }`

// Run implements Guest.
func (g guest) Run(ctx context.Context, script []byte, env []string, output io.Writer) (int, error) {
	exit, err := g.Machine.Run(ctx, machine.Cmd{Argv: []string{"sh", "-c", start}, Env: env, Stdin: bytes.NewReader(script), Output: output})
	return exit.Code, err
}
