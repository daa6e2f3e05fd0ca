// Package lock is files that processes of one machine hold, by which bots that share a folder keep out of each other's way.
//
// A lock is the kernel's (flock(2)): it belongs to the open file, and ends when that and every copy of it that a child
// process has are closed, so with the process at the latest, however it dies. Nothing is to be cleaned up after a bot that was
// killed, and no process number is ever compared.
//
// Who holds a lock file may remove it. So a file that was opened and then locked may have lost its name in between, and
// somebody else may hold another one by that name. [Take] and [Try] look, and never give such a file.
package lock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// How a file is held.
type How int

// The ways to hold a file.
const (
	Shared How = unix.LOCK_SH // beside others who share it
	Alone  How = unix.LOCK_EX
)

// How often a lock is tried that somebody else holds: at first soon, as most are held for a moment.
const (
	firstAgain = 5 * time.Millisecond
	mostAgain  = 50 * time.Millisecond
)

// Take waits until it holds the file at path, which is made if it is not there, and calls waiting once if it has to wait;
// nil is fine. Closing the file lets go. An error says that the file cannot be made or locked, or why ctx ended.
func Take(ctx context.Context, path string, how How, waiting func()) (*os.File, error) {
	again := firstAgain
	for {
		f, err := Try(path, how)
		if f != nil || err != nil {
			return f, err
		}
		if waiting != nil {
			waiting()
			waiting = nil
		}
		select {
		case <-time.After(again):
			again = min(2*again, mostAgain)
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for lock %s: %w", path, context.Cause(ctx))
		}
	}
}

// Try is Take without waiting. Nil without an error: somebody else holds the file, or removed it while we took it.
func Try(path string, how How) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	held, err := Now(f, how)
	if held && err == nil {
		return f, nil
	}
	return nil, errors.Join(err, f.Close())
}

// Now locks an open file, unless somebody else holds it or its name leads elsewhere by now, and reports whether it did. A
// file that lost its name stays locked until it is closed, and nobody misses it.
func Now(f *os.File, how How) (bool, error) {
	for {
		err := unix.Flock(int(f.Fd()), int(how)|unix.LOCK_NB)
		switch {
		case err == nil:
			return named(f), nil
		case errors.Is(err, unix.EWOULDBLOCK):
			return false, nil
		case !errors.Is(err, unix.EINTR):
			return false, fmt.Errorf("lock %s: %w", f.Name(), err)
		}
	}
}

// named reports whether the path by which a file was opened still leads to it.
func named(f *os.File) bool {
	held, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(f.Name())
	return err == nil && os.SameFile(held, there)
}
