package agent

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/cyborg-bots/cyborg/tasks"
)

// fleetFor is how long what the roll said is not asked for again.
const fleetFor = 5 * time.Minute

// flockEvery is how long the names of the flock are not asked for again.
const flockEvery = time.Minute

// introduction is how long a bot waits after it gave its name, before it asks for those of the others and takes its first
// job: bots that are started together have given theirs by then. It is a part of the poll, so that a bot which is made to
// hurry does.
func introduction(poll time.Duration) time.Duration { return min(poll/15, 2*time.Second) }

// A census is what this bot knows of the fleet.
type census struct {
	entered time.Time // when it wrote its own line
	said    string    // what it can do, as that line says but for sizes
	met     time.Time // when it asked for the flock's names
	flock   []string  // these
	read    time.Time
	fleet   []tasks.Capabilities
}

// enroll writes this bot's line in the roll when it is due. It is for people's sake alone, so trouble with it is no more
// than logged.
func (a *Agent) enroll(ctx context.Context) {
	if a.c.Roll == nil || time.Since(a.census.entered) < rollEvery {
		return
	}
	a.census.entered = time.Now()
	if err := a.c.Roll.Enter(ctx, a.self()); err != nil {
		a.c.Log.Debug("cannot tell the fleet what this bot can do", "error", err)
	}
}

// self is this bot as it describes itself.
func (a *Agent) self() Peer {
	return Peer{
		Name: a.c.Name, Version: a.c.Version, Capabilities: strings.Fields(a.has().String()), At: a.c.Hub.Now(), Flock: flockOf(a.c.Repos),
	}
}

// flock gives the names in the roll of all who serve the same repositories. They are asked for when there is something that
// the bots must share out, jobs or words.
func (a *Agent) flock(ctx context.Context, queue []Entry) []string {
	c := &a.census
	if a.c.Roll == nil || time.Since(c.met) < flockEvery || !slices.ContainsFunc(queue, func(e Entry) bool { return e.Standing == Ready || e.Silent }) {
		return c.flock
	}
	if c.met.IsZero() && !a.c.Once {
		_ = pause(ctx, introduction(a.c.Poll)-time.Since(c.entered)) // the end of ctx ends the rest soon
	}
	c.met = time.Now()
	names, err := a.c.Roll.Flock(ctx, flockOf(a.c.Repos), a.c.Hub.Now())
	if err != nil {
		a.c.Log.Debug("cannot read who is there", "error", err)
		return c.flock
	}
	c.flock = names
	return names
}

// leave removes this bot's line.
func (a *Agent) leave(ctx context.Context) {
	if a.c.Roll == nil || a.census.entered.IsZero() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	if err := a.c.Roll.Leave(ctx, a.self()); err != nil {
		a.c.Log.Debug("cannot leave the fleet's roll", "error", err)
	}
}

// fleet is what each bot can do; nothing while this one can do all that is taught, since nobody asks then.
func (a *Agent) fleet(ctx context.Context, c *tasks.Catalogue) []tasks.Capabilities {
	lacks := false
	for _, t := range c.Tasks {
		lacks = lacks || !t.Builtin() && Lacks(t, a.has()) != ""
	}
	if a.c.Roll == nil || !lacks {
		return nil
	}
	if time.Since(a.census.read) < fleetFor {
		return a.census.fleet
	}
	fleet, err := a.c.Roll.Read(ctx, a.c.Hub.Now())
	if err != nil {
		a.c.Log.Debug("cannot read what the fleet can do", "error", err)
		return a.census.fleet
	}
	a.census.read, a.census.fleet = time.Now(), fleet
	return fleet
}
