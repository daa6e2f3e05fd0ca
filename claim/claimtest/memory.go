package claimtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/claim/hub"
)

// Faults are what goes wrong in a Memory. Probabilities are between 0 and 1.
type Faults struct {
	Lag      time.Duration // a record becomes visible on each replica within this
	Replicas int           // a read asks one of them, at random; 0 means 1
	Skew     time.Duration // the time that a record is given is wrong by up to this, either way
	LostAck  float64       // a write is applied, and the answer is an error
	Dropped  float64       // a write is not applied, and the answer is the same error
	NotRead  float64       // a read fails
	Delay    time.Duration // a request takes up to this
	Raw      bool          // boards give what a replica shows, also if they have given more before
}

// A Memory is the server's side: an append-only log for each subject, with GitHub's habits. Its clock is time.Now,
// which a synctest bubble provides. Safe for concurrent use; with the same seed, and requests in the same order, the
// same happens.
type Memory struct {
	mu     sync.Mutex
	rand   *rand.Rand
	faults Faults
	id     int64
	logs   map[string][]record
	writes int
	reads  int
	down   error
}

type record struct {
	mark    claim.Mark
	visible []time.Time // for each replica
}

// NewMemory is an empty server.
func NewMemory(seed uint64, f Faults) *Memory {
	f.Replicas = max(f.Replicas, 1)
	return &Memory{rand: rand.New(rand.NewPCG(seed, 0)), faults: f, logs: map[string][]record{}}
}

// Board is the server as the holder of one account sees it.
func (m *Memory) Board(creator string) *MemoryBoard {
	return &MemoryBoard{server: m, creator: creator, seen: map[string][]claim.Mark{}}
}

// All gives the log of a subject as it is, in its order.
func (m *Memory) All(s claim.Subject) []claim.Mark {
	m.mu.Lock()
	defer m.mu.Unlock()
	var marks []claim.Mark
	for _, r := range m.logs[s.Key()] {
		marks = append(marks, r.mark)
	}
	return marks
}

// Requests tells how many reads and writes were asked for.
func (m *Memory) Requests() (reads, writes int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.reads, m.writes
}

// Break makes every request fail with err from now on; nil ends it.
func (m *Memory) Break(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.down = err
}

// Say appends a record with any text, as a person would, visible at once.
func (m *Memory) Say(s claim.Subject, creator, state, text string) claim.Mark {
	mark := claim.ParseStatusText(state, text)
	mark.Creator = creator
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.append(s, mark, 0)
}

func (m *Memory) append(s claim.Subject, mark claim.Mark, lag time.Duration) claim.Mark {
	m.id++
	now := time.Now()
	mark.ID = m.id
	mark.At = now.Add(m.upTo(2*m.faults.Skew) - m.faults.Skew).UTC().Truncate(time.Second)
	r := record{mark: mark}
	for range m.faults.Replicas {
		r.visible = append(r.visible, now.Add(m.upTo(lag)))
	}
	m.logs[s.Key()] = append(m.logs[s.Key()], r)
	return mark
}

func (m *Memory) upTo(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return time.Duration(m.rand.Int64N(int64(d) + 1))
}

func (m *Memory) happens(p float64) bool { return p > 0 && m.rand.Float64() < p }

// A MemoryBoard is a claim.Board on a Memory.
type MemoryBoard struct {
	server  *Memory
	creator string
	mu      sync.Mutex
	seen    map[string][]claim.Mark // everything that was given
}

var _ claim.Board = (*MemoryBoard)(nil)

var errLost = errors.New("connection reset by peer")

