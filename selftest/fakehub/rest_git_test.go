package fakehub

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestEmptyRepository(t *testing.T) {
	eachGitWorld(t, func(w *gitWorld) {
		const empty = "Git Repository is empty."
		someone := map[string]any{"message": "m", "tree": emptyTree}
		for _, c := range []struct {
			method, path string
			body         any
			status       int
			message      string
		}{
			{"GET", "/git/ref/heads/main", nil, 409, empty},
			{"GET", "/git/matching-refs/heads/", nil, 409, empty},
			{"GET", "/git/refs", nil, 409, empty},
			{"POST", "/git/refs", map[string]any{"ref": "refs/heads/x", "sha": zeroOID}, 409, empty},
			{"PATCH", "/git/refs/heads/x", map[string]any{"sha": zeroOID}, 409, empty},
			{"DELETE", "/git/refs/heads/x", nil, 409, empty},
			{"POST", "/git/commits", someone, 409, empty},
			{"POST", "/git/blobs", map[string]any{"content": "x"}, 409, empty},
			{"POST", "/git/trees", map[string]any{"tree": []any{}}, 409, empty},
			{"GET", "/git/commits/" + emptyTree, nil, 409, empty},
			{"GET", "/commits", nil, 409, empty},
			{"GET", "/commits/main", nil, 409, empty},
			{"GET", "/contents/", nil, 404, "This repository is empty."},
			{"GET", "/contents/README.md", nil, 404, "This repository is empty."},
			{"POST", "/forks", nil, 403, "The repository exists, but it contains no Git content. Empty repositories cannot be forked."},
			{"GET", "/branches", nil, 200, ""},
			{"GET", "/tags", nil, 200, ""},
			{"GET", "/branches/main", nil, 404, "Branch not found"},
		} {
			r := w.api("owner", c.method, widget+c.path, c.body)
			if r.status != c.status || r.str("message") != c.message {
				w.t.Errorf("%s %s: got %s, want %d %q", c.method, c.path, r, c.status, c.message)
			}
		}
		w.put("README.md", "hello\n", "") // this is how the first commit comes about
		w.want(w.api("", "GET", widget+"/branches/main", nil), 200, "")
	})
}

