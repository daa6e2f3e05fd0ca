package hub

import (
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParseRepo(t *testing.T) {
	for _, good := range []string{"acme/widget", "a-b/c.d_e", "Acme/.github", "emu_corp/x"} {
		r, err := ParseRepo(good)
		if err != nil || r.String() != good {
			t.Errorf("ParseRepo(%q) = %v, %v", good, r, err)
		}
	}
	for _, bad := range []string{
		"", "acme", "/", "acme/", "/widget", "acme/widget/x", "acme/..", "acme/.", "acme/wid get", "acme/wid\nget",
		"ac%2fme/x", "-c/x?y", "acme/ü", "acme/x#y", strings.Repeat("a", 101) + "/b",
	} {
		if r, err := ParseRepo(bad); err == nil {
			t.Errorf("ParseRepo(%q) = %v, want an error", bad, r)
		}
	}
}

func FuzzParseRepo(f *testing.F) {
	for _, s := range []string{"acme/widget", "../..", "a/b/c", "a/%2e%2e", "a\x00/b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseRepo(s)
		if err != nil {
			return
		}
		u, err := url.Parse("https://hub.test/repos/" + r.String() + "/issues")
		if err != nil || u.EscapedPath() != "/repos/"+s+"/issues" || u.RawQuery != "" {
			t.Errorf("%q is taken and makes the address %v (%v)", s, u, err)
		}
		if clean := u.JoinPath().Path; strings.Count(clean, "/") != 4 {
			t.Errorf("%q is taken and cleans to %q", s, clean)
		}
	})
}

func TestValidRef(t *testing.T) {
	for _, good := range []string{"refs/heads/main", "refs/claims/a1b2", "refs/heads/bot/12-po-x", "refs/heads/ü"} {
		if !validRef(good) {
			t.Errorf("%q is refused", good)
		}
	}
	for _, bad := range []string{
		"", "main", "heads/main", "refs/main", "refs/heads/", "refs/heads/a..b", "refs/heads/a b", "refs/heads/a.lock", "refs/heads/.a",
		"refs/heads//a", "refs/heads/a~1", "refs/heads/a?b", "refs/heads/a@{1}", "refs/heads/a\n", "refs/heads/a.", "refs/../../x",
	} {
		if validRef(bad) {
			t.Errorf("%q is taken", bad)
		}
	}
}

func FuzzCut(f *testing.F) {
	f.Add("hällo\x1b[31m wörld", 3)
	f.Add("\xff\xfe", 1)
	f.Fuzz(func(t *testing.T, s string, n int) {
		n = min(max(n, 0), 1000)
		got := cut(s, n)
		if !utf8.ValidString(got) {
			t.Errorf("cut(%q, %d) = %q is no UTF-8", s, n, got)
		}
		if len(got) > 3*n+3 { // each bad byte may become a 3-byte rune
			t.Errorf("cut(%q, %d) has %d bytes", s, n, len(got))
		}
		if strings.ContainsFunc(got, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			t.Errorf("cut(%q, %d) = %q has control characters", s, n, got)
		}
	})
}
