//go:build linux

package container

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A group is the control groups of one job: one directory in version 2, one for each controller in version 1.
type group struct {
	dirs []string
	v2   bool
}

// groupPrefix is what the names of all our control groups begin with; the rest is the job's marker.
const groupPrefix = "cyborg-"

// controllers are what jobs are held to, when the machine has it and lets us.
func controllers() []string { return []string{"memory", "cpu", "pids"} }

// groupTree is where a process may make control groups.
type groupTree struct {
	v2      bool
	parents map[string]string // directory by controller; in version 2 all the same
}

// findGroups finds where this process may make control groups, by making one. The roots of the hierarchies come last:
// where groups are handed out by somebody else, as by systemd, our own place is the right one.
func findGroups(root string) (groupTree, error) {
	own, err := ownGroups(filepath.Join(root, "proc/self/cgroup"))
	if err != nil {
		return groupTree{}, err
	}
	top := filepath.Join(root, "sys/fs/cgroup")
	if _, err := os.Stat(filepath.Join(top, "cgroup.controllers")); err == nil {
		return unifiedTree(top, own[""])
	}
	t := groupTree{parents: map[string]string{}}
	var errs []error
	for _, controller := range controllers() {
		dir, err := firstThatMakes(filepath.Join(top, controller), own[controller])
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", controller, err))
			continue
		}
		t.parents[controller] = dir
	}
	return t, errors.Join(errs...)
}

// ownGroups reads which group this process is in, by controller; the key of version 2 is empty.
func ownGroups(file string) (map[string]string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("find control groups: %w", err)
	}
	own := map[string]string{}
	for line := range strings.Lines(string(data)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		for controller := range strings.SplitSeq(parts[1], ",") {
			own[controller] = parts[2]
		}
	}
	return own, nil
}

// firstThatMakes returns the first directory in which a group can be made: our own, the one above, the top.
func firstThatMakes(top, own string) (string, error) {
	var last error
	for _, dir := range places(top, own) {
		trial := filepath.Join(dir, fmt.Sprintf("%strial-%d", groupPrefix, os.Getpid()))
		if last = os.Mkdir(trial, 0o755); last == nil || errors.Is(last, fs.ErrExist) {
			return dir, os.Remove(trial)
		}
	}
	return "", last
}

func places(top, own string) []string {
	own = filepath.Join("/", own)
	return slices.Compact([]string{filepath.Join(top, own), filepath.Join(top, filepath.Dir(own)), top})
}

// unifiedTree finds a place in version 2: there the controllers must be handed down by the directory above, which a
// directory with processes of its own may not do, the top excepted.
func unifiedTree(top, own string) (groupTree, error) {
	last := errors.New("no group may hand down its controllers")
	for _, dir := range places(top, own) {
		err := handDown(dir)
		if err == nil {
			var found string
			if found, err = firstThatMakes(dir, "/"); err == nil {
				t := groupTree{v2: true, parents: map[string]string{}}
				for _, c := range controllers() {
					t.parents[c] = found
				}
				return t, nil
			}
		}
		last = err
	}
	return groupTree{v2: true}, last
}

// handDown lets the groups in dir have the controllers.
func handDown(dir string) error {
	data, err := os.ReadFile(filepath.Join(dir, "cgroup.subtree_control"))
	if err != nil {
		return err
	}
	have := strings.Fields(string(data))
	for _, c := range controllers() {
		if slices.Contains(have, c) {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte("+"+c), 0); err != nil {
			return err
		}
	}
	return nil
}

// has tells whether jobs can be held to a controller's limit.
func (t groupTree) has(controller string) bool { return t.parents[controller] != "" }

