package claim

import (
	"sync"
	"time"
)

// Patience is what a bot has learnt about GitHub's lag: when it sees that a settle wait was too short, it waits twice
// as long for an hour. The zero value is ready; safe for concurrent use.
type Patience struct {
	mu     sync.Mutex
	factor int
	until  time.Duration // on Policy.Elapsed
}

const patienceFor = time.Hour

// Settle is the wait to use now instead of base, which is never more than a third of the lease.
func (p *Patience) Settle(base, lease, elapsed time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if elapsed >= p.until {
		p.factor = 0
	}
	return min(base<<p.factor, max(lease/3, base))
}

// Violated says that the wait was seen to be too short at this time.
func (p *Patience) Violated(elapsed time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.factor = min(p.factor+1, 10)
	p.until = elapsed + patienceFor
}
