package fakehub

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// eachRepository runs a test against both implementations.
func eachRepository(t *testing.T, test func(*testing.T, func() repository)) {
	t.Run("memory", func(t *testing.T) {
		objects := map[string]object{}
		test(t, func() repository { return newMemoryRepository(objects) })
	})
	t.Run("disk", func(t *testing.T) {
		git, err := findGit(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		test(t, func() repository {
			d, err := newDiskGit(t.Context(), git, filepath.Join(t.TempDir(), "r.git"), "main")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := d.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			})
			return d
		})
	})
}

// A maker writes objects and fails the test if it cannot.
type maker struct {
	*testing.T
	r     repository
	clock int64
}

// tree makes a tree of files given as path, content, path, content.
func (m *maker) tree(files ...string) string {
	m.Helper()
	var edits []treeEdit
	for f := range slices.Chunk(files, 2) {
		blob, err := m.r.write(m.Context(), object{kind: "blob", data: []byte(f[1])})
		if err != nil {
			m.Fatal(err)
		}
		edits = append(edits, treeEdit{Path: f[0], Mode: "100644", SHA: blob})
	}
	tree, err := editTree(m.Context(), m.r, "", edits)
	if err != nil {
		m.Fatal(err)
	}
	return tree
}

// commit makes a commit a minute after the one before.
func (m *maker) commit(tree string, parents ...string) string {
	m.Helper()
	m.clock += 60
	who := gitPerson{Name: "Ann", Email: "ann@example.com", When: time.Unix(1_700_000_000+m.clock, 0).UTC()}
	sha, err := writeCommit(m.Context(), m.r, gitCommit{Tree: tree, Parents: parents, Author: who, Committer: who, Message: "m\n"})
	if err != nil {
		m.Fatal(err)
	}
	return sha
}