func TestRefs(t *testing.T) {
	eachGitWorld(t, func(w *gitWorld) {
		a := w.put("f", "1", "")
		b := w.put("f", "2", "")
		side := w.api("writer", "POST", widget+"/git/commits", map[string]any{
			"message": "side", "tree": emptyTree, "parents": []string{a},
		}).str("sha")
		blob := w.api("writer", "POST", widget+"/git/blobs", map[string]any{"content": "x"}).str("sha")
		make := func(ref, sha string) map[string]any { return map[string]any{"ref": ref, "sha": sha} }
		move := func(sha string, force bool) map[string]any { return map[string]any{"sha": sha, "force": force} }
		const shape = "The sha parameter must be exactly 40 characters and contain only [0-9a-f]."
		for _, c := range []struct {
			login, method, path string
			body                any
			status              int
			message             string
		}{
			{"writer", "POST", "/git/refs", make("refs/heads/new", a), 201, ""},
			{"writer", "POST", "/git/refs", make("refs/heads/new", b), 422, "Reference already exists"},
			{"writer", "POST", "/git/refs", make("refs/claims/deep/er", side), 201, ""},
			{"writer", "POST", "/git/refs", make("refs/heads/bad", strings.Repeat("1", 40)), 422, "Object does not exist"},
			{"writer", "POST", "/git/refs", make("refs/heads/bad", "main"), 422, shape},
			{"writer", "POST", "/git/refs", make("heads/bad", a), 422, "Reference name must contain at least three slash-separated components."},
			{"writer", "POST", "/git/refs", make("refs/bad", a), 422, "Reference name must contain at least three slash-separated components."},
			{"writer", "POST", "/git/refs", make("refs/heads/a..b", a), 422, "refs/heads/a..b is not a valid ref name."},
			{"writer", "POST", "/git/refs", make("refs/heads/../../x", a), 422, "refs/heads/../../x is not a valid ref name."},
			{"writer", "POST", "/git/refs", make("refs/heads/x\ny", a), 422, "refs/heads/x\ny is not a valid ref name."},
			{"writer", "POST", "/git/refs", make("refs/pull/1/head", a), 422, "Reference update failed"},
			{"writer", "POST", "/git/refs", make("refs/heads/new/below", a), 422, "Reference update failed"},
			{"writer", "POST", "/git/refs", make("refs/heads/blob", blob), 422, "Reference update failed"},
			{"writer", "POST", "/git/refs", make("refs/tags/blob", blob), 201, ""},
			{"writer", "POST", "/git/refs", map[string]any{"ref": "refs/heads/x"}, 422, "Invalid request.\n\n\"sha\" wasn't supplied."},
			{"writer", "POST", "/git/refs", "{", 400, "Problems parsing JSON"},
			{"stranger", "POST", "/git/refs", make("refs/heads/no", a), 404, "Not Found"},
			{"", "POST", "/git/refs", make("refs/heads/no", a), 401, "Requires authentication"},
			{"status", "POST", "/git/refs", make("refs/heads/no", a), 404, "Not Found"},

			{"writer", "PATCH", "/git/refs/heads/new", move(b, false), 200, ""},
			{"writer", "PATCH", "/git/refs/heads/new", move(side, false), 422, "Update is not a fast forward"},
			{"writer", "PATCH", "/git/refs/heads/new", move(a, false), 422, "Update is not a fast forward"},
			{"writer", "PATCH", "/git/refs/heads/new", move(side, true), 200, ""},
			{"writer", "PATCH", "/git/refs/heads/none", move(side, true), 422, "Reference does not exist"},
			{"writer", "PATCH", "/git/refs/heads/new", move(strings.Repeat("1", 40), true), 422, "Object does not exist"},
			{"writer", "PATCH", "/git/refs/claims/deep/er", move(a, false), 422, "Update is not a fast forward"},

			{"", "GET", "/git/ref/heads/new", nil, 200, ""},
			{"", "GET", "/git/ref/heads/ne", nil, 404, "Not Found"},
			{"writer", "DELETE", "/git/refs/heads/new", nil, 204, ""},
			{"writer", "DELETE", "/git/refs/heads/new", nil, 422, "Reference does not exist"},
			{"writer", "DELETE", "/git/refs/heads/main", nil, 422, "Cannot delete the default branch"},
			{"stranger", "DELETE", "/git/refs/tags/blob", nil, 404, "Not Found"},
		} {
			r := w.api(c.login, c.method, widget+c.path, c.body)
			if r.status != c.status || r.str("message") != c.message {
				w.t.Errorf("%s %s %v: got %s, want %d %q", c.method, c.path, c.body, r, c.status, c.message)
			}
		}
		w.checkListing(side)
	})
}

// checkListing is the second half of TestRefs: what is left, in every form of a list.
func (w *gitWorld) checkListing(side string) {
	w.t.Helper()
	var names []string
	list := w.api("", "GET", widget+"/git/matching-refs/", nil)
	for i := 0; list.get(fmt.Sprint(i)) != nil; i++ {
		names = append(names, list.str(fmt.Sprint(i, ".ref"))+" "+list.str(fmt.Sprint(i, ".object.type")))
	}
	want := []string{"refs/claims/deep/er commit", "refs/heads/main commit", "refs/tags/blob blob"}
	if diff := cmp.Diff(want, names); diff != "" {
		w.t.Errorf("references (-want +got):\n%s", diff)
	}
	if r := w.api("", "GET", widget+"/git/matching-refs/claims/de", nil); r.str("0.object.sha") != side || r.get("1") != nil {
		w.t.Errorf("matching-refs says %s", r)
	}
	if r := w.api("", "GET", widget+"/git/matching-refs/claims/x", nil); string(r.body) != "[]" {
		w.t.Errorf("matching-refs of nothing says %s", r)
	}
	all := w.api("", "GET", widget+"/git/refs/", nil)
	if all.str("0.ref") == "" || all.header.Get("X-Poll-Interval") != "300" || all.header.Get("Last-Modified") == "" {
		w.t.Errorf("git/refs/ says %v %s", all.header, all)
	}
}

