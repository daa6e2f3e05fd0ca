package swarm

import (
	"context"
	"sync"
	"time"
)

// A life is one process of a bot, from its start until it ends or is killed, as the world treats it: it can be frozen
// and cut off. What the process knows is in memory and goes with it, but for the journal.
type life struct {
	name  string
	die   die
	born  time.Time
	rate  float64 // of its clock, 1 is right
	death chan struct{}

	mu     sync.Mutex
	frozen time.Time     // until then
	frosts chan struct{} // closed when it is frozen the next time
	cut    time.Time     // until then
	dead   bool
	asked  map[string]int64 // how many requests of a kind were sent, for their dice
	nonces int64
	draws  int64
}

func newLife(name string, d die, rate float64) *life {
	return &life{name: name, die: d, born: time.Now(), rate: rate, death: make(chan struct{}), frosts: make(chan struct{}), asked: map[string]int64{}}
}

// kill ends the life as SIGKILL does: nothing of it reaches the world any more.
func (l *life) kill() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.dead {
		l.dead = true
		close(l.death)
	}
}

func (l *life) gone() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dead
}

func (l *life) freeze(until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.frozen = until
	close(l.frosts)
	l.frosts = make(chan struct{})
}

// frost is closed when the life is frozen.
func (l *life) frost() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.frosts
}

func (l *life) cutOff(until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = until
}

// thaw waits while the life is frozen, and tells for how long that was. The dead do not wait.
func (l *life) thaw() (waited time.Duration) {
	for {
		l.mu.Lock()
		left := time.Until(l.frozen)
		dead := l.dead
		l.mu.Unlock()
		if left <= 0 || dead {
			return waited
		}
		waited += left
		t := time.NewTimer(left)
		select {
		case <-t.C:
		case <-l.death:
			t.Stop()
		}
	}
}

func (l *life) severed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Now().Before(l.cut)
}

// elapsed is the life's clock, which goes on while it is frozen. A process that is frozen cannot look at it.
func (l *life) elapsed() time.Duration {
	l.thaw()
	return time.Hour + time.Duration(l.rate*float64(time.Since(l.born)))
}

func (l *life) nonce() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.nonces++
	return l.die.of("nonce").at(l.nonces).nonce()
}

// chance is the source of chance of what has no other.
func (l *life) chance() float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.draws++
	return l.die.of("chance").at(l.draws).float()
}

// ask gives the dice of a request: they depend on what is asked for the how manieth time.
func (l *life) ask(what string) die {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked[what]++
	return l.die.of(what).at(l.asked[what])
}

// pause waits for d, or for the end of ctx.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