func TestRepositoryRefs(t *testing.T) {
	eachRepository(t, func(t *testing.T, open func() repository) {
		r := open()
		m := &maker{T: t, r: r}
		a := m.commit(m.tree("f", "1"))
		b := m.commit(m.tree("f", "2"), a)
		const one, two = "refs/heads/one", "refs/claims/two"
		steps := []struct {
			name    string
			changes []refChange
			clash   string // the reference that refuses; "" is success
			want    map[string]string
		}{
			{"create", []refChange{{one, zeroOID, a}}, "", map[string]string{one: a}},
			{"create again", []refChange{{one, zeroOID, b}}, one, map[string]string{one: a}},
			{"compare and move", []refChange{{one, a, b}}, "", map[string]string{one: b}},
			{"compare with what was", []refChange{{one, a, b}}, one, map[string]string{one: b}},
			{"all or none", []refChange{{two, zeroOID, a}, {one, a, b}}, one, map[string]string{one: b}},
			{"both", []refChange{{two, zeroOID, a}, {one, b, a}}, "", map[string]string{one: a, two: a}},
			{"unconditional", []refChange{{one, "", b}}, "", map[string]string{one: b, two: a}},
			{"compare and delete other", []refChange{{two, b, zeroOID}}, two, map[string]string{one: b, two: a}},
			{"compare and delete", []refChange{{two, a, zeroOID}}, "", map[string]string{one: b}},
			{"delete whatever", []refChange{{one, "", zeroOID}}, "", map[string]string{}},
			{"delete what is not there", []refChange{{one, "", zeroOID}}, "", map[string]string{}},
		}
		for _, s := range steps {
			err := r.update(t.Context(), s.changes)
			conflict, clashed := errors.AsType[*refConflictError](err)
			if clashed != (s.clash != "") || clashed && conflict.name != s.clash || err != nil && !clashed {
				t.Fatalf("%s: got error %v, want a clash of %q", s.name, err, s.clash)
			}
			have, err := r.refs(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(s.want, have); diff != "" {
				t.Fatalf("%s: references (-want +got):\n%s", s.name, diff)
			}
		}
		for _, name := range []string{"refs/heads/one/below", "refs/heads"} {
			if err := r.update(t.Context(), []refChange{{one, "", a}}); err != nil {
				t.Fatal(err)
			}
			if err := r.update(t.Context(), []refChange{{name, zeroOID, a}}); err == nil {
				t.Errorf("%s was made beside %s", name, one)
			}
		}
		for _, bad := range []refChange{
			{"refs/heads/x\x00delete " + one + "\x00", "", a}, {"HEAD", "", a}, {"refs/heads/../x", "", a}, {two, "", "HEAD"}, {two, "x", a}, {two, "", ""},
		} {
			if err := r.update(t.Context(), []refChange{bad}); err == nil {
				t.Errorf("%q was taken", bad)
			}
		}
		if err := r.update(t.Context(), []refChange{{one, "", zeroOID[:39] + "1"}}); err == nil {
			t.Error("a reference to an object that is not there was made")
		}
	})
}

func TestRepositoryHistory(t *testing.T) {
	eachRepository(t, func(t *testing.T, open func() repository) {
		r := open()
		m := &maker{T: t, r: r}
		//   root - left - merge
		//      \ - right /
		root := m.commit(m.tree("a", "1\n", "b", "1\n"))
		left := m.commit(m.tree("a", "2\n", "b", "1\n"), root)
		right := m.commit(m.tree("a", "1\n", "b", "2\n", "d/e", "new\n"), root)
		clash := m.commit(m.tree("a", "3\n", "b", "1\n"), root)
		merge := m.commit(m.tree("a", "2\n", "b", "2\n", "d/e", "new\n"), left, right)
		alone := m.commit(m.tree("z", "z\n"))

		list := func(limit int, tip string, not ...string) []string {
			t.Helper()
			got, err := r.commits(t.Context(), tip, not, limit)
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		for _, c := range []struct {
			name string
			got  []string
			want []string
		}{
			{"all", list(0, merge), []string{merge, right, left, root}},
			{"without a side", list(0, merge, left), []string{merge, right}},
			{"limit", list(2, merge), []string{merge, right}},
			{"nothing", list(0, root, merge), nil},
		} {
			if !slices.Equal(c.got, c.want) {
				t.Errorf("commits %s = %v, want %v", c.name, c.got, c.want)
			}
		}
		for _, c := range [][3]string{{left, right, root}, {merge, right, right}, {root, root, root}, {left, alone, ""}} {
			if got, err := r.mergeBase(t.Context(), c[0], c[1]); err != nil || got != c[2] {
				t.Errorf("mergeBase(%v) = %q, %v", c, got, err)
			}
		}
		tree, err := r.mergeTree(t.Context(), left, right)
		if want := m.tree("a", "2\n", "b", "2\n", "d/e", "new\n"); err != nil || tree != want {
			t.Errorf("mergeTree = %s, %v, want %s", tree, err, want)
		}
		_, err = r.mergeTree(t.Context(), left, clash)
		if c, ok := errors.AsType[*mergeConflictError](err); !ok || !slices.Equal(c.paths, []string{"a"}) {
			t.Errorf("mergeTree of a conflict: %v", err)
		}
	})
}

func TestRepositoryDiff(t *testing.T) {
	eachRepository(t, func(t *testing.T, open func() repository) {
		r := open()
		m := &maker{T: t, r: r}
		from := m.commit(m.tree("gone", "x\n", "same", "s\n", "sub/changed", "1\n2\n"))
		to := m.commit(m.tree("same", "s\n", "sub/changed", "1\n3\n", "added", "a\nb\n"), from)
		changes, err := r.diff(t.Context(), from, to)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, c := range changes {
			got[c.path] = c.status
			if !isSHA(c.sha) {
				t.Errorf("%s has the object %q", c.path, c.sha)
			}
		}
		want := map[string]string{"gone": "removed", "sub/changed": "modified", "added": "added"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		first, err := r.diff(t.Context(), "", from)
		if err != nil || len(first) != 3 || first[0].status != "added" {
			t.Errorf("diff with the empty tree = %v, %v", first, err)
		}
		if same, err := r.diff(t.Context(), to, to); err != nil || len(same) != 0 {
			t.Errorf("diff with itself = %v, %v", same, err)
		}
	})
}

func TestRepositoryTake(t *testing.T) {
	eachRepository(t, func(t *testing.T, open func() repository) {
		from, to := open(), open()
		m := &maker{T: t, r: from}
		tip := m.commit(m.tree("f", "2"), m.commit(m.tree("f", "1")))
		for range 2 { // again is nothing to do
			if err := to.take(t.Context(), from, tip); err != nil {
				t.Fatal(err)
			}
		}
		if list, err := to.commits(t.Context(), tip, nil, 0); err != nil || len(list) != 2 {
			t.Errorf("the other repository has %v, %v", list, err)
		}
		if err := to.update(t.Context(), []refChange{{"refs/heads/x", zeroOID, tip}}); err != nil {
			t.Error(err)
		}
	})
}

func TestDiskDiffDetails(t *testing.T) {
	git, err := findGit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d, err := newDiskGit(t.Context(), git, filepath.Join(t.TempDir(), "r.git"), "main")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	m := &maker{T: t, r: d}
	long := "1\n2\n3\n4\n5\n6\n7\n8\n9\n"
	from := m.commit(m.tree("old name", long, "bin", "\x00\x01", "t", "text\n", "edit", "a\nb\n"))
	to := m.commit(m.tree("new\nname", long+"10\n", "bin", "\x00\x02", "edit", "a\ndiff --git a/x b/x\n@@ no\n"), from)
	got, err := d.diff(t.Context(), from, to)
	if err != nil {
		t.Fatal(err)
	}
	type row struct {
		Path, Previous, Status, Patch string
		Plus, Minus                   int
	}
	var rows []row
	for _, c := range got {
		rows = append(rows, row{c.path, c.previous, c.status, c.patch, c.additions, c.deletions})
	}
	want := []row{
		{Path: "bin", Status: "modified"},
		{Path: "edit", Status: "modified", Patch: "@@ -1,2 +1,3 @@\n a\n-b\n+diff --git a/x b/x\n+@@ no", Plus: 2, Minus: 1},
		{Path: "new\nname", Previous: "old name", Status: "renamed", Patch: "@@ -7,3 +7,4 @@\n 7\n 8\n 9\n+10", Plus: 1},
		{Path: "t", Status: "removed", Patch: "@@ -1 +0,0 @@\n-text", Minus: 1},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func (m *maker) blob(data string) string {
	m.Helper()
	sha, err := m.r.write(m.Context(), object{kind: "blob", data: []byte(data)})
	if err != nil {
		m.Fatal(err)
	}
	return sha
}

// A batch whose process died starts another one.
func TestBatchSurvives(t *testing.T) {
	git, err := findGit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d, err := newDiskGit(t.Context(), git, filepath.Join(t.TempDir(), "r.git"), "main")
	if err != nil {
		t.Fatal(err)
	}
	m := &maker{T: t, r: d}
	blob := m.blob("hello")
	if o, err := d.read(t.Context(), blob); err != nil || string(o.data) != "hello" {
		t.Fatalf("read = %v, %v", o, err)
	}
	for _, bad := range []string{zeroOID, "", "HEAD", blob + "\ninfo " + blob, blob[:3], ":/x"} {
		if _, err := d.read(t.Context(), bad); !errors.Is(err, errNoObject) {
			t.Errorf("read %q: %v, want no object", bad, err)
		}
	}
	if err := d.batch.cmd.Cancel(); err != nil {
		t.Fatal(err)
	}
	for try := 0; ; try++ { // the first answer may be the broken pipe
		o, err := d.read(t.Context(), blob)
		if err == nil && string(o.data) == "hello" {
			break
		}
		if try > 0 {
			t.Fatalf("read after the process died: %v", err)
		}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.read(gone, blob); !errors.Is(err, context.Canceled) {
		t.Errorf("read with an ended context: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := d.read(t.Context(), blob); err == nil {
		t.Error("a closed repository was read")
	}
}
