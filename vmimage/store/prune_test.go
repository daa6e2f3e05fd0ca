package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyborg-bots/cyborg/vmimage"
)

const day = 24 * time.Hour

func need(disks ...vmimage.Disk) Needs {
	return func(context.Context) (map[vmimage.Disk]bool, error) {
		set := map[vmimage.Disk]bool{}
		for _, d := range disks {
			set[d] = true
		}
		return set, nil
	}
}

// TestPlan: the rules, on paper.
func TestPlan(t *testing.T) {
	item := func(name string, idle time.Duration, needed, holding bool) Item {
		disk, _ := newDisk(t, name, 1000)
		return Item{Disk: disk, Size: 10, Idle: idle, Needed: needed, Holding: holding}
	}
	items := []Item{
		item("old", 20*day, false, false), item("oldest", 30*day, false, false), item("old-needed", 40*day, true, false),
		item("old-held", 40*day, false, true), item("recent", 3*day, false, false), item("new", time.Hour, false, false),
	}
	for _, tt := range []struct {
		name  string
		short int64
		evict bool
		want  []string
		still int64
	}{
		{"age alone", 0, false, []string{"oldest", "old"}, 0},
		{"age is enough", 20, false, []string{"oldest", "old"}, 0},
		{"room", 21, false, []string{"oldest", "old", "recent"}, 0},
		{"alarm", 45, false, []string{"oldest", "old", "recent"}, 15},
		{"a cache gives more", 45, true, []string{"oldest", "old", "recent", "old-needed", "new"}, 0},
		{"a cache is full", 100, true, []string{"oldest", "old", "recent", "old-needed", "new"}, 50},
	} {
		list, still := plan(items, Rules{}, tt.short, tt.evict)
		var got []string
		for _, r := range list {
			got = append(got, r.Disk.Name)
		}
		if !slices.Equal(got, tt.want) || still != tt.still {
			t.Errorf("%s: removes %q, %d short; want %q, %d", tt.name, got, still, tt.want, tt.still)
		}
	}
}

// shelved puts disks on a folder.
func shelved(t *testing.T, f *Folder, names ...string) []vmimage.Disk {
	t.Helper()
	var disks []vmimage.Disk
	for _, name := range names {
		disk, data := newDisk(t, name, 1000)
		if err := os.WriteFile(filepath.Join(f.dir, disk.File()), data, 0o600); err != nil {
			t.Fatal(err)
		}
		disks = append(disks, disk)
	}
	return disks
}

// have lists the disks on a folder by their images' names, and marks as NAME?.
func have(t *testing.T, f *Folder) []string {
	t.Helper()
	var names []string
	for e, err := range f.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		file, mark := strings.CutSuffix(e.Name, unusedEnding)
		disk, err := vmimage.ParseDisk(file)
		switch {
		case err != nil:
			names = append(names, e.Name)
		case mark:
			names = append(names, disk.Name+"?")
		default:
			names = append(names, disk.Name)
		}
	}
	slices.Sort(names)
	return names
}

