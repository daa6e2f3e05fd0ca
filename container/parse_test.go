//go:build linux

package container

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func FuzzParseStat(f *testing.F) {
	self, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(self)
	f.Add([]byte("7 (a) b) c (d) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20"))
	f.Add([]byte(")("))
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := parseStat(data)
		if err == nil && (p.pid <= 0 || p.state == 0) {
			t.Errorf("%q gives %+v", data, p)
		}
	})
}

func TestParseStat(t *testing.T) {
	got, err := parseStat([]byte("42 (evil) R 1 1 1 (x) S 7 8 9 0 -1 0 1 2 3 4 5 6 7 8 20 0 1 0 4711 99 100\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := process{pid: 42, parent: 7, group: 8, state: 'S', start: 4711}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(process{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	self, err := readProcess(os.Getpid())
	if err != nil || self.parent != os.Getppid() || self.group != unix.Getpgrp() {
		t.Errorf("ourselves: %+v, %v", self, err)
	}
}

func FuzzParseMarker(f *testing.F) {
	f.Add("4026531836,1,2,NONCE")
	f.Add(",,,")
	f.Add("a,-1,0,x")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := parseMarker(text)
		if err != nil {
			return
		}
		again, err := parseMarker(m.String())
		if err != nil || again != m {
			t.Errorf("%q reads as %+v, then %+v, %v", text, m, again, err)
		}
	})
}

func TestMarker(t *testing.T) {
	m, err := newMarker()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := parseMarker(m.String()); err != nil || got != m {
		t.Errorf("%v reads as %v, %v", m, got, err)
	}
	if !m.alive() {
		t.Error("this process is not alive")
	}
	m.Start++
	if m.alive() {
		t.Error("a process that started at another time is taken for this one")
	}
	other, err := newMarker()
	if err != nil || other.Nonce == m.Nonce {
		t.Errorf("two markers are the same: %v, %v", other, err)
	}
}

func TestDescendants(t *testing.T) {
	all := []process{
		{pid: 1}, {pid: 2, parent: 1}, {pid: 3, parent: 2}, {pid: 4, parent: 3, state: 'Z'}, {pid: 5, parent: 4},
		{pid: 6, parent: 1}, {pid: 7, parent: 8}, {pid: 8, parent: 7}, // a circle
		{pid: 2, parent: 3}, // root again, from another moment
	}
	var got []int
	for _, p := range descendants(all, 2) {
		got = append(got, p.pid)
	}
	if want := []int{3, 5}; !slices.Equal(got, want) {
		t.Errorf("descendants %v, want %v", got, want)
	}
}

func TestFindCommand(t *testing.T) {
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"good": 0o755, "plain": 0o644} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	path := "relative:" + dir
	for _, test := range []struct {
		name, want string
		err        error
	}{
		{"good", filepath.Join(dir, "good"), nil},
		{"plain", "", unix.EACCES},
		{"none", "", unix.ENOENT},
		{"./here", "./here", nil},
	} {
		if got, err := findCommand(test.name, path); got != test.want || err != test.err {
			t.Errorf("%s: got %q, %v; want %q, %v", test.name, got, err, test.want, test.err)
		}
	}
	t.Chdir(dir)
	if err := os.Mkdir("relative", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("relative/trap", nil, 0o755); err != nil {
		t.Fatal(err)
	}
	if got, err := findCommand("trap", path); err == nil {
		t.Errorf("a relative entry of PATH led to %q", got)
	}
}
