package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// lookAgain is how often a lock is tried that somebody else holds.
const lookAgain = 200 * time.Millisecond

// tryLock takes a lock of the kernel on an open file, which ends with the file or with the process. It reports whether
// it was free.
func tryLock(f *os.File, exclusive bool) (bool, error) {
	how := unix.LOCK_SH
	if exclusive {
		how = unix.LOCK_EX
	}
	for {
		err := unix.Flock(int(f.Fd()), how|unix.LOCK_NB)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, unix.EWOULDBLOCK):
			return false, nil
		case !errors.Is(err, unix.EINTR):
			return false, fmt.Errorf("lock %s: %w", f.Name(), err)
		}
	}
}

// lockFile waits until it holds the lock file at path alone, and calls waiting once if it has to. Closing the file lets
// go. A lock file may be removed by its holder, so what is held must still be there.
func lockFile(ctx context.Context, path string, waiting func()) (*os.File, error) {
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, fmt.Errorf("lock: %w", err)
		}
		free, err := tryLock(f, true)
		if err == nil && free && same(f, path) {
			return f, nil
		}
		f.Close()
		if err != nil {
			return nil, err
		}
		if free {
			continue // it was removed between opening and locking
		}
		if waiting != nil {
			waiting()
			waiting = nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for %s: %w", path, context.Cause(ctx))
		}
	}
}

// same reports whether path still leads to the open file.
func same(f *os.File, path string) bool {
	held, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(path)
	return err == nil && os.SameFile(held, there)
}
