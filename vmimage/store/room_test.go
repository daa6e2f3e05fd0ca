package store

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/vmimage"
)

// tight makes a cache believe that its file system has so many bytes in all.
func tight(t *testing.T, c *Cache, all int64) {
	t.Helper()
	c.free = func(dir string) (int64, error) {
		files, err := filepath.Glob(filepath.Join(dir, "*.qcow2"))
		left := all
		for _, f := range files {
			info, statErr := os.Stat(f)
			if statErr == nil {
				left -= onDisk(info)
			}
			err = errors.Join(err, statErr)
		}
		return left, err
	}
}

// TestEvict: a disk that is wanted takes the room of the one that was idle longest, but not of one that is in use or that was
// made here and may be nowhere else; and when all that would not do, nothing goes.
func TestEvict(t *testing.T) {
	const size = 1 << 20
	files := map[string][]byte{}
	var disks []vmimage.Disk
	for _, name := range []string{"made", "used", "idle", "fresh", "wanted", "more"} {
		d, data := newDisk(t, name, size)
		files[d.File()] = data
		disks = append(disks, d)
	}
	made, used, idle, fresh, wanted, more := disks[0], disks[1], disks[2], disks[3], disks[4], disks[5]
	from := []Source{serve(t, files).source(t)}
	c := openCache(t, t.TempDir(), quick())
	get := func(d vmimage.Disk) (*Held, error) { return c.Get(t.Context(), d, from, nil) }
	for n, d := range []vmimage.Disk{made, used, idle, fresh} {
		held, err := get(d)
		if err != nil {
			t.Fatal(err)
		}
		if d == used {
			t.Cleanup(func() { held.Close() })
		} else {
			held.Close()
		}
		last := time.Now().Add(time.Duration(n-10) * time.Hour)
		if err := os.Chtimes(c.aside(d, "checked"), last, last); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.KeepPackages(made, nil); err != nil {
		t.Fatal(err)
	}
	has := func(want ...vmimage.Disk) {
		t.Helper()
		for _, d := range disks {
			_, err := os.Stat(c.path(d))
			expected := false
			for _, w := range want {
				expected = expected || w == d
			}
			if (err == nil) != expected {
				t.Errorf("%s: %v", d, err)
			}
		}
	}
	tight(t, c, 5*size/2+64<<10) // four of them are here, each half empty
	held, err := get(wanted)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	has(made, used, fresh, wanted)

	tight(t, c, size/4)
	_, err = get(more)
	if _, ok := errors.AsType[*spaceError](err); !ok {
		t.Errorf("got %v", err)
	}
	has(made, used, fresh, wanted)
}

// TestWorkspace: what somebody left who was killed while making a disk goes, what the living make stays.
func TestWorkspace(t *testing.T) {
	c := openCache(t, t.TempDir(), quick())
	alive, err := c.Workspace(0)
	if err != nil {
		t.Fatal(err)
	}
	dead, err := c.Workspace(0)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []*Workspace{alive, dead} {
		if err := os.WriteFile(filepath.Join(w.Dir, "disk"), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	dead.held.Close() // as the kernel does when a process ends
	if err := c.Sweep(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(alive.Dir, "disk")); err != nil {
		t.Errorf("the living one: %v", err)
	}
	if _, err := os.Stat(dead.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the dead one: %v", err)
	}
	if err := alive.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(alive.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the closed one: %v", err)
	}
	if _, err := c.Workspace(1 << 60); err == nil {
		t.Error("there is room for anything")
	}
}
