package machine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Sweep takes away the machines whose bots are dead, and those that a person kept and whose time is over. A machine
// whose bot lives is never touched. It returns what it took away.
func (p *Pool) Sweep(ctx context.Context) ([]string, error) {
	domains, err := p.o.Driver.List(ctx)
	if err != nil {
		return nil, fmt.Errorf("sweep machines: %w", err)
	}
	here, err := p.names()
	if err != nil {
		return nil, fmt.Errorf("sweep machines: %w", err)
	}
	var swept []string
	var errs []error
	for _, name := range slices.Compact(slices.Sorted(slices.Values(append(domains, here...)))) {
		if ctx.Err() != nil {
			errs = append(errs, context.Cause(ctx))
			break
		}
		expiry, ours := expiryOf(name)
		if !ours {
			continue
		}
		gone, err := p.sweepOne(ctx, name, time.Now().After(expiry))
		if err != nil {
			errs = append(errs, fmt.Errorf("sweep machine %s: %w", name, err))
		}
		if gone {
			swept = append(swept, name)
		}
	}
	if p.o.States != "" {
		kept := &states{p.o.States, orDefault(p.o.MostStates, DefaultStates)}
		if err := kept.sweep(); err != nil {
			errs = append(errs, fmt.Errorf("sweep saved states: %w", err))
		}
	}
	if len(swept) > 0 {
		p.o.Log.Info("swept machines of dead bots", "machines", strings.Join(swept, " "))
	}
	return swept, errors.Join(errs...)
}

// sweepOne judges one machine by the rules of the package's comment.
func (p *Pool) sweepOne(ctx context.Context, name string, expired bool) (bool, error) {
	dir := filepath.Join(p.o.Dir, name)
	_, dirErr := os.Lstat(dir)
	_, lockErr := os.Lstat(dir + lockSuffix)
	if errors.Is(lockErr, fs.ErrNotExist) {
		if errors.Is(dirErr, fs.ErrNotExist) && !expired {
			return false, nil // of a bot whose folder is not in sight
		}
		if err := p.o.Driver.Stop(ctx, name); err != nil {
			return false, err
		}
		return true, removeFiles(dir, nil)
	}
	lock, err := tryName(p.o.Dir, name)
	if lock == nil || err != nil {
		return false, err // its bot lives, or it is just being removed
	}
	if _, err := os.Lstat(filepath.Join(dir, keptName)); err == nil && !expired {
		return false, lock.Close()
	}
	if err := p.o.Driver.Stop(ctx, name); err != nil {
		return false, errors.Join(err, lock.Close())
	}
	return true, removeFiles(dir, lock)
}

// names lists the machines that have a directory or a lock file here.
func (p *Pool) names() ([]string, error) {
	entries, err := os.ReadDir(p.o.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), lockSuffix)
		if _, ours := expiryOf(name); ours {
			names = append(names, name)
		}
	}
	return names, nil
}
