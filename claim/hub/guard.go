package hub

import (
	"container/list"
	"context"
	"fmt"
	"sync"
	"time"
)

// A guard remembers how new the newest answer about each thing was, so that one which goes back in time is noticed. GitHub once served
// "vastly outdated" pull requests from one broken server, and lags by a second every day.
type guard struct {
	mu    sync.Mutex
	order *list.List // of *sighting, newest first
	byKey map[string]*list.Element
}

type sighting struct {
	key   string
	at    time.Time // updated_at
	noted time.Time // local
	stale patient
}

const mostSightings = 20_000

func newGuard() *guard {
	return &guard{order: list.New(), byKey: map[string]*list.Element{}}
}

// note takes an answer with its updated_at and gives what is newest by now. The answer is stale if that is later than its own, and was known
// before the answer was asked for: of two requests under way at once, either may see more.
func (g *guard) note(key string, at, asked time.Time) (newest time.Time, stale bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	e, ok := g.byKey[key]
	if !ok {
		g.byKey[key] = g.order.PushFront(&sighting{key: key, at: at, noted: time.Now()})
		if g.order.Len() > mostSightings {
			delete(g.byKey, g.order.Remove(g.order.Back()).(*sighting).key)
		}
		return at, false
	}
	g.order.MoveToFront(e)
	s := e.Value.(*sighting)
	if at.Before(s.at) {
		if s.noted.After(asked) {
			return s.at, false
		}
		if !s.stale.over() {
			return s.at, true
		}
		s.at = at // believe it
	}
	s.stale = patient{}
	if at.After(s.at) {
		s.at, s.noted = at, time.Now()
	}
	return at, false
}

// rereads are the waits before a stale answer is asked for again.
var rereads = [...]time.Duration{time.Second, 2 * time.Second}

// fresh reads until the answer is not older than one before, a few times, and then gives up with a *StaleError.
func fresh[T any](ctx context.Context, g *guard, key string, updated func(T) time.Time, get func() (T, error)) (T, error) {
	for try := 0; ; try++ {
		asked := time.Now()
		v, err := get()
		if err != nil {
			return v, err
		}
		at := updated(v)
		newest, stale := g.note(key, at, asked)
		if !stale {
			return v, nil
		}
		if try == len(rereads) {
			return v, &StaleError{Subject: key, Seen: stamp(newest), Got: stamp(at)}
		}
		if err := pause(ctx, rereads[try]); err != nil {
			return v, fmt.Errorf("%w (%w)", &StaleError{Subject: key, Seen: stamp(newest), Got: stamp(at)}, err)
		}
	}
}

// A patient counts how long answers have been stale. No replica lags for an hour: then it was the fresher answer that was wrong, or was
// taken back, and a bot that went on believing it would never work on that thing again.
type patient struct{ since time.Time }

const longestLag = time.Hour

// over notes a stale answer, and tells whether there have been no others for too long.
func (p *patient) over() bool {
	if p.since.IsZero() {
		p.since = time.Now()
	}
	return time.Since(p.since) > longestLag
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func issueKey(repo Repo, n int) string { return fmt.Sprintf("%s#%d", repo, n) }

// pause waits, or ends with ctx.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
