package swarm

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
)

// errFailed is a bubble of which package testing says that it failed: under the race detector, for a race.
var errFailed = errors.New("play: the test of the bubble failed")

// bubble runs f in virtual time, wherever it is called: package synctest wants a test for what it reports, and takes an
// empty one. It returns when every goroutine that f started has ended. Time that stands still, since all of them wait
// for each other, is an error.
func bubble(f func() error) error {
	ended := make(chan error, 1)
	go func() {
		err := errFailed // a test that fails ends its goroutine
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("play: %v", r)
			}
			ended <- err
		}()
		var got error
		synctest.Test(new(testing.T), func(*testing.T) { got = f() })
		err = got
	}()
	return <-ended
}
