package fakehub

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// open makes a pull request of acme/widget into main and gives its path.
func (w *gitWorld) open(login, head, title, body string) string {
	w.t.Helper()
	r := w.api(login, "POST", widget+"/pulls", map[string]any{"title": title, "body": body, "head": head, "base": "main"})
	w.want(r, 201, "")
	return fmt.Sprint(widget, "/pulls/", r.get("number"))
}

// topic pushes a branch with one commit on top of main that writes a file.
func (w *gitWorld) topic(dir, branch, file, data string) string {
	w.t.Helper()
	w.git(dir, "switch", "-q", "-C", branch, "main")
	sha := w.commit(dir, file, data)
	w.git(dir, "push", "-q", "--force", "origin", branch)
	return sha
}

// refs gives what a client sees of a pull request's references.
func (w *gitWorld) refs(n int) (head, merge string) {
	w.t.Helper()
	for line := range strings.Lines(w.git(w.dir, "ls-remote", w.remote("", "acme/widget"), fmt.Sprintf("refs/pull/%d/*", n))) {
		switch sha, name, _ := strings.Cut(strings.TrimSpace(line), "\t"); filepath.Base(name) {
		case "head":
			head = sha
		case "merge":
			merge = sha
		}
	}
	return head, merge
}

// events lists the kinds of events of an issue.
func (w *gitWorld) events(n int) []string {
	w.t.Helper()
	r := w.api("owner", "GET", fmt.Sprint(widget, "/issues/", n, "/events"), nil)
	var kinds []string
	for i := 0; r.get(fmt.Sprint(i)) != nil; i++ {
		kinds = append(kinds, r.str(fmt.Sprint(i, ".event")))
	}
	return kinds
}

func TestPullFollowsItsBranches(t *testing.T) {
	w := newGitWorld(t)
	dir := w.seed()
	base := w.git(dir, "rev-parse", "main")
	first := w.topic(dir, "topic", "a", "1\n")
	pull := w.open("writer", "topic", "Add a", "")

	check := func(step, head string, onto string) {
		t.Helper()
		gotHead, merge := w.refs(1)
		if gotHead != head {
			t.Errorf("%s: refs/pull/1/head is %s, want %s", step, gotHead, head)
		}
		got := w.api("", "GET", pull, nil)
		if s := got.str("head.sha"); s != head {
			t.Errorf("%s: head.sha is %s, want %s", step, s, head)
		}
		if onto == "" {
			if merge != "" || got.get("mergeable") != false || got.str("mergeable_state") != "dirty" {
				t.Errorf("%s: a conflict has merge %q, mergeable %v, %v", step, merge, got.get("mergeable"), got.get("mergeable_state"))
			}
			return
		}
		w.git(dir, "fetch", "-q", "origin", "refs/pull/1/merge")
		if parents := w.git(dir, "log", "-1", "--format=%P", "FETCH_HEAD"); parents != onto+" "+head {
			t.Errorf("%s: the merge has the parents %s, want %s %s", step, parents, onto, head)
		}
		if got.get("mergeable") != true || got.str("merge_commit_sha") != merge {
			t.Errorf("%s: mergeable %v, merge_commit_sha %v, want true, %s", step, got.get("mergeable"), got.get("merge_commit_sha"), merge)
		}
	}
	check("opened", first, base)

	second := w.commit(dir, "a", "2\n")
	w.git(dir, "push", "-q", "origin", "topic")
	check("pushed", second, base)
	if got := w.events(1); len(got) != 0 {
		t.Errorf("events after a plain push: %v", got)
	}

	third := w.topic(dir, "topic", "README.md", "changed\n")
	check("forced", third, base)
	if diff := cmp.Diff([]string{"head_ref_force_pushed"}, w.events(1)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}

	w.git(dir, "switch", "-q", "main")
	moved := w.commit(dir, "b", "b\n")
	w.git(dir, "push", "-q", "origin", "main")
	check("base moved", third, moved)

	w.commit(dir, "README.md", "otherwise\n")
	w.git(dir, "push", "-q", "origin", "main")
	check("base moved into a conflict", third, "")
	w.want(w.api("owner", "PUT", pull+"/merge", map[string]any{}), 405, "Pull Request is not mergeable")

	fourth := w.topic(dir, "topic", "c", "c\n")
	check("rebased", fourth, w.git(dir, "rev-parse", "main"))
}

