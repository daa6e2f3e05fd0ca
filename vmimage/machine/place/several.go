package place

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/cyborg-bots/cyborg/container"
	"github.com/cyborg-bots/cyborg/vmimage/machine"
)

// MachinesVariable names the machines beside a job's own, in the order of its header, with blanks between.
const MachinesVariable = "CYBORG_MACHINES"

// lookTime is how long a machine beside a job may take to give a sign of life when the job has ended.
const lookTime = time.Minute

// address is that of a machine in its job's network, the job's own being the first. All jobs have the same ones: no
// network leads to another.
func address(i int) string { return fmt.Sprintf("10.111.112.%d", i+1) }

// consoleOf is the file that keeps the console of a machine.
func consoleOf(name string) string {
	if name == container.OwnMachine {
		return ConsoleFile
	}
	return "console-" + name + ".txt"
}

// A group is the machines of one job, its own first, and their network.
type group struct {
	out     io.Writer
	network *machine.Network
	nodes   []machine.Node // whose machine is nil until it is up
	lines   []func() error // of each: ends its way to the world
	told    []sync.Once    // of each: that it has died is said
}

// several does a job in a machine that has others beside it. All are up and see each other before the command starts, and
// all are taken away when it ends, however that is.
func (p *Place) several(ctx context.Context, s container.Spec, own machine.Image) (container.Result, error) {
	images := []machine.Image{own}
	var names []string
	for _, m := range s.Machines {
		image, err := p.o.Find(ctx, m.Image)
		if unknown, ok := errors.AsType[*UnknownImageError](err); ok {
			return container.Result{Code: 127, Refused: unknown.Error()}, nil
		}
		if err != nil {
			return container.Result{}, err
		}
		images, names = append(images, image), append(names, m.Name)
	}
	s.Output = &together{w: s.Output}
	s.Env = append([]string{MachinesVariable + "=" + strings.Join(names, " ")}, s.Env...)
	share := p.ShareOf(s.Limits)
	give, err := p.o.Budget.Take(ctx, share.Times(len(images))) // at once: two jobs that hold half each would wait for ever
	if err != nil {
		return container.Result{}, fmt.Errorf("start %d machines: %w", len(images), err)
	}
	defer give()
	g := &group{out: s.Output, lines: make([]func() error, len(images)), told: make([]sync.Once, len(images))}
	for i, name := range append([]string{container.OwnMachine}, names...) {
		g.nodes = append(g.nodes, machine.Node{Name: name, Address: address(i)})
	}
	var result container.Result
	err = p.bringUp(ctx, g, s, images, share)
	if err == nil {
		result, err = p.among(ctx, g, s)
	}
	return result, errors.Join(err, g.end(s))
}

// together passes on what several write at the same time, one after the other.
type together struct {
	mu sync.Mutex
	w  io.Writer
}

// Write implements io.Writer.
func (t *together) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.w.Write(p)
}

// bringUp starts the machines, as many at a time as there are processors, and puts them into their network. The first that
// does not come up ends that.
func (p *Place) bringUp(ctx context.Context, g *group, s container.Spec, images []machine.Image, share Share) (err error) {
	begin := time.Now()
	life := lifeOf(s.Timeout)
	if life > 0 {
		life += time.Duration(len(images)) * max(p.o.Boot, machine.DefaultBoot)
	}
	if g.network, err = p.o.Pool.Network(life); err != nil {
		return err
	}
	starting, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	free := make(chan struct{}, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for i := range images {
		wg.Go(func() {
			select {
			case free <- struct{}{}:
			case <-starting.Done():
				return
			}
			defer func() { <-free }()
			m, disconnect, err := p.start(starting, s, machine.Spec{
				Image: images[i], CPUs: share.CPUs, Memory: share.Memory, Disk: s.Limits.Disk, Private: g.network.Switch, Boot: p.o.Boot, Life: life,
			})
			if err != nil {
				fail(fmt.Errorf("machine %s: %w", g.nodes[i].Name, err)) // the first counts
				return
			}
			g.nodes[i].Machine, g.lines[i] = m, disconnect
		})
	}
	wg.Wait()
	if starting.Err() != nil {
		return context.Cause(starting)
	}
	if err := machine.Join(ctx, g.nodes); err != nil {
		return err
	}
	fmt.Fprintf(g.out, "cyborg: %d machines with %d MB each came up in %.1f s:", len(images), share.Memory>>20, time.Since(begin).Seconds())
	for i, n := range g.nodes {
		fmt.Fprintf(g.out, " %s (%s, %s)", n.Name, images[i].Name, n.Address)
	}
	fmt.Fprintln(g.out)
	return nil
}

// among does the job while it watches the machines beside it: that one dies may be what the job is about, and is said; our
// own trouble with one ends the job.
func (p *Place) among(ctx context.Context, g *group, s container.Spec) (container.Result, error) {
	watching, stop := context.WithCancel(ctx)
	defer stop()
	doing, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var wg sync.WaitGroup
	for i := range g.nodes[1:] {
		wg.Go(func() {
			if err := g.tell(1+i, g.nodes[1+i].Machine.Died(watching)); err != nil {
				fail(err)
			}
		})
	}
	result, err := p.inside(doing, g.nodes[0].Machine, s)
	if err == nil {
		err = g.look(ctx)
	}
	stop()
	wg.Wait()
	return result, err
}

// tell says once that a machine beside the job has died. It gives back what is our own trouble.
func (g *group) tell(i int, err error) error {
	crash, ok := errors.AsType[*machine.CrashError](err)
	if ok {
		name := g.nodes[i].Name
		g.told[i].Do(func() {
			fmt.Fprintf(g.out, "cyborg: the machine %s has died: %s; what was on its console is in %s\n", name, crash.Cause, consoleOf(name))
		})
		return nil
	}
	return err
}

// look asks all machines beside the job for a sign of life, so that one which died at the very end is named, too. One that
// takes its time is left alone.
func (g *group) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	answers := make(chan error, len(g.nodes))
	for i := range g.nodes[1:] {
		go func() {
			_, err := g.nodes[1+i].Machine.Run(ctx, machine.Cmd{Argv: []string{"true"}})
			if errors.Is(err, context.DeadlineExceeded) {
				err = nil
			}
			answers <- g.tell(1+i, err)
		}()
	}
	var errs []error
	for range g.nodes[1:] {
		errs = append(errs, <-answers)
	}
	return errors.Join(errs...)
}

// end takes all machines away, and their network, and keeps what they had on their consoles.
func (g *group) end(s container.Spec) error {
	ended := make(chan error, len(g.nodes))
	n := 0
	for i, node := range g.nodes {
		if node.Machine != nil {
			n++
			go func() { ended <- errors.Join(node.Machine.Close(), g.lines[i]()) }()
		}
	}
	var errs []error
	for range n {
		errs = append(errs, <-ended)
	}
	if g.network != nil {
		errs = append(errs, g.network.Close())
	}
	for _, node := range g.nodes {
		if node.Machine != nil && len(s.Writable) > 0 {
			errs = append(errs, keepConsole(s.Writable[0], consoleOf(node.Name), node.Machine.Console()))
		}
	}
	return errors.Join(errs...)
}
