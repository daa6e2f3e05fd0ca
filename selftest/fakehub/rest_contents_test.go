package fakehub

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestContentsRead(t *testing.T) {
	eachGitWorld(t, func(w *gitWorld) {
		text := strings.Repeat("a line of some length\n", 20)
		w.put("docs/long name.txt", text, "")
		w.put("docs/b/c", "c", "")
		w.put("readme.md", "# hi\n", "")
		w.want(w.api("writer", "POST", widget+"/git/refs", map[string]any{
			"ref": "refs/heads/feature/x", "sha": w.put("a", "a", ""),
		}), 201, "")
		w.put("a", "changed", "")

		file := w.api("", "GET", widget+"/contents/docs/long%20name.txt", nil)
		data, err := base64.StdEncoding.DecodeString(file.str("content"))
		if err != nil || string(data) != text || file.str("type") != "file" || file.get("size") != float64(len(text)) {
			w.t.Errorf("file is %s", file)
		}
		for line := range strings.Lines(file.str("content")) {
			if len(line) > 61 || !strings.HasSuffix(line, "\n") {
				w.t.Errorf("content has the line %q", line)
			}
		}
		for _, accept := range []string{"application/vnd.github.raw", "application/vnd.github.v3.raw", "application/vnd.github.raw+json"} {
			raw := w.api("", "GET", widget+"/contents/docs/long%20name.txt", nil, accept)
			if string(raw.body) != text || raw.header.Get("Content-Type") != accept+"; charset=utf-8" {
				w.t.Errorf("raw is %q of %s", raw.body, raw.header.Get("Content-Type"))
			}
		}
		names := func(r reply, below string) (list []string) {
			for i := 0; r.get(fmt.Sprint(below, i)) != nil; i++ {
				at := fmt.Sprint(below, i)
				list = append(list, fmt.Sprint(r.str(at+".type"), " ", r.str(at+".path"), " ", r.get(at+".size")))
			}
			return list
		}
		want := []string{"dir docs/b 0", fmt.Sprint("file docs/long name.txt ", len(text))}
		if diff := cmp.Diff(want, names(w.api("", "GET", widget+"/contents/docs", nil), "")); diff != "" {
			w.t.Errorf("directory (-want +got):\n%s", diff)
		}
		asObject := w.api("", "GET", widget+"/contents/docs", nil, "application/vnd.github.object+json")
		if diff := cmp.Diff(want, names(asObject, "entries.")); diff != "" || asObject.str("type") != "dir" {
			w.t.Errorf("directory as an object: %s", asObject)
		}
		for query, content := range map[string]string{"": "changed", "?ref=feature/x": "a", "?ref=heads/feature/x": "a", "?ref=main": "changed"} {
			r := w.api("", "GET", widget+"/contents/a"+query, nil)
			if data, _ := base64.StdEncoding.DecodeString(r.str("content")); string(data) != content {
				w.t.Errorf("contents/a%s is %q", query, data)
			}
		}
		if r := w.api("", "GET", widget+"/readme", nil); r.str("path") != "readme.md" {
			w.t.Errorf("readme is %s", r)
		}
		w.want(w.api("", "GET", widget+"/contents/none", nil), 404, "Not Found")
		w.want(w.api("", "GET", widget+"/contents/a/below", nil), 404, "Not Found")
		w.want(w.api("", "GET", widget+"/contents/../../x", nil), 404, "Not Found")
		w.want(w.api("", "GET", widget+"/contents/%2e%2e/%2e%2e/etc/passwd", nil), 404, "Not Found")
		w.want(w.api("", "GET", widget+"/contents/a?ref=none", nil), 404, "No commit found for the ref none")
	})
}

