package selftest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// answer asks one probe.
func answer(t *testing.T, p Probe) (Result, []string) {
	t.Helper()
	r := Examine(t.Context(), []Probe{p})
	r.Probes[0].MS, r.Probes[0].Capabilities = 0, nil
	return r.Probes[0], r.Capabilities
}

func files(list map[string]string) fstest.MapFS {
	root := fstest.MapFS{}
	for name, text := range list {
		root[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return root
}

const meminfo = "MemTotal:       25165824 kB\nMemFree:         1000 kB\n"

func TestMemory(t *testing.T) {
	const v1 = "9:memory:/docker/abc\n1:name=systemd:/docker/abc\n"
	for _, test := range []struct {
		name  string
		files map[string]string
		want  string
		can   string
	}{
		{"no limit", map[string]string{"proc/meminfo": meminfo}, "24 GB", "memory=24G"},
		{"version 2, none", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "max\n"}, "24 GB", "memory=24G"},
		{"version 2", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "6442450944\n"},
			"6.0 GB, by the container's limit; the machine has 24 GB", "memory=6G"},
		{"version 2, a parent's", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/bots.slice/bot.service\n",
			"sys/fs/cgroup/bots.slice/bot.service/memory.max": "max\n", "sys/fs/cgroup/bots.slice/memory.max": "2147483648\n"},
			"2.0 GB, by the container's limit; the machine has 24 GB", "memory=2G"},
		{"version 1, none", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": v1,
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}, "24 GB", "memory=24G"},
		{"version 1, own namespace", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": v1,
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "805306368\n"},
			"768 MB, by the container's limit; the machine has 24 GB", "memory=768M"},
		{"version 1, path", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": v1,
			"sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes": "4294967296\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"},
			"4.0 GB, by the container's limit; the machine has 24 GB", "memory=4G"},
		{"rubbish", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "x\n0::/../..\n", "sys/fs/cgroup/memory.max": "-1"}, "24 GB", "memory=24G"},
	} {
		got, can := answer(t, Memory(files(test.files)))
		if !got.OK || got.Finding != test.want || strings.Join(can, " ") != test.can {
			t.Errorf("%s: got %+v, %q; want %q, %q", test.name, got, can, test.want, test.can)
		}
	}
	got, can := answer(t, Memory(files(map[string]string{"proc/meminfo": "MemTotal: 131072 kB\n"})))
	want := Result{Name: "memory", Finding: "128 MB", Hint: "give the bot 256 MB or more", Needed: true}
	if diff := cmp.Diff(want, got); diff != "" || len(can) > 0 {
		t.Errorf("little memory, %q (-want +got):\n%s", can, diff)
	}
	if got, _ := answer(t, Memory(files(nil))); got.OK || !strings.Contains(got.Finding, "proc/meminfo") {
		t.Errorf("no /proc: %+v", got)
	}
}

func TestCPUs(t *testing.T) {
	n := runtime.NumCPU()
	half := fmt.Sprintf("0.5, by the container's limit; the machine has %d", n)
	for _, test := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"no limit", nil, fmt.Sprint(n)},
		{"version 2, none", map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n"}, fmt.Sprint(n)},
		{"version 2", map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "50000 100000\n"}, half},
		{"version 1, none", map[string]string{"proc/self/cgroup": "4:cpu,cpuacct:/\n", "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
			"sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n"}, fmt.Sprint(n)},
		{"version 1", map[string]string{"proc/self/cgroup": "4:cpu,cpuacct:/x\n", "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "50000\n",
			"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n"}, half},
		{"more than there are", map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "99900000 100000\n"}, fmt.Sprint(n)},
	} {
		if got, _ := answer(t, CPUs(files(test.files))); !got.OK || got.Finding != test.want {
			t.Errorf("%s: got %+v, want %q", test.name, got, test.want)
		}
	}
}

func TestSystem(t *testing.T) {
	got, can := answer(t, System())
	if !got.OK || !strings.HasSuffix(got.Finding, " on "+runtime.GOARCH) || can[0] != "arch="+runtime.GOARCH {
		t.Errorf("got %+v, %q", got, can)
	}
}

func TestDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	has := func(free, total uint64) func(string) (uint64, uint64, error) {
		return func(string) (uint64, uint64, error) { return free, total, nil }
	}
	for _, test := range []struct {
		name   string
		statfs func(string) (uint64, uint64, error)
		want   Result
		can    string
	}{
		{"room", has(80<<30+5, 100<<30), Result{OK: true, Finding: "80 GB free of 100 GB in " + dir}, "disk=80G"},
		{"full", has(900<<20, 100<<30), Result{Finding: "full: 900 MB free of 100 GB in " + dir,
			Hint: "make room there, or choose another state directory"}, ""},
		{"broken", func(string) (uint64, uint64, error) { return 0, 0, syscall.EIO }, Result{
			Finding: "ask for room in " + dir + ": input/output error", Hint: "make room there, or choose another state directory"}, ""},
	} {
		got, can := answer(t, diskProbe(dir, test.statfs))
		test.want.Name, test.want.Needed = "disk", true
		if diff := cmp.Diff(test.want, got); diff != "" || strings.Join(can, " ") != test.can {
			t.Errorf("%s: capabilities %q (-want +got):\n%s", test.name, can, diff)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	// A place where nobody, root included, can make a file.
	if got, _ := answer(t, diskProbe("/proc/self", has(80<<30, 100<<30))); got.OK || !strings.HasPrefix(got.Finding, "cannot write to /proc/self: ") {
		t.Errorf("not writable: %+v", got)
	}
	if got, _ := answer(t, Disk("/proc/self/none")); got.OK || !strings.HasPrefix(got.Finding, "cannot make the state directory: ") {
		t.Errorf("cannot be made: %+v", got)
	}
	// The real one agrees with what the system says.
	if free, total, err := statfs(dir); err != nil || free == 0 || total < free {
		t.Errorf("statfs: %d of %d, %v", free, total, err)
	}
}

func TestSizes(t *testing.T) {
	for _, test := range []struct {
		n          uint64
		size, word string
	}{
		{1 << 10, "1 kB", "0M"}, {1<<20 - 1, "1023 kB", "0M"}, {1 << 20, "1 MB", "1M"}, {1<<30 - 1, "1023 MB", "1023M"},
		{3 << 29, "1.5 GB", "1G"}, {10<<30 - 1, "10.0 GB", "9G"}, {24 << 30, "24 GB", "24G"},
	} {
		if size(test.n) != test.size || word(test.n) != test.word {
			t.Errorf("%d: %q, %q; want %q, %q", test.n, size(test.n), word(test.n), test.size, test.word)
		}
	}
}

func FuzzCgroup(f *testing.F) {
	f.Add("0::/a/b\n", "max")
	f.Add("9:memory:/\n", "123")
	f.Add("::::\n1:memory", "-1")
	f.Fuzz(func(t *testing.T, cgroup, limit string) {
		root := files(map[string]string{"proc/self/cgroup": cgroup, "sys/fs/cgroup/memory.max": limit, "sys/fs/cgroup/cpu.max": limit})
		memoryLimit(root)
		if n, ok := cpuLimit(root); ok && n <= 0 {
			t.Errorf("a quota of %v processors", n)
		}
	})
}

func TestCause(t *testing.T) {
	_, err := os.Open("/nonexistent/x")
	if got := cause(err); !errors.Is(got, syscall.ENOENT) || strings.Contains(got.Error(), "nonexistent") {
		t.Errorf("cause %v", got)
	}
}
