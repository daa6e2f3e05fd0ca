package deps

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPlain(t *testing.T) {
	for text, want := range map[string]string{
		"use example.com/b":                        "use example.com/b",
		"Fixes #12, closes acme/widget#3":          "Fixes 12, closes acme/widget 3",
		"fixes https://github.com/a/b/issues/1":    "fixes https github.com/a/b/issues/1",
		"closes GH-7 and gh-8":                     "closes gh 7 and gh 8",
		"hello @ada\n\nCo-authored-by: x <x@y>":    "hello ada Co-authored-by: x x y",
		"[skip ci] `rm` <b>":                       "skip ci rm b",
		"\x1b[31mred\x00 \u202eback \u200bunseen":  "31mred back unseen",
		"\xff" + strings.Repeat("ä", 30) + "12345": strings.Repeat("ä", 30) + "12345",
	} {
		if got := Plain(text, 50); got != want {
			t.Errorf("Plain(%q) = %q, want %q", text, got, want)
		}
	}
	if got := Plain(strings.Repeat("ä", 60), 50); got != strings.Repeat("ä", 50)+"…" {
		t.Errorf("cut to %q", got)
	}
}

func FuzzPlain(f *testing.F) {
	for _, s := range []string{"a@b", "#1", "GH-1", "g\u200bh-1", "https://x", ":\u200b//", "a\nb", "\u202e", "GH@-1", "[skip ci]"} {
		f.Add(s)
	}
	bad := regexp.MustCompile(`(?i)[@#\[\]<>\x00-\x1f]|://|\bgh-\d`)
	f.Fuzz(func(t *testing.T, text string) {
		got := Plain(text, 40)
		if bad.MatchString(got) || !utf8.ValidString(got) || utf8.RuneCountInString(got) > 41 {
			t.Errorf("Plain(%q) = %q", text, got)
		}
	})
}

func TestVersions(t *testing.T) {
	ordered := []string{"v0.0.0-20200101000000-abcdefabcdef", "v0.1.0", "v1.0.0-1", "v1.0.0-2", "v1.0.0-10", "v1.0.0-alpha", "v1.0.0-alpha.1", "v1.0.0-rc.1", "v1.0.0", "v1.0.10", "v1.2.0", "v2.0.0"}
	for i, a := range ordered {
		for j, b := range ordered {
			x, ok := parseVersion(a)
			y, ok2 := parseVersion(b)
			if c := x.compare(y); !ok || !ok2 || (c < 0) != (i < j) || (c == 0) != (i == j) {
				t.Errorf("%s and %s: %d", a, b, c)
			}
		}
	}
	for _, text := range []string{"", "v1", "1.2", "v1.2.3.4", "^1.2.3", "v1.02.3", "v1.-2.3", "v1.+2.3", "*", "latest", "v1.2.99999999999999999999"} {
		if v, ok := parseVersion(text); ok {
			t.Errorf("%q is %+v", text, v)
		}
	}
	for _, row := range []struct {
		from, to      string
		major, strict bool
		want          bool
	}{
		{"v1.2.0", "v1.3.0", false, false, true}, {"v1.2.0", "v1.2.0", false, false, false}, {"v1.2.0", "v1.1.0", true, false, false},
		{"v1.2.0", "v2.0.0", false, false, false}, {"v1.2.0", "v2.0.0", true, false, true}, {"v0.9.0", "v1.0.0", false, false, false},
		{"v1.2.0", "v1.3.0-rc.1", true, false, false}, {"v1.3.0-rc.1", "v1.3.0", false, false, true}, {"v0.1.0", "v0.2.0", false, false, true},
		{"0.1.0", "0.2.0", false, true, false}, {"0.1.0", "0.1.1", false, true, true}, {"1.1.0", "1.2.0", false, true, true},
		{"v1.2.0", "v2.0.0+incompatible", true, false, false}, {"v2.0.0+incompatible", "v2.1.0+incompatible", false, false, true},
	} {
		from, _ := parseVersion(row.from)
		to, _ := parseVersion(row.to)
		if got := from.newer(to, row.major, row.strict); got != row.want {
			t.Errorf("%+v: got %v", row, got)
		}
	}
}

func TestWords(t *testing.T) {
	for _, good := range []string{"go", "major", "golang.org/x/*", "@types/node", "*/text", "left-pad"} {
		if err := CheckWord(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{"", "*", "**", "-x", "--proxy=x", "a b", "a@latest", "$(x)", "../x", strings.Repeat("x", 300)} {
		if CheckWord(bad) == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	if !matches([]string{"golang.org/x/*"}, "golang.org/x/text") || matches([]string{"golang.org/x/*"}, "golangXorg/x/text") || matches([]string{"a"}, "ab") {
		t.Error("patterns")
	}
	if !slices.Equal(read([]string{"go", "x/y", "major"}).names, []string{"x/y"}) {
		t.Error("arguments")
	}
}