func TestGitObjects(t *testing.T) {
	eachGitWorld(t, func(w *gitWorld) {
		first := w.put("dir/f", "1\n", "")
		made := w.api("writer", "POST", widget+"/git/blobs", map[string]any{"content": "AAH/\n", "encoding": "base64"})
		w.want(made, 201, "")
		blob := w.api("", "GET", widget+"/git/blobs/"+made.str("sha"), nil)
		if data, err := base64.StdEncoding.DecodeString(blob.str("content")); err != nil || string(data) != "\x00\x01\xff" {
			w.t.Errorf("blob is %s", blob)
		}
		if raw := w.api("", "GET", widget+"/git/blobs/"+made.str("sha"), nil, "application/vnd.github.raw"); string(raw.body) != "\x00\x01\xff" {
			w.t.Errorf("raw blob is %q", raw.body)
		}
		entry := func(path, mode string, more ...any) map[string]any {
			e := map[string]any{"path": path, "mode": mode, "type": "blob"}
			for i := 0; i < len(more); i += 2 {
				e[more[i].(string)] = more[i+1]
			}
			return e
		}
		tree := w.api("writer", "POST", widget+"/git/trees", map[string]any{"base_tree": first, "tree": []any{
			entry("dir/g", "100755", "content", "run\n"),
			entry("bin", "100644", "sha", made.str("sha")),
			entry("dir/f", "100644", "sha", nil),
		}})
		w.want(tree, 201, "")
		var paths []string
		listing := w.api("", "GET", widget+"/git/trees/"+tree.str("sha")+"?recursive=1", nil)
		for i := 0; listing.get(fmt.Sprint("tree.", i)) != nil; i++ {
			at := fmt.Sprint("tree.", i)
			paths = append(paths, listing.str(at+".mode")+" "+listing.str(at+".type")+" "+listing.str(at+".path"))
		}
		if diff := cmp.Diff([]string{"100644 blob bin", "040000 tree dir", "100755 blob dir/g"}, paths); diff != "" {
			w.t.Errorf("tree (-want +got):\n%s", diff)
		}
		for _, c := range []struct {
			name    string
			entry   map[string]any
			message string
		}{
			{"out", entry("../x", "100644", "content", ""), "tree.path contains a malformed path component"},
			{"git", entry("a/.GIT/config", "100644", "content", ""), "tree.path contains a malformed path component"},
			{"absolute", entry("/etc", "100644", "content", ""), "tree.path contains a malformed path component"},
			{"no such blob", entry("x", "100644", "sha", strings.Repeat("1", 40)), "tree.sha " + strings.Repeat("1", 40) + " is not a valid blob"},
			{"mode", entry("x", "777", "content", ""), "Must supply a valid tree.mode"},
			{"nothing", entry("x", "100644"), "Must supply either tree.sha or tree.content"},
		} {
			r := w.api("writer", "POST", widget+"/git/trees", map[string]any{"tree": []any{c.entry}})
			if r.status != 422 || r.str("message") != c.message {
				w.t.Errorf("tree %s: got %s, want 422 %s", c.name, r, c.message)
			}
		}
		w.commitAndTag(first, tree.str("sha"))
	})
}