// The address that contents name for downloading serves the file, as text and
// to those who may read it.
func TestRawFiles(t *testing.T) {
	eachGitWorld(t, func(w *gitWorld) {
		w.put("a b/page.html", "<script>", "")
		w.want(w.api("writer", "POST", widget+"/git/refs", map[string]any{
			"ref": "refs/heads/feature/x", "sha": w.put("f", "on the branch", ""),
		}), 201, "")
		w.put("f", "on main", "")
		for path, want := range map[string]string{"a%20b/page.html": "<script>", "f": "on main", "f?ref=feature/x": "on the branch"} {
			address := w.api("", "GET", widget+"/contents/"+path, nil).str("download_url")
			got := w.api("", "GET", strings.TrimPrefix(address, w.url), nil)
			if got.status != 200 || string(got.body) != want || got.header.Get("Content-Type") != "text/plain; charset=utf-8" ||
				got.header.Get("X-Content-Type-Options") != "nosniff" {
				w.t.Errorf("%s at %s is %s of %v", path, address, got, got.header)
			}
		}
		w.must(w.s.AddRepo(w.t.Context(), Repo{Name: "acme/secret", Private: true}))
		w.must(w.s.Grant("acme/secret", "writer", Write))
		w.want(w.api("writer", "PUT", "/repos/acme/secret/contents/f", map[string]any{"message": "m", "content": "eA=="}), 201, "")
		for login, status := range map[string]int{"": 404, "stranger": 404, "writer": 200} {
			if got := w.api(login, "GET", "/acme/secret/raw/main/f", nil); got.status != status {
				w.t.Errorf("%q reads a private file: %s", login, got)
			}
		}
		for _, path := range []string{"/acme/widget/raw/main/none", "/acme/widget/raw/main/a%20b", "/acme/widget/raw/none/f", "/acme/none/raw/main/f",
			"/acme/widget/raw/main/%2e%2e/%2e%2e/config"} {
			w.want(w.api("owner", "GET", path, nil), 404, "")
		}
	})
}

// What only a real work tree makes: links, submodules, programs.
func TestContentsSpecial(t *testing.T) {
	w := newGitWorld(t)
	dir := w.seed()
	for target, link := range map[string]string{"README.md": "inside", "../../etc/passwd": "outside", "nowhere": "dangling", "/etc/passwd": "absolute"} {
		w.must(os.Symlink(target, filepath.Join(dir, link)))
	}
	w.must(os.WriteFile(filepath.Join(dir, ".gitmodules"), []byte("[submodule \"x\"]\n\tpath = sub\n\turl = https://example.com/sub.git\n"), 0o644))
	w.must(os.WriteFile(filepath.Join(dir, "big"), make([]byte, inlineLimit+1), 0o644))
	w.git(dir, "update-index", "--add", "--cacheinfo", "160000,"+strings.Repeat("1", 40)+",sub")
	w.git(dir, "add", "inside", "outside", "dangling", "absolute", ".gitmodules", "big")
	w.git(dir, "commit", "-q", "-m", "special")
	w.git(dir, "push", "-q", "origin", "main")
	for _, c := range []struct{ path, kind, key, want string }{
		{"inside", "file", "content", base64.StdEncoding.EncodeToString([]byte("# widget\n")) + "\n"},
		{"outside", "symlink", "target", "../../etc/passwd"},
		{"absolute", "symlink", "target", "/etc/passwd"},
		{"dangling", "symlink", "target", "nowhere"},
		{"sub", "submodule", "submodule_git_url", "https://example.com/sub.git"},
		{"big", "file", "encoding", "none"},
	} {
		r := w.api("", "GET", widget+"/contents/"+c.path, nil)
		if r.str("type") != c.kind || r.str(c.key) != c.want {
			t.Errorf("%s is %.300s", c.path, r)
		}
	}
	if raw := w.api("", "GET", widget+"/contents/big", nil, "application/vnd.github.raw"); len(raw.body) != inlineLimit+1 {
		t.Errorf("the big file has %d bytes", len(raw.body))
	}
}

