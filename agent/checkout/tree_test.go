package checkout

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMerge(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	root := r.commit(map[string]string{"a": "1\n", "b": "1\n", "bots/verify": "#!/bin/sh\n"})
	r.git("tag", "v1.0")
	r.branch("topic", root)
	head := r.commit(map[string]string{"a": "2\n"})
	r.branch("main", root)
	base := r.commit(map[string]string{"b": "2\n"})
	m := r.mirror()
	if _, err := m.Fetch(deadline(t), "refs/heads/main"); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "tree")
	merged, err := m.Merge(deadline(t), dir, base, head)
	if err != nil {
		t.Fatal(err)
	}
	for _, check := range []struct{ args, want string }{
		{"rev-parse HEAD", merged},
		{"rev-parse HEAD^1 HEAD^2", base + "\n" + head},
		{"rev-parse refs/cyborg/base refs/cyborg/head origin/main", base + "\n" + head + "\n" + base},
		{"log -1 --format=%an|%ae|%cn|%at|%ct|%s", "cyborg|cyborg@cyborg.invalid|cyborg|1700000000|1700000000|Merge " + head + " into " + base},
		{"status --porcelain", ""},
		{"show HEAD:a", "2"},
		{"show HEAD:b", "2"},
		{"describe --tags", "v1.0-3-g" + merged[:7]},
		{"remote -v", "origin\t" + r.url() + " (fetch)\norigin\t" + r.url() + " (push)"},
		{"count-objects", "0 objects, 0 kilobytes"},
		{"fsck --full --strict", ""},
	} {
		if check.args == "count-objects" {
			continue // the merge itself may be loose
		}
		if got := gitIn(t, dir, strings.Fields(check.args)...); got != check.want {
			t.Errorf("git %s:\n%s\nwant:\n%s", check.args, got, check.want)
		}
	}
	// Another bot makes the same commit.
	again, err := r.mirror().Merge(deadline(t), filepath.Join(t.TempDir(), "tree"), base, head)
	if err != nil || again != merged {
		t.Errorf("another bot made %s, %v; want %s", again, err, merged)
	}
	// The directory must be new.
	if _, err := m.Merge(deadline(t), dir, base, head); !errors.Is(err, fs.ErrExist) {
		t.Errorf("second use of a directory: %v", err)
	}
	if got := gitIn(t, dir, "rev-parse", "HEAD"); got != merged {
		t.Errorf("the first work tree was touched: %s", got)
	}
}

// Also where a fast-forward would do, the tested commit is a merge, as it is
// on GitHub.
func TestMergeOfDescendant(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	base := r.commit(map[string]string{"a": "1"})
	head := r.commit(map[string]string{"a": "2"})
	m := r.mirror()
	for _, test := range []struct{ name, base, head, tree, parents string }{
		{"ahead", base, head, head, base + " " + head},
		{"behind", head, base, head, head + " " + base},
		{"same", head, head, head, head},
	} {
		dir := filepath.Join(t.TempDir(), "tree")
		merged, err := m.Merge(deadline(t), dir, test.base, test.head)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if got := gitIn(t, dir, "log", "-1", "--format=%P"); got != test.parents {
			t.Errorf("%s: parents %s, want %s", test.name, got, test.parents)
		}
		if got, want := gitIn(t, dir, "rev-parse", merged+"^{tree}"), r.git("rev-parse", test.tree+"^{tree}"); got != want {
			t.Errorf("%s: tree %s, want %s", test.name, got, want)
		}
	}
}

func TestConflict(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	root := r.commit(map[string]string{"same": "1\n", "new\nline": "1\n", "gone": "1\n", "fine": "1\n", "ünï": "1\n"})
	r.branch("topic", root)
	head := r.commit(map[string]string{"same": "2\n", "new\nline": "2\n", "gone": "2\n", "ünï": "2\n", "both": "x\n"})
	r.branch("main", root)
	base := r.commit(map[string]string{"same": "3\n", "new\nline": "3\n", "gone": "", "fine": "2\n", "ünï": "3\n", "both": "y\n"})
	m := r.mirror()
	dir := filepath.Join(t.TempDir(), "tree")
	_, err := m.Merge(deadline(t), dir, base, head)
	conflict, ok := errors.AsType[*ConflictError](err)
	if !ok {
		t.Fatalf("error %v, want a ConflictError", err)
	}
	want := &ConflictError{Base: base, Head: head, Files: []string{"both", "gone", "new\nline", "same", "ünï"}}
	if diff := cmp.Diff(want, conflict); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory is left: %v", err)
	}

	r.git("checkout", "--quiet", "--orphan", "other")
	other := r.commit(map[string]string{"other": "1"})
	_, err = m.Merge(deadline(t), dir, base, other)
	if e, ok := errors.AsType[*CommitError](err); !ok || e.Commit != other || !strings.Contains(e.Reason, "nothing in common") {
		t.Errorf("unrelated histories: %v", err)
	}
}

// The work tree has nothing in common with the mirror: a job that ruins its
// own repository ruins nothing else.
func TestWorkTreeIsItsOwn(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	one := r.commit(map[string]string{"a": "1"})
	m := r.mirror()
	dir := filepath.Join(t.TempDir(), "tree")
	if err := m.Checkout(deadline(t), dir, one); err != nil {
		t.Fatal(err)
	}
	if found := grep(t, filepath.Join(dir, ".git"), m.path); len(found) > 0 {
		t.Errorf("the mirror's path is in %v", found)
	}
	ruined := 0
	err := filepath.WalkDir(filepath.Join(dir, ".git"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if links := info.Sys().(*syscall.Stat_t).Nlink; links != 1 {
			t.Errorf("%s has %d links", path, links)
		}
		ruined++
		return errors.Join(os.Chmod(path, 0o600), os.WriteFile(path, []byte("ruined"), 0o600))
	})
	if err != nil || ruined == 0 {
		t.Fatalf("ruined %d files: %v", ruined, err)
	}
	gitIn(t, m.path, "fsck", "--full")
	if err := m.Checkout(deadline(t), filepath.Join(t.TempDir(), "again"), one); err != nil {
		t.Error(err)
	}
}