// make makes the groups of one job, as far as the machine has them. On an error nothing is left.
func (t groupTree) make(name string, l Limits) (*group, error) {
	g := &group{v2: t.v2}
	for _, controller := range controllers() {
		parent := t.parents[controller]
		if parent == "" {
			continue
		}
		dir := filepath.Join(parent, name)
		if !slices.Contains(g.dirs, dir) {
			if err := os.Mkdir(dir, 0o755); err != nil {
				return nil, errors.Join(fmt.Errorf("make control group: %w", err), g.remove())
			}
			g.dirs = append(g.dirs, dir)
		}
		for _, s := range settings(controller, t.v2, l) {
			err := os.WriteFile(filepath.Join(dir, s.file), []byte(s.value), 0)
			if err != nil && !(s.optional && errors.Is(err, fs.ErrNotExist)) {
				return nil, errors.Join(fmt.Errorf("limit %s: %w", controller, err), g.remove())
			}
		}
	}
	return g, nil
}

// A setting is one file of a control group.
type setting struct {
	file, value string
	optional    bool // not every kernel has it
}

// settings is how the limit of a controller is written down.
func settings(controller string, v2 bool, l Limits) []setting {
	const period = 100_000 // microseconds
	quota := strconv.Itoa(max(int(math.Round(l.CPUs*period)), 1000))
	bytes := strconv.FormatInt(l.Memory, 10)
	switch {
	case controller == "memory" && l.Memory > 0 && v2:
		return []setting{{"memory.max", bytes, false}, {"memory.swap.max", "0", true}, {"memory.oom.group", "0", true}}
	case controller == "memory" && l.Memory > 0:
		return []setting{{"memory.limit_in_bytes", bytes, false}, {"memory.memsw.limit_in_bytes", bytes, true}}
	case controller == "cpu" && l.CPUs > 0 && v2:
		return []setting{{"cpu.max", fmt.Sprintf("%s %d", quota, period), false}}
	case controller == "cpu" && l.CPUs > 0:
		return []setting{{"cpu.cfs_period_us", strconv.Itoa(period), false}, {"cpu.cfs_quota_us", quota, false}}
	case controller == "pids" && l.Processes > 0:
		return []setting{{"pids.max", strconv.Itoa(l.Processes), false}}
	}
	return nil
}

// add moves a process, with all its threads, into the groups. What it starts from then on is in them too.
func (g *group) add(pid int) error {
	for _, dir := range g.dirs {
		if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0); err != nil {
			return fmt.Errorf("move process %d: %w", pid, err)
		}
	}
	return nil
}

// kills is how many processes the kernel has killed because the group's memory was used up.
func (g *group) kills() int {
	for _, dir := range g.dirs {
		if n := killsIn(dir); n > 0 {
			return n
		}
	}
	return 0
}

// killsIn is kills of one directory.
func killsIn(dir string) int {
	for _, name := range []string{"memory.events", "memory.oom_control"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			continue
		}
		for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
			if text, ok := strings.CutPrefix(lines.Text(), "oom_kill "); ok {
				n, _ := strconv.Atoi(text)
				return n
			}
		}
	}
	return 0
}

// remove removes the groups, which are empty by now or a moment later: the kernel takes its time with the dead.
func (g *group) remove() error {
	const patience, again = 10 * time.Second, 5 * time.Millisecond
	var errs []error
	for _, dir := range g.dirs {
		for deadline := time.Now().Add(patience); ; {
			err := os.Remove(dir)
			if err == nil || errors.Is(err, fs.ErrNotExist) {
				break
			}
			if time.Now().After(deadline) {
				errs = append(errs, fmt.Errorf("remove control group: %w", err))
				break
			}
			<-time.After(again)
		}
	}
	return errors.Join(errs...)
}

// sweep removes the groups of bots that are dead.
func (t groupTree) sweep(ctx context.Context, dead func(marker string) bool) error {
	var errs []error
	seen := map[string]bool{}
	for _, parent := range t.parents {
		if parent == "" || seen[parent] || ctx.Err() != nil {
			continue
		}
		seen[parent] = true
		entries, err := os.ReadDir(parent)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, e := range entries {
			if name, ours := strings.CutPrefix(e.Name(), groupPrefix); ours && e.IsDir() && dead(name) {
				errs = append(errs, (&group{dirs: []string{filepath.Join(parent, e.Name())}}).remove())
			}
		}
	}
	return errors.Join(errs...)
}