// commitAndTag is the second half of TestGitObjects.
func (w *gitWorld) commitAndTag(parent, tree string) {
	w.t.Helper()
	person := map[string]any{"name": "Bea <b>", "email": "writer@example.com", "date": "2026-03-04T05:06:07+02:00"}
	commit := w.api("writer", "POST", widget+"/git/commits", map[string]any{
		"message": "made\n\nwith care", "tree": tree, "parents": []string{parent}, "author": person,
	})
	w.want(commit, 201, "")
	again := w.api("", "GET", widget+"/git/commits/"+commit.str("sha"), nil)
	if string(again.body) != string(commit.body) {
		w.t.Errorf("the commit is read as\n%s\nand was made as\n%s", again.body, commit.body)
	}
	if again.str("author.name") != "Bea b" || again.str("committer.date") != "2026-03-04T03:06:07Z" || again.str("parents.0.sha") != parent {
		w.t.Errorf("the commit is %s", again)
	}
	plain := w.api("writer", "POST", widget+"/git/commits", map[string]any{"message": "claim", "tree": emptyTree})
	if plain.status != 201 || plain.str("author.email") != "writer@example.com" || len(plain.get("parents").([]any)) != 0 {
		w.t.Errorf("a commit without parents is %s", plain)
	}
	if at, err := time.Parse(time.RFC3339, plain.str("author.date")); err != nil || time.Since(at) > time.Hour {
		w.t.Errorf("a commit without a date is of %v, %v", at, err)
	}
	for message, in := range map[string]map[string]any{
		"Tree SHA does not exist":                                     {"message": "m", "tree": strings.Repeat("1", 40)},
		"Parent SHA does not exist or is not a commit object":         {"message": "m", "tree": tree, "parents": []string{tree}},
		"Invalid request.\n\n\"message\" wasn't supplied.":            {"tree": tree},
		"Invalid request.\n\n\"message\", \"tree\" weren't supplied.": {},
	} {
		w.want(w.api("writer", "POST", widget+"/git/commits", in), 422, message)
	}
	tag := w.api("writer", "POST", widget+"/git/tags", map[string]any{
		"tag": "v1", "message": "one", "object": commit.str("sha"), "type": "commit", "tagger": person,
	})
	w.want(tag, 201, "")
	w.want(w.api("writer", "POST", widget+"/git/refs", map[string]any{"ref": "refs/tags/v1", "sha": tag.str("sha")}), 201, "")
	read := w.api("", "GET", widget+"/git/tags/"+tag.str("sha"), nil)
	if read.str("object.sha") != commit.str("sha") || read.str("tagger.name") != "Bea b" || read.str("tag") != "v1" {
		w.t.Errorf("the tag is %s", read)
	}
	if tags := w.api("", "GET", widget+"/tags", nil); tags.str("0.commit.sha") != commit.str("sha") {
		w.t.Errorf("tags are %s", tags)
	}
	if ref := w.api("", "GET", widget+"/git/ref/tags/v1", nil); ref.str("object.type") != "tag" {
		w.t.Errorf("the tag's reference is %s", ref)
	}
	for _, name := range []string{"v1", "tags/v1", "refs/tags/v1", commit.str("sha"), commit.str("sha")[:8]} {
		if got := w.api("", "GET", widget+"/commits/"+name, nil); got.str("sha") != commit.str("sha") {
			w.t.Errorf("commits/%s is %s", name, got)
		}
	}
	w.want(w.api("", "GET", widget+"/git/tags/"+commit.str("sha"), nil), 404, "Not Found")
	w.want(w.api("", "GET", widget+"/git/commits/"+tree, nil), 404, "Not Found")
	w.want(w.api("", "GET", widget+"/commits/none", nil), 422, "No commit found for SHA: none")
}

// One of many makers of a reference wins, and one of many movers.
func TestRefRaces(t *testing.T) {
	eachGitWorld(t, func(w *gitWorld) {
		tip := w.put("f", "1", "")
		const racers = 8
		statuses := make(chan int, racers)
		race := func(method, path string, body func(i int) map[string]any) map[int]int {
			for i := range racers {
				go func() { statuses <- w.api("writer", method, widget+path, body(i)).status }()
			}
			count := map[int]int{}
			for range racers {
				count[<-statuses]++
			}
			return count
		}
		commits := make([]string, racers)
		for i := range commits {
			commits[i] = w.api("writer", "POST", widget+"/git/commits", map[string]any{
				"message": fmt.Sprint("racer ", i), "tree": emptyTree, "parents": []string{tip},
			}).str("sha")
		}
		got := race("POST", "/git/refs", func(i int) map[string]any {
			return map[string]any{"ref": "refs/claims/one", "sha": commits[i]}
		})
		if diff := cmp.Diff(map[int]int{201: 1, 422: racers - 1}, got); diff != "" {
			w.t.Errorf("creating (-want +got):\n%s", diff)
		}
		w.want(w.api("writer", "POST", widget+"/git/refs", map[string]any{"ref": "refs/claims/two", "sha": tip}), 201, "")
		got = race("PATCH", "/git/refs/claims/two", func(i int) map[string]any { return map[string]any{"sha": commits[i]} })
		if diff := cmp.Diff(map[int]int{200: 1, 422: racers - 1}, got); diff != "" {
			w.t.Errorf("moving (-want +got):\n%s", diff)
		}
	})
}
