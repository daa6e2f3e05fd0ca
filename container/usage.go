//go:build linux

package container

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A usage measures what a job uses that no limit of the kernel holds: its files on disk, and where there are no control
// groups its memory. Between two looks a job can use more than it may; what it may use at most is then up to how fast
// the machine writes.
type usage struct {
	dirs   []string         // that the job may write
	disk   int64            // limit; 0 does not look
	memory int64            // limit; 0 does not look
	family func() []process // the job's processes
}

// watch looks until ctx ends and tells of a limit that is passed. A look at the disk takes as long as there are many
// files, so it is repeated after twenty times as long: watching costs a twentieth of a processor at most.
func (u usage) watch(ctx context.Context) <-chan Excess {
	const soonest, share = 200 * time.Millisecond, 20
	passed := make(chan Excess, 1)
	if u.disk <= 0 && u.memory <= 0 {
		return passed
	}
	go func() {
		for pause := soonest; ; {
			select {
			case <-ctx.Done():
				return
			case <-time.After(pause):
			}
			began := time.Now()
			if u.memory > 0 && residents(u.family()) > u.memory {
				passed <- TooMuchMemory
				return
			}
			if u.disk > 0 && u.onDisk(ctx) > u.disk {
				passed <- TooMuchDisk
				return
			}
			pause = max(soonest, share*time.Since(began))
		}
	}()
	return passed
}

// perFile is what a file costs beside its blocks: so that a million empty files are not free.
const perFile = 1024

// onDisk is what the directories hold, with deleted files that a process of the job still has open.
func (u usage) onDisk(ctx context.Context) int64 {
	var sum int64
	for _, dir := range u.dirs {
		sum += treeSize(ctx, dir, u.disk-sum)
		if sum > u.disk {
			return sum
		}
	}
	return sum + unlinked(u.family())
}

// treeSize adds up the blocks of the files below dir, each link of a file once more; it stops above most. It never leaves the
// directory, whatever is renamed meanwhile: each one is opened relative to the one above, and not through a link.
func treeSize(ctx context.Context, dir string, most int64) int64 {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return 0
	}
	defer root.Close()
	var sum int64
	for queue := []string{"."}; len(queue) > 0 && sum <= most && ctx.Err() == nil; {
		name := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		sub, err := root.Open(name)
		if err != nil {
			continue
		}
		for sum <= most {
			entries, err := sub.ReadDir(1000)
			for _, e := range entries {
				info, infoErr := e.Info()
				if infoErr != nil {
					continue
				}
				sum += perFile + blocks(info)
				if info.IsDir() {
					queue = append(queue, filepath.Join(name, e.Name()))
				}
			}
			if err != nil {
				break
			}
		}
		sub.Close()
	}
	return sum
}

// blocks is what a file takes on disk.
func blocks(info os.FileInfo) int64 {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return info.Size()
	}
	return st.Blocks * 512
}

// unlinked adds up the blocks of files without a name that processes have open.
func unlinked(list []process) int64 {
	type file struct{ dev, ino uint64 }
	seen := map[file]bool{}
	var sum int64
	for _, p := range list {
		dir := "/proc/" + strconv.Itoa(p.pid) + "/fd"
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue // ended, or not ours to look at
		}
		for _, e := range entries {
			link := filepath.Join(dir, e.Name())
			if target, err := os.Readlink(link); err != nil || !strings.HasSuffix(target, " (deleted)") {
				continue
			}
			var st unix.Stat_t
			if unix.Stat(link, &st) != nil || st.Nlink != 0 || st.Mode&unix.S_IFMT != unix.S_IFREG {
				continue
			}
			if key := (file{st.Dev, st.Ino}); !seen[key] {
				seen[key] = true
				sum += st.Blocks * 512
			}
		}
	}
	return sum
}

// residents adds up the memory of processes that is theirs alone.
func residents(list []process) int64 {
	page := int64(os.Getpagesize())
	var sum int64
	for _, p := range list {
		data, err := os.ReadFile("/proc/" + strconv.Itoa(p.pid) + "/statm")
		if err != nil {
			continue
		}
		fields := strings.Fields(string(data))
		if len(fields) < 3 {
			continue
		}
		resident, err1 := strconv.ParseInt(fields[1], 10, 64)
		shared, err2 := strconv.ParseInt(fields[2], 10, 64)
		if errors.Join(err1, err2) == nil {
			sum += (resident - shared) * page
		}
	}
	return sum
}

// roomFor is how much a job may write to dir: the limit, or less, so that the disk never fills up.
func roomFor(dir string, limit int64) (int64, error) {
	const reserve = 256 << 20
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, fmt.Errorf("ask for room in %s: %w", dir, err)
	}
	free := int64(s.Bavail*uint64(s.Bsize)) - reserve
	switch {
	case free <= 0:
		return 0, fmt.Errorf("no room in %s: less than %s", dir, sizeText(reserve))
	case limit <= 0:
		return free, nil
	}
	return min(limit, free), nil
}
