package machinetest

import (
	"testing"
	"time"
)

// WaitUntilGone gives a hypervisor that was told to end the time to do it, and lists what is left then.
func WaitUntilGone(t testing.TB) []string {
	deadline := time.Now().Add(2 * time.Minute)
	for {
		left := Leftovers()
		if len(left) == 0 || time.Now().After(deadline) {
			return left
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-t.Context().Done():
			return left
		}
	}
}
