package publish_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cyborg-bots/cyborg/publish"
)

// tree writes files below a new folder.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, data := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestArtifactGlobs(t *testing.T) {
	root := tree(t, map[string]string{
		"a.log": "1", "b.txt": "2", "sub/c.log": "3", "sub/deep/d.log": "4", "out/x": "5", "out/y/z": "6", ".git/e.log": "7", ".hidden": "8", "e.log/f": "9",
	})
	for _, tt := range []struct {
		globs []string
		want  []string
	}{
		{nil, []string{".hidden", "a.log", "b.txt", "e.log/f", "out/x", "out/y/z", "sub/c.log", "sub/deep/d.log"}},
		{[]string{"*.log"}, []string{"a.log", "e.log/f", "sub/c.log", "sub/deep/d.log"}},
		{[]string{"sub/*.log", "b.*"}, []string{"b.txt", "sub/c.log"}},
		{[]string{"out/"}, []string{"out/x", "out/y/z"}},
		{[]string{"./a.log", "nothing"}, []string{"a.log"}},
		{[]string{"../*"}, nil},
	} {
		s := openDir(t)
		a := begin(t, s, info(t))
		if err := a.Artifacts(t.Context(), root, tt.globs...); err != nil {
			t.Error(err)
		}
		finish(t, a, publish.StateSuccess, "")
		var got []string
		for _, f := range readJSON[publish.Results](t, s, a.Prefix()+"/results.json").Artifacts {
			got = append(got, f.Name)
		}
		slices.Sort(got)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.globs, diff)
		}
	}
	a := begin(t, openDir(t), info(t))
	if err := a.Artifacts(t.Context(), root, "[a-"); err == nil || !strings.Contains(err.Error(), `"[a-"`) {
		t.Errorf("bad glob: %v", err)
	}
	if err := a.Artifacts(t.Context(), "/no/such/folder"); err == nil {
		t.Error("no folder: no error")
	}
	finish(t, a, publish.StateSuccess, "")
}

// A job plants what leads out of its folder, or makes a reader wait for ever.
func TestPlantedArtifacts(t *testing.T) {
	outside := filepath.Join(tree(t, map[string]string{"id_rsa": "private"}), "id_rsa")
	root := tree(t, map[string]string{"good.txt": "good"})
	for name, plant := range map[string]func(path string) error{
		"link.txt":   func(p string) error { return os.Symlink(outside, p) },
		"folder":     func(p string) error { return os.Symlink(filepath.Dir(outside), p) },
		"inside.txt": func(p string) error { return os.Symlink("good.txt", p) },
		"pipe.txt":   func(p string) error { return syscall.Mkfifo(p, 0o600) },
	} {
		if err := plant(filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	s := openDir(t)
	a := begin(t, s, info(t))
	err := a.Artifacts(t.Context(), root)
	for _, want := range []string{"link.txt: not a regular file but a symbolic link", "folder: not a regular file but a symbolic link", "pipe.txt: not a regular file but a named pipe"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error says nothing of %q: %v", want, err)
		}
	}
	if err := a.Artifact(t.Context(), "key", filepath.Join(root, "link.txt")); err == nil {
		t.Error("a link was followed")
	}
	if err := a.Artifact(t.Context(), "folder", root); err == nil {
		t.Error("a folder was taken for a file")
	}
	finish(t, a, publish.StateSuccess, "")
	if got := objects(t, s, a); !slices.Contains(got, "files/good.txt") || slices.ContainsFunc(got, func(n string) bool { return strings.HasPrefix(n, "files/") && n != "files/good.txt" }) {
		t.Errorf("objects %q", got)
	}
	withheld := 0
	for _, f := range readJSON[publish.Results](t, s, a.Prefix()+"/results.json").Artifacts {
		if f.Withheld != "" && f.File == "" {
			withheld++
		}
	}
	if withheld != 6 {
		t.Errorf("%d files are listed as withheld, want 6", withheld)
	}
}

func TestArtifactLimits(t *testing.T) {
	i := info(t)
	i.Limits = publish.Limits{File: 1000, Files: 6, FileTotal: 2500}
	s := openDir(t)
	a := begin(t, s, i)
	root := tree(t, map[string]string{"1000": strings.Repeat("x", 1000), "1001": strings.Repeat("x", 1001), "0": ""})
	for n, tt := range []struct{ file, want string }{
		{"1000", ""}, {"1001", "it is longer than 1.0 kB"}, {"1000", ""}, {"1000", "all artifacts together are longer than 2.5 kB"}, {"0", ""}, {"0", ""}, {"0", "more than 6 files"},
	} {
		err := a.Artifact(t.Context(), "same name", filepath.Join(root, tt.file))
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("artifact %d: %v, want %q", n, err, tt.want)
		}
	}
	err := a.Finish(t.Context(), publish.Outcome{State: publish.StateSuccess})
	if err == nil || !strings.Contains(err.Error(), "1 more than 6 were left out") {
		t.Errorf("finish: %v", err)
	}
	if got := objects(t, s, a); !slices.Contains(got, "files/same-name.txt") || !slices.Contains(got, "files/2-same-name.txt") {
		t.Errorf("objects %q", got)
	}
	if err := a.Artifact(t.Context(), "late", filepath.Join(root, "0")); err == nil {
		t.Error("an artifact was taken after the end")
	}
}

// An archive with a secret stays here; one without leaves byte for byte, as do
// all files that have none.
func TestArchivesWithSecretsAreWithheld(t *testing.T) {
	packed := func(text string) string {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		if _, err := fmt.Fprint(w, text); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	files := map[string]string{
		"bad.gz": packed("x hunter2-and-more x"), "stored.zip": "PK\x03\x04 hunter2-and-more", "good.gz": packed("nothing"), "locked.7z": "7z\xbc\xaf\x27\x1c", "core": "\x7fELF\x00\x01", "plain.txt": "hunter2-and-more",
	}
	root := tree(t, files)
	i := info(t)
	i.Redact, _ = publish.NewRedactor(publish.Secret{Name: "S", Value: "hunter2-and-more"})
	s := openDir(t)
	a := begin(t, s, i)
	err := a.Artifacts(t.Context(), root)
	if _, leak := errors.AsType[*publish.LeakError](err); !leak || !strings.Contains(err.Error(), "locked.7z: cannot be searched for secrets: it is a file of kind 7z") {
		t.Errorf("error: %v", err)
	}
	finish(t, a, publish.StateSuccess, "")
	want := []string{"files/core.bin", "files/good.gz", "files/plain.txt"}
	got := slices.DeleteFunc(objects(t, s, a), func(n string) bool { return !strings.HasPrefix(n, "files/") })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	for object, file := range map[string]string{"core.bin": "core", "good.gz": "good.gz"} {
		if got := read(t, s, a.Prefix()+"/files/"+object); got != files[file] {
			t.Errorf("%s is %q", object, got)
		}
	}
	for _, f := range readJSON[publish.Results](t, s, a.Prefix()+"/results.json").Artifacts {
		if want := map[string]string{"bad.gz": "a secret is in it", "stored.zip": "a secret is in it"}[f.Name]; want != "" && f.Withheld != want {
			t.Errorf("%+v", f)
		}
		if f.Redacted != (f.Name == "plain.txt") {
			t.Errorf("%+v", f)
		}
	}
}
