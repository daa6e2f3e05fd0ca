package selftest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// Memory asks how much memory the bot may use: that of the machine, or less if
// its container has a limit. root is the file system, os.DirFS("/").
func Memory(root fs.FS) Probe {
	return Probe{
		Name: "memory", Doc: "how much memory is there for jobs", Needed: true,
		Check: func(context.Context) (Finding, error) {
			total, err := memTotal(root)
			if err != nil {
				return Finding{}, err
			}
			f := Finding{OK: true, Text: size(total)}
			if limit, ok := memoryLimit(root); ok && limit < total {
				f.Text = fmt.Sprintf("%s, by the container's limit; the machine has %s", size(limit), size(total))
				total = limit
			}
			const least = 256 << 20
			if total < least {
				f.OK, f.Hint = false, fmt.Sprintf("give the bot %s or more", size(least))
			}
			f.Capabilities = []string{"memory=" + word(total)}
			return f, nil
		},
	}
}

// CPUs asks how many processors the bot may use.
func CPUs(root fs.FS) Probe {
	return Probe{
		Name: "cpus", Doc: "how many processors are there for jobs",
		Check: func(context.Context) (Finding, error) {
			n := runtime.NumCPU()
			quota, ok := cpuLimit(root)
			if !ok || quota >= float64(n) {
				return Finding{OK: true, Text: fmt.Sprint(n)}, nil
			}
			return Finding{OK: true, Text: fmt.Sprintf("%.3g, by the container's limit; the machine has %d", quota, n)}, nil
		},
	}
}

// System says what kind of machine this is.
func System() Probe {
	return Probe{
		Name: "system", Doc: "what kind of machine is this",
		Check: func(context.Context) (Finding, error) {
			f := Finding{OK: true, Text: runtime.GOOS + " on " + runtime.GOARCH, Capabilities: []string{"arch=" + runtime.GOARCH}}
			var name unix.Utsname
			if unix.Uname(&name) == nil {
				f.Text = runtime.GOOS + " " + unix.ByteSliceToString(name.Release[:]) + " on " + runtime.GOARCH
			}
			return f, nil
		},
	}
}

// leastDisk is what a bot needs for itself; less counts as full.
const leastDisk = 1 << 30

// Disk asks whether the bot can write to dir, and how much room there is.
func Disk(dir string) Probe { return diskProbe(dir, statfs) }

// diskProbe is Disk with a statfs of the test's own.
func diskProbe(dir string, statfs func(string) (free, total uint64, err error)) Probe {
	return Probe{
		Name: "disk", Doc: "is there room in the state directory", Needed: true, Cheap: true,
		Hint: "make room there, or choose another state directory",
		Check: func(context.Context) (Finding, error) {
			if err := os.MkdirAll(dir, 0o700); err != nil {
				return Finding{Text: fmt.Sprintf("cannot make the state directory: %v", err)}, nil
			}
			free, total, err := statfs(dir)
			if err != nil {
				return Finding{}, fmt.Errorf("ask for room in %s: %w", dir, err)
			}
			text := fmt.Sprintf("%s free of %s in %s", size(free), size(total), dir)
			if free < leastDisk {
				return Finding{Text: "full: " + text}, nil
			}
			if err := tryWrite(dir); err != nil {
				f := Finding{Text: fmt.Sprintf("cannot write to %s: %v", dir, err)}
				switch {
				case errors.Is(err, syscall.EROFS):
					f.Hint = "it is mounted read-only; mount a volume there"
				case errors.Is(err, fs.ErrPermission):
					f.Hint = fmt.Sprintf("it must belong to the bot's user (number %d)", os.Getuid())
				}
				return f, nil
			}
			return Finding{OK: true, Text: text, Capabilities: []string{"disk=" + word(free)}}, nil
		},
	}
}

// statfs says how many bytes an ordinary user may still write to a directory.
func statfs(dir string) (free, total uint64, err error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, 0, err
	}
	block := uint64(s.Bsize)
	return s.Bavail * block, s.Blocks * block, nil
}

// tryWrite makes a file in dir and deletes it.
func tryWrite(dir string) error {
	f, err := os.CreateTemp(dir, "selftest-*")
	if err != nil {
		return cause(err)
	}
	_, err = f.WriteString("selftest\n")
	return cause(errors.Join(err, f.Close(), os.Remove(filepath.Clean(f.Name()))))
}

// cause leaves out the name of a temporary file that means nothing to anybody.
func cause(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	return err
}

// The units of sizes.
const (
	kilo = 1 << 10
	mega = 1 << 20
	giga = 1 << 30
)

// size is a number of bytes for people.
func size(n uint64) string {
	switch {
	case n >= 10*giga:
		return fmt.Sprintf("%d GB", n/giga)
	case n >= giga:
		return fmt.Sprintf("%.1f GB", float64(n)/giga)
	case n >= mega:
		return fmt.Sprintf("%d MB", n/mega)
	default:
		return fmt.Sprintf("%d kB", n/kilo)
	}
}

// word is a number of bytes as task headers write it, rounded down: a bot
// must not promise what it has not.
func word(n uint64) string {
	if n >= giga {
		return fmt.Sprintf("%dG", n/giga)
	}
	return fmt.Sprintf("%dM", n/mega)
}
