package checkout

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A job is a work tree in which a script has run, as a job's would.
type job struct {
	t    *testing.T
	m    *Mirror
	repo *repo
	base string
	dir  string
}

func newJob(t *testing.T, script string) *job {
	t.Helper()
	r := newRepo(t)
	base := r.commit(map[string]string{"po/de.po": "eins\n", "src/main.c": "int x;\n", ".gitignore": "*.o\n"})
	j := &job{t: t, m: r.mirror(), repo: r, base: base, dir: filepath.Join(t.TempDir(), "src")}
	if err := j.m.Checkout(deadline(t), j.dir, base); err != nil {
		t.Fatal(err)
	}
	if err := j.m.Identify(deadline(t), j.dir, Person{"cyborg", "cyborg@example.org"}); err != nil {
		t.Fatal(err)
	}
	runScript(t, j.dir, script)
	return j
}

func (j *job) harvest(allowed string) (Harvest, error) {
	j.t.Helper()
	terms := Terms{Base: j.base, Message: "po-refresh: pull new translations", By: Person{"cyborg", "cyborg@example.org"}}
	if allowed != "" {
		terms.Allowed = func(file string) bool { return strings.HasPrefix(file, allowed) }
	}
	return j.m.Harvest(deadline(j.t), j.dir, filepath.Join(j.t.TempDir(), "harvest"), terms)
}

func TestHarvest(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, script, allowed string
		files, left           []string
		commits               int
		bad                   string // part of the *HarvestError
	}{
		{name: "nothing", script: "true"},
		{name: "touched only", script: "touch po/de.po"},
		{name: "ignored only", script: "echo >src/main.o"},
		{name: "changed", script: "echo zwei >>po/de.po", files: []string{"po/de.po"}, commits: 1},
		{name: "new and removed", script: "echo un >po/fr.po; rm po/de.po", files: []string{"po/de.po", "po/fr.po"}, commits: 1},
		{name: "a folder for a file", script: "rm po/de.po; mkdir po/de.po; echo >po/de.po/x", files: []string{"po/de.po", "po/de.po/x"}, commits: 1},
		{name: "names of all kinds", script: `echo >"po/a b.po"; echo >"po/$(printf 'new\nline')"; echo >po/-n; echo >'po/:(glob)**'`,
			files: []string{"po/-n", "po/:(glob)**", "po/a b.po", "po/new\nline"}, commits: 1},
		{name: "committed", script: "echo zwei >>po/de.po; git commit -qam one; echo drei >>po/de.po; git commit -qam two", files: []string{"po/de.po"}, commits: 2},
		{name: "committed on a branch of its own", script: "git checkout -q -b po-refresh-xxx; echo un >po/fr.po; git add po; git commit -qm French; git pack-refs --all",
			files: []string{"po/fr.po"}, commits: 1},
		{name: "packed", script: "echo un >po/fr.po; git add po; git commit -qm French; git gc -q", files: []string{"po/fr.po"}, commits: 1},
		{name: "committed and more", script: "echo un >po/fr.po; git add po; git commit -qm French; echo uno >po/it.po", files: []string{"po/fr.po", "po/it.po"}, commits: 2},
		{name: "staged", script: "echo un >po/fr.po; git add po", files: []string{"po/fr.po"}, commits: 1},
		{name: "left what it may not change", script: "echo un >po/fr.po; echo >>src/main.c; echo >cache", allowed: "po/", files: []string{"po/fr.po"}, left: []string{"cache", "src/main.c"}, commits: 1},
		{name: "committed what it may not change", script: "echo >>src/main.c; git commit -qam one", allowed: "po/", bad: "it changed src/main.c, which it may not"},
		{name: "a commit without a change", script: "git commit -q --allow-empty -m nothing", commits: 1},
		{name: "history of its own", script: "git checkout -q --orphan other; git commit -qm anew", bad: "does not build on"},
		{name: "went back", script: "git checkout -q --orphan other; git commit -qm anew; git reset -q --hard HEAD", bad: "does not build on"},
		{name: "no repository", script: "rm -rf .git", bad: "no git repository"},
		{name: "a link for a repository", script: "mv .git ../elsewhere; ln -s ../elsewhere .git", bad: "no git repository"},
		{name: "no commit", script: "git symbolic-ref HEAD refs/heads/none", bad: "a branch without a commit"},
		{name: "a repository in it", script: "git init -q po/inner; cd po/inner; git -c user.name=x -c user.email=x commit -q --allow-empty -m x", left: []string{"po/inner/"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			j := newJob(t, row.script)
			h, err := j.harvest(row.allowed)
			if row.bad != "" {
				if bad, ok := errors.AsType[*HarvestError](err); !ok || !strings.Contains(bad.Error(), row.bad) {
					t.Fatalf("%v, want %q", err, row.bad)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(row.files, h.Files); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(row.left, h.Left); diff != "" {
				t.Error(diff)
			}
			if h.Commits != row.commits {
				t.Errorf("%d commits, want %d", h.Commits, row.commits)
			}
			if row.commits == 0 && h.Commit != j.base {
				t.Errorf("commit %s without a change", h.Commit)
			}
		})
	}
}

// What a job can put into its repository to have commands run must not be run.
func TestHarvestRunsNothing(t *testing.T) {
	t.Parallel()
	ran := filepath.Join(t.TempDir(), "ran")
	j := newJob(t, `
		printf '#!/bin/sh\ntouch "`+ran+`"\n' >../evil; chmod +x ../evil; evil=$(cd ..; pwd)/evil
		for key in core.fsmonitor core.pager core.sshCommand core.editor diff.external uploadpack.packObjectsHook gpg.program \
			filter.evil.clean filter.evil.smudge filter.evil.process diff.evil.textconv merge.evil.driver core.askPass credential.helper; do
			git config "$key" "$evil"
		done
		git config core.hooksPath "$(cd ..; pwd)/hooks"
		git config commit.gpgSign true
		git config include.path ../../more
		git config core.worktree /
		mkdir -p ../hooks
		for hook in pre-commit post-commit post-index-change reference-transaction pre-push post-checkout; do cp ../evil ../hooks/$hook; cp ../evil .git/hooks/$hook 2>/dev/null || { mkdir -p .git/hooks; cp ../evil .git/hooks/$hook; }; done
		echo '* filter=evil diff=evil merge=evil' >po/.gitattributes
		echo un >po/fr.po
		mkdir -p .git/objects/info; echo /etc >.git/objects/info/alternates
		ln -s /etc/passwd .git/objects/pack/pack-0123456789012345678901234567890123456789.pack
		ln -s /etc/passwd po/passwd
		rm -f "`+ran+`"`)
	h, err := j.harvest("")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"po/.gitattributes", "po/fr.po", "po/passwd"}, h.Files); diff != "" {
		t.Error(diff)
	}
	if err := j.m.Push(deadline(t), h, Target{URL: j.repo.url(), Branch: "topic"}); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(ran); err == nil {
		t.Error("something of the job's was run")
	}
	if got := j.repo.git("cat-file", "-p", "topic:po/passwd"); got != "/etc/passwd" {
		t.Errorf("a link was followed: %q", got)
	}
}

