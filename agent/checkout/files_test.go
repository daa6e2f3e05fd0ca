package checkout

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFiles(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	binary := "\x00\xff\nblob 3\n\x00"
	r.commit(map[string]string{"bots/verify": "#!/bin/sh\n", "bots/known/f/1-x": "text", "bots/new\nline\t\"": binary, "botsy": "no", "src": "no"})
	if err := errors.Join(os.Chmod(filepath.Join(r.dir, "bots/verify"), 0o755), os.Symlink("/etc/passwd", filepath.Join(r.dir, "bots/link")),
		os.WriteFile(filepath.Join(r.dir, "bots/empty"), nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	r.git("add", "--all")
	r.git("update-index", "--add", "--cacheinfo", "160000,"+strings.Repeat("1", 40)+",bots/sub")
	r.git("commit", "--quiet", "-m", "more")
	one := r.git("rev-parse", "HEAD")
	m := r.mirror()
	got, err := m.Files(deadline(t), one, "bots")
	if err != nil {
		t.Fatal(err)
	}
	want := []File{
		{"bots/empty", 0o644, []byte{}},
		{"bots/known/f/1-x", 0o644, []byte("text")},
		{"bots/link", fs.ModeSymlink | 0o777, []byte("/etc/passwd")},
		{"bots/new\nline\t\"", 0o644, []byte(binary)},
		{"bots/verify", 0o755, []byte("#!/bin/sh\n")},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got, err := m.Files(deadline(t), one, ""); err != nil || len(got) != 7 {
		t.Errorf("all: %d files, %v", len(got), err)
	}
	for _, none := range []string{"nothing", "src", "bot", "bots/verify", "*"} {
		if got, err := m.Files(deadline(t), one, none); err != nil || len(got) != 0 {
			t.Errorf("%s: %d files, %v", none, len(got), err)
		}
	}
	if _, err := m.Files(deadline(t), "main", "bots"); err == nil || !strings.Contains(err.Error(), "not a full commit id") {
		t.Errorf("a name instead of a commit: %v", err)
	}
}

func TestFilesUnderLimits(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	one := r.commit(map[string]string{"bots/a": "123456", "bots/b": "123456", "bots/c": "1", "other": strings.Repeat("x", 1000)})
	for _, test := range []struct {
		limits Limits
		want   string
	}{
		{Limits{Files: 2}, `more than 2 files in "bots"`},
		{Limits{File: 5}, `"bots/a" has 6 bytes, more than 5`},
		{Limits{Total: 12}, `more than 12 bytes in "bots"`},
		{Limits{Files: 3, File: 6, Total: 13}, ""},
	} {
		m := r.mirror(func(o *Options) { o.Limits = test.limits })
		files, err := m.Files(deadline(t), one, "bots")
		if test.want == "" {
			if err != nil || len(files) != 3 {
				t.Errorf("%+v: %d files, %v", test.limits, len(files), err)
			}
			continue
		}
		if e, ok := errors.AsType[*CommitError](err); !ok || e.Reason != test.want {
			t.Errorf("%+v: error %v, want %s", test.limits, err, test.want)
		}
	}
}

func TestChanged(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	root := r.commit(map[string]string{"a": "1", "b": "1", "old": strings.Repeat("same\n", 50)})
	r.branch("topic", root)
	r.git("mv", "old", "new")
	head := r.commit(map[string]string{"a": "2", "po/de\n.po": "x"})
	r.branch("main", root)
	base := r.commit(map[string]string{"b": "2"})
	r.git("checkout", "--quiet", "--orphan", "other")
	other := r.commit(map[string]string{"a": "1"})
	m := r.mirror()
	for _, test := range []struct {
		name, base, head string
		want             []string
	}{
		{"since they parted", base, head, []string{"a", "new", "old", "po/de\n.po"}},
		{"nothing", head, head, nil},
		{"merged already", head, root, nil},
		{"nothing in common", root, other, []string{"b"}}, // an orphan begins with the files of main
	} {
		got, err := m.Changed(deadline(t), test.base, test.head)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func FuzzParseEntry(f *testing.F) {
	id := strings.Repeat("a", 40)
	f.Add([]byte("100644 blob " + id + "      12\tbots/verify"))
	f.Add([]byte("160000 commit " + id + "       -\tsub"))
	f.Add([]byte("100755 blob " + id + " -1\t"))
	f.Add([]byte("\t"))
	f.Fuzz(func(t *testing.T, line []byte) {
		e, err := parseEntry(line)
		if err == nil && (e.path == "" || e.size < 0 || !isCommit(e.object)) {
			t.Errorf("%q gives %+v", line, e)
		}
		// However it is cut, the stream gives the same.
		var whole, parts []entry
		stream := append(append([]byte{}, line...), 0)
		one := &entryWriter{visit: func(e entry) error { whole = append(whole, e); return nil }}
		_, oneErr := one.Write(stream)
		two := &entryWriter{visit: func(e entry) error { parts = append(parts, e); return nil }}
		var twoErr error
		for i := range stream {
			if _, twoErr = two.Write(stream[i : i+1]); twoErr != nil {
				break
			}
		}
		if (oneErr == nil) != (twoErr == nil) || !cmp.Equal(whole, parts, cmp.AllowUnexported(entry{})) {
			t.Errorf("%q: in one piece %v, %v; in many %v, %v", line, whole, oneErr, parts, twoErr)
		}
	})
}

func FuzzIsRef(f *testing.F) {
	for _, seed := range []string{"refs/heads/main", "refs/heads/a/../b", "refs/heads/-x", "refs/heads/a.lock", "refs/pull/7/head", "refs//x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if isRef(text) && (strings.HasPrefix(text, "-") || strings.ContainsAny(text, ": \x00\n*") || !strings.HasPrefix(text, "refs/")) {
			t.Errorf("%q passes", text)
		}
	})
}
