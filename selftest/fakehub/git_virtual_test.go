package fakehub

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// branch makes a branch at a commit through the API.
func (w *gitWorld) branch(name, sha string) {
	w.t.Helper()
	w.want(w.api("writer", "POST", widget+"/git/refs", map[string]any{"ref": "refs/heads/" + name, "sha": sha}), 201, "")
}

// A pull request's life where everything is done by the API: the same on disk
// and in memory.
func TestPullByAPI(t *testing.T) {
	for _, method := range []string{"merge", "squash", "rebase"} {
		eachGitWorld(t, func(w *gitWorld) {
			root := w.put("f", "1\n", "")
			w.branch("topic", root)
			w.put("g", "1\n", "topic")
			head := w.put("h", "1\n", "topic")
			pull := w.open("writer", "topic", "Add both", "closes #2")
			w.want(w.api("owner", "POST", widget+"/issues", map[string]any{"title": "wish"}), 201, "")
			base := w.put("other", "1\n", "") // the base moves
			got := w.api("", "GET", pull, nil)
			merge := w.api("", "GET", widget+"/git/ref/pull/1/merge", nil).str("object.sha")
			if got.get("mergeable") != true || got.str("merge_commit_sha") != merge {
				w.t.Fatalf("mergeable %v, merge %q, %s", got.get("mergeable"), merge, got)
			}
			test := w.api("", "GET", widget+"/git/commits/"+merge, nil)
			if test.str("parents.0.sha") != base || test.str("parents.1.sha") != head {
				w.t.Errorf("the test merge is %s", test)
			}
			r := w.api("writer", "PUT", pull+"/merge", map[string]any{"merge_method": method})
			w.want(r, 200, "Pull Request successfully merged")
			if tip := w.api("", "GET", widget+"/branches/main", nil).str("commit.sha"); tip != r.str("sha") {
				w.t.Errorf("main is at %s, want %s", tip, r)
			}
			for _, path := range []string{"f", "g", "h", "other"} {
				w.want(w.api("", "GET", widget+"/contents/"+path, nil), 200, "")
			}
			w.want(w.api("", "GET", widget+"/git/ref/pull/1/merge", nil), 404, "")
			if state := w.api("", "GET", widget+"/issues/2", nil).str("state"); state != "closed" {
				w.t.Errorf("the issue is %s", state)
			}
			if diff := cmp.Diff([]string{"merged", "closed"}, w.events(1)); diff != "" {
				w.t.Errorf("events (-want +got):\n%s", diff)
			}
			// What was merged stays readable as it was.
			commits := w.api("", "GET", pull+"/commits", nil)
			if commits.str("1.sha") != head || commits.get("2") != nil {
				w.t.Errorf("commits are %s", commits)
			}
			if files := w.api("", "GET", pull+"/files", nil); files.str("0.filename") != "g" || files.str("1.filename") != "h" || files.get("2") != nil {
				w.t.Errorf("files are %s", files)
			}
		})
	}
}

func TestPullConflictByAPI(t *testing.T) {
	eachGitWorld(t, func(w *gitWorld) {
		w.branch("topic", w.put("f", "1\n", ""))
		w.put("f", "2\n", "topic")
		pull := w.open("writer", "topic", "t", "")
		w.put("f", "3\n", "")
		got := w.api("", "GET", pull, nil)
		if got.get("mergeable") != false || got.get("merge_commit_sha") != nil {
			w.t.Errorf("a conflict is %v, %v", got.get("mergeable"), got.get("merge_commit_sha"))
		}
		w.want(w.api("", "GET", widget+"/git/ref/pull/1/merge", nil), 404, "")
		for _, method := range []string{"merge", "squash", "rebase"} {
			w.want(w.api("writer", "PUT", pull+"/merge", map[string]any{"merge_method": method}), 405, "Pull Request is not mergeable")
		}
		if w.api("", "GET", pull, nil).get("merged") != false {
			w.t.Error("a conflict was merged")
		}
	})
}

func TestForkByAPI(t *testing.T) {
	eachGitWorld(t, func(w *gitWorld) {
		root := w.put("f", "1\n", "")
		w.branch("keep", root)
		w.want(w.api("stranger", "POST", widget+"/forks", map[string]any{"name": "mine", "default_branch_only": true}), 202, "")
		const fork = "/repos/stranger/mine"
		branches := w.api("", "GET", fork+"/branches", nil)
		if branches.str("0.name") != "main" || branches.get("1") != nil {
			w.t.Errorf("the fork has %s", branches)
		}
		w.want(w.api("writer", "POST", fork+"/git/refs", map[string]any{"ref": "refs/heads/x", "sha": root}), 404, "Not Found")
		in := map[string]any{"message": "m", "content": "eA==", "branch": "main"}
		head := w.api("stranger", "PUT", fork+"/contents/new", in)
		w.want(head, 201, "")
		w.want(w.api("", "GET", widget+"/contents/new", nil), 404, "Not Found")
		pull := w.open("stranger", "stranger:main", "From a fork", "")
		got := w.api("", "GET", pull, nil)
		if got.str("head.sha") != head.str("commit.sha") || got.get("mergeable") != true || got.str("head.repo.full_name") != "stranger/mine" {
			w.t.Errorf("the pull request is %s", got)
		}
		w.want(w.api("stranger", "PUT", pull+"/merge", nil), 404, "Not Found")
		w.want(w.api("owner", "PUT", pull+"/merge", nil), 200, "")
		w.want(w.api("", "GET", widget+"/contents/new", nil), 200, "")
		// A second fork of the same owner is the first.
		if again := w.api("stranger", "POST", widget+"/forks", nil); again.status != 202 || again.str("name") != "mine" {
			w.t.Errorf("again: %s", again)
		}
		w.want(w.api("", "POST", widget+"/forks", nil), 401, "Requires authentication")
	})
}

// Claims by references work in a bubble of virtual time: nothing of git waits
// or starts a process.
func TestVirtualGitInBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := New(Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.AddUser(User{Login: "bot", Token: "bot-token"}); err != nil {
			t.Fatal(err)
		}
		if err := s.AddRepo(t.Context(), Repo{Name: "bot/locks"}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Commit(t.Context(), "bot/locks", Commit{Branch: "main", Files: map[string]string{"f": "x"}}); err != nil {
			t.Fatal(err)
		}
		const locks = "/repos/bot/locks/git/"
		call := func(ctx context.Context, method, path string, body any) reply {
			return callAPI(ctx, t, s.Client(), "http://hub.test", "bot", method, locks+path, body)
		}
		start := time.Now()
		var won sync.Map
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				c := call(t.Context(), "POST", "commits", map[string]any{"message": fmt.Sprint("agent ", i), "tree": emptyTree})
				if c.status != 201 {
					t.Errorf("commit: %s", c)
				}
				r := call(t.Context(), "POST", "refs", map[string]any{"ref": "refs/claims/x", "sha": c.str("sha")})
				if r.status == 201 {
					won.Store(i, c.str("sha"))
				}
			})
		}
		wg.Wait()
		n := 0
		won.Range(func(_, sha any) bool {
			n++
			if got := call(t.Context(), "GET", "ref/claims/x", nil).str("object.sha"); got != sha {
				t.Errorf("the claim is %s, the winner's %s", got, sha)
			}
			return true
		})
		if n != 1 || time.Since(start) != 0 {
			t.Errorf("%d of 20 won, after %s", n, time.Since(start))
		}
	})
}
