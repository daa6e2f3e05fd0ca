//go:build !(linux && amd64)

package selftest

import (
	"context"
	"errors"
	"os"
	"runtime"
)

// runGuest cannot try KVM here: its program is written for amd64. What was not
// tried is not promised.
func runGuest(context.Context, *os.File) error {
	return errors.New("a guest to try it with is not written for " + runtime.GOOS + " on " + runtime.GOARCH)
}
