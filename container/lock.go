package container

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// lockFile opens file, made if it is not there, and locks it. The lock goes
// with the file's last descriptor, so with the process at the latest.
func lockFile(ctx context.Context, file string, how int) (*os.File, error) {
	const again = 5 * time.Millisecond
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

// tryLock is lockFile without waiting: nil if somebody else holds the lock, or
// removed the file while we took it.
func tryLock(file string, how int) (*os.File, error) {
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", file, err)
	}
	err = unix.Flock(int(f.Fd()), how|unix.LOCK_NB)
	for errors.Is(err, unix.EINTR) {
		err = unix.Flock(int(f.Fd()), how|unix.LOCK_NB)
	}
	if errors.Is(err, unix.EWOULDBLOCK) {
		f.Close()
		return nil, nil
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", file, err)
	}
	held, err := f.Stat()
	if err == nil {
		var now os.FileInfo
		if now, err = os.Stat(file); err == nil && os.SameFile(held, now) {
			return f, nil
		}
	}
	f.Close()
	return nil, nil
}
