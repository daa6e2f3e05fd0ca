package agent

import (
	"context"
	"strings"
	"time"

	"github.com/cyborg-bots/cyborg/tasks"
)

// fleetFor is how long what the roll said is not asked for again.
const fleetFor = 5 * time.Minute

// A census is what this bot knows of the fleet.
type census struct {
	entered time.Time // when it wrote its own line
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
	err := a.c.Roll.Enter(ctx, Peer{Name: a.c.Name, Version: a.c.Version, Capabilities: strings.Fields(a.c.Has.String()), At: a.c.Hub.Now()})
	if err != nil {
		a.c.Log.Debug("cannot tell the fleet what this bot can do", "error", err)
	}
}

// leave removes this bot's line.
func (a *Agent) leave(ctx context.Context) {
	if a.c.Roll == nil || a.census.entered.IsZero() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	if err := a.c.Roll.Leave(ctx, a.c.Name); err != nil {
		a.c.Log.Debug("cannot leave the fleet's roll", "error", err)
	}
}

// fleet is what each bot can do; nothing while this one can do all that is taught, since nobody asks then.
func (a *Agent) fleet(ctx context.Context, c *tasks.Catalogue) []tasks.Capabilities {
	lacks := false
	for _, t := range c.Tasks {
		lacks = lacks || !t.Builtin() && Lacks(t, a.c.Has) != ""
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
