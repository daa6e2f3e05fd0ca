package machine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/cyborg-bots/cyborg/container/lock"
)

// lockSuffix ends the name of the file beside a machine's directory that its owner holds.
const lockSuffix = ".lock"

// takeName finds a name that nobody has and locks it. A sweep may catch the file between its making and its locking and
// remove it; then the lock is on a file without a name, and another name is tried.
func takeName(dir string, expiry time.Time) (string, *os.File, error) {
	for {
		name := newName(expiry)
		path := filepath.Join(dir, name+lockSuffix)
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, os.ErrExist) {
			continue
		}
		if err != nil {
			return "", nil, fmt.Errorf("lock machine: %w", err)
		}
		held, err := lock.Now(f, lock.Alone)
		if err != nil {
			return "", nil, errors.Join(fmt.Errorf("lock machine: %w", err), f.Close())
		}
		if held {
			return name, f, nil
		}
		f.Close()
	}
}

// tryName locks an existing machine. Nil without an error: somebody holds it, or it was just removed.
func tryName(dir, name string) (*os.File, error) {
	path := filepath.Join(dir, name+lockSuffix)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("lock machine %s: %w", name, err)
	}
	held, err := lock.Now(f, lock.Alone)
	if held {
		return f, nil
	}
	f.Close()
	if err != nil {
		return nil, fmt.Errorf("lock machine %s: %w", name, err)
	}
	return nil, nil
}
