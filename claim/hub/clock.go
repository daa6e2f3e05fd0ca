package hub

import (
	"sync"
	"time"
)

// A clock estimates GitHub's time from the Date of the last answer and the time that has gone since then by the local, monotonic
// clock. The local wall clock may be wrong by hours. A Date has seconds; the estimate is never ahead of GitHub by more than that.
type clock struct {
	mu     sync.Mutex
	date   time.Time // GitHub's
	local  time.Time // when it came
	before bool      // there was one
}

func (c *clock) note(date, local time.Time) {
	if date.IsZero() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.date, c.local, c.before = date, local, true
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.before {
		return time.Now().UTC()
	}
	return c.date.Add(time.Since(c.local)).UTC()
}

// skew is how far the local wall clock is ahead of GitHub's.
func (c *clock) skew() (time.Duration, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.before {
		return 0, false
	}
	return c.local.Round(0).Sub(c.date), true
}
