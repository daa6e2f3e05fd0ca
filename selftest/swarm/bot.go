package swarm

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cyborg-bots/cyborg/agent"
	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/tasks"
)

// A bot is a machine on which a bot runs: one life after the other, with a journal that outlives them.
type bot struct {
	world   *world
	name    string
	token   string
	die     die
	rate    float64 // of its clock
	able    bool    // can do every job
	journal journal

	mu    sync.Mutex
	life  *life // that runs now
	lives int64
	stop  context.CancelFunc // asks it to stop, as SIGTERM does
	rest  time.Duration      // before the next life
	agent *agent.Agent

	running atomic.Bool // something, beside an agent
}

// run lives until ctx ends.
func (b *bot) run(ctx context.Context) {
	for ctx.Err() == nil {
		l, mine, stop := b.begin(ctx)
		ended := make(chan error, 1)
		b.world.lives.Go(func() { ended <- b.live(mine, l) })
		select {
		case err := <-ended:
			if err != nil && !l.gone() {
				b.world.ledger.tell(l.name, subject{}, "ends: %v", err)
			}
		case <-l.death: // what is left of the process ends by itself, unheard
		}
		stop()
		b.mu.Lock()
		rest := b.rest
		b.mu.Unlock()
		if pause(ctx, max(rest, time.Minute)) != nil {
			return
		}
	}
}

func (b *bot) begin(ctx context.Context) (l *life, mine context.Context, stop context.CancelFunc) {
	mine, stop = context.WithCancel(ctx)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lives++
	name := fmt.Sprintf("%s-%c%d", b.name, 'a'+(b.lives-1)%26, b.lives)
	b.life, b.stop, b.rest = newLife(name, b.die.at(b.lives), b.rate), stop, 0
	return b.life, mine, stop
}

// live is one process from its start to its end.
func (b *bot) live(ctx context.Context, l *life) error {
	client, err := hub.New(hub.Options{
		URL: apiURL, Token: hub.Secret(b.token), Transport: &link{bot: b, life: l, next: b.world.hub.Transport()}, Random: l.chance,
	})
	if err != nil {
		return err
	}
	policy := b.policy(l)
	board := claim.NewStatusBoard(client, policy)
	if left := b.journal.orphans(); len(left) > 0 {
		b.running.Store(true) // else the game may be over before all is given back
		err := b.giveBack(ctx, board, left, policy)
		b.running.Store(false)
		if err != nil {
			b.world.ledger.tell(l.name, subject{}, "cannot give back all: %v", err)
		}
	}
	if b.world.game.Claims {
		return b.sprint(ctx, l, board, policy)
	}
	repo, err := hub.ParseRepo(repoName)
	if err != nil {
		return err
	}
	var roll *agent.Roll
	if !b.world.apart {
		roll = &agent.Roll{Store: &b.world.store}
	}
	a, err := agent.New(agent.Config{
		Name: l.name, Host: b.name, Version: "simulated", Hub: client, Repos: []hub.Repo{repo}, Teacher: b.world,
		Performer: &performer{world: b.world, life: l}, Store: &b.world.store, Roll: roll, Board: board, Has: b.has(), Policy: policy,
		Poll: b.world.game.Poll, Kill: l.death, Scratch: b.world.scratch, Seed: uint64(l.die.of("agent")) | 1, Log: b.world.log(l),
	})
	if err != nil {
		return err
	}
	b.mu.Lock()
	b.agent = a
	b.mu.Unlock()
	return a.Run(ctx)
}

func (b *bot) giveBack(ctx context.Context, board claim.Board, left []claim.Entry, p claim.Policy) error {
	open, err := claim.Return(ctx, board, left, p)
	for _, e := range left {
		if !slices.ContainsFunc(open, func(o claim.Entry) bool { return o.Nonce == e.Nonce }) {
			err = errors.Join(err, b.journal.End(e.Nonce))
		}
	}
	return err
}

func (b *bot) policy(l *life) claim.Policy {
	p := b.world.game.policy()
	p.Elapsed, p.Nonce, p.Patience = l.elapsed, l.nonce, new(claim.Patience)
	p.Journal = &journaling{journal: &b.journal, life: l}
	p.Jitter = func(most time.Duration) time.Duration { return time.Duration(l.chance() * float64(most)) }
	p.Log = b.world.log(l)
	return p
}

func (b *bot) has() tasks.Capabilities {
	has := tasks.Capabilities{{Name: string(tasks.OnHost)}}
	if b.able {
		has = append(has, tasks.Capability{Name: "kvm"})
	}
	return has
}

// busy tells whether the bot runs jobs or is frozen.
func (b *bot) busy() bool {
	b.mu.Lock()
	a, l := b.agent, b.life
	b.mu.Unlock()
	if l == nil || a == nil && !b.world.game.Claims {
		return true
	}
	l.mu.Lock()
	frozen := time.Now().Before(l.frozen)
	l.mu.Unlock()
	return frozen || b.running.Load() || a != nil && a.Running() > 0
}

// now gives the life that runs.
func (b *bot) now() *life {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.life
}

// crash kills the process; the next begins after rest, and finds the journal, or does not.
func (b *bot) crash(rest time.Duration, keep bool) {
	b.mu.Lock()
	l, stop := b.life, b.stop
	b.rest = rest
	b.mu.Unlock()
	if l == nil {
		return
	}
	l.kill()
	stop()
	if !keep {
		b.journal.lose()
	}
	b.world.ledger.tell(l.name, subject{}, "is killed, for %s", rest.Round(time.Second))
}

// halt asks the process to stop, as SIGTERM does.
func (b *bot) halt(rest time.Duration) {
	b.mu.Lock()
	l, stop := b.life, b.stop
	b.rest = rest
	b.mu.Unlock()
	if l == nil {
		return
	}
	b.world.ledger.tell(l.name, subject{}, "is asked to stop, for %s", rest.Round(time.Second))
	stop()
}

// A journal is a claim.Journal that outlives the process, as a file does.
type journal struct {
	mu   sync.Mutex
	open map[string]claim.Entry
}

// orphans are the claims that earlier lives did not end.
func (j *journal) orphans() []claim.Entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	var list []claim.Entry
	for _, nonce := range slices.Sorted(maps.Keys(j.open)) {
		list = append(list, j.open[nonce])
	}
	return list
}

func (j *journal) lose() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.open = nil
}

// End forgets a claim.
func (j *journal) End(nonce string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.open, nonce)
	return nil
}

// A journaling is a life's hand on the journal; the dead have none.
type journaling struct {
	*journal
	life *life
}

var _ claim.Journal = (*journaling)(nil)

// Begin implements claim.Journal.
func (j *journaling) Begin(e claim.Entry) error {
	if j.life.gone() {
		return errKilled
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.open == nil {
		j.open = map[string]claim.Entry{}
	}
	j.open[e.Nonce] = e
	return nil
}

// End implements claim.Journal.
func (j *journaling) End(nonce string) error {
	if j.life.gone() {
		return errKilled
	}
	return j.journal.End(nonce)
}
