package swarm

import (
	"fmt"
	"testing"
	"testing/synctest"
)

// bubble runs f in virtual time, wherever it is called: package synctest wants a test for what it reports, and takes an
// empty one. It returns when every goroutine that f started has ended. Time that stands still, since all of them wait
// for each other, is an error.
func bubble(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("play: %v", r)
		}
	}()
	synctest.Test(new(testing.T), func(*testing.T) { err = f() })
	return err
}
