//go:build !linux

package claim

import "time"

// SinceBoot measures durations with the wall clock where the kernel's since-boot clock is not at hand: it goes on while
// the machine sleeps.
func SinceBoot() time.Duration { return wallClock() }
