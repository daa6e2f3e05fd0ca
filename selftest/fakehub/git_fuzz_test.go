package fakehub

import (
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// sameCommit compares what a commit means: instants and offsets, not locations.
func sameCommit() cmp.Options {
	return cmp.Options{
		cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) && a.Format("-0700") == b.Format("-0700") }),
		cmpopts.EquateEmpty(),
	}
}

// A commit that was read and written again is read as the same.
func FuzzParseCommit(f *testing.F) {
	const head = "tree " + emptyTree + "\n"
	f.Add([]byte(head + "parent " + zeroOID + "\nauthor A <a@b> 1700000000 +0130\ncommitter B <> 0 -0000\ngpgsig -----X\n line\n  two\n\nsubject\n\nbody\n"))
	f.Add([]byte(head + "author no email\ncommitter x <a<b>c> 99999999999999999999 +9999\n\n"))
	f.Add([]byte(head + "author A <a> -5 +01\n mergetag\n\n\n\n"))
	f.Add([]byte("tree x\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		first, err := parseCommit("x", data)
		if err != nil {
			return
		}
		second, err := parseCommit("x", first.raw())
		if err != nil {
			t.Fatalf("a commit that was read is written as %q: %v", first.raw(), err)
		}
		third, err := parseCommit("x", second.raw())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(second, third, sameCommit()); diff != "" {
			t.Errorf("written and read again (-second +third):\n%s", diff)
		}
	})
}

func FuzzParseTag(f *testing.F) {
	f.Add([]byte("object " + emptyTree + "\ntype tree\ntag v1\ntagger A <a> 1 +0000\n\nmessage\n"))
	f.Add([]byte("object x\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		first, err := parseTag("x", data)
		if err != nil {
			return
		}
		if _, err := parseTag("x", first.raw()); err != nil {
			t.Errorf("a tag that was read is written as %q: %v", first.raw(), err)
		}
	})
}

func FuzzParseTree(f *testing.F) {
	sha := strings.Repeat("\x01", 20)
	f.Add([]byte("100644 a\x00" + sha + "40000 b\x00" + sha))
	f.Add([]byte("100644 a\x00short"))
	f.Add([]byte("1 a\x00" + sha))
	f.Fuzz(func(t *testing.T, data []byte) {
		first, err := parseTree("x", data)
		if err != nil {
			return
		}
		again, err := parseTree("x", rawTree(first))
		if err != nil {
			t.Fatal(err)
		}
		less := func(a, b gitEntry) bool { return a.Name+a.Mode+a.SHA < b.Name+b.Mode+b.SHA }
		if diff := cmp.Diff(first, again, cmpopts.SortSlices(less)); diff != "" {
			t.Errorf("written and read again (-first +again):\n%s", diff)
		}
	})
}

// What passes for the name of a reference is what git itself takes.
func FuzzRefName(f *testing.F) {
	for _, name := range []string{
		"refs/heads/main", "refs/heads/a/b", "refs/x", "heads/x", "refs/heads/", "refs/heads//x", "refs/heads/.x", "refs/heads/x.lock",
		"refs/heads/x.lock/y", "refs/heads/a..b", "refs/heads/a@{b", "refs/heads/@", "refs/heads/a b", "refs/heads/a~", "refs/heads/a^",
		"refs/heads/a:", "refs/heads/a?", "refs/heads/a*", "refs/heads/[a", "refs/heads/a\\", "refs/heads/a.", "refs/heads/a\x7f",
		"refs/heads/a\nb", "refs/heads/\xff", "refs/heads/ä", "refs/heads/../../etc/passwd", "refs/heads/-x", "refs//heads/x", "refs/heads/x/",
	} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if strings.ContainsRune(name, 0) || len(name) > 1000 || !strings.HasPrefix(name, "refs/") || strings.Count(name, "/") < 2 {
			if checkRefName(name) == nil {
				t.Errorf("%q is taken", name)
			}
			return
		}
		cmd := exec.CommandContext(t.Context(), "git", "check-ref-format", name)
		if theirs, ours := cmd.Run() == nil, checkRefName(name) == nil; theirs != ours {
			t.Errorf("git takes %q: %v, we: %v", name, theirs, ours)
		}
	})
}

// No path that is taken leads out of the repository or into its .git.
func FuzzCheckPath(f *testing.F) {
	for _, path := range []string{"a", "a/b", "../a", "a/../../b", "/a", "a//b", ".", "a/.", ".git/config", "a/.GIT", "git~1/x", "a\\..\\b", "a\x00b", "", "a/"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		if checkPath(path) != nil {
			return
		}
		if !filepath.IsLocal(path) || filepath.Clean(path) != path || strings.ContainsRune(path, 0) {
			t.Errorf("%q is taken", path)
		}
		for part := range strings.SplitSeq(path, "/") {
			if strings.EqualFold(part, ".git") {
				t.Errorf("%q is taken", path)
			}
		}
	})
}

// What passes for a request of git's names one repository and one service.
func FuzzGitPath(f *testing.F) {
	f.Add("GET", "/acme/widget.git/info/refs", "service=git-upload-pack")
	f.Add("POST", "/acme/widget/git-receive-pack", "")
	f.Add("POST", "/acme/../git-receive-pack", "")
	f.Add("GET", "//x/info/refs", "service=git-receive-pack;x")
	f.Fuzz(func(t *testing.T, method, path, query string) {
		r := &http.Request{Method: method, URL: &url.URL{Path: path, RawQuery: query}}
		name, service, ok := gitPath(r)
		if !ok {
			return
		}
		if strings.Count(name, "/") != 1 || service != uploadPack && service != receivePack {
			t.Errorf("%s %q is %q of %q", method, path, service, name)
		}
	})
}

func FuzzParseDiff(f *testing.F) {
	f.Add([]byte(":100644 100644 "+zeroOID+" "+emptyTree+" M\x00a\x001\t2\ta\x00"), []byte("diff --git a/a b/a\n@@ -1 +1 @@\n-a\n+b\n"))
	f.Add([]byte(":100644 100644 "+zeroOID+" "+emptyTree+" R90\x00a\x00b\x00-\t-\t\x00a\x00b\x00"), []byte("diff --git a/a b/b\nBinary files differ\n"))
	f.Add([]byte(":::: T\x00"), []byte("@@ \n"))
	f.Fuzz(func(t *testing.T, list, text []byte) {
		changes, kinds, err := parseDiffList(list)
		if err != nil {
			return
		}
		if len(changes) != len(kinds) {
			t.Fatalf("%d changes of %d kinds", len(changes), len(kinds))
		}
		givePatches(changes, kinds, splitPatches(text))
	})
}

func FuzzClosingReferences(f *testing.F) {
	f.Add("Fixes #1, closes a/b#2")
	f.Fuzz(func(t *testing.T, text string) {
		for _, ref := range closingReferences(text) {
			if ref.number < 1 || strings.Count(ref.repo, "/") > 1 {
				t.Errorf("%q refers to %v", text, ref)
			}
		}
	})
}

func FuzzReadCGI(f *testing.F) {
	f.Add("Status: 404 Not Found\r\nContent-Type: text/plain\r\n\r\nbody")
	f.Add("Status: 0\r\n\r\n")
	f.Add("Content-Type: x\n\n0008NAK\n")
	f.Fuzz(func(t *testing.T, out string) {
		c := &collector{header: http.Header{}, status: http.StatusOK}
		if err := copyCGI(c, strings.NewReader(out)); err == nil && (c.status < 200 || c.status > 599) {
			t.Errorf("status %d", c.status)
		}
	})
}
