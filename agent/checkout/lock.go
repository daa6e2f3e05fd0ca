package checkout

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// lock takes a flock on file, made if need be: unix.LOCK_SH or unix.LOCK_EX. It
// lasts until the file and every copy a child process has of it are closed.
func lock(ctx context.Context, file string, how int) (*os.File, error) {
	const again = 10 * time.Millisecond
	tick := time.NewTicker(again)
	defer tick.Stop()
	for {
		f, err := tryLock(file, how)
		if f != nil || err != nil {
			return f, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("lock %s: %w", file, context.Cause(ctx))
		case <-tick.C:
		}
	}
}

// tryLock is lock without waiting: nil if somebody else has it.
func tryLock(file string, how int) (*os.File, error) {
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", file, err)
	}
	for {
		err = unix.Flock(int(f.Fd()), how|unix.LOCK_NB)
		switch {
		case err == nil:
			return f, nil
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EWOULDBLOCK):
			return nil, f.Close()
		default:
			return nil, fmt.Errorf("lock %s: %w", file, err)
		}
	}
}