func TestPush(t *testing.T) {
	t.Parallel()
	j := newJob(t, "echo un >po/fr.po; git add po; git commit -qm French; echo uno >po/it.po")
	j.repo.git("config", "http.receivepack", "true")
	s := j.repo.serve("the-token")
	m := mirrorOf(t, s.url("acme/widget"), withToken("the-token"))
	h, err := j.harvest("")
	if err != nil {
		t.Fatal(err)
	}
	to := Target{URL: s.url("acme/widget"), Branch: "po-refresh-k7m2q9xa"}
	for range 2 { // as after an answer that was lost
		if err := m.Push(deadline(t), h, to); err != nil {
			t.Fatal(err)
		}
	}
	if got := j.repo.git("log", "--format=%an|%ae|%cn|%s", "main..po-refresh-k7m2q9xa"); got != "cyborg|cyborg@example.org|cyborg|po-refresh: pull new translations\ncyborg|cyborg@example.org|cyborg|French" {
		t.Error(got)
	}
	j.repo.git("update-ref", "refs/heads/taken", j.base)
	for name, bad := range map[string]Target{
		"a branch that is there": {URL: to.URL, Branch: "taken"},
		"a branch that moved on": {URL: to.URL, Branch: "taken", Before: h.Commit},
	} {
		if err := m.Push(deadline(t), h, bad); !errors.Is(err, ErrMoved) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := m.Push(deadline(t), h, Target{URL: to.URL, Branch: "taken", Before: j.base}); err != nil {
		t.Errorf("a branch where it was expected: %v", err)
	}
	for _, name := range []string{"", "..", "a b", "x; touch /tmp/y", "-x/../y", "--upload-pack=evil~"} {
		if err := m.Push(deadline(t), h, Target{URL: to.URL, Branch: name}); err == nil {
			t.Errorf("pushed to a branch %q", name)
		}
	}
	for _, address := range []string{"http://elsewhere.invalid/acme/widget.git", "http://user:pw@" + strings.TrimPrefix(to.URL, "http://"), "ext::sh -c date"} {
		if err := m.Push(deadline(t), h, Target{URL: address, Branch: "x"}); err == nil {
			t.Errorf("pushed to %s", address)
		}
	}
	wrong := mirrorOf(t, s.url("acme/widget"), withToken("another-token"))
	if err := wrong.Push(deadline(t), h, Target{URL: to.URL, Branch: "y"}); !errors.Is(err, ErrUnauthorized) || strings.Contains(err.Error(), "another-token") {
		t.Errorf("with a wrong token: %v", err)
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
}
