package container

import (
	"fmt"
	"os"
	"strings"
)

// Limits are what one job may use. A runner that cannot keep one of them says so in its Holds.
type Limits struct {
	Memory    int64   // bytes, with the job's temporary files; 0 is no limit
	CPUs      float64 // processors; 0 is no limit
	Processes int     // with threads; 0 is no limit
	Disk      int64   // bytes in the directories that it may write; 0 is no limit
}

// DefaultLimits are those of a job on a machine of ordinary size.
func DefaultLimits() Limits {
	return Limits{Memory: 4 << 30, CPUs: 2, Processes: 4096, Disk: 20 << 30}
}

// withReserve adds what the supervisor inside needs, so that a job which uses up its own does not take that too.
func (l Limits) withReserve() Limits {
	const threads = 32
	if l.Processes > 0 {
		l.Processes += threads
	}
	return l
}

// NoNetwork is the only element of Spec.Network for a job that may reach nothing.
const NoNetwork = "none"

// An Excess is a limit that a job ran into.
type Excess string

// The limits that end a job, or part of it. That of processes does not: a fork that fails is the job's to deal with.
const (
	TooMuchMemory Excess = "memory"
	TooMuchDisk   Excess = "disk"
)

// text is the excess in words, with the limit.
func (e Excess) text(l Limits) string {
	switch e {
	case TooMuchMemory:
		return "out of memory" + ofLimit(l.Memory)
	case TooMuchDisk:
		return "too much on disk" + ofLimit(l.Disk)
	}
	return string(e)
}

func ofLimit(n int64) string {
	if n <= 0 {
		return ""
	}
	return " (limit " + sizeText(n) + ")"
}

// sizeText is a number of bytes for people.
func sizeText(n int64) string {
	switch {
	case n >= 1<<30 && n%(1<<30) == 0:
		return fmt.Sprintf("%d GB", n>>30)
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%d MB", n>>20)
	}
	return fmt.Sprintf("%d kB", n>>10)
}

// checkLimits refuses limits and networks that mean nothing.
func (s Spec) checkLimits() error {
	l := s.Limits
	if l.Memory < 0 || l.CPUs < 0 || l.Processes < 0 || l.Disk < 0 {
		return fmt.Errorf("run %s: limits are not negative", s.Name)
	}
	for _, host := range s.Network {
		if host == "" || host == NoNetwork && len(s.Network) > 1 {
			return fmt.Errorf("run %s: network %q: %s stands alone, or there are names of hosts", s.Name, strings.Join(s.Network, " "), NoNetwork)
		}
	}
	return nil
}

// checkDirs refuses directories that are not there.
func (s Spec) checkDirs() error {
	for _, dir := range append([]string{s.Dir}, s.Writable...) {
		if info, err := os.Stat(dir); err != nil {
			return fmt.Errorf("run %s: %w", s.Name, err)
		} else if !info.IsDir() {
			return fmt.Errorf("run %s: %s is not a directory", s.Name, dir)
		}
	}
	return nil
}
