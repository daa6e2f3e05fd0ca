package hub

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &clock{}
		if _, ok := c.skew(); ok || c.now() != time.Now().UTC() {
			t.Error("before the first answer it is not the local time")
		}
		c.note(time.Time{}, time.Now()) // an answer without a Date
		github := time.Now().Add(-3 * time.Hour).Truncate(time.Second)
		c.note(github, time.Now())
		<-time.After(90 * time.Second)
		if got := c.now(); !got.Equal(github.Add(90 * time.Second)) {
			t.Errorf("GitHub's time is %v, want %v", got, github.Add(90*time.Second))
		}
		if skew, ok := c.skew(); !ok || skew != 3*time.Hour {
			t.Errorf("skew %v", skew)
		}
	})
}
