package fakehub

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAgo(t *testing.T) {
	now := time.Date(2026, 10, 18, 12, 0, 0, 0, time.UTC)
	for ago, want := range map[time.Duration]string{
		-time.Minute: "just now", 0: "just now", 9 * time.Second: "just now", 44 * time.Second: "44 seconds ago", time.Minute: "1 minute ago",
		3*time.Minute + 59*time.Second: "3 minutes ago", time.Hour: "1 hour ago", 23 * time.Hour: "23 hours ago", 24 * time.Hour: "1 day ago",
		29 * 24 * time.Hour: "29 days ago", 40 * 24 * time.Hour: "on Sep 8", 400 * 24 * time.Hour: "on Sep 13, 2025",
	} {
		if got := (timeView{now.Add(-ago), now}).Ago(); got != want {
			t.Errorf("%v is %q, want %q", ago, got, want)
		}
	}
}

func TestMarkdown(t *testing.T) {
	h := newHub(t, Options{})
	r := h.s.repos["acme/widget"]
	for in, want := range map[string]string{
		"a\nb":                   "<p>a<br>\nb</p>",
		"* [x] po-refresh":       "<ul>\n<li><input checked=\"\" disabled=\"\" type=\"checkbox\"> po-refresh</li>\n</ul>",
		"* [ ] one":              "<ul>\n<li><input disabled=\"\" type=\"checkbox\"> one</li>\n</ul>",
		"see #1, @bot.":          `<p>see <a href="/acme/widget/issues/1" rel="nofollow noreferrer">#1</a>, <a href="/bot" rel="nofollow noreferrer">@bot</a>.</p>`,
		"a#1 `#2` me@x":          "<p>a#1 <code>#2</code> me@x</p>",
		"[#3](https://x.test)":   `<p><a href="https://x.test" rel="nofollow noreferrer">#3</a></p>`,
		"https://x.test/a?b":     `<p><a href="https://x.test/a?b" rel="nofollow noreferrer">https://x.test/a?b</a></p>`,
		"<script>x</script>y":    "y",
		"**b** ~~s~~ <b>c</b>":   "<p><strong>b</strong> <del>s</del> <b>c</b></p>",
		"[x](javascript:y)":      "<p>x</p>",
		"![i](https://x.test/i)": "<p></p>",
		"\xff":                   "<p>\uFFFD</p>",
	} {
		if diff := cmp.Diff(want, strings.TrimSpace(string(r.markdown(in)))); diff != "" {
			t.Errorf("%q (-want +got):\n%s", in, diff)
		}
	}
	if got := r.markdown(strings.Repeat("a", 2*markdownSize)); len(got) > markdownSize+100 {
		t.Errorf("a text without end is rendered in %d bytes", len(got))
	}
}

func TestWebLink(t *testing.T) {
	for in, want := range map[string]string{
		"http://x.test/a": "http://x.test/a", "https://x.test": "https://x.test", "javascript:alert(1)": "", "//x.test": "", "/etc": "", "": "",
		"ftp://x.test": "", "https:x": "", "HTTPS://x.test/": "https://x.test/", "http://[::1": "", "data:text/html,x": "",
	} {
		if got := webLink(&in); got != want {
			t.Errorf("%q leads to %q, want %q", in, got, want)
		}
	}
	if got := webLink(nil); got != "" {
		t.Errorf("nothing leads to %q", got)
	}
}

func TestPatchLines(t *testing.T) {
	got, cut := patchLines("@@ -3,3 +3,4 @@ func f\n a\n-b\n+c\n+d\n e\n\\ No newline at end of file\n")
	want := []lineView{
		{Kind: "hunk", Text: "@@ -3,3 +3,4 @@ func f"},
		{Kind: "same", Text: " a", Old: "3", New: "3"},
		{Kind: "del", Text: "-b", Old: "4"},
		{Kind: "add", Text: "+c", New: "4"},
		{Kind: "add", Text: "+d", New: "5"},
		{Kind: "same", Text: " e", Old: "5", New: "6"},
		{Kind: "note", Text: `\ No newline at end of file`},
	}
	if diff := cmp.Diff(want, got); diff != "" || cut {
		t.Errorf("cut %v (-want +got):\n%s", cut, diff)
	}
	if got, cut := patchLines(strings.Repeat("+\n", maxDiffLines+1)); len(got) != maxDiffLines || !cut {
		t.Errorf("%d lines of a long patch, cut %v", len(got), cut)
	}
}

// TestChecksWords is how the box below a pull request sums up.
func TestChecksWords(t *testing.T) {
	for states, want := range map[string]string{
		"success":                 "All checks have passed: 1 successful check",
		"success success":         "All checks have passed: 2 successful checks",
		"pending":                 "Some checks haven’t completed yet: 1 pending check",
		"failure error":           "All checks have failed: 2 failing checks",
		"failure success":         "Some checks were not successful: 1 failing and 1 successful checks",
		"failure pending success": "Some checks haven’t completed yet: 1 failing, 1 pending and 1 successful checks",
	} {
		c := &checksView{}
		for state := range strings.FieldsSeq(states) {
			c.Rows = append(c.Rows, checkView{State: state})
		}
		c.summarize()
		if got := c.Title + ": " + c.Summary; got != want {
			t.Errorf("%s: %q, want %q", states, got, want)
		}
	}
}

// FuzzMarkdown looks for anything that a browser would run.
func FuzzMarkdown(f *testing.F) {
	for _, s := range []string{
		"* [x] a", "<script>alert(1)</script>", "[a](javascript:b)", "<img src=x onerror=y>", "#1 @a `b`", "| a |\n|---|\n| <b onclick=x>c</b> |",
		"<a href=\"jav&#x09;ascript:alert(1)\">x</a>", "<svg><script>x</script></svg>", "<details open ontoggle=x>", "```\n<script>\n```", "\x00<\xff",
	} {
		f.Add(s)
	}
	r := &repo{owner: &user{login: "acme"}, name: "widget"}
	f.Fuzz(func(t *testing.T, s string) { checkHarmless(t, s, string(r.markdown(s))) })
}

// FuzzPatchLines shows any patch.
func FuzzPatchLines(f *testing.F) {
	f.Add("@@ -1 +1 @@\n-a\n+b\n")
	f.Add("@@ -99999999999999999999 +x @@\n+\xff\n\\")
	f.Fuzz(func(t *testing.T, s string) {
		if lines, _ := patchLines(s); len(lines) > maxDiffLines {
			t.Errorf("%d lines", len(lines))
		}
	})
}
