//go:build linux

package container

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// confine prepares this supervisor, and with it what it starts, for the place that it is in. The limits are the
// supervisor's own too: a child inherits them, and there is no moment at which it runs without.
func (o order) confine() error {
	if o.Plug {
		if err := plug(o.PlugAt); err != nil {
			return fmt.Errorf("make network: %w", err)
		}
	}
	if o.Shared != "" {
		// Engines give a file system of memory the mode that the directory below it has in the image.
		if err := os.Chmod(o.Shared, 0o777|os.ModeSticky); err != nil {
			return fmt.Errorf("share %s: %w", o.Shared, err)
		}
	}
	if o.Inside {
		// The job may be the same user as we are. It must not trace us, nor take our descriptors.
		if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
			return fmt.Errorf("hide the supervisor: %w", err)
		}
		if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
			return fmt.Errorf("keep capabilities from the job: %w", err)
		}
		if err := inheritNothing(); err != nil {
			return fmt.Errorf("keep capabilities from the job: %w", err)
		}
		// Nothing that a job starts may ever have a capability. Some are not ours to drop: they are not to be had either.
		for c := 0; c <= unix.CAP_LAST_CAP; c++ {
			_ = unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(c), 0, 0, 0)
		}
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return fmt.Errorf("give up new privileges: %w", err)
		}
	}
	if o.Filter {
		// It holds for this thread, and for all that it starts.
		if err := filterThread(); err != nil {
			return fmt.Errorf("filter system calls: %w", err)
		}
	}
	for _, l := range o.Limits {
		if err := unix.Setrlimit(l.Resource, &unix.Rlimit{Cur: l.Value, Max: l.Value}); err != nil {
			return fmt.Errorf("set limit %d to %d: %w", l.Resource, l.Value, err)
		}
	}
	return nil
}

// inheritNothing empties the set of capabilities that a program gets from who starts it.
func inheritNothing() error {
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	if err := unix.Capget(&head, &sets[0]); err != nil {
		return err
	}
	for i := range sets {
		sets[i].Inheritable = 0
	}
	return unix.Capset(&head, &sets[0])
}

// cleanUp removes what a dead bot cannot: what fails here is left to the next Sweep.
func (o order) cleanUp() {
	for _, argv := range o.After {
		const patience = time.Minute
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Env = o.Env
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if cmd.Start() != nil {
			continue
		}
		late := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		late.Stop()
	}
	for _, dir := range o.Groups {
		_ = os.Remove(dir)
	}
	if o.Scratch != "" {
		_ = removeScratch(o.Scratch)
	}
}
