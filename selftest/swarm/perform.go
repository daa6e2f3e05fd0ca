package swarm

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/cyborg-bots/cyborg/agent"
	"github.com/cyborg-bots/cyborg/publish"
	"github.com/cyborg-bots/cyborg/tasks"
)

// A performer does jobs by waiting. How long a job takes follows from its subject, and how it ends from the claim, so
// that two bots which do the same job differ.
type performer struct {
	world *world
	life  *life
}

var _ agent.Performer = (*performer)(nil)

var errSick = errors.New("the disk is full")

// Perform implements agent.Performer.
func (p *performer) Perform(ctx context.Context, env *agent.Env, job tasks.Job) agent.Outcome {
	switch p.do(ctx, env.Nonce, subject{job.SHA, job.Context}) {
	case "success":
		return agent.Outcome{State: publish.StateSuccess, Text: "Tests passed"}
	case "failure":
		return agent.Outcome{State: publish.StateFailure, Text: "3 tests failed"}
	}
	return agent.Outcome{State: publish.StateCancelled, Err: cmp.Or(context.Cause(ctx), errSick)}
}

// do does a job, and gives how it ended: success, failure, or nothing if there was trouble or it was stopped.
func (p *performer) do(ctx context.Context, nonce string, of subject) string {
	d := p.world.die.of("run", nonce)
	length := p.world.length(of)
	state := p.state(d)
	if state == "" {
		length = d.of("sick for").below(length)
	}
	if p.work(ctx, nonce, of, length, state) != nil {
		return ""
	}
	return state
}

// state is how a run ends that is not disturbed.
func (p *performer) state(d die) string {
	switch {
	case d.of("sick").yes(p.world.game.Faults.Sick):
		return ""
	case d.of("state").yes(0.3):
		return "failure"
	}
	return "success"
}

// work waits for as long as the job takes, and keeps the ledger. The time in which the bot is frozen does not count.
func (p *performer) work(ctx context.Context, nonce string, of subject, left time.Duration, state string) error {
	for {
		p.life.thaw()
		w := p.world.ledger.begin(p.life.name, nonce, of)
		began := time.Now()
		err := p.wait(ctx, left)
		if p.life.gone() {
			p.world.ledger.end(w, true, "")
			return errKilled
		}
		left -= time.Since(began)
		if err == nil && left > 0 { // the bot was frozen
			p.world.ledger.end(w, false, "")
			continue
		}
		if err != nil {
			state = ""
		}
		p.world.ledger.end(w, true, state)
		return err
	}
}

// wait is over when the job is, with an error when ctx has ended or the bot is dead, and earlier when the bot is frozen.
func (p *performer) wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-p.life.death:
		return errKilled
	case <-p.life.frost():
		return nil
	}
}
