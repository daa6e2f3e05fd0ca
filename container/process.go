//go:build linux

package container

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// A process as /proc shows it.
type process struct {
	pid, parent, group int
	state              byte   // 'Z' is a zombie
	start              uint64 // in clock ticks since boot; with pid unique in time
}

// readProcess reads one process.
func readProcess(pid int) (process, error) {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return process{}, fmt.Errorf("read process %d: %w", pid, err)
	}
	return parseStat(data)
}

// parseStat reads /proc/PID/stat. The second field is the program's name in
// parentheses, which may itself contain parentheses, spaces and newlines.
func parseStat(data []byte) (process, error) {
	bad := func() (process, error) { return process{}, fmt.Errorf("parse process line %.80q", data) }
	open, end := bytes.IndexByte(data, '('), bytes.LastIndexByte(data, ')')
	if open < 1 || end < open {
		return bad()
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data[:open])))
	if err != nil || pid <= 0 {
		return bad()
	}
	fields := strings.Fields(string(data[end+1:])) // from field 3 on
	if len(fields) < 20 || len(fields[0]) != 1 {
		return bad()
	}
	p := process{pid: pid, state: fields[0][0]}
	var errs [3]error
	p.parent, errs[0] = strconv.Atoi(fields[1])
	p.group, errs[1] = strconv.Atoi(fields[2])
	p.start, errs[2] = strconv.ParseUint(fields[19], 10, 64)
	if errors.Join(errs[:]...) != nil {
		return bad()
	}
	return p, nil
}

// processes lists all processes that can be seen. Those that end meanwhile are
// left out; without /proc nothing can be seen, which newMarker reports.
func processes() []process {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	var all []process
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if p, err := readProcess(pid); err == nil {
			all = append(all, p)
		}
	}
	return all
}

// descendants returns the processes below root, zombies not included.
func descendants(all []process, root int) []process {
	below := map[int][]process{}
	for _, p := range all {
		below[p.parent] = append(below[p.parent], p)
	}
	var found []process
	seen := map[int]bool{root: true}
	for queue := []int{root}; len(queue) > 0; queue = queue[1:] {
		for _, p := range below[queue[0]] {
			if seen[p.pid] {
				continue // a snapshot that is not of one moment may contain a circle
			}
			seen[p.pid] = true
			queue = append(queue, p.pid)
			if p.state != 'Z' && p.state != 'X' {
				found = append(found, p)
			}
		}
	}
	return found
}

// groupEmpty reports whether nothing of the process group lives, zombies aside.
func groupEmpty(group int) bool {
	if errors.Is(syscall.Kill(-group, 0), syscall.ESRCH) {
		return true
	}
	return !slices.ContainsFunc(processes(), func(p process) bool {
		return p.group == group && p.state != 'Z' && p.state != 'X'
	})
}

// signal sends sig to p and to no process that got its number later.
func (p process) signal(sig unix.Signal) error {
	fd, err := unix.PidfdOpen(p.pid, 0)
	switch {
	case err == unix.ESRCH:
		return nil
	case err != nil: // an old kernel, or a filter that knows no pidfd
		return gone(unix.Kill(p.pid, sig))
	}
	defer unix.Close(fd)
	if now, err := readProcess(p.pid); err != nil || now.start != p.start {
		return nil // ended in between
	}
	return gone(unix.PidfdSendSignal(fd, sig, nil, 0))
}

// gone turns "no such process" into success.
func gone(err error) error {
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	return err
}

// variable returns the value of a variable in the environment that the
// process was started with. Processes of other users cannot be read.
func (p process) variable(name string) string {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(p.pid) + "/environ")
	if err != nil {
		return ""
	}
	prefix := []byte(name + "=")
	for entry := range bytes.SplitSeq(data, []byte{0}) {
		if value, ok := bytes.CutPrefix(entry, prefix); ok {
			return string(value)
		}
	}
	return ""
}

// killAll stops every process that find returns until there are no new ones,
// then kills them: what is stopped cannot fork, so a fork bomb ends too. The
// caller looks again for what was missed or may not be killed.
func killAll(find func() []process) {
	const rounds = 20
	stopped := map[process]bool{}
	for range rounds {
		fresh := false
		for _, p := range find() {
			key := process{pid: p.pid, start: p.start}
			if !stopped[key] {
				stopped[key], fresh = true, true
				_ = p.signal(unix.SIGSTOP) // one that is refused is still there when the caller looks again
			}
		}
		if !fresh {
			break
		}
	}
	for p := range stopped {
		_ = p.signal(unix.SIGKILL) // as above
	}
}