func TestPullEndsByPush(t *testing.T) {
	for _, c := range []struct {
		name   string
		push   func(w *gitWorld, dir string)
		merged bool
		events []string
	}{
		{"head pushed to base", func(w *gitWorld, dir string) {
			w.git(dir, "push", "-q", "origin", "topic:main")
		}, true, []string{"merged", "closed"}},
		{"merge pushed to base", func(w *gitWorld, dir string) {
			w.git(dir, "switch", "-q", "main")
			w.commit(dir, "z", "z\n")
			w.git(dir, "merge", "-q", "--no-edit", "topic")
			w.git(dir, "push", "-q", "origin", "main")
		}, true, []string{"merged", "closed"}},
		{"head and base at once", func(w *gitWorld, dir string) {
			w.commit(dir, "y", "y\n")
			w.git(dir, "push", "-q", "origin", "topic", "topic:main")
		}, true, []string{"merged", "closed"}},
		{"head branch deleted", func(w *gitWorld, dir string) {
			w.git(dir, "push", "-q", "origin", ":topic")
		}, false, []string{"head_ref_deleted", "closed"}},
		{"head back to base", func(w *gitWorld, dir string) {
			w.git(dir, "push", "-q", "--force", "origin", "main:topic")
		}, false, []string{"head_ref_force_pushed", "closed"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newGitWorld(t)
			dir := w.seed()
			w.topic(dir, "topic", "a", "1\n")
			pull := w.open("writer", "topic", "Add a", "")
			c.push(w, dir)
			got := w.api("", "GET", pull, nil)
			if got.str("state") != "closed" || got.get("merged") != c.merged {
				t.Errorf("state %v, merged %v", got.get("state"), got.get("merged"))
			}
			if diff := cmp.Diff(c.events, w.events(1)); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			if tip := w.git(dir, "ls-remote", "origin", "refs/heads/main"); c.merged && !strings.HasPrefix(tip, got.str("merge_commit_sha")) {
				t.Errorf("merge_commit_sha %s is not the tip %s", got.str("merge_commit_sha"), tip)
			}
			if commits := w.api("", "GET", pull+"/commits", nil); c.merged && commits.get("0.sha") == nil {
				t.Errorf("a merged pull request has lost its commits: %s", commits)
			}
		})
	}
}

func TestPullMergeMethods(t *testing.T) {
	for _, c := range []struct {
		method  string
		in      map[string]any
		log     string // subjects of main, newest first
		parents int
	}{
		{"merge", nil, "Merge pull request #1 from acme/topic|change b|change a|change README.md", 2},
		{"merge", map[string]any{"commit_title": "Take it", "commit_message": "all"}, "Take it|change b|change a|change README.md", 2},
		{"squash", nil, "Add both (#1)|change README.md", 1},
		{"rebase", nil, "change b|change a|change other|change README.md", 1},
	} {
		t.Run(fmt.Sprint(c.method, len(c.in)), func(t *testing.T) {
			w := newGitWorld(t)
			dir := w.seed()
			w.topic(dir, "topic", "a", "1\n")
			head := w.commit(dir, "b", "2\n")
			w.git(dir, "push", "-q", "origin", "topic")
			pull := w.open("writer", "topic", "Add both", "Fixes nothing")
			if c.method == "rebase" { // something to rebase onto
				w.git(dir, "switch", "-q", "main")
				w.commit(dir, "other", "x")
				w.git(dir, "push", "-q", "origin", "main")
			}
			in := map[string]any{"merge_method": c.method, "sha": head}
			for k, v := range c.in {
				in[k] = v
			}
			w.want(w.api("stranger", "PUT", pull+"/merge", in), 404, "Not Found")
			in["sha"] = zeroOID
			w.want(w.api("writer", "PUT", pull+"/merge", in), 409, "Head branch was modified. Review and try the merge again.")
			in["sha"] = head
			r := w.api("writer", "PUT", pull+"/merge", in)
			w.want(r, 200, "Pull Request successfully merged")
			w.git(dir, "fetch", "-q", "origin")
			if tip := w.git(dir, "rev-parse", "origin/main"); r.str("sha") != tip || r.get("merged") != true {
				t.Errorf("merged as %v, main is at %s", r, tip)
			}
			log := strings.ReplaceAll(w.git(dir, "log", "--topo-order", "--format=%s", "origin/main"), "\n", "|")
			if log != c.log {
				t.Errorf("main has %s\nwant     %s", log, c.log)
			}
			if n := len(strings.Fields(w.git(dir, "log", "-1", "--format=%P", "origin/main"))); n != c.parents {
				t.Errorf("the new commit has %d parents, want %d", n, c.parents)
			}
			if c.method != "merge" {
				if a := w.git(dir, "show", "origin/main:a") + w.git(dir, "show", "origin/main:b"); a != "12" {
					t.Errorf("the files are %q", a)
				}
			}
			after := w.api("", "GET", pull, nil)
			if after.get("merged") != true || after.str("merged_by.login") != "writer" || after.str("merge_commit_sha") != r.str("sha") {
				t.Errorf("the pull request says %s", after)
			}
			w.want(w.api("writer", "PUT", pull+"/merge", nil), 405, "Pull Request is not mergeable")
		})
	}
}

