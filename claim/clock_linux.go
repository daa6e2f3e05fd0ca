package claim

import (
	"time"

	"golang.org/x/sys/unix"
)

// SinceBoot is CLOCK_BOOTTIME: it is not set by anybody and goes on while the machine sleeps. Go's own monotonic clock
// stops then, and a bot that slept through its lease would not know.
func SinceBoot() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return wallClock()
	}
	return time.Duration(ts.Nano())
}