// Marks is claim.Board's.
func (b *MemoryBoard) Marks(ctx context.Context, s claim.Subject) ([]claim.Mark, time.Time, error) {
	m := b.server
	if err := m.wait(ctx); err != nil {
		return nil, time.Time{}, fmt.Errorf("read marks of %s: %w", s, err)
	}
	marks, now, err := m.list(s)
	if err != nil || m.faults.Raw {
		return marks, now, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	before := b.seen[s.Key()]
	if len(before) > 0 && (len(marks) == 0 || newest(marks) < newest(before)) {
		return nil, now, &hub.StaleError{Subject: s.String(), Seen: fmt.Sprint(newest(before)), Got: fmt.Sprint(newest(marks))}
	}
	all := union(before, marks)
	b.seen[s.Key()] = all
	return slices.Clone(all), now, nil
}

// union merges two lists that are in order.
func union(a, b []claim.Mark) []claim.Mark {
	if len(a) == 0 {
		return b
	}
	var all []claim.Mark
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].ID < b[0].ID:
			all, a = append(all, a[0]), a[1:]
		case len(a) == 0 || b[0].ID < a[0].ID:
			all, b = append(all, b[0]), b[1:]
		default:
			all, a, b = append(all, a[0]), a[1:], b[1:]
		}
	}
	return all
}

func newest(marks []claim.Mark) (id int64) {
	for _, m := range marks {
		id = max(id, m.ID)
	}
	return id
}

// list is what one replica shows now.
func (m *Memory) list(s claim.Subject) ([]claim.Mark, time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	now := time.Now()
	switch {
	case m.down != nil:
		return nil, now, fmt.Errorf("read marks of %s: %w", s, m.down)
	case m.happens(m.faults.NotRead):
		return nil, now, fmt.Errorf("read marks of %s: %w", s, errLost)
	}
	replica := m.rand.IntN(m.faults.Replicas)
	var marks []claim.Mark
	for _, r := range m.logs[s.Key()] {
		if !r.visible[replica].After(now) {
			marks = append(marks, r.mark)
		}
	}
	return marks, now.UTC().Truncate(time.Second), nil
}

// Post is claim.Board's.
func (b *MemoryBoard) Post(ctx context.Context, s claim.Subject, mark claim.Mark) (claim.Mark, error) {
	m := b.server
	if err := m.wait(ctx); err != nil {
		return claim.Mark{}, fmt.Errorf("post mark to %s: %w", s, &hub.NotSentError{Reason: "wait for the turn to write", Err: err})
	}
	posted, err := m.post(s, mark, b.creator)
	if err != nil {
		return claim.Mark{}, err
	}
	if err := m.wait(ctx); err != nil {
		return claim.Mark{}, fmt.Errorf("post mark to %s: %w", s, &hub.AmbiguousError{Method: "POST", Path: s.Key(), Err: err})
	}
	return posted, nil
}

func (m *Memory) post(s claim.Subject, mark claim.Mark, creator string) (claim.Mark, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writes++
	ambiguous := &hub.AmbiguousError{Method: "POST", Path: s.Key(), Err: errLost}
	switch {
	case m.down != nil:
		return claim.Mark{}, fmt.Errorf("post mark to %s: %w", s, m.down)
	case len(m.logs[s.Key()]) >= 1000:
		return claim.Mark{}, fmt.Errorf("post mark to %s: %w", s, hub.ErrStatusLimit)
	case m.happens(m.faults.Dropped):
		return claim.Mark{}, ambiguous
	}
	text := claim.FormatStatusText(mark)
	read := claim.ParseStatusText(mark.State, text)
	read.URL, read.Creator = mark.URL, creator
	posted := m.append(s, read, m.faults.Lag)
	if m.happens(m.faults.LostAck) {
		return claim.Mark{}, ambiguous
	}
	return posted, nil
}

// wait is half the time that a request takes.
func (m *Memory) wait(ctx context.Context) error {
	m.mu.Lock()
	d := m.upTo(m.faults.Delay / 2)
	m.mu.Unlock()
	if d == 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Show is claim.Board's: it repairs what is shown.
func (b *MemoryBoard) Show(ctx context.Context, s claim.Subject, v claim.Verdict) error {
	repair, needed := v.Repair()
	if !needed {
		return nil
	}
	_, err := b.Post(ctx, s, repair)
	return err
}