func TestPullOfFork(t *testing.T) {
	w := newGitWorld(t)
	dir := w.seed()
	base := w.git(dir, "rev-parse", "HEAD")
	fork := w.api("stranger", "POST", widget+"/forks", nil)
	w.want(fork, 202, "")
	if fork.str("full_name") != "stranger/widget" || fork.get("fork") != true || fork.str("parent.full_name") != "acme/widget" {
		t.Errorf("fork is %s", fork)
	}
	w.want(w.api("stranger", "POST", widget+"/forks", nil), 202, "") // the same again
	if list := w.api("", "GET", widget+"/forks", nil); list.str("0.full_name") != "stranger/widget" || list.get("1") != nil {
		t.Errorf("forks are %s", list)
	}
	if tip := w.api("", "GET", "/repos/stranger/widget/branches/main", nil).str("commit.sha"); tip != base {
		t.Errorf("the fork begins at %s, want %s", tip, base)
	}
	w.git(dir, "switch", "-q", "-c", "topic")
	head := w.commit(dir, "f", "fork\n")
	if _, err := w.tryGit(dir, "push", "-q", w.remote("writer", "stranger/widget"), "topic"); err == nil {
		t.Error("a writer of the parent pushed to the fork")
	}
	w.git(dir, "push", "-q", w.remote("stranger", "stranger/widget"), "topic")
	pull := w.open("stranger", "stranger:topic", "From a fork", "")
	if got, merge := w.refs(1); got != head || merge == "" {
		t.Errorf("refs/pull/1/head is %s, merge %s, want %s", got, merge, head)
	}
	clone := filepath.Join(w.dir, "clone")
	w.git(w.dir, "clone", "-q", w.remote("", "acme/widget"), clone)
	w.git(clone, "fetch", "-q", "origin", "refs/pull/1/head")
	if got := w.git(clone, "show", "FETCH_HEAD:f"); got != "fork" {
		t.Errorf("the file is %q", got)
	}
	got := w.api("", "GET", pull, nil)
	if got.str("head.repo.full_name") != "stranger/widget" || got.str("head.label") != "stranger:topic" || got.str("base.label") != "acme:main" {
		t.Errorf("the pull request is of %s", got)
	}
	w.want(w.api("owner", "POST", widget+"/statuses/"+head, map[string]any{"state": "success"}), 201, "")
	if r := w.api("", "GET", widget+"/compare/main...stranger:topic", nil); r.str("status") != "ahead" || r.str("files.0.filename") != "f" {
		t.Errorf("compare says %s", r)
	}
	if files := w.api("", "GET", pull+"/files", nil); files.str("0.filename") != "f" || files.str("0.patch") != "@@ -0,0 +1 @@\n+fork" {
		t.Errorf("files are %s", files)
	}
	next := w.commit(dir, "f", "again\n")
	w.git(dir, "push", "-q", w.remote("stranger", "stranger/widget"), "topic")
	if got, _ := w.refs(1); got != next {
		t.Errorf("after a push to the fork the head is %s, want %s", got, next)
	}
	r := w.api("owner", "PUT", pull+"/merge", nil)
	w.want(r, 200, "")
	w.git(dir, "fetch", "-q", "origin")
	if s := w.git(dir, "log", "-1", "--format=%s", "origin/main"); s != "Merge pull request #1 from stranger/topic" {
		t.Errorf("merged as %q", s)
	}
}

func TestClosingKeywords(t *testing.T) {
	w := newGitWorld(t)
	dir := w.seed()
	for i := range 5 {
		w.want(w.api("owner", "POST", widget+"/issues", map[string]any{"title": fmt.Sprint("issue ", i+1)}), 201, "")
	}
	w.topic(dir, "topic", "a", "1\n")
	w.git(dir, "commit", "-q", "--allow-empty", "-m", "more\n\nresolves: acme/widget#2")
	w.git(dir, "push", "-q", "origin", "topic")
	pull := w.open("writer", "topic", "Add a", "Fixes #1, and refers to #3")
	w.want(w.api("writer", "PUT", pull+"/merge", nil), 200, "")
	w.git(dir, "fetch", "-q", "origin")
	w.git(dir, "switch", "-q", "-c", "direct", "origin/main")
	w.git(dir, "commit", "-q", "--allow-empty", "-m", "closes #4")
	w.git(dir, "push", "-q", "origin", "direct:other")
	if state := w.api("", "GET", widget+"/issues/4", nil).str("state"); state != "open" {
		t.Errorf("a branch that is not the default one closed an issue")
	}
	w.git(dir, "push", "-q", "origin", "direct:main")
	want := map[int]string{1: "closed", 2: "closed", 3: "open", 4: "closed", 5: "open"}
	for n, state := range want {
		if got := w.api("", "GET", fmt.Sprint(widget, "/issues/", n), nil).str("state"); got != state {
			t.Errorf("issue %d is %s, want %s", n, got, state)
		}
	}
}

func TestClosingReferences(t *testing.T) {
	for _, c := range []struct {
		text string
		want []reference
	}{
		{"Fixes #1", []reference{{"", 1}}},
		{"fix: #12 and CLOSES\t#3, resolved #12", []reference{{"", 12}, {"", 3}}},
		{"closes acme/widget#7", []reference{{"acme/widget", 7}}},
		{"Resolve https://hub.example/acme/widget/issues/9.", []reference{{"acme/widget", 9}}},
		{"prefixes #1, fix the bug of #2, fixes#3, fixes # 4, closed #0", nil},
		{"fixes #99999999999", nil},
	} {
		if diff := cmp.Diff(c.want, closingReferences(c.text), cmp.AllowUnexported(reference{})); diff != "" {
			t.Errorf("%q (-want +got):\n%s", c.text, diff)
		}
	}
}
