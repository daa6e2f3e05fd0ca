//go:build !(linux && amd64)

package selftest

import (
	"context"
	"os"
)

func endless(ctx context.Context, device *os.File) error { return runGuest(ctx, device) }
