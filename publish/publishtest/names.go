package publishtest

import (
	"bytes"
	"io/fs"
	"strings"
	"testing"

	"errors"

	"github.com/google/go-cmp/cmp"

	"github.com/cyborg-bots/cyborg/publish"
)

// hostileNames would leave a folder, hide, or mean different things on
// different stores.
func hostileNames(at string) []string {
	return []string{
		"", "/", ".", "..", "../x", at + "/../../x", at + "/..", at + "/./x", at + "//x", "/" + at, at + "/",
		at + "/.hidden", at + "/.git/config", at + `/..\x`, at + "/a\x00b", at + "/a\nb", at + "/a\x1b[2Jb", at + "/a\xff",
		at + "/a\u202eb", at + "/" + strings.Repeat("x", 256), at + strings.Repeat("/xxxxxxxxx", 103),
	}
}

func hostile(t *testing.T, s publish.Store, at string) {
	for _, name := range hostileNames(at) {
		if err := s.Put(t.Context(), name, strings.NewReader("x"), publish.Meta{}); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("put %q: %v, want ErrInvalid", name, err)
		}
		r, err := s.Get(t.Context(), name)
		if err == nil {
			r.Close()
		}
		if !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("get %q: %v, want ErrInvalid", name, err)
		}
		if err := s.Delete(t.Context(), name); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("delete %q: %v, want ErrInvalid", name, err)
		}
	}
	if left := names(t, s, at); len(left) != 0 {
		t.Errorf("something was stored: %q", left)
	}
}

// OddNames are unusual, harmless, and distinct on every store.
func OddNames(at string) []string {
	var list []string
	for _, n := range []string{
		" ", "!", "a b", "a'b", `a"b`, "a$(x)b", "a%2fb", "a%2e%2e", "a&b=c", "a+b", "a..b", "a:b", "a;b", "a<script>b", "a?b", "a#b",
		"a@b", "a*b", "a|b", "a~b", "a\u00e4b", "a\u2603b", "a\U0001f600b", strings.Repeat("n", 255), "x/y z/%/&.txt",
	} {
		list = append(list, at+"/"+n)
	}
	return list
}

func odd(t *testing.T, s publish.Store, at string) {
	want := OddNames(at)
	for _, name := range want {
		put(t, s, name, []byte(name))
	}
	for _, name := range want {
		if got := get(t, s, name); !bytes.Equal(got, []byte(name)) {
			t.Errorf("%q holds %q", name, got)
		}
	}
	got := names(t, s, at)
	if diff := cmp.Diff(sorted(want), got); diff != "" {
		t.Errorf("listed (-want +got):\n%s", diff)
	}
	for _, name := range want {
		if err := s.Delete(t.Context(), name); err != nil {
			t.Errorf("delete %q: %v", name, err)
		}
	}
	if left := names(t, s, at); len(left) != 0 {
		t.Errorf("left: %q", left)
	}
}