// Nothing of the repository, of the bot's environment or of the machine's
// configuration runs while the files are written.
func TestCheckoutRunsNothing(t *testing.T) {
	r := newRepo(t)
	trap := filepath.Join(t.TempDir(), "trap")
	evil := "#!/bin/sh\necho \"$0\" >>" + trap + "\n"
	home, template := t.TempDir(), t.TempDir()
	for path, content := range map[string]string{
		filepath.Join(template, "hooks/post-checkout"): evil,
		filepath.Join(home, "evil"):                    evil,
		filepath.Join(home, ".gitconfig"): "[core]\n\tfsmonitor = " + home + "/evil\n\thooksPath = " + template + "/hooks\n" +
			"[filter \"lfs\"]\n\tsmudge = " + home + "/evil\n\tclean = " + home + "/evil\n\trequired = true\n",
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	pointer := "version https://git-lfs.github.com/spec/v1\noid sha256:" + strings.Repeat("a", 64) + "\nsize 3\n"
	r.commit(map[string]string{
		".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs\n", "big.bin": pointer,
		".gitmodules": "[submodule \"sub\"]\n\tpath = sub\n\turl = file:///etc\n\tupdate = !" + home + "/evil\n",
	})
	r.git("update-index", "--add", "--cacheinfo", "160000,"+strings.Repeat("1", 40)+",sub")
	if err := os.Symlink("/etc/passwd", filepath.Join(r.dir, "link")); err != nil {
		t.Fatal(err)
	}
	r.git("add", "link")
	r.git("commit", "--quiet", "-m", "submodule and link")
	one := r.git("rev-parse", "HEAD")
	m := r.mirror()
	for name, value := range map[string]string{"HOME": home, "GIT_TEMPLATE_DIR": template, "GIT_CONFIG_GLOBAL": filepath.Join(home, ".gitconfig"),
		"GIT_DIR": "/nonexistent", "GIT_EXTERNAL_DIFF": filepath.Join(home, "evil"), "GIT_SSH_COMMAND": filepath.Join(home, "evil")} {
		t.Setenv(name, value)
	}
	dir := filepath.Join(t.TempDir(), "tree")
	if err := m.Checkout(deadline(t), dir, one); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(trap); err == nil {
		t.Errorf("these ran: %s", data)
	}
	if data, err := os.ReadFile(filepath.Join(dir, "big.bin")); err != nil || string(data) != pointer {
		t.Errorf("large file: %q, %v", data, err)
	}
	if entries, err := os.ReadDir(filepath.Join(dir, "sub")); err != nil || len(entries) != 0 {
		t.Errorf("submodule: %v, %v", entries, err)
	}
	if target, err := os.Readlink(filepath.Join(dir, "link")); err != nil || target != "/etc/passwd" {
		t.Errorf("link: %q, %v", target, err)
	}
}

// Ten trees of ten trees: a few hundred bytes that stand for a million files.
func TestTreeBomb(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.commit(map[string]string{"f": "x"})
	tree := r.git("rev-parse", "HEAD^{tree}")
	for range 6 {
		list := ""
		for i := range 10 {
			list += "040000 tree " + tree + "\td" + string(rune('0'+i)) + "\n"
		}
		file := filepath.Join(t.TempDir(), "list")
		if err := os.WriteFile(file, []byte(list), 0o644); err != nil {
			t.Fatal(err)
		}
		tree = gitIn(t, r.dir, "-c", "alias.mk=!git mktree <"+file, "mk")
	}
	bomb := r.git("commit-tree", "-m", "bomb", tree)
	m := r.mirror(func(o *Options) { o.Limits.TreeFiles = 1000 })
	dir := filepath.Join(t.TempDir(), "tree")
	err := m.Checkout(deadline(t), dir, bomb)
	if e, ok := errors.AsType[*CommitError](err); !ok || !strings.Contains(e.Reason, "more than 1000 files") {
		t.Errorf("error %v", err)
	}
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory is left: %v", err)
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "tree")
	outside := filepath.Join(t.TempDir(), "outside")
	if err := errors.Join(
		os.MkdirAll(filepath.Join(dir, "mod/a/b"), 0o755), os.Mkdir(outside, 0o755),
		os.WriteFile(filepath.Join(outside, "precious"), []byte("x"), 0o444),
		os.WriteFile(filepath.Join(dir, "mod/a/b/file"), []byte("x"), 0o444),
		os.Symlink(outside, filepath.Join(dir, "mod/a/link")),
		os.Chmod(filepath.Join(dir, "mod/a/b"), 0o000), os.Chmod(filepath.Join(dir, "mod/a"), 0o555), os.Chmod(filepath.Join(dir, "mod"), 0o555),
		os.Chmod(outside, 0o555),
	); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(outside, 0o755) })
	if err := Remove(dir); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("still there: %v", err)
	}
	info, err := os.Stat(outside)
	if err != nil || info.Mode().Perm() != 0o555 {
		t.Errorf("the directory behind the link was touched: %v, %v", info, err)
	}
	if _, err := os.Stat(filepath.Join(outside, "precious")); err != nil {
		t.Errorf("the file behind the link was touched: %v", err)
	}
	if err := Remove(dir); err != nil {
		t.Errorf("second time: %v", err)
	}
}
