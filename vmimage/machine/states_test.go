package machine

import (
	"bytes"
	"debug/elf"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTidy(t *testing.T) {
	s := &states{dir: t.TempDir(), most: 250 << 10}
	now := time.Now()
	put := func(name string, used, made time.Duration) {
		one := s.of(name)
		if err := os.Mkdir(one.dir, 0o700); err != nil {
			t.Fatal(err)
		}
		for file, size := range map[string]int{memoryState: 100 << 10, aboutState: 10} {
			if err := os.WriteFile(one.file(file), make([]byte, size), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for path, age := range map[string]time.Duration{one.file(aboutState): made, one.dir: used} {
			if err := os.Chtimes(path, now.Add(-age), now.Add(-age)); err != nil {
				t.Fatal(err)
			}
		}
	}
	put("young", time.Hour, time.Hour)
	put("busy", time.Minute, 100*time.Hour)
	put("idle", 90*time.Hour, 100*time.Hour)
	put("old", time.Minute, statesAge+time.Hour)
	put(newState+"dead", time.Minute, time.Minute)
	if err := s.markBad("never", os.ErrInvalid); err != nil {
		t.Fatal(err)
	}
	held, err := s.maker()
	if err != nil || held == nil {
		t.Fatal(held, err)
	}
	defer held.Close()
	if other, err := s.maker(); other != nil || err != nil {
		t.Errorf("there are two makers: %v", err)
	}
	var left []string
	entries, _ := os.ReadDir(s.dir)
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if diff := cmp.Diff([]string{"busy", statesLock, "never" + badState, "young"}, left); diff != "" {
		t.Error(diff)
	}
	if !s.bad("never") || s.bad("young") {
		t.Error("the wrong ones are bad")
	}
	if s.room(s.most + 1) {
		t.Error("there is room for more than may be")
	}
}

func TestKeyOf(t *testing.T) {
	disk := filepath.Join(t.TempDir(), "disk.qcow2")
	write := func(text string) {
		if err := os.WriteFile(disk, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	key := func(size int64, shape string) string {
		k, err := keyOf(Image{Disk: disk}, size, shape)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	first := key(0, "a")
	if first != key(0, "a") || first == key(1, "a") || first == key(0, "b") {
		t.Error("the key does not tell machines apart, or tells one from itself")
	}
	if err := os.Chtimes(disk, time.Time{}, time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if first == key(0, "a") {
		t.Error("another disk has the same key")
	}
	if _, err := keyOf(Image{Disk: disk + "x"}, 0, "a"); err == nil {
		t.Error("a disk that is not there has a key")
	}
}

// TestReseeder: it is a program for Linux, and each has randomness of its own. That it does what it says is seen in guests.
func TestReseeder(t *testing.T) {
	one, err := reseeder()
	if err != nil {
		t.Fatal(err)
	}
	two, err := reseeder()
	if err != nil {
		t.Fatal(err)
	}
	f, err := elf.NewFile(bytes.NewReader(one))
	if err != nil {
		t.Fatal(err)
	}
	if f.Machine != elf.EM_X86_64 || f.Type != elf.ET_EXEC || len(f.Progs) != 1 || f.Progs[0].Filesz != uint64(len(one)) {
		t.Errorf("got %+v, %+v", f.FileHeader, f.Progs)
	}
	code := len(one) - seedBytes
	if !bytes.HasSuffix(one[:code], []byte("/dev/urandom\x00")) || !bytes.Equal(one[:code], two[:code]) || bytes.Equal(one[code:], two[code:]) {
		t.Errorf("got %x and %x", one, two)
	}
}