// TestPruneShelf follows a disk from being referred to, to nobody needing it, to its end.
func TestPruneShelf(t *testing.T) {
	f := newFolder(t)
	d := shelved(t, f, "a", "b", "c")
	if err := os.WriteFile(filepath.Join(f.dir, "README"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	long := time.Now().Add(-100 * day) // when they were uploaded does not matter
	for _, disk := range d {
		if err := os.Chtimes(filepath.Join(f.dir, disk.File()), long, long); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	for _, step := range []struct {
		name  string
		after time.Duration
		needs Needs
		want  []string
	}{
		{"b and c are needed no longer", 0, need(d[0]), []string{"README", "a", "b", "b?", "c", "c?"}},
		{"they stay for their time", 13 * day, need(d[0]), []string{"README", "a", "b", "b?", "c", "c?"}},
		{"b is needed again", 13 * day, need(d[0], d[1]), []string{"README", "a", "b", "c", "c?"}},
		{"c goes", 15 * day, need(d[0], d[1]), []string{"README", "a", "b"}},
		{"b is unneeded anew, from now on", 15 * day, need(d[0]), []string{"README", "a", "b", "b?"}},
	} {
		if _, err := PruneShelf(t.Context(), f, step.needs, Rules{}, at(now.Add(step.after))); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if diff := cmp.Diff(step.want, have(t, f)); diff != "" {
			t.Fatalf("%s (-want +got):\n%s", step.name, diff)
		}
	}
}

// TestPruneNobodyKnows: without a certain answer from git nothing is touched.
func TestPruneNobodyKnows(t *testing.T) {
	f := newFolder(t)
	shelved(t, f, "a", "b")
	unknown := errors.New("github does not answer")
	for name, needs := range map[string]Needs{
		"error":   func(context.Context) (map[vmimage.Disk]bool, error) { return nil, unknown },
		"nothing": need(),
	} {
		_, err := PruneShelf(t.Context(), f, needs, Rules{}, at(time.Now().Add(100*day)))
		if !errors.Is(err, unknown) && !errors.Is(err, ErrNothingNeeded) {
			t.Errorf("%s: %v", name, err)
		}
		if got := have(t, f); !slices.Equal(got, []string{"a", "b"}) {
			t.Errorf("%s: there are %q", name, got)
		}
	}
}

// TestPruneRaces: a branch is pushed, with a link to an old disk, while that is about to be removed; and peers prune.
func TestPruneRaces(t *testing.T) {
	f := newFolder(t)
	d := shelved(t, f, "a", "b")
	now := time.Now()
	if _, err := PruneShelf(t.Context(), f, need(d[0]), Rules{}, at(now)); err != nil {
		t.Fatal(err)
	}
	asked := 0
	pushed := func(ctx context.Context) (map[vmimage.Disk]bool, error) {
		if asked++; asked == 1 {
			return need(d[0])(ctx)
		}
		return need(d...)(ctx)
	}
	done, err := PruneShelf(t.Context(), f, pushed, Rules{}, at(now.Add(20*day)))
	if err != nil || len(done.Removed) > 0 {
		t.Errorf("removed %v: %v", done.Removed, err)
	}
	// A peer removes it between our look and our removal.
	peer := func(ctx context.Context) (map[vmimage.Disk]bool, error) {
		if err := errors.Join(f.Delete(ctx, d[1].File()), f.Delete(ctx, d[1].File()+unusedEnding)); err != nil {
			return nil, err
		}
		return need(d[0])(ctx)
	}
	if _, err := PruneShelf(t.Context(), f, peer, Rules{}, at(now.Add(20*day))); err != nil {
		t.Errorf("a peer was quicker: %v", err)
	}
	if got := have(t, f); !slices.Equal(got, []string{"a"}) {
		t.Errorf("there are %q", got)
	}
}

// TestPruneUpload: who uploads a disk that is there, unneeded for long, will refer to it soon: its time begins anew, also
// when that happens while it is about to be removed.
func TestPruneUpload(t *testing.T) {
	held, _ := made(t, "again")
	for _, when := range []string{"before", "meanwhile"} {
		f := newFolder(t)
		keep := shelved(t, f, "a")
		upload := func() {
			if _, err := Upload(t.Context(), f, held, nil); err != nil {
				t.Fatal(err)
			}
		}
		upload()
		now := time.Now()
		if _, err := PruneShelf(t.Context(), f, need(keep...), Rules{}, at(now)); err != nil {
			t.Fatal(err)
		}
		asked := 0
		needs := func(ctx context.Context) (map[vmimage.Disk]bool, error) {
			if asked++; asked == 2 && when == "meanwhile" {
				upload()
			}
			return need(keep...)(ctx)
		}
		if when == "before" {
			upload()
		}
		if _, err := PruneShelf(t.Context(), f, needs, Rules{}, at(now.Add(20*day))); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Size(t.Context(), held.Disk.File()); err != nil {
			t.Errorf("%s: %v", when, err)
		}
	}
}

// TestPruneDryRun: what would be removed is told, and nothing is touched.
func TestPruneDryRun(t *testing.T) {
	f := newFolder(t)
	d := shelved(t, f, "a", "b")
	now := time.Now()
	dry := Rules{DryRun: true}
	if _, err := PruneShelf(t.Context(), f, need(d[0]), dry, at(now)); err != nil {
		t.Fatal(err)
	}
	if got := have(t, f); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("there are %q", got)
	}
	if _, err := PruneShelf(t.Context(), f, need(d[0]), Rules{}, at(now)); err != nil {
		t.Fatal(err)
	}
	done, err := PruneShelf(t.Context(), f, need(d[0]), dry, at(now.Add(20*day)))
	if err != nil || len(done.Removed) != 1 || done.Removed[0].Disk != d[1] || done.Kept != 1 || done.Freed != 1000 {
		t.Errorf("got %+v, %v", done, err)
	}
	if got := have(t, f); !slices.Equal(got, []string{"a", "b", "b?"}) {
		t.Errorf("there are %q", got)
	}
	c := openCache(t, t.TempDir(), quick())
	disk, data := newDisk(t, "idle", 10_000)
	mustGet(t, c, disk, data, serve(t, map[string][]byte{disk.File(): data}).source(t))
	long := now.Add(-20 * day)
	if err := os.Chtimes(c.aside(disk, "checked"), long, long); err != nil {
		t.Fatal(err)
	}
	done, err = c.Prune(t.Context(), need(), dry)
	if err != nil || len(done.Removed) != 1 || done.Kept != 0 {
		t.Errorf("got %+v, %v", done, err)
	}
	if _, err := os.Stat(c.path(disk)); err != nil {
		t.Error(err)
	}
}

// TestPruneFull: the alarm says how much is missing.
func TestPruneFull(t *testing.T) {
	f := newFolder(t)
	d := shelved(t, f, "a", "b", "c")
	r := Rules{Room: 1500}
	now := time.Now()
	_, err := PruneShelf(t.Context(), f, need(d[:2]...), r, at(now))
	full, ok := errors.AsType[*FullError](err)
	if !ok || full.Short != 1500 || full.Kept != 3 {
		t.Fatalf("the alarm is %v", err)
	}
	done, err := PruneShelf(t.Context(), f, need(d[:2]...), r, at(now.Add(2*day)))
	if full, ok = errors.AsType[*FullError](err); !ok || full.Short != 500 || done.Freed != 1000 {
		t.Errorf("freed %d: %v", done.Freed, err)
	}
}

// TestPruneCache: what is in use stays, what is needed goes last.
func TestPruneCache(t *testing.T) {
	c := openCache(t, t.TempDir(), quick())
	files := map[string][]byte{}
	var disks []vmimage.Disk
	for _, name := range []string{"held", "needed", "unneeded", "young"} {
		disk, data := newDisk(t, name, 10_000)
		files[disk.File()] = data
		disks = append(disks, disk)
	}
	s := serve(t, files)
	old := time.Now().Add(-30 * day)
	for _, disk := range disks {
		mustGet(t, c, disk, files[disk.File()], s.source(t))
		if disk.Name != "young" {
			if err := os.Chtimes(c.aside(disk, "checked"), old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	held, err := c.Get(t.Context(), disks[0], nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(c.aside(disks[0], "checked"), old, old); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"partial", "journal", "lock"} {
		path := c.aside(vmimage.Disk{Name: "stray", Digest: disks[0].Digest}, name)
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chtimes(path, old, old)); err != nil {
			t.Fatal(err)
		}
	}
	check := func(what string, r Rules, want ...string) {
		t.Helper()
		_, err := c.Prune(t.Context(), need(disks[1]), r)
		if _, full := errors.AsType[*FullError](err); err != nil && !(full && r.Room > 0) {
			t.Fatalf("%s: %v", what, err)
		}
		var got []string
		for _, disk := range disks {
			if _, err := os.Stat(c.path(disk)); err == nil {
				got = append(got, disk.Name)
			} else if !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q are left, want %q", what, got, want)
		}
	}
	check("by age", Rules{}, "held", "needed", "young")
	check("for room", Rules{Room: 1 << 60}, "held")
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	check("let go", Rules{Room: 1 << 60})
	list, err := filepath.Glob(filepath.Join(c.dir, ".stray*"))
	if err != nil || len(list) > 0 {
		t.Errorf("strays are left: %q, %v", list, err)
	}
}

// at is a clock that stands.
func at(now time.Time) func() time.Time { return func() time.Time { return now } }
