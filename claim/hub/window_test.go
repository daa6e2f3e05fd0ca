package hub

import (
	"math/rand/v2"
	"testing"
)

// Each window must show something of the one before, and go on beyond it: whatever the length of the list.
func TestWindows(t *testing.T) {
	w, requests := firstWindow, 1
	for w.end() < 100_000 {
		next := nextWindow(w.end())
		if next.start() >= w.end() || next.end() <= w.end() || next.size < 1 || next.size > 100 || next.page < 1 {
			t.Fatalf("after %+v comes %+v", w, next)
		}
		w = next
		requests++
	}
	if requests > 1_150 { // 1,000 would do without overlap
		t.Errorf("%d requests for 100,000 entries", requests)
	}
}

func TestWindowsFromAnywhere(t *testing.T) {
	for range 10_000 {
		covered := 1 + rand.IntN(1_000_000)
		w := nextWindow(covered)
		if w.start() >= covered || w.end() <= covered {
			t.Fatalf("after %d comes %+v", covered, w)
		}
	}
}