func TestContentsWrite(t *testing.T) {
	eachGitWorld(t, func(w *gitWorld) {
		first := w.put("dir/f", "1", "")
		sha := w.api("", "GET", widget+"/contents/dir/f", nil).str("sha")
		write := func(more map[string]any) map[string]any {
			in := map[string]any{"message": "m", "content": base64.StdEncoding.EncodeToString([]byte("2"))}
			for k, v := range more {
				in[k] = v
				if v == nil {
					delete(in, k)
				}
			}
			return in
		}
		ones := strings.Repeat("1", 40)
		for _, c := range []struct {
			login, method, path string
			in                  map[string]any
			status              int
			message             string
		}{
			{"writer", "PUT", "dir/f", write(nil), 422, "Invalid request.\n\n\"sha\" wasn't supplied."},
			{"writer", "PUT", "dir/f", write(map[string]any{"sha": ones}), 409, "dir/f does not match " + ones},
			{"writer", "PUT", "dir/f", write(map[string]any{"sha": sha, "branch": "none"}), 404, "Branch none not found"},
			{"writer", "PUT", "dir/f", write(map[string]any{"message": nil}), 422, "Invalid request.\n\n\"message\" wasn't supplied."},
			{"writer", "PUT", "dir/f", write(map[string]any{"content": "?"}), 422, "content is not valid Base64"},
			{"writer", "PUT", "dir/../f", write(nil), 422, "path contains a malformed path component"},
			{"writer", "PUT", ".git/config", write(nil), 422, "path contains a malformed path component"},
			{"writer", "PUT", "a%2f..%2f..%2fb", write(nil), 422, "path contains a malformed path component"},
			{"stranger", "PUT", "dir/f", write(map[string]any{"sha": sha}), 404, "Not Found"},
			{"writer", "PUT", "dir/f", write(map[string]any{"sha": sha}), 200, ""},
			{"writer", "PUT", "dir/f", write(map[string]any{"sha": sha}), 409, "dir/f does not match " + sha},
			{"writer", "PUT", "new", write(map[string]any{"sha": ones}), 201, ""}, // a sha of nothing is ignored
			{"writer", "DELETE", "none", write(nil), 404, "Not Found"},
			{"writer", "DELETE", "new", write(nil), 422, "Invalid request.\n\n\"sha\" wasn't supplied."},
			{"writer", "DELETE", "new", write(map[string]any{"sha": ones}), 409, "new does not match " + ones},
		} {
			r := w.api(c.login, c.method, widget+"/contents/"+c.path, c.in)
			if r.status != c.status || r.str("message") != c.message {
				w.t.Errorf("%s %s %v: got %s, want %d %q", c.method, c.path, c.in, r, c.status, c.message)
			}
		}
		w.checkDelete(first)
	})
}

// checkDelete is the second half of TestContentsWrite: a file goes, and the
// history tells of it. first is the oldest of four commits.
func (w *gitWorld) checkDelete(first string) {
	w.t.Helper()
	sha := w.api("", "GET", widget+"/contents/new", nil).str("sha")
	gone := w.api("writer", "DELETE", widget+"/contents/new?message=gone&sha="+sha, nil)
	if gone.status != 200 || gone.get("content") != nil || gone.str("commit.message") != "gone" {
		w.t.Errorf("deleting: %s", gone)
	}
	w.want(w.api("", "GET", widget+"/contents/new", nil), 404, "Not Found")
	log := w.api("", "GET", widget+"/commits?path=dir/f&per_page=1", nil)
	if log.str("0.commit.message") != "m" || log.get("1") != nil || !strings.Contains(log.header.Get("Link"), `rel="next"`) {
		w.t.Errorf("history of the file: %v %s", log.header.Get("Link"), log)
	}
	if all := w.api("", "GET", widget+"/commits", nil); all.get("3") == nil || all.get("4") != nil || all.str("3.sha") != first {
		w.t.Errorf("history: %s", all)
	}
	if who := w.api("", "GET", widget+"/commits?author=writer", nil); who.str("0.author.login") != "writer" || who.get("3") == nil {
		w.t.Errorf("history of the writer: %s", who)
	}
	if who := w.api("", "GET", widget+"/commits?author=owner", nil); string(who.body) != "[]" {
		w.t.Errorf("history of the owner: %s", who)
	}
}

