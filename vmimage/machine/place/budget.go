package place

import (
	"context"
	"fmt"
	"sync"

	"github.com/cyborg-bots/cyborg/container"
)

// A Budget is what all machines of a bot may use together.
type Budget struct {
	mu     sync.Mutex
	memory int64 // free
	cpus   int   // free
	all    Share
	freed  chan struct{} // closed when something is given back
}

// A Share is what one machine uses.
type Share struct {
	Memory int64 // bytes
	CPUs   int
}

// Times is what so many machines of this share use.
func (s Share) Times(n int) Share {
	return Share{Memory: s.Memory*int64(n) + overhead*int64(n-1), CPUs: s.CPUs * n}
}

// overhead is what the hypervisor needs beside the guest's memory.
const overhead = 160 << 20

// NewBudget makes one that is all free.
func NewBudget(all Share) *Budget {
	return &Budget{memory: all.Memory, cpus: all.CPUs, all: all, freed: make(chan struct{})}
}

// Fits reports whether a machine of this share could start now.
func (b *Budget) Fits(s Share) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.fits(s)
}

func (b *Budget) fits(s Share) bool {
	return s.Memory+overhead <= b.memory && min(s.CPUs, b.all.CPUs) <= b.cpus
}

// Ever reports whether a machine of this share could start when nothing else runs.
func (b *Budget) Ever(s Share) bool { return s.Memory+overhead <= b.all.Memory }

// NoRoom is the name of the [container.LackError] of a job whose machines are larger than all that a bot gives to machines.
const NoRoom = "vm-memory"

// Take waits until there is room for a machine and takes it. Processors are shared out as far as they go: a machine
// that wants more than the host has gets all. Give gives it back, once. What can never fit is a [*container.LackError]: a
// bot of another machine may have more.
func (b *Budget) Take(ctx context.Context, s Share) (give func(), err error) {
	if !b.Ever(s) {
		return nil, &container.LackError{
			Thing: fmt.Sprintf("%d MB of memory for machines", (s.Memory+overhead)>>20), Name: NoRoom,
			Cause: fmt.Errorf("all machines of this bot together may have %d MB", b.all.Memory>>20),
		}
	}
	s.CPUs = min(s.CPUs, b.all.CPUs)
	for {
		b.mu.Lock()
		if b.fits(s) {
			b.memory -= s.Memory + overhead
			b.cpus -= s.CPUs
			b.mu.Unlock()
			return sync.OnceFunc(func() { b.give(s) }), nil
		}
		freed := b.freed
		b.mu.Unlock()
		select {
		case <-freed:
		case <-ctx.Done():
			return nil, fmt.Errorf("find room for a machine: %w", context.Cause(ctx))
		}
	}
}

func (b *Budget) give(s Share) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.memory += s.Memory + overhead
	b.cpus += s.CPUs
	close(b.freed)
	b.freed = make(chan struct{})
}
