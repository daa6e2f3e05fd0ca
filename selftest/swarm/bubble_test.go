package swarm

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestBubble(t *testing.T) {
	began, want := time.Now(), errors.New("as f says")
	err := bubble(func() error {
		before := time.Now()
		<-time.After(100 * time.Hour)
		if gone := time.Since(before); gone != 100*time.Hour {
			t.Errorf("%s have gone by", gone)
		}
		return want
	})
	if !errors.Is(err, want) || time.Since(began) > time.Hour {
		t.Errorf("%v after %s", err, time.Since(began))
	}
	err = bubble(func() error {
		<-make(chan struct{})
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "deadlock") {
		t.Errorf("a bubble that stands still: %v", err)
	}
}