func TestCompare(t *testing.T) {
	eachGitWorld(t, func(w *gitWorld) {
		root := w.put("f", "1\n", "")
		w.want(w.api("writer", "POST", widget+"/git/refs", map[string]any{"ref": "refs/heads/topic", "sha": root}), 201, "")
		a, b := w.put("g", "new\n", "topic"), w.put("h", "new\n", "topic")
		check := func(span, status string, ahead, behind int, commits ...string) {
			w.t.Helper()
			r := w.api("", "GET", widget+"/compare/"+span, nil)
			var got []string
			for i := 0; r.get(fmt.Sprint("commits.", i)) != nil; i++ {
				got = append(got, r.str(fmt.Sprint("commits.", i, ".sha")))
			}
			if r.str("status") != status || r.get("ahead_by") != float64(ahead) || r.get("behind_by") != float64(behind) ||
				r.str("merge_base_commit.sha") != root {
				w.t.Errorf("%s: %s", span, r)
			}
			if diff := cmp.Diff(commits, got); diff != "" {
				w.t.Errorf("%s: commits (-want +got):\n%s", span, diff)
			}
		}
		check("main...topic", "ahead", 2, 0, a, b)
		check("topic...main", "behind", 0, 2)
		check("main...main", "identical", 0, 0)
		c := w.put("f", "2\n", "")
		check("topic...main", "diverged", 1, 2, c)
		check("acme:topic..."+c, "diverged", 1, 2, c)
		r := w.api("", "GET", widget+"/compare/main...topic?per_page=1&page=2", nil)
		if r.str("commits.0.sha") != b || r.get("commits.1") != nil || r.get("files.0") != nil || r.get("total_commits") != float64(2) {
			w.t.Errorf("second page: %s", r)
		}
		if r := w.api("", "GET", widget+"/compare/main...topic", nil); r.str("files.0.filename") != "g" || r.str("files.1.status") != "added" || r.get("files.2") != nil {
			w.t.Errorf("files: %s", r)
		}
		orphan := w.api("writer", "POST", widget+"/git/commits", map[string]any{"message": "alone", "tree": emptyTree}).str("sha")
		w.want(w.api("", "GET", widget+"/compare/main..."+orphan, nil), 404, "No common ancestor between main and "+orphan+".")
		for _, bad := range []string{"main...none", "none...main", "main", "main...", "stranger:x...main"} {
			w.want(w.api("", "GET", widget+"/compare/"+bad, nil), 404, "Not Found")
		}
	})
}

func TestCommitDetails(t *testing.T) {
	eachGitWorld(t, func(w *gitWorld) {
		first := w.put("f", "1\n2\n", "")
		second := w.put("f", "1\n3\n4\n", "")
		r := w.api("", "GET", widget+"/commits/main", nil)
		if r.str("sha") != second || r.str("parents.0.sha") != first || r.str("author.login") != "writer" ||
			r.str("files.0.filename") != "f" || r.str("files.0.status") != "modified" {
			w.t.Errorf("commit is %s", r)
		}
		if root := w.api("", "GET", widget+"/commits/"+first, nil); root.get("stats.additions") != float64(2) || root.str("files.0.status") != "added" {
			w.t.Errorf("first commit is %s", root)
		}
		if sha := w.api("", "GET", widget+"/commits/main", nil, "application/vnd.github.sha"); string(sha.body) != second {
			w.t.Errorf("as a name it is %q", sha.body)
		}
		branches := w.api("", "GET", widget+"/branches", nil)
		if branches.str("0.name") != "main" || branches.str("0.commit.sha") != second || branches.get("0.protected") != false {
			w.t.Errorf("branches are %s", branches)
		}
		if b := w.api("", "GET", widget+"/branches/main", nil); b.str("commit.commit.message") != "change f" {
			w.t.Errorf("branch is %s", b)
		}
	})
}
