package claim

import "time"

// wallClock strips Go's monotonic reading, which stops while the machine sleeps. It is wrong while somebody sets the
// clock.
func wallClock() time.Duration { return time.Duration(time.Now().Round(0).UnixNano()) }
