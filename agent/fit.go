package agent

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/cyborg-bots/cyborg/tasks"
)

// What a bot found when it started need not be true hours later: a disk fills, a daemon dies, a network goes. So it asks
// itself once more, by what is quickly asked, right before each claim: a job that is not claimed costs nobody anything, and
// one that is claimed and given back costs a peer its time. What it lost stands on the roll and in statuses like all that
// bots lack, and is asked for at every look until it is back.

// has is what this bot can do, as far as it knows now.
func (a *Agent) has() tasks.Capabilities {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.able
}

// fit asks the bot what it can do, before it claims a job, and why not this one.
func (a *Agent) fit(ctx context.Context, e Entry) error {
	if a.c.Fit == nil {
		return nil
	}
	if err := a.examine(ctx); err != nil {
		if ctx.Err() == nil {
			a.ail(err, e.Line().String())
		}
		return err
	}
	why, has := "", a.has()
	switch {
	case e.Taught == nil || e.Taught.Builtin():
	case e.Place != tasks.AnyPlace && !offered(has, e.Place):
		why = "needs " + string(e.Place)
	default:
		why = Lacks(e.Taught, has)
	}
	if why == "" {
		return nil
	}
	a.c.Log.Warn("not claimed, this bot has lost what the job needs", "job", e.Line().String(), "why", why)
	return errors.New(why)
}

// offered tells whether jobs can run in a place of the kind.
func offered(has tasks.Capabilities, place tasks.PlaceKind) bool {
	return slices.ContainsFunc(has, func(c tasks.Capability) bool {
		return c.Name == string(place) || place == tasks.InContainer && c.Name == sandbox
	})
}

// examine takes up what the bot can do now. An error says why that is nothing.
func (a *Agent) examine(ctx context.Context) error {
	has, err := a.c.Fit(ctx)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return err
	}
	a.mu.Lock()
	was := a.able
	a.able = has
	a.mu.Unlock()
	if kinds(was) != kinds(has) {
		a.c.Log.Warn("can do something else than before", "capabilities", has.String(), "before", was.String())
	}
	return nil
}

// kinds is what a bot can do but for sizes, which change all the time.
func kinds(list tasks.Capabilities) string {
	var words []string
	for _, c := range list {
		c.Bytes = 0
		words = append(words, c.String())
	}
	slices.Sort(words)
	return strings.Join(words, " ")
}

// recover looks for what the bot has lost, beside the rounds, and tells the fleet what is new.
func (a *Agent) recover(work context.Context) {
	if a.c.Fit == nil {
		return
	}
	has := a.has()
	if now := kinds(has); now != a.census.said {
		a.census.said = now
		a.census.entered = a.census.entered.Add(-rollEvery)
	}
	if len(a.c.Has.Missing(has)) > 0 {
		a.begin("examination", func() error { return a.examine(work) })
	}
}
