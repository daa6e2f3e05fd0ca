//go:build linux

package container

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Sweep implements Runner: processes first, then the directories they used.
func (h *Host) Sweep(ctx context.Context) error {
	namespace, err := pidNamespace()
	if err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	// A dead bot's supervisor cleans up by itself, and better than we can, so
	// it gets time for that. Bots in other namespaces cannot be judged from here.
	killed, err := killByMarker(ctx, deadIn(namespace))
	removed, scratchErr := sweepScratch(ctx, h.o.Dir)
	if killed > 0 || len(removed) > 0 {
		h.o.Log.Info("swept what dead bots left", "processes", killed, "directories", len(removed))
	}
	if err := errors.Join(err, scratchErr); err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	return nil
}

// deadIn tells of a marker whether its bot is dead, if it was one of this namespace.
func deadIn(namespace string) func(marker string) bool {
	return func(text string) bool {
		m, err := parseMarker(text)
		return err == nil && m.Namespace == namespace && !m.alive()
	}
}

// killMarked kills everything of one job of this bot.
func killMarked(ctx context.Context, m marker) error {
	_, err := killByMarker(ctx, func(text string) bool { return text == m.String() })
	return err
}

// killByMarker kills the processes whose marker matches until there are none
// and returns how many there were.
func killByMarker(ctx context.Context, match func(marker string) bool) (int, error) {
	const again, patience = 20 * time.Millisecond, 30 * time.Second
	// How long supervisors may take to clean up by themselves.
	const courtesy = 3 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	impatient := time.After(courtesy)
	variables := []string{markerVariable}
	all := []string{markerVariable, supervisorVariable}
	seen := map[process]bool{}
	tick := time.NewTicker(again)
	defer tick.Stop()
	for {
		killAll(func() []process {
			list := marked(variables, match)
			for _, p := range list {
				seen[process{pid: p.pid, start: p.start}] = true
			}
			return list
		})
		reapOwn(seen)
		left := marked(all, match)
		if len(left) == 0 {
			return len(seen), nil
		}
		select {
		case <-tick.C:
		case <-impatient:
			variables = all
		case <-ctx.Done():
			return len(seen), fmt.Errorf("kill %d processes of ended jobs: %w", len(left), context.Cause(ctx))
		}
	}
}

// marked lists the living processes with one of the variables set to a
// matching marker.
func marked(variables []string, match func(string) bool) []process {
	var found []process
	for _, p := range processes() {
		if p.state == 'Z' || p.state == 'X' || p.pid == os.Getpid() {
			continue
		}
		for _, name := range variables {
			if text := p.variable(name); text != "" && match(text) {
				found = append(found, p)
				break
			}
		}
	}
	return found
}

// reapOwn waits for those of the killed processes that fell to us because we
// are process 1 or a subreaper. All are known to be of a job, so no child of
// another package can be among them.
func reapOwn(killed map[process]bool) {
	for p := range killed {
		if now, err := readProcess(p.pid); err == nil && now.start == p.start && now.parent == os.Getpid() {
			_, _ = unix.Wait4(p.pid, nil, unix.WNOHANG, nil)
		}
	}
}
