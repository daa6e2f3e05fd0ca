package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"log/slog"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cyborg-bots/cyborg/container"
	"github.com/cyborg-bots/cyborg/selftest"
	"github.com/cyborg-bots/cyborg/tasks"
)

// sandboxFlags say in which sandboxes jobs may run.
type sandboxFlags struct {
	kinds  string
	budget string
}

func (s *sandboxFlags) register(fs *flag.FlagSet) {
	fs.StringVar(&s.kinds, "sandbox", "", "run jobs in sandboxes of these `KINDS`, with commas between: bubblewrap, podman, docker; or auto, what works here;\n"+
		"or none: jobs that do not ask for more run with all that this user may do (default $CYBORG_SANDBOX, or auto)")
	fs.StringVar(&s.budget, "container-images", imageBudget, "keep at most `SIZE` of container images that were pulled for jobs")
}

// imageBudget is how much disk container images may use that were pulled for jobs.
const imageBudget = "20G"

// Kinds of sandboxes, in the order in which they are tried.
const (
	bubblewrapKind = "bubblewrap"
	podmanKind     = "podman"
	dockerKind     = "docker"
	anyKind        = "auto"
	noKind         = "none"
)

// wanted are the kinds that a person asked for; named tells whether they were named one by one.
func (f *runFlags) wanted() (kinds []string, named bool, err error) {
	text := f.sandbox.kinds
	if text == "" {
		text = f.env.Getenv("CYBORG_SANDBOX")
	}
	all := []string{bubblewrapKind, podmanKind, dockerKind}
	switch text {
	case "", anyKind:
		return all, false, nil
	case noKind:
		return nil, true, nil
	}
	for kind := range strings.SplitSeq(text, ",") {
		if kind = strings.TrimSpace(kind); !slices.Contains(all, kind) {
			return nil, false, usageError("read --sandbox: unknown kind %q; known are %s, %s, %s", kind, strings.Join(all, ", "), anyKind, noKind)
		}
		kinds = append(kinds, kind)
	}
	return kinds, true, nil
}

// The sandboxes of a bot. Which of them work is found out by their probes.
type sandboxes struct {
	bubble *container.Bubble
	engine []*container.Engine // in the order in which they are preferred
	kinds  []string            // of engine
	good   []bool              // of engine: its probe said yes
	plain  bool                // bubble's probe said yes
	named  bool
}

// sandboxesOf prepares the sandboxes. Nothing is started.
func (f *runFlags) sandboxesOf(state string, log *slog.Logger) (*sandboxes, error) {
	kinds, named, err := f.wanted()
	if err != nil {
		return nil, err
	}
	budget, err := tasks.ParseSize(cmp.Or(f.sandbox.budget, imageBudget))
	if err != nil {
		return nil, usageError("read --container-images: %v", err)
	}
	s := &sandboxes{named: named}
	dir := filepath.Join(state, jobsDir)
	for _, kind := range kinds {
		if kind == bubblewrapKind {
			s.bubble = container.NewBubble(container.BubbleOptions{Dir: dir, Log: log})
			continue
		}
		s.engine = append(s.engine, container.NewEngine(container.EngineOptions{Program: kind, Dir: dir, Budget: budget, Log: log}))
		s.kinds, s.good = append(s.kinds, kind), append(s.good, false)
	}
	return s, nil
}

// probes are the questions which of them work. Those that nobody asked for and that are not installed are left out.
func (s *sandboxes) probes() []selftest.Probe {
	const patience = time.Minute // an engine may have to start a container, on a machine that does much else
	here := func(program string) bool {
		_, err := exec.LookPath(program)
		return err == nil || s.named
	}
	var list []selftest.Probe
	if s.bubble != nil && (here("bwrap") || len(s.engine) > 0) {
		list = append(list, selftest.Sandbox("sandbox", "sandbox", "install bubblewrap, for example: apt-get install bubblewrap; in a container it needs rights that jobs should not have: "+
			"then use a vm", patience, func(ctx context.Context) (string, error) {
			holds, err := s.bubble.Try(ctx)
			s.plain = err == nil
			if errors.Is(err, exec.ErrNotFound) {
				err = errors.New("there is no bubblewrap on this machine")
			}
			return holds.String(), err
		}))
	}
	for i, e := range s.engine {
		if !here(s.kinds[i]) {
			continue
		}
		list = append(list, selftest.Sandbox(s.kinds[i], string(tasks.InContainer), "see that "+s.kinds[i]+" works for this user: "+s.kinds[i]+" info", patience,
			func(ctx context.Context) (string, error) {
				holds, err := e.Try(ctx)
				s.good[i] = err == nil
				return holds.String(), err
			}))
	}
	return list
}

// runner is where jobs run that go into a container, nil if there is nothing, or nobody has looked.
func (s *sandboxes) runner() container.Runner {
	if s == nil {
		return nil
	}
	var c container.Choice
	if s.plain {
		c.Plain = s.bubble
	}
	for i, good := range s.good {
		if good {
			c.Images = s.engine[i]
			break
		}
	}
	if c.Plain == nil && c.Images == nil {
		return nil
	}
	return c
}

// untried is runner for one job by hand: what is installed is taken as it is, and an error is the person's to read.
func (s *sandboxes) untried() container.Runner {
	var c container.Choice
	if s.bubble != nil {
		c.Plain = s.bubble
	}
	for i, e := range s.engine {
		if _, err := exec.LookPath(s.kinds[i]); err == nil {
			c.Images = e
			break
		}
	}
	return c
}

// holdsBack tells whether jobs can run here in some place that keeps them from the rest of the machine.
func (b *bot) holdsBack() bool {
	return b.offers(tasks.InVM) || b.offers(tasks.InContainer) || b.offers("sandbox")
}

// sweepSandboxes takes away what bots left in sandboxes that were killed here.
func (b *bot) sweepSandboxes(ctx context.Context) {
	r := b.boxes.runner()
	if r == nil {
		return
	}
	if err := r.Sweep(ctx); err != nil {
		b.log.Warn("cannot clean up the sandboxes of a killed bot", "error", err)
	}
}
