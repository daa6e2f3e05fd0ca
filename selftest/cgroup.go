package selftest

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// memTotal is the machine's memory in bytes.
func memTotal(root fs.FS) (uint64, error) {
	data, err := fs.ReadFile(root, "proc/meminfo")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(data)) {
		fields := strings.Fields(line)
		if len(fields) == 3 && fields[0] == "MemTotal:" && fields[2] == "kB" {
			kilobytes, err := strconv.ParseUint(fields[1], 10, 44)
			if err != nil {
				return 0, fmt.Errorf("read /proc/meminfo: %w", err)
			}
			return kilobytes * kilo, nil
		}
	}
	return 0, errors.New("read /proc/meminfo: no MemTotal")
}

// memoryLimit is the smallest limit of the control groups that the bot is in.
func memoryLimit(root fs.FS) (uint64, bool) {
	limit, found := uint64(0), false
	note := func(text string) {
		// "max", and in version 1 a number near 2^63, are no limit; the caller
		// compares with the machine's memory.
		n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 64)
		if err == nil && (!found || n < limit) {
			limit, found = n, true
		}
	}
	for _, dir := range groups(root, "memory") {
		for _, name := range []string{"memory.max", "memory.limit_in_bytes"} {
			if data, err := fs.ReadFile(root, path.Join(dir, name)); err == nil {
				note(string(data))
			}
		}
	}
	return limit, found
}

// cpuLimit is the smallest quota of processors of the bot's control groups.
func cpuLimit(root fs.FS) (float64, bool) {
	limit, found := 0.0, false
	note := func(quota, period string) {
		q, err1 := strconv.ParseFloat(strings.TrimSpace(quota), 64)
		p, err2 := strconv.ParseFloat(strings.TrimSpace(period), 64)
		if err1 != nil || err2 != nil || q <= 0 || p <= 0 { // "max" and -1 are no limit
			return
		}
		if n := q / p; !found || n < limit {
			limit, found = n, true
		}
	}
	for _, dir := range groups(root, "cpu") {
		if data, err := fs.ReadFile(root, path.Join(dir, "cpu.max")); err == nil {
			quota, period, _ := strings.Cut(strings.TrimSpace(string(data)), " ")
			note(quota, period)
		}
		quota, err1 := fs.ReadFile(root, path.Join(dir, "cpu.cfs_quota_us"))
		period, err2 := fs.ReadFile(root, path.Join(dir, "cpu.cfs_period_us"))
		if err1 == nil && err2 == nil {
			note(string(quota), string(period))
		}
	}
	return limit, found
}

// groups lists the directories of the control groups that this process is in,
// of both versions, from its own up to the root: a limit anywhere counts. In
// a container its own path may not be there, and the root is its group.
func groups(root fs.FS, controller string) []string {
	data, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return nil
	}
	var dirs []string
	for scan := bufio.NewScanner(strings.NewReader(string(data))); scan.Scan(); {
		// HIERARCHY:CONTROLLERS:PATH; version 2 is 0::PATH.
		parts := strings.SplitN(scan.Text(), ":", 3)
		if len(parts) != 3 {
			continue
		}
		var tops []string
		switch {
		case parts[1] == "":
			tops = []string{"sys/fs/cgroup", "sys/fs/cgroup/unified"}
		case strings.Contains(","+parts[1]+",", ","+controller+","):
			tops = []string{"sys/fs/cgroup/" + controller, "sys/fs/cgroup/" + parts[1]}
		}
		for _, top := range tops {
			for p := path.Join("/", parts[2]); ; p = path.Dir(p) {
				dirs = append(dirs, path.Join(top, p))
				if p == "/" {
					break
				}
			}
		}
	}
	return dirs
}
